"""Volumes of a directory storage: files below `images/<vmid>/`, named `vm-8001-disk-0.raw`."""

from __future__ import annotations

import os

from fake_pve.errors import CommandFailed
from fake_pve.storage import config, image, names, sidefile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.node import Node
    from fake_pve.storage.config import Storage
    from fake_pve.storage.names import VolumeName

VALID_FORMATS = ("raw", "qcow2", "vmdk", "subvol")
FOLDERS = {
    "images": "images",
    "iso": "template/iso",
    "vztmpl": "template/cache",
    "snippets": "snippets",
    "backup": "dump",
    "import": "import",
    "rootdir": "private",
}
# which formats can do what, and in which state of the volume (pve-storage's feature matrix, by behaviour)
FEATURES: dict[str, dict[str, tuple[str, ...]]] = {
    "snapshot": {"current": ("qcow2",), "snap": ("qcow2",)},
    "clone": {"base": ("qcow2", "raw", "vmdk")},
    "template": {"current": ("qcow2", "raw", "vmdk", "subvol")},
    "copy": {"base": ("qcow2", "raw", "vmdk"), "current": ("qcow2", "raw", "vmdk"), "snap": ("qcow2",)},
    "sparseinit": {"base": ("qcow2", "raw", "vmdk"), "current": ("qcow2", "raw", "vmdk")},
    "rename": {"current": ("qcow2", "raw", "vmdk")},
}


def file_path(node: Node, storage: Storage, volume: VolumeName) -> str:
    """The file of a volume, with the root in front."""
    if volume.type == "images":
        return f"{images_folder(node, storage, str(volume.vmid))}/{volume.name}"
    return f"{content_folder(node, storage, volume.type)}/{volume.name}"


def content_folder(node: Node, storage: Storage, kind: str) -> str:
    """Where the storage keeps volumes of a kind; `content-dirs iso=isos` says otherwise."""
    own = dict(
        word.split("=", 1) for word in config.content_types(storage.options.get("content-dirs", "")) if "=" in word
    )
    return f"{config.folder(node, storage)}/{own.get(kind, FOLDERS[kind]).strip('/')}"


def images_folder(node: Node, storage: Storage, vmid: int | str) -> str:
    """Where a guest's images are."""
    return f"{content_folder(node, storage, 'images')}/{vmid}"


def default_format(storage: Storage) -> str:
    """The format of an image when nobody asks for one."""
    return storage.options.get("format", "raw")


def image_names(folder: str) -> list[str]:
    """Names of the image files in a guest's folder, sorted."""
    try:
        found = os.listdir(folder)
    except OSError:
        return []
    return sorted(name for name in found if name.endswith((".raw", ".qcow2", ".vmdk", ".subvol")))


def chatter(path: str, format_: str, size: int, backing: str = "") -> str:
    """What `qemu-img create` says for itself."""
    if format_ == "raw":
        return f"Formatting '{path}', fmt=raw size={size} preallocation=off"
    if format_ == "vmdk":
        return f"Formatting '{path}', fmt=vmdk size={size} compat6=off hwversion=undefined"
    layout = "cluster_size=131072 extended_l2=on" if backing else "cluster_size=65536 extended_l2=off"
    return (
        f"Formatting '{path}', fmt=qcow2 {layout} preallocation=metadata compression_type=zlib size={size} {backing}"
        "lazy_refcounts=off refcount_bits=16"
    )


def check_name(name: str, format_: str, *, new: bool) -> None:
    """The file name's ending must fit the format.

    Wording and status from pvesm-alloc-003: the status is what was left in errno, 2 where the folder is `new`.
    """
    try:
        ending = names.filename_format(name)
    except CommandFailed as problem:
        raise CommandFailed(problem.message, 2 if new else 25) from None
    if ending != format_:
        raise CommandFailed(
            f"illegal name '{name}' - wrong extension for format ('{ending} != '{format_}')", 2 if new else 25
        )


