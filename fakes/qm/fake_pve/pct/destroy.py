"""`pct destroy`: remove a container and its volumes."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve import firewall, ha, lock, pools
from fake_pve.errors import CommandFailed
from fake_pve.lxc import changes, disks, guest, mountpoint, power
from fake_pve.storage import config, volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf


def run(call: Call) -> None:
    """`--force` stops a running container first; `--purge` says that it also looked elsewhere (pct-destroy-004)."""
    vmid = call.params["vmid"]
    conf = conf_files.load(call.node, "lxc", vmid)
    try:
        changes.check_protection(conf, f"can't remove CT {vmid}")
        power.check_lock(conf)
    except CommandFailed as problem:  # a look for the time zone's file leaves 25 in errno (pct-walk-060)
        problem.status = 25 if "/" in conf.options.get("timezone", "") else problem.status
        raise
    if not call.flag("purge") and ha.is_managed(call.node, "lxc", vmid):
        raise CommandFailed(f"unable to remove CT {vmid} - used in HA resources and purge parameter not set.")
    if power.is_running(call.node, vmid):
        if not call.flag("force"):
            raise CommandFailed(f"unable to destroy CT {vmid} - container is running")
        call.out(f"forced to stop CT {vmid} before destroying!")
        power.stop(call, vmid)
    with lock.guest_lock(call.node, "lxc", vmid):
        remove(call, vmid, conf_files.load(call.node, "lxc", vmid))


def remove(call: Call, vmid: str, conf: Conf) -> None:
    """The volumes, then what else there is of the container, its configuration last."""
    for volid in referenced(conf):
        if not disks.free_own(call, vmid, volid):
            call.out(f"ignore deletion of '{volid}', CT {vmid} isn't the owner!")
    if call.flag("destroy-unreferenced-disks"):
        free_unreferenced(call, vmid)
    guest.forget(call.node, vmid)
    pools.remove(call.node, vmid)
    firewall.remove(call.node, vmid)
    if call.flag("purge"):
        purge(call, vmid)
    conf_files.remove(call.node, "lxc", vmid)


def purge(call: Call, vmid: str) -> None:
    """Take the container out of backup jobs and HA resources."""
    from fake_pve.vm import jobs  # only with --purge

    call.out(f"purging CT {vmid} from related configurations..")
    jobs.remove_from_backups(call.node, vmid)
    if jobs.remove_from_ha(call.node, vmid, "ct"):
        call.out(f"NOTE: removed CT {vmid} from HA resource configuration.")


def referenced(conf: Conf) -> list[str]:
    """All volumes that the configuration names, each once: mounted, unused, pending, in snapshots."""
    found = [volid for _, volid in mountpoint.volumes(conf.options)]
    found += [mountpoint.volume(conf.options[key]) for key in mountpoint.unused(conf.options)]
    for options in (conf.pending, *(section.options for section in conf.snapshots.values())):
        found += [volid for _, volid in mountpoint.volumes(options) if mountpoint.new_size(volid) is None]
    return list(dict.fromkeys(found))


def free_unreferenced(call: Call, vmid: str) -> None:
    """Volumes of this ID on all usable storages (pct-destroy-005)."""
    for storage in config.load(call.node).values():
        holds_guests = "rootdir" in storage.content or "images" in storage.content
        if storage.disabled or not holds_guests or not config.on_this_node(call.node, storage):
            continue
        for found in volume.list_volumes(call.node, storage.id, int(vmid)):
            if found.type in ("rootdir", "images"):
                volume.free(call, found.volid)
