"""Checks of the drives that a call names, made before anything is done: their storages, sources and volumes."""

from __future__ import annotations

from fake_pve import sizes
from fake_pve.errors import CommandFailed, ParameterErrors
from fake_pve.storage import config, names
from fake_pve.vm import drive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.node import Node
    from fake_pve.vm.drive import Drive

IMPORT_SYNTAX = "'import-from' requires special syntax - use <storage ID>:0,import-from=<source>"


def new_disk(volume: str) -> tuple[str, int] | None:
    """(storage, whole KiB) of `local:8`, the wish for a new disk; None for anything else. The storage may be ""."""
    storage, _, size = volume.rpartition(":")
    fine = sizes.is_number(size) and ":" not in storage and "/" not in storage
    return (storage, sizes.times(size, 1024 * 1024, up=True)) if fine else None


def new_cloudinit(volume: str) -> str | None:
    """The storage of `local:cloudinit`, the wish for a cloud-init drive; None for anything else."""
    storage, _, name = volume.rpartition(":")
    return storage if name == "cloudinit" and "/" not in storage else None


def check(node: Node, params: dict[str, str], default_storage: str = "") -> None:
    """Check every drive among `params` and put its value into the stored form.

    The order is the real tools': what fits together in one drive, storages and sources of all, the rest of each one.
    """
    for key, one in drive.each(params):
        _check_options(node, key, one)
    for key, one in drive.each(params):
        _check_volume(node, one, default_storage)
        if "import-from" in one:
            _check_source(node, key, one["import-from"])
    for key in sorted(filter(drive.is_name, params)):
        one = drive.parse(params[key])
        _check_drive(node, key, one)
        params[key] = drive.print_(one)


def _check_options(node: Node, key: str, one: Drive) -> None:
    """How long a burst may last needs the burst; a limit is one for both directions or one for each; virtio has no CDs.

    qm-drive-005, -006, -045.
    """
    wrong = drive.is_cdrom(one) and key.startswith("virtio")
    for what, unit in (("bps", "mbps"), ("iops", "iops")):
        for way in ("", "_rd", "_wr"):
            if f"{what}{way}_max_length" in one and f"{unit}{way}_max" not in one:
                node.complain(f"{what}{way}_max_length requires {unit}{way}_max")
                wrong = True
        wrong = wrong or (unit in one and (f"{unit}_rd" in one or f"{unit}_wr" in one))
    if wrong:
        raise ParameterErrors({key: "unable to parse drive options"})


def _check_volume(node: Node, one: Drive, default_storage: str) -> None:
    """Wording from qm-create-storage-002…014. What has no storage of its own is not looked at."""
    volume = one["file"]
    wanted = None if drive.is_cdrom(one) else new_disk(volume)
    if volume in ("none", "cdrom") or volume.startswith("/") or new_cloudinit(volume) is not None:
        return
    if wanted is None:
        storage_id, name = names.split(volume)
        names.parse(config.get(node, storage_id), name)
        return
    storage_id = wanted[0] or default_storage
    if storage_id:
        _check_images(node, storage_id)


def _check_images(node: Node, storage_id: str) -> None:
    if "images" not in config.get(node, storage_id).content:
        raise ParameterErrors({"storage": f"storage '{storage_id}' does not support vm images"})


def _check_source(node: Node, key: str, source: str) -> None:
    """An import source that is a volume must be an image (qm-create-037, -044)."""
    if source.startswith("/"):
        return
    storage_id, name = names.split(source)
    type_ = names.parse(config.get(node, storage_id), name).type
    if type_ not in ("images", "import"):
        raise ParameterErrors({key: f"{source} has wrong type '{type_}' - needs to be 'images' or 'import'"})


def _check_drive(node: Node, key: str, one: Drive) -> None:
    """Wording from qm-create-035, -049, -061."""
    volume = one["file"]
    if "import-from" in one:
        wanted = new_disk(volume)
        if wanted is None or wanted[1] != 0:
            raise ParameterErrors({key: IMPORT_SYNTAX})
        for option in ("efitype", "pre-enrolled-keys") if key == "efidisk0" else ():
            if option not in one:
                raise ParameterErrors({key: f"need to specify '{option}' when using 'import-from'"})
    if volume.startswith("/") and not volume.startswith("/dev/"):
        one["file"] = volume = _associated(node, key, volume)
        if ":iso/" in volume:
            one.setdefault("media", "cdrom")
    if volume in ("none", "cdrom"):
        one.setdefault("media", "cdrom")
    if ":iso/" in volume and one.get("media") != "cdrom":
        raise ParameterErrors({key: "explicit 'media=cdrom' is required for iso images"})


def _associated(node: Node, key: str, path: str) -> str:
    """The volume id of a file that lies in a storage's folder."""
    for storage in config.load(node).values():
        base = storage.path + "/"
        inside = path.removeprefix(node.root).removeprefix(base)
        if storage.type != "dir" or inside.startswith("/"):
            continue
        name = inside.removeprefix("images/").removeprefix("template/")
        try:
            if name != inside or inside.startswith("snippets/"):
                names.parse(storage, name)
                return f"{storage.id}:{name}"
        except CommandFailed:
            continue
    raise ParameterErrors({key: f"unable to associate path '{path}' to any storage"})