def alloc(call: Call, storage: Storage, vmid: int | str, format_: str, name: str | None, size: int) -> str:
    """Make an empty image of `size` bytes -> its volume name; CommandFailed `disk image '…' already exists`."""
    if format_ not in VALID_FORMATS:
        raise CommandFailed(f"unsupported format '{format_}'")
    if format_ == "subvol" and size:
        raise CommandFailed("storage does not support subvol quotas")
    folder = images_folder(call.node, storage, vmid)
    new = not os.path.isdir(folder)
    config.make_folder(folder)
    if name:
        check_name(name, format_, new=new)
    path = create_next(storage, vmid, folder, Wanted(format_, size), name)
    if format_ != "subvol":
        call.out(chatter(path, format_, size))
    return f"{vmid}/{os.path.basename(path)}"


class Wanted:
    """An image to be made: format, size in bytes, and for a linked clone the image behind it and that one's format."""

    __slots__ = ("backing", "backing_format", "format", "size")

    def __init__(self, format_: str, size: int, backing: str | None = None, backing_format: str = "raw") -> None:
        self.format = format_
        self.size = size
        self.backing = backing
        self.backing_format = backing_format


def create_next(storage: Storage, vmid: int | str, folder: str, wanted: Wanted, name: str | None = None) -> str:
    """Make the image under `name` or the next free name -> its path; others may do the same at the same time."""
    while True:
        ending = f".{wanted.format}"
        taken = [] if name else image_names(folder)
        path = f"{folder}/{name or names.free_disk_name(taken, vmid, wanted.format, ending, storage.id)}"
        try:
            image.create(path, wanted.format, wanted.size, wanted.backing, wanted.backing_format)
        except FileNotFoundError:  # another process removed the guest's last volume, and the folder with it
            config.make_folder(folder)
        except FileExistsError:
            if name:  # else another process was quicker with this number
                raise CommandFailed(f"disk image '{path}' already exists", 25) from None
        else:
            return path


def free(call: Call, storage: Storage, volume: VolumeName) -> None:
    """Remove the file, and the guest's folder when it was the last; a missing file is only said on stdout."""
    path = file_path(call.node, storage, volume)
    if volume.format == "subvol" and os.path.isdir(path):
        import shutil  # only containers of size 0 have folders for volumes

        shutil.rmtree(path, ignore_errors=True)
    else:
        try:
            os.unlink(path)
        except FileNotFoundError:
            call.out(f"disk image '{path}' does not exist")
            return
        except OSError as problem:
            raise CommandFailed(f"unlink '{path}' failed - {problem.strerror}") from None
    sidefile.forget(call.node, storage.id, f"{volume.vmid}/{volume.name}")
    try:
        os.rmdir(os.path.dirname(path))
    except OSError:
        pass


def info(node: Node, storage: Storage, volume: VolumeName) -> image.Image:
    """The image's header; OSError when there is no such file."""
    return image.read(file_path(node, storage, volume))


def resize(call: Call, storage: Storage, volume: VolumeName, size: int, running: bool) -> None:
    """Grow the image. QEMU does it for a running guest, else qemu-img, which refuses a base volume (qm-resize-025)."""
    path = file_path(call.node, storage, volume)
    if volume.format not in ("raw", "qcow2") and not running:
        raise CommandFailed("can't resize this image format")
    if volume.is_base and not running:
        call.out(f"qemu-img: Could not open '{path}': Could not open '{path}': Operation not permitted")
        shown = f"/usr/bin/qemu-img resize '--preallocation=off' -f {volume.format} {path} {size}"
        if volume.format == "qcow2":
            shown = shown.replace("=off", "=metadata")
        raise CommandFailed(f"command '{shown}' failed: exit code 1")
    try:
        image.resize(path, size)
    except OSError as problem:
        raise CommandFailed(f"qemu-img: Could not open '{path}': {problem.strerror}") from None
    if not running:
        call.out("Image resized.")


def linked_clone(call: Call, storage: Storage, volume: VolumeName, vmid: int | str) -> str:
    """A qcow2 image that has the base volume behind it -> its volume name (qm-clone-005)."""
    folder = images_folder(call.node, storage, vmid)
    config.make_folder(folder)
    backing = f"../{volume.vmid}/{volume.name}"
    size = image.read(file_path(call.node, storage, volume)).size
    path = create_next(storage, vmid, folder, Wanted("qcow2", size, backing, volume.format))
    name = os.path.basename(path)
    own = f"{volume.base_vmid}/{volume.base_name}/" if volume.base_name else ""
    call.out(f"clone {own}{volume.vmid}/{volume.name}: images, {name}, {vmid} to {name} (base={backing})")
    call.out(chatter(path, "qcow2", size, f"backing_file={backing} backing_fmt={volume.format} "))
    return f"{volume.vmid}/{volume.name}/{vmid}/{name}"


