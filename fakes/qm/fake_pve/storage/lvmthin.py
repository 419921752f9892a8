"""Volumes of an LVM thin pool. A logical volume is a sparse file `<root>/dev/<volume group>/<name>`.

What the commands print is what LVM's own tools say (recorded with stand-ins of them).
"""

from __future__ import annotations

import os

from fake_pve.errors import CommandFailed
from fake_pve.storage import config, image, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.node import Node
    from fake_pve.storage.config import Storage
    from fake_pve.storage.names import VolumeName

VALID_FORMATS = ("raw",)
LVMTHIN_PLUGIN = "/usr/share/perl5/PVE/Storage/LvmThinPlugin.pm"
EXTENT = 4 * 1024 * 1024
FEATURES = {
    "snapshot": ("current",),
    "clone": ("base", "snap"),
    "template": ("current",),
    "copy": ("base", "current", "snap"),
    "sparseinit": ("base", "current"),
    "rename": ("current",),
}


def default_format(_: Storage) -> str:
    """There is only one."""
    return "raw"


def group_folder(node: Node, storage: Storage) -> str:
    """The folder of the volume group's devices."""
    return f"{node.root}/dev/{storage.vgname}"


def file_path(node: Node, storage: Storage, volume: VolumeName) -> str:
    """The device of a volume, with the root in front."""
    return f"{group_folder(node, storage)}/{volume.name}"


def volume_names(node: Node, storage: Storage) -> list[str]:
    """All logical volumes of the group, sorted."""
    try:
        return sorted(os.listdir(group_folder(node, storage)))
    except OSError:
        return []


def size_text(size: int) -> str:
    """LVM's own way to tell a size: `4.00 MiB`, `10.00 GiB`."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB")):
        if size >= 1024**power:
            return f"{size / 1024**power:.2f} {unit}"
    return f"{size / 1024:.2f} KiB"


def whole_extents(call: Call, size: int) -> int:
    """`size` rounded up to extents, which LVM mentions."""
    rounded = -(-size // EXTENT) * EXTENT
    if rounded != size:
        call.out(f"  Rounding up size to full physical extent {size_text(rounded)}")
    return rounded


def create_volume(call: Call, storage: Storage, name: str, size: int) -> None:
    """FileExistsError when there is one of that name."""
    folder = group_folder(call.node, storage)
    config.make_folder(folder)
    image.create(f"{folder}/{name}", "raw", size)


def check_name(vmid: int | str, format_: str, name: str | None) -> None:
    """Wording and status from qm-lvm-005 and qm-lvm-024."""
    if format_ != "raw":
        raise CommandFailed(f"unsupported format '{format_}' at {LVMTHIN_PLUGIN} line 102.", 25)
    if name and not name.startswith(f"vm-{vmid}-"):
        raise CommandFailed(f"illegal name '{name}' - should be 'vm-{vmid}-*'", 25)


def alloc(call: Call, storage: Storage, vmid: int | str, format_: str, name: str | None, size: int) -> str:
    """Make a logical volume of at least `size` bytes -> its name."""
    check_name(vmid, format_, name)
    group = storage.vgname
    while True:
        chosen = name or names.free_disk_name(volume_names(call.node, storage), vmid, "raw", "", storage.id)
        try:
            rounded = -(-size // EXTENT) * EXTENT
            create_volume(call, storage, chosen, rounded)
        except FileExistsError:
            if not name:  # another process was quicker with this number
                continue
            problem = f'Logical Volume "{chosen}" already exists in volume group "{group}"'
            raise CommandFailed(f"lvcreate '{group}/{chosen}' error:   {problem}", 5) from None
        whole_extents(call, size)
        say_created(call, group, chosen)
        return chosen


def say_created(call: Call, group: str, name: str) -> None:
    """What lvcreate and lvchange say."""
    call.out(f'  Logical volume "{name}" created.')
    call.out(f"  Logical volume {group}/{name} changed.")


def snapshot_names(node: Node, storage: Storage, volume: VolumeName) -> list[str]:
    """The logical volumes that are snapshots of this one."""
    return [name for name in volume_names(node, storage) if name.startswith(f"snap_{volume.name}_")]


def remove_volume(call: Call, storage: Storage, name: str) -> bool:
    """Remove one logical volume; whether it was there."""
    try:
        os.unlink(f"{group_folder(call.node, storage)}/{name}")
    except FileNotFoundError:
        return False
    call.out(f'  Logical volume "{name}" successfully removed.')
    return True


def free(call: Call, storage: Storage, volume: VolumeName) -> None:
    """Remove the volume and its snapshots; one that is missing is no error (qm-lvm-024)."""
    for name in [*snapshot_names(call.node, storage, volume), volume.name]:
        remove_volume(call, storage, name)


def info(node: Node, storage: Storage, volume: VolumeName) -> image.Image:
    """Wording from qm-lvm-014."""
    try:
        state = os.stat(file_path(node, storage, volume))
    except OSError:
        raise CommandFailed(f"no such logical volume {storage.vgname}/{volume.name}") from None
    return image.Image("raw", state.st_size, state.st_blocks * 512)


def resize(call: Call, storage: Storage, volume: VolumeName, size: int, _: bool) -> None:
    """Grow to at least `size` bytes; LVM says so whether or not the guest runs (qm-lvm-019)."""
    old = info(call.node, storage, volume).size
    new = whole_extents(call, size)
    name = f"{storage.vgname}/{volume.name}"
    if new == old:
        extents = f"{old // EXTENT} extents"
        problem = f"New size ({extents}) matches existing size ({extents})."
        raise CommandFailed(f"error resizing volume '{file_path(call.node, storage, volume)}':   {problem}")
    image.resize(file_path(call.node, storage, volume), new)
    before, after = (f"{size_text(value)} ({value // EXTENT} extents)" for value in (old, new))
    call.out(f"  Size of logical volume {name} changed from {before} to {after}.")
    call.out(f"  Logical volume {name} successfully resized.")


def copy_volume(call: Call, storage: Storage, source: str, target: str) -> None:
    """A thin snapshot: a new volume that starts with the other one's bytes."""
    from fake_pve.storage import copying  # only for clones and snapshots

    folder = group_folder(call.node, storage)
    if not os.path.exists(f"{folder}/{source}"):
        raise CommandFailed(f'Failed to find logical volume "{storage.vgname}/{source}"', 5)
    create_volume(call, storage, target, os.path.getsize(f"{folder}/{source}"))
    copying.copy_sparse(f"{folder}/{source}", f"{folder}/{target}")


