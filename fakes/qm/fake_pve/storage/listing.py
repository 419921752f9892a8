"""What lies on a storage."""

from __future__ import annotations

import os

from fake_pve.storage import config, image, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.node import Node
    from fake_pve.storage.config import Storage

PLAIN_TYPES = ("iso", "vztmpl", "backup", "snippets", "import")


class Volume:
    """A row of `pvesm list`: size in bytes (virtual for images), vmid a guest's ID or None."""

    __slots__ = ("format", "size", "type", "vmid", "volid")

    def __init__(self, volid: str, format_: str, type_: str, size: int, vmid: int | None) -> None:
        self.volid = volid
        self.format = format_
        self.type = type_
        self.size = size
        self.vmid = vmid


def volumes(node: Node, storage_id: str, vmid: int | None = None, content: str | None = None) -> list[Volume]:
    """Sorted by format, then volume id (pvesm-list-001). With `vmid`, others' volumes and templates are left out."""
    storage = config.usable(node, storage_id)
    config.activate(node, storage)
    wanted = [content] if content else ["images", "rootdir", *PLAIN_TYPES]
    wanted = [word for word in wanted if word in storage.content]
    found = guest_volumes(node, storage, wanted, vmid)
    if storage.type == "dir":
        for kind in PLAIN_TYPES:
            if kind in wanted and (vmid is None or kind not in ("iso", "vztmpl")):
                found += plain_volumes(node, storage, kind, vmid)
    return sorted(found, key=lambda volume: (volume.format, volume.volid))


def guest_volumes(node: Node, storage: Storage, wanted: list[str], vmid: int | None) -> list[Volume]:
    """Disks of guests; those of containers are of type "rootdir", all others "images"."""
    if "images" not in wanted and "rootdir" not in wanted:
        return []
    found = lvm_volumes(node, storage) if storage.type == "lvmthin" else image_volumes(node, storage)
    for volume in found:
        if volume.vmid is not None and os.path.exists(node.conf_path("lxc", volume.vmid)):
            volume.type = "rootdir"
    return [volume for volume in found if volume.type in wanted and vmid in (None, volume.vmid)]


def image_files(node: Node, storage: Storage) -> list[tuple[int, str]]:
    """(guest id, file name) of every image of a directory storage."""
    from fake_pve.storage import dir as directory

    folder = directory.content_folder(node, storage, "images")
    try:
        ids = [int(name) for name in os.listdir(folder) if name.isdecimal()]
    except OSError:
        return []
    return [(vmid, name) for vmid in sorted(ids) for name in directory.image_names(f"{folder}/{vmid}")]


def image_volumes(node: Node, storage: Storage) -> list[Volume]:
    """The guests' image files; one that cannot be read is left out."""
    from fake_pve.storage import dir as directory

    found = []
    for vmid, name in image_files(node, storage):
        try:
            seen = image.read(f"{directory.images_folder(node, storage, vmid)}/{name}")
        except OSError:
            continue
        base = base_volume(seen.backing)
        volid = f"{storage.id}:{base}/{vmid}/{name}" if base else f"{storage.id}:{vmid}/{name}"
        found.append(Volume(volid, name.rpartition(".")[2], "images", seen.size, vmid))
    return found


def base_volume(backing: str | None) -> str | None:
    """`../8001/base-8001-disk-0.raw` -> `8001/base-8001-disk-0.raw`; None for anything else."""
    return backing[3:] if backing and backing.startswith("../") and backing.count("/") == 2 else None


def lvm_volumes(node: Node, storage: Storage) -> list[Volume]:
    """The guests' logical volumes; snapshots are not shown (qm-lvm-020)."""
    from fake_pve.storage import lvmthin

    folder = lvmthin.group_folder(node, storage)
    found = []
    for name in lvmthin.volume_names(node, storage):
        words = name.split("-", 2)
        if len(words) == 3 and words[0] in ("vm", "base") and words[1].isdecimal():
            size = os.path.getsize(f"{folder}/{name}")
            found.append(Volume(f"{storage.id}:{name}", "raw", "images", size, int(words[1])))
    return found


def plain_volumes(node: Node, storage: Storage, kind: str, vmid: int | None) -> list[Volume]:
    """ISO images, templates, snippets, backups and importable images."""
    from fake_pve.storage import dir as directory

    folder = directory.content_folder(node, storage, kind)
    try:
        files = os.listdir(folder)
    except OSError:
        return []
    found = []
    for name in files:
        parsed = names.parse_plain(kind, name)
        if parsed is None or not os.path.isfile(f"{folder}/{name}") or (vmid and parsed.vmid not in (None, vmid)):
            continue
        size = image.listed_length(f"{folder}/{name}")
        found.append(Volume(f"{storage.id}:{kind}/{name}", parsed.format, kind, size, parsed.vmid))
    return found
