"""A container's volumes: made and formatted, grown, copied, removed."""

from __future__ import annotations

from fake_pve import dice, sizes
from fake_pve.errors import CommandFailed
from fake_pve.lxc import ext4, mountpoint
from fake_pve.storage import config, volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from fake_pve.call import Call
    from fake_pve.node import Node


def allocate(call: Call, storage_id: str, vmid: str, size: int) -> str:
    """A new, formatted volume of `size` bytes -> its id; of size 0 a folder, where the storage can (pct-create-013)."""
    storage = config.usable(call.node, storage_id)
    if size == 0 and storage.type == "dir":
        return volume.alloc(call, storage_id, vmid, "subvol", None, 0)
    volid = volume.alloc(call, storage_id, vmid, "raw", None, size // 1024)
    format_volume(call, volid)
    return volid


def format_volume(call: Call, volid: str) -> None:
    """Make a file system on the volume and say what mke2fs says."""
    system = ext4.make(volume.info(call.node, volid).size)
    ext4.write(volume.path(call.node, volid), system)
    for line in ext4.made_text(system, dice.uuid(call.node)):
        call.out(line)


def create(call: Call, vmid: str, wanted: dict[str, str], made: list[str]) -> dict[str, str]:
    """The mount points `wanted`, with new volumes where `local:8` asks for one -> their property strings to store.

    The ids of new volumes are added to `made` as they come, so that the caller can remove them after a failure.
    """
    stored = {}
    for key in mountpoint.keys(wanted):
        properties = mountpoint.parse(key, wanted[key])
        gib = mountpoint.new_size(properties["volume"])
        if gib is not None:
            size = sizes.times(gib, 1024 * 1024) * 1024  # in whole KiB
            made.append(allocate(call, properties["volume"].partition(":")[0], vmid, size))
            properties |= {"volume": made[-1], "size": sizes.text(size)}
        elif mountpoint.kind(properties["volume"]) == "volume":
            volume.present(call.node, properties["volume"])
        stored[key] = mountpoint.render(key, properties)
    return stored


def remove(call: Call, volids: Iterable[str]) -> None:
    """Remove volumes after a failure; what cannot be removed is only told."""
    for volid in volids:
        try:
            volume.free(call, volid)
        except CommandFailed as problem:
            call.out(problem.message)


def free_own(call: Call, vmid: str, volid: str) -> bool:
    """Remove a volume if it is this container's own -> whether it is; another's is left alone."""
    _, name = volume.locate(call.node, volid)
    own = str(name.vmid) == vmid
    if own:
        volume.free(call, volid)
    return own


def sized(node: Node, properties: dict[str, str]) -> dict[str, str]:
    """The mount point with the size that its volume has; a volume that is missing keeps what was said."""
    if mountpoint.kind(properties["volume"]) == "volume":
        properties = properties | {"size": sizes.text(volume.info(node, properties["volume"]).size)}
    return properties


def copy(call: Call, volid: str, storage_id: str, vmid: str) -> str:
    """A new volume with a new file system and a copy of the files (rsync does it) -> its id."""
    if "rootdir" not in config.get(call.node, storage_id).content:
        raise CommandFailed(f"content type 'rootdir' is not available or configured on storage '{storage_id}'")
    seen = volume.info(call.node, volid)
    source = ext4.read(volume.path(call.node, volid))
    target = allocate(call, storage_id, vmid, seen.size)
    system = ext4.read(volume.path(call.node, target))
    if source is not None and system is not None:
        if source.used_inodes > ext4.RESERVED_INODES:
            system = ext4.filled(system)
        ext4.write(volume.path(call.node, target), system)
    say_copied(call, 0 if source is None else source.used_inodes)
    return target


def say_copied(call: Call, inodes: int) -> None:
    """The report of rsync --stats, in outline."""
    for line in (
        "",
        f"Number of files: {inodes}",
        f"Number of created files: {inodes}",
        "Number of deleted files: 0",
        f"Number of regular files transferred: {inodes}",
        "Total file size: 1,987,400 bytes",
        "Total transferred file size: 1,987,232 bytes",
        "Literal data: 1,987,232 bytes",
        "Matched data: 0 bytes",
        "File list size: 0",
        "File list generation time: 0.001 seconds",
        "File list transfer time: 0.000 seconds",
        "Total bytes sent: 1,992,000",
        "Total bytes received: 400",
        "",
        "sent 1,992,000 bytes  received 400 bytes  3,984,800.00 bytes/sec",
        "total size is 1,987,400  speedup is 1.00",
    ):
        call.out(line)