def linked_clone(
    call: Call, storage: Storage, volume: VolumeName, vmid: int | str, snapshot_name: str | None = None
) -> str:
    """A thin clone of a base volume or of a snapshot -> its name; LVM keeps no visible link (qm-lvm-018)."""
    source = f"snap_{volume.name}_{snapshot_name}" if snapshot_name else volume.name
    while True:
        name = names.free_disk_name(volume_names(call.node, storage), vmid, "raw", "", storage.id)
        try:
            copy_volume(call, storage, source, name)
        except FileExistsError:  # another process was quicker with this number
            continue
        say_created(call, storage.vgname, name)
        return name


def make_base(call: Call, storage: Storage, volume: VolumeName) -> str:
    """Rename to `base-…` -> the new name."""
    name = volume.name.replace("vm-", "base-", 1)
    rename_to(call, storage, volume.name, name)
    call.out(f"  Logical volume {storage.vgname}/{name} changed.")
    return name


def rename_to(call: Call, storage: Storage, old: str, new: str) -> None:
    """Rename a logical volume."""
    folder = group_folder(call.node, storage)
    if os.path.exists(f"{folder}/{new}"):
        raise CommandFailed(f"lvrename '{storage.vgname}/{old}' to '{new}' error: already exists", 5)
    os.rename(f"{folder}/{old}", f"{folder}/{new}")
    call.out(f'  Renamed "{old}" to "{new}" in volume group "{storage.vgname}"')


def rename(call: Call, storage: Storage, volume: VolumeName, vmid: int | str) -> str:
    """Give the volume to another guest -> its new name."""
    name = names.free_disk_name(volume_names(call.node, storage), vmid, "raw", "", storage.id)
    rename_to(call, storage, volume.name, name)
    return name


def snapshot(call: Call, storage: Storage, volume: VolumeName, name: str) -> None:
    """A thin snapshot beside the volume (qm-lvm-020)."""
    target = f"snap_{volume.name}_{name}"
    try:
        copy_volume(call, storage, volume.name, target)
    except FileExistsError:
        problem = f'Logical Volume "{target}" already exists in volume group "{storage.vgname}"'
        raise CommandFailed(f"lvcreate snapshot '{storage.vgname}/{target}' error:   {problem}", 5) from None
    call.out(f'  Logical volume "{target}" created.')


def snapshot_delete(call: Call, storage: Storage, volume: VolumeName, name: str) -> None:
    """Remove the snapshot's volume."""
    target = f"snap_{volume.name}_{name}"
    if not remove_volume(call, storage, target):
        problem = f'Failed to find logical volume "{storage.vgname}/{target}"'
        raise CommandFailed(f"lvremove snapshot '{storage.vgname}/{target}' error:   {problem}", 5)


def snapshot_rollback(call: Call, storage: Storage, volume: VolumeName, name: str) -> None:
    """The volume is removed and made again from its snapshot (qm-lvm-020)."""
    source = f"snap_{volume.name}_{name}"
    if source not in volume_names(call.node, storage):
        raise CommandFailed(f'Failed to find logical volume "{storage.vgname}/{source}"', 5)
    remove_volume(call, storage, volume.name)
    copy_volume(call, storage, source, volume.name)
    say_created(call, storage.vgname, volume.name)


def has_feature(_: Storage, volume: VolumeName, feature: str, snapshot_name: str | None) -> bool:
    """Whether a volume can do `feature` in its present state."""
    state = "snap" if snapshot_name else "base" if volume.is_base else "current"
    return state in FEATURES.get(feature, ())
