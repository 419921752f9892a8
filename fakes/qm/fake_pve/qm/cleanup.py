"""`qm cleanup <vmid> <clean-shutdown> <guest-requested>`: the node calls it when a machine has ended."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve import power, runtime
from fake_pve.errors import CommandFailed
from fake_pve.lock import guest_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Let pending changes take effect; nothing to do for an ID that is no machine's any more."""
    vmid = call.params["vmid"]
    if not confs.exists(call.node, "qemu", vmid):
        return
    with guest_lock(call.node, "qemu", vmid):
        if runtime.running(call.node, "qemu", vmid):
            raise CommandFailed("vm still running")
        power.clean_up(call, vmid, confs.load(call.node, "qemu", vmid))
