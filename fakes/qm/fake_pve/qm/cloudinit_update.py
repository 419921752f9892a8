"""`qm cloudinit update <vmid>`: write the cloud-init drive anew, also while the guest runs."""

from __future__ import annotations

from fake_pve import cloudinit
from fake_pve import conf as conf_file
from fake_pve.lock import guest_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """A guest without such a drive is no error (qm-walk-093)."""
    vmid = call.params["vmid"]
    with guest_lock(call.node, "qemu", vmid):
        conf = conf_file.load(call.node, "qemu", vmid)
        cloudinit.generate(call, vmid, conf)