def make_base(call: Call, storage: Storage, volume: VolumeName) -> str:
    """Rename the volume to `base-…` and make it read-only -> its new volume name."""
    old = file_path(call.node, storage, volume)
    name = (
        volume.name.replace("subvol-", "basevol-", 1)
        if volume.format == "subvol"
        else volume.name.replace("vm-", "base-", 1)
    )
    new = f"{os.path.dirname(old)}/{name}"
    if os.path.exists(new):
        raise CommandFailed(f"rename '{old}' to '{new}' failed - File exists")
    try:
        os.rename(old, new)
        os.chmod(new, 0o444 if volume.format != "subvol" else 0o755)
    except OSError as problem:
        raise CommandFailed(f"rename '{old}' to '{new}' failed - {problem.strerror}") from None
    own = f"{volume.base_vmid}/{volume.base_name}/" if volume.base_name else ""
    return f"{own}{volume.vmid}/{name}"


def rename(call: Call, storage: Storage, volume: VolumeName, vmid: int | str) -> str:
    """Give the volume to another guest -> its new volume name."""
    folder = images_folder(call.node, storage, vmid)
    config.make_folder(folder)
    name = names.free_disk_name(image_names(folder), vmid, volume.format, f".{volume.format}", storage.id)
    old = file_path(call.node, storage, volume)
    os.rename(old, f"{folder}/{name}")
    try:
        os.rmdir(os.path.dirname(old))
    except OSError:
        pass
    own = f"{volume.base_vmid}/{volume.base_name}/" if volume.base_name else ""
    return f"{own}{vmid}/{name}"


def snapshot(call: Call, storage: Storage, volume: VolumeName, name: str) -> None:
    """Remember the size, and what the image holds if it holds anything."""
    key = f"{volume.vmid}/{volume.name}"
    path = file_path(call.node, storage, volume)
    snapshots = sidefile.load(call.node, storage.id, key)
    snapshots[name] = info(call.node, storage, volume).size
    sidefile.save(call.node, storage.id, key, snapshots)
    if image.holds_data(path):
        sidefile.keep(call.node, storage.id, key, name, path)


def snapshot_delete(call: Call, storage: Storage, volume: VolumeName, name: str) -> None:
    """Forget a snapshot."""
    key = f"{volume.vmid}/{volume.name}"
    snapshots = sidefile.load(call.node, storage.id, key)
    if snapshots.pop(name, None) is None:
        path = file_path(call.node, storage, volume)
        call.out(f"qemu-img: Could not delete snapshot '{name}': snapshot not found")
        raise CommandFailed(f"command '/usr/bin/qemu-img snapshot -d {name} {path}' failed: exit code 1")
    sidefile.drop(call.node, storage.id, key, name)
    sidefile.save(call.node, storage.id, key, snapshots)


def snapshot_rollback(call: Call, storage: Storage, volume: VolumeName, name: str) -> None:
    """Size and contents as they were. Wording from pct-snapshot2-004."""
    if volume.format != "qcow2":
        raise CommandFailed("can't rollback snapshot this image format")
    key = f"{volume.vmid}/{volume.name}"
    size = sidefile.load(call.node, storage.id, key).get(name)
    path = file_path(call.node, storage, volume)
    if size is None:
        raise CommandFailed(f"command '/usr/bin/qemu-img snapshot -a {name} {path}' failed: exit code 1")
    if sidefile.bring_back(call.node, storage.id, key, name, path):
        return
    if image.holds_data(path):
        image.make_empty(path, size)
    else:
        image.resize(path, size)


def has_feature(_: Storage, volume: VolumeName, feature: str, snapshot_name: str | None) -> bool:
    """Whether a volume of this format can do `feature` in its present state."""
    state = "snap" if snapshot_name else "base" if volume.is_base else "current"
    return volume.format in FEATURES.get(feature, {}).get(state, ())
