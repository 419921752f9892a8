"""`qm status <vmid>`: one line; `--verbose` everything that is known (qm-status-001, qm-suspend-001)."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve import runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Print the power state; a paused machine is `paused` here, though `qm list` says `running`."""
    vmid = call.params["vmid"]
    conf = confs.load(call.node, "qemu", vmid)
    if call.flag("verbose"):
        from fake_pve import vmstatus  # only for the long form

        call.write(vmstatus.print_tree(vmstatus.details(call.node, vmid, conf)))
        return
    power = runtime.read(call.node, "qemu", vmid)
    call.out("status: " + ("stopped" if power is None else "paused" if power.paused else "running"))
