"""`pct rollback`: bring a container back to a snapshot."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve import lock
from fake_pve.errors import CommandFailed
from fake_pve.lxc import mountpoint, power
from fake_pve.pct.snapshot import as_task
from fake_pve.storage import config, volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf


def run(call: Call) -> None:
    """A running container is stopped first; `--start` starts it afterwards."""
    vmid, name = call.params["vmid"], call.params["snapname"]
    with as_task():
        with lock.guest_lock(call.node, "lxc", vmid):
            conf = conf_files.load(call.node, "lxc", vmid)
            check(call, conf, name)
            if power.is_running(call.node, vmid):
                power.stop(call, vmid)
            back(call, vmid, conf, name)
        if call.flag("start"):
            power.start(call, vmid)


def check(call: Call, conf: Conf, name: str) -> None:
    """It is no template, the snapshot exists, and every storage of it can be used."""
    if conf.options.get("template") == "1":
        raise CommandFailed("you can't rollback if vm is a template")
    if name not in conf.snapshots:
        raise CommandFailed(f"snapshot '{name}' does not exist")
    power.check_lock(conf)
    for _, volid in mountpoint.volumes(conf.snapshots[name].options):
        config.usable(call.node, volume.split(volid)[0])


def back(call: Call, vmid: str, conf: Conf, name: str) -> None:
    """Volumes that the snapshot does not know become unused ones."""
    section = conf.snapshots[name]
    conf.options["lock"] = "rollback"  # stays where a volume cannot go back (pct-snapshot2-004)
    power.save(call, vmid, conf)
    before = list(mountpoint.volumes(conf.options))
    kept = {volid for _, volid in mountpoint.volumes(section.options)}
    unused = {key: conf.options[key] for key in mountpoint.unused(conf.options)}
    conf.options = {k: v for k, v in section.options.items() if k not in ("snaptime", "parent")} | unused
    conf.options["parent"] = name
    conf.raw = list(section.raw)
    for _, volid in before:
        if volid not in kept:
            mountpoint.add_unused(conf, volid)
    conf.pending, conf.pending_delete, conf.pending_description = {}, {}, None
    for volid in kept:
        volume.snapshot_rollback(call, volid, name)
    power.save(call, vmid, conf)
