"""`qm disk rescan`: note new sizes of disks and volumes that no configuration names (qm-disk-014)."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve import sizes as size_texts
from fake_pve.errors import CommandFailed
from fake_pve.lock import guest_lock
from fake_pve.storage import config, volume
from fake_pve.vm import drive as drives
from fake_pve.vm import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf

Sizes = dict[str, int]


def run(call: Call) -> None:
    """One VM or all of them; with --dryrun only say what would change."""
    dry = call.flag("dryrun")
    if dry:
        call.out("NOTE: running in dry-run mode, won't write changes out!")
    call.out("rescan volumes...")
    vmid = call.params.get("vmid")
    found = sizes_by_guest(call)
    for guest in [vmid] if vmid else [str(number) for number in confs.guests(call.node, "qemu")]:
        with guest_lock(call.node, "qemu", guest):
            rescan(call, guest, found.get(int(guest), {}), dry)


def sizes_by_guest(call: Call) -> dict[int, Sizes]:
    """Guest -> volume id -> size in bytes, of all usable storages that may hold images."""
    found: dict[int, Sizes] = {}
    for storage in config.load(call.node).values():
        if storage.disabled or not config.on_this_node(call.node, storage) or "images" not in storage.content:
            continue
        try:
            listed = volume.list_volumes(call.node, storage.id, None, "images")
        except CommandFailed as problem:
            call.err(problem.message)
            continue
        for entry in listed:
            if entry.vmid is not None:
                found.setdefault(entry.vmid, {})[entry.volid] = entry.size
    return found


def rescan(call: Call, vmid: str, sizes: Sizes, dry: bool) -> None:
    """Bring one VM's configuration up to date."""
    conf = confs.load(call.node, "qemu", vmid)
    lines = update_sizes(conf, sizes) + drop_attached(conf) + add_found(conf, vmid, sizes)
    for line in lines:
        call.out(f"VM {vmid} {line}")
    if lines and not dry:
        confs.save(call.node, "qemu", vmid, conf)


def update_sizes(conf: Conf, sizes: Sizes) -> list[str]:
    """Correct `size=` of disks whose volume has another size -> what to say."""
    said = []
    for name, drive in drives.each(conf.options):
        size = sizes.get(drive["file"])
        if size is None or drives.is_cdrom(drive):
            continue
        new, old = size_texts.text(size), drive.get("size", "0T")
        if size_texts.parse(old) != size:
            drive["size"] = new
            conf.options[name] = drives.print_(drive)
            said.append(f"({name}): size of disk '{drive['file']}' updated from {old} to {new}")
    return said


def drop_attached(conf: Conf) -> list[str]:
    """Forget `unusedN` entries whose volume a drive has -> what to say."""
    attached = {drive["file"] for _, drive in drives.each(conf.options)}
    said = []
    for key in [key for key in drives.UNUSED if conf.options.get(key) in attached]:
        volid = conf.options.pop(key)
        said.append(f"remove entry '{key}', its volume '{volid}' is in use")
    return said


def add_found(conf: Conf, vmid: str, sizes: Sizes) -> list[str]:
    """Enter volumes that nothing names as `unusedN`; cloud-init volumes are left alone -> what to say."""
    said = []
    for volid in sorted(sizes):
        if f"vm-{vmid}-cloudinit" in volid or named(conf, volid):
            continue
        key = volumes.add_unused(conf.options, volid)
        said.append(f"add unreferenced volume '{volid}' as '{key}' to config")
    return said


def named(conf: Conf, volid: str) -> bool:
    """Whether the configuration or a snapshot in it has the volume."""
    for options in (conf.options, conf.pending, *(section.options for section in conf.snapshots.values())):
        if any(drive["file"] == volid for _, drive in drives.each(options, unused=True)):
            return True
    return False
