"""`pct delsnapshot`: forget a snapshot; what came after it follows on what was before."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve import lock
from fake_pve.errors import CommandFailed
from fake_pve.lxc import mountpoint, power
from fake_pve.pct.snapshot import as_task
from fake_pve.storage import volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf


def run(call: Call) -> None:
    """With `--force` a volume that cannot forget the snapshot does not stop it."""
    vmid, name = call.params["vmid"], call.params["snapname"]
    with as_task(), lock.guest_lock(call.node, "lxc", vmid):
        conf = conf_files.load(call.node, "lxc", vmid)
        if name not in conf.snapshots:
            raise CommandFailed(f"snapshot '{name}' does not exist")
        power.check_lock(conf)
        for _, volid in mountpoint.volumes(conf.snapshots[name].options):
            drop(call, volid, name)
        unlink(conf, name)
        power.save(call, vmid, conf)


def drop(call: Call, volid: str, name: str) -> None:
    """Forget the snapshot of one volume."""
    try:
        volume.snapshot_delete(call, volid, name)
    except CommandFailed as problem:
        if not call.flag("force"):
            raise
        call.out(problem.message)


def unlink(conf: Conf, name: str) -> None:
    """Take the snapshot out of the chain of parents."""
    gone = conf.snapshots.pop(name)
    for options in (conf.options, *(section.options for section in conf.snapshots.values())):
        if options.get("parent") == name:
            del options["parent"]
            if "parent" in gone.options:
                options["parent"] = gone.options["parent"]
