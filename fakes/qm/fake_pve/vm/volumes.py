"""Volumes of a VM as its configuration names them: unused ones, shared ones, and copies of them."""

from __future__ import annotations

from fake_pve import runtime, sizes
from fake_pve.errors import CommandFailed
from fake_pve.storage import config, volume
from fake_pve.vm import drive as drives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fake_pve.call import Call
    from fake_pve.conf import Conf
    from fake_pve.vm.drive import Drive

MODIFIED = "detected modified configuration - file changed by other user? Try again."


def add_unused(options: dict[str, str], volid: str) -> str:
    """Enter the volume under the first free `unusedN` -> that key; one that is there already keeps its own."""
    for key in drives.UNUSED:
        if options.get(key) == volid:
            return key
    for key in drives.UNUSED:
        if key not in options:
            options[key] = volid
            return key
    raise CommandFailed("Too many unused volumes - please delete them first.")


def disks(options: Mapping[str, str]) -> Iterator[tuple[str, Drive]]:
    """The drives that hold a volume of the guest's own: neither a CD nor cloud-init nor a device path nor `none`."""
    for name, drive in drives.each(options):
        if not drives.is_cdrom(drive) and ":" in drive["file"] and not drive["file"].startswith("/"):
            yield name, drive


def in_snapshot(conf: Conf, volid: str) -> bool:
    """Whether a snapshot still needs the volume."""
    return any(
        drive["file"] == volid for section in conf.snapshots.values() for _, drive in drives.each(section.options)
    )


def check_digest(call: Call, conf: Conf) -> None:
    """`--digest` must be that of the configuration as it is."""
    wanted = call.params.get("digest")
    if wanted is not None:
        from fake_pve import conf as confs  # hashing only when asked for

        if wanted != confs.digest(conf):
            raise CommandFailed(MODIFIED)


def target_format(call: Call, storage_id: str, source: str | None, wanted: str | None) -> str:
    """The format of a copy: the wanted one, else the source volume's, if the storage can do it, else its default."""
    storage = config.get(call.node, storage_id)
    if wanted is None and source is not None:
        wanted = volume.locate(call.node, source)[1].format
    return wanted if wanted in volume.valid_formats(storage) else volume.default_format(storage)


def full_clone(
    call: Call, name: str, drive: Drive, vmid: str, storage_id: str | None = None, format_: str | None = None
) -> Drive:
    """A copy of the drive's volume for guest `vmid` -> the drive that has it (qm-clone-001, qm-disk-012)."""
    source = drive["file"]
    if not drives.is_cloudinit(drive):
        volume.present(call.node, source)
    call.out(f"create full clone of drive {name} ({source})")
    target = storage_id or volume.split(source)[0]
    chosen = target_format(call, target, source, format_)
    if drives.is_cloudinit(drive):
        return with_volume(call, drive, empty_cloudinit(call, target, vmid, chosen))
    if name == "efidisk0":
        return with_volume(call, drive, efi_copy(call, drive, target, vmid, chosen))
    return with_volume(call, drive, volume.copy(call, source, target, vmid, chosen))


def empty_cloudinit(call: Call, storage_id: str, vmid: str, format_: str) -> str:
    """A new cloud-init volume; it is filled at the next start -> its id."""
    suffix = f".{format_}" if config.get(call.node, storage_id).type == "dir" else ""
    volid = volume.alloc(call, storage_id, vmid, format_, f"vm-{vmid}-cloudinit{suffix}", 4096)
    call.out(f"allocated target volume '{volid}'")
    return volid


def efi_copy(call: Call, drive: Drive, storage_id: str, vmid: str, format_: str) -> str:
    """A copy of the firmware's variables, which have a size of their own whatever the source's volume has -> its id."""
    from fake_pve.storage import copying  # only for guests with UEFI
    from fake_pve.vm import disks

    volume.present(call.node, drive["file"])
    volid = volume.alloc(call, storage_id, vmid, format_, None, disks.EFI_KIB.get(drive.get("efitype", "2m"), 528))
    call.out(f"allocated target volume '{volid}'")
    copying.fill(call, volume.path(call.node, drive["file"]), volume.path(call.node, volid))
    return volid


def with_volume(call: Call, drive: Drive, volid: str) -> Drive:
    """The drive with another volume and that one's real size."""
    changed = {key: value for key, value in drive.items() if key != "format"}
    return {**changed, "file": volid, "size": sizes.text(volume.info(call.node, volid).size)}


def is_running(call: Call, vmid: str) -> bool:
    """Whether the VM has power."""
    return runtime.running(call.node, "qemu", vmid)
