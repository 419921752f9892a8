"""Volumes, whatever storage they lie on: the one door that the rest of the fake uses.

A volume is named by its id, `local:8001/vm-8001-disk-0.raw` or `local-lvm:vm-8001-disk-0`. Sizes are bytes except where
a name says KiB. What the real tools print while they work goes through `call.out`.
"""

from __future__ import annotations

import os

from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.storage import config, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from fake_pve.call import Call
    from fake_pve.node import Node
    from fake_pve.storage.config import Storage
    from fake_pve.storage.image import Image
    from fake_pve.storage.listing import Volume
    from fake_pve.storage.names import VolumeName

split = names.split
parse = names.parse


def plugin(storage: Storage) -> ModuleType:
    """The module that does the work for this type of storage; another type is refused."""
    if storage.type == "dir":
        from fake_pve.storage import dir as module
    elif storage.type == "lvmthin":
        from fake_pve.storage import lvmthin as module  # type: ignore[no-redef]
    else:
        raise NotModelled(f"storage type '{storage.type}'")
    return module


def locate(node: Node, volid: str) -> tuple[Storage, VolumeName]:
    """The storage of a volume id and what its name means there; dies as `split`, `config.get` and `parse` do."""
    storage_id, volname = names.split(volid)
    storage = config.get(node, storage_id)
    return storage, names.parse(storage, volname)


def present(node: Node, volid: str) -> tuple[Storage, VolumeName]:
    """The same of a volume that is there, else CommandFailed."""
    storage, volume = locate(node, volid)
    if not os.path.exists(plugin(storage).file_path(node, storage, volume)):
        raise CommandFailed(f"volume '{volid}' does not exist")
    return storage, volume


def default_format(storage: Storage) -> str:
    """The format of a volume when nobody asks for one."""
    text: str = plugin(storage).default_format(storage)
    return text


def valid_formats(storage: Storage) -> tuple[str, ...]:
    """The formats that a volume can have there."""
    formats: tuple[str, ...] = plugin(storage).VALID_FORMATS
    return formats


def path(node: Node, volid: str) -> str:
    """The file or device of a volume, with the node's root in front; it need not exist (pvesm-path-001)."""
    storage, volume = locate(node, volid)
    text: str = plugin(storage).file_path(node, storage, volume)
    return text


def exists(node: Node, volid: str) -> bool:
    """Whether there is such a volume."""
    return os.path.exists(path(node, volid))


def info(node: Node, volid: str) -> Image:
    """(format, size, used, backing) of a volume; wording for one that is not there from qm-create-storage-015."""
    storage, volume = locate(node, volid)
    try:
        found: Image = plugin(storage).info(node, storage, volume)
    except OSError:
        raise CommandFailed(f"volume '{volid}' does not exist") from None
    return found


def alloc(call: Call, storage_id: str, vmid: int | str, format_: str | None, name: str | None, size_kib: int) -> str:
    """Make a volume of `size_kib` KiB for a guest -> its id. `name` None or "" takes the next free name."""
    storage = config.usable(call.node, storage_id)
    config.activate(call.node, storage)
    check_space(call, storage_id)
    module = plugin(storage)
    volname = module.alloc(call, storage, vmid, format_ or module.default_format(storage), name, size_kib * 1024)
    return f"{storage_id}:{volname}"


def check_space(call: Call, storage_id: str) -> None:
    """Refuse to fill a storage that a fault says is full; not recorded, so the words are the system's."""
    if storage_id in call.node.full_storages:
        raise CommandFailed(f"unable to create image: storage '{storage_id}': No space left on device")


def free(call: Call, volid: str) -> None:
    """Remove a volume. One that is missing is no error; a base volume that has linked clones."""
    storage_id, volname = names.split(volid)
    storage = config.usable(call.node, storage_id)
    volume = names.parse(storage, volname)
    config.activate(call.node, storage)
    if volume.is_base and storage.type == "dir" and has_linked_clones(call.node, storage, volume):
        raise CommandFailed(f"base volume '{volname}' is still in use by linked clones")
    plugin(storage).free(call, storage, volume)


def has_linked_clones(node: Node, storage: Storage, base: VolumeName) -> bool:
    """Whether any image of the storage has this base volume behind it."""
    from fake_pve.storage import image, listing

    wanted = f"../{base.vmid}/{base.name}"
    for vmid, name in listing.image_files(node, storage):
        file = f"{plugin(storage).images_folder(node, storage, vmid)}/{name}"
        if name.endswith(".qcow2") and image.read(file).backing == wanted:
            return True
    return False


def resize(call: Call, volid: str, size: int, running: bool = False) -> None:
    """Grow a volume to `size` bytes; `running` says that QEMU does it for the guest."""
    storage, volume = locate(call.node, volid)
    config.activate(call.node, storage)
    check_space(call, storage.id)
    plugin(storage).resize(call, storage, volume, size, running)


def linked_clone(call: Call, volid: str, vmid: int | str) -> str:
    """A volume for `vmid` that shares the base volume `volid` -> its id."""
    storage, volume = present(call.node, volid)
    return f"{storage.id}:{plugin(storage).linked_clone(call, storage, volume, vmid)}"


def make_base(call: Call, volid: str) -> str:
    """Turn a volume into a template's base volume -> its new id."""
    storage, volume = present(call.node, volid)
    return f"{storage.id}:{plugin(storage).make_base(call, storage, volume)}"


def rename(call: Call, volid: str, vmid: int | str) -> str:
    """Give a volume to another guest -> its new id."""
    storage, volume = present(call.node, volid)
    return f"{storage.id}:{plugin(storage).rename(call, storage, volume, vmid)}"


def snapshot(call: Call, volid: str, name: str) -> None:
    """Remember the volume as it is now."""
    storage, volume = present(call.node, volid)
    plugin(storage).snapshot(call, storage, volume, name)


def snapshot_delete(call: Call, volid: str, name: str) -> None:
    """Forget a snapshot; CommandFailed when there is none of that name."""
    storage, volume = locate(call.node, volid)
    plugin(storage).snapshot_delete(call, storage, volume, name)


def snapshot_rollback(call: Call, volid: str, name: str) -> None:
    """Make the volume what it was when the snapshot was taken."""
    storage, volume = present(call.node, volid)
    plugin(storage).snapshot_rollback(call, storage, volume, name)


def has_feature(node: Node, volid: str, feature: str, snapshot_name: str | None = None) -> bool:
    """Whether the volume can be a "snapshot", "clone" (linked), "template", "copy", "rename" in its present state."""
    storage, volume = locate(node, volid)
    able: bool = plugin(storage).has_feature(storage, volume, feature, snapshot_name)
    return able


def list_volumes(node: Node, storage_id: str, vmid: int | None = None, content: str | None = None) -> list[Volume]:
    """The volumes of a storage, as `pvesm list` shows them."""
    from fake_pve.storage import listing

    return listing.volumes(node, storage_id, vmid, content)


def copy(
    call: Call, source: str, storage_id: str, vmid: int | str, format_: str | None = None, name: str | None = None
) -> str:
    """Make a volume with the bytes of another volume or of a file on the node -> its id (import, full clone, move)."""
    from fake_pve.storage import copying

    return copying.copy(call, source, storage_id, vmid, format_, name)
