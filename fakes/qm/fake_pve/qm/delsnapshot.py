"""`qm delsnapshot <vmid> <snapname>` (qm-snapshot-001, qm-lvm-020)."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve.errors import CommandFailed
from fake_pve.lock import check_lock, guest_lock
from fake_pve.vm import snapshots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """A task: whatever goes wrong, the exit status is 255."""
    vmid, name = call.params["vmid"], call.params["snapname"]
    try:
        with guest_lock(call.node, "qemu", vmid):
            conf = confs.load(call.node, "qemu", vmid)
            if name not in conf.snapshots:
                raise snapshots.missing(name)
            check_lock(conf)
            snapshots.delete(call, conf, name, call.flag("force"))
            confs.save(call.node, "qemu", vmid, conf)
    except CommandFailed as problem:
        problem.status = 255 if problem.status < 64 else problem.status
        raise
