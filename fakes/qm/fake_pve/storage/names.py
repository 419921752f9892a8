"""Volume ids (`local:8001/vm-8001-disk-0.raw`) and what the volume name in them means."""

from __future__ import annotations

from fake_pve.errors import CommandFailed, NotModelled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.storage.config import Storage

IMAGE_FORMATS = ("raw", "qcow2", "vmdk", "subvol")
TEMPLATE_ENDINGS = (".tar.gz", ".tar.xz", ".tar.zst", ".tar.bz2")
BACKUP_ENDINGS = (
    ".tgz",
    ".tar",
    ".vma",
    ".tar.gz",
    ".tar.lzo",
    ".tar.zst",
    ".tar.bz2",
    ".vma.gz",
    ".vma.lzo",
    ".vma.zst",
)
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
DIGITS = frozenset("0123456789")
STORAGE_ID = LETTERS | DIGITS | frozenset("-_.")


class VolumeName:
    """A volume name taken apart.

    type       "images", "rootdir", "iso", "vztmpl", "snippets", "backup", "import"
    name       the last part: a file name, or the logical volume's name
    vmid       the guest it belongs to, else None
    base_name  file name of the base volume of a linked clone, else None (with base_vmid)
    is_base    whether it is itself a template's base volume
    format     "raw", "qcow2", "vmdk", "subvol"; for what is no image the file's kind ("iso", "tgz", "snippet", …)
    """

    __slots__ = ("base_name", "base_vmid", "format", "is_base", "name", "type", "vmid")

    def __init__(
        self,
        type_: str,
        name: str,
        format_: str,
        vmid: int | None = None,
        base_name: str | None = None,
        base_vmid: int | None = None,
    ) -> None:
        self.type = type_
        self.name = name
        self.format = format_
        self.vmid = vmid
        self.base_name = base_name
        self.base_vmid = base_vmid
        self.is_base = vmid is not None and name.startswith(("base-", "basevol-"))


def is_storage_id(text: str) -> bool:
    """Starts with a letter, ends with a letter or digit, at least two characters."""
    return len(text) > 1 and text[0] in LETTERS and text[-1] in LETTERS | DIGITS and STORAGE_ID.issuperset(text)


def split(volid: str) -> tuple[str, str]:
    """`local:8001/x.raw` -> ("local", "8001/x.raw"); CommandFailed `unable to parse volume ID 'x'`."""
    storage, colon, name = volid.partition(":")
    if not colon or not name or not is_storage_id(storage) or "\0" in name:
        raise CommandFailed(f"unable to parse volume ID '{volid}'")
    return storage, name


def parse(storage: Storage, volname: str) -> VolumeName:
    """What `volname` names on `storage`; CommandFailed with the storage type's own wording."""
    if storage.type == "dir":
        return parse_directory(volname)
    if storage.type in ("lvmthin", "lvm"):
        return parse_lvm(volname)
    raise NotModelled(f"storage type '{storage.type}'")


def parse_directory(volname: str) -> VolumeName:
    """A volume name of a directory storage (wording from pvesm-path-001 and pvesm-alloc-003)."""
    parts = volname.split("/")
    if parts[0].isdecimal() and len(parts) > 1 and volname.split() == [volname] and parts[1]:
        return parse_image(volname, parts)
    if len(parts) == 2 and parts[1]:
        found = parse_plain(parts[0], parts[1])
        if found is not None:
            return found
    raise CommandFailed(f"unable to parse directory volume name '{volname}'")


def parse_image(volname: str, parts: list[str]) -> VolumeName:
    """`8001/vm-8001-disk-0.raw`, or with a base `8001/base-8001-disk-0.raw/8002/vm-8002-disk-0.qcow2`."""
    if len(parts) == 4 and parts[2].isdecimal():
        filename_format(parts[1])
        return VolumeName("images", parts[3], filename_format(parts[3]), int(parts[2]), parts[1], int(parts[0]))
    name = volname[len(parts[0]) + 1 :]
    return VolumeName("images", name, filename_format(name), int(parts[0]))


def filename_format(name: str) -> str:
    """The format that an image file's ending tells; CommandFailed `unable to parse volume filename 'x'`."""
    stem, dot, ending = name.rpartition(".")
    if not dot or not stem or ending not in IMAGE_FORMATS or "/" in name:
        raise CommandFailed(f"unable to parse volume filename '{name}'")
    return ending


def parse_plain(kind: str, name: str) -> VolumeName | None:
    """`iso/x.iso`, `snippets/x.yaml` and their like; None where the ending does not fit the kind."""
    lower = name.lower()
    if kind == "iso" and lower.endswith((".iso", ".img")):
        return VolumeName("iso", name, "iso")
    if kind == "vztmpl" and name.endswith(TEMPLATE_ENDINGS):
        return VolumeName("vztmpl", name, "t" + name.rpartition(".")[2])
    if kind == "snippets":
        return VolumeName("snippets", name, "snippet")
    if kind == "import" and name.endswith((".ova", ".qcow2", ".raw", ".vmdk")):
        return VolumeName("import", name, name.rpartition(".")[2])
    if kind == "backup" and name.endswith(BACKUP_ENDINGS):
        return VolumeName("backup", name, backup_format(name), backup_vmid(name))
    if kind == "rootdir" and name.isdecimal():
        return VolumeName("rootdir", name, "subvol", int(name))
    return None


def backup_format(name: str) -> str:
    """`x.vma.zst` -> "vma.zst", `x.tar.gz` -> "tar.gz"."""
    stem, _, ending = name.rpartition(".")
    before = stem.rpartition(".")[2]
    return f"{before}.{ending}" if before in ("vma", "tar") else ending


def backup_vmid(name: str) -> int | None:
    """The guest of `vzdump-qemu-8001-2024_….vma.zst`, else None."""
    words = name.split("-")
    return int(words[2]) if words[0] == "vzdump" and len(words) > 3 and words[2].isdecimal() else None


def parse_lvm(volname: str) -> VolumeName:
    """The name of a logical volume (wording from qm-lvm-004 and qm-lvm-013)."""
    outer = LETTERS | DIGITS
    if len(volname) < 2 or volname[0] not in outer or volname[-1] not in outer or not STORAGE_ID.issuperset(volname):
        raise CommandFailed(f"lvm name '{volname}' contains illegal characters")
    words = volname.split("-", 2)
    if len(words) == 3 and words[0] in ("vm", "base") and words[1].isdecimal() and words[2]:
        return VolumeName("images", volname, "raw", int(words[1]))
    raise CommandFailed(f"unable to parse lvm volume name '{volname}'")


def disk_number(name: str, vmid: int | str) -> int | None:
    """The n of `vm-<vmid>-disk-n`, whatever prefix and ending; None for any other name."""
    for prefix in ("vm", "base", "subvol", "basevol"):
        start = f"{prefix}-{vmid}-disk-"
        if name.startswith(start):
            number = name[len(start) :].partition(".")[0]
            return int(number) if number.isdecimal() else None
    return None


def free_disk_name(taken: list[str], vmid: int | str, format_: str, suffix: str, storage_id: str) -> str:
    """The first `vm-<vmid>-disk-n<suffix>` whose number no volume in `taken` has (qm-create-storage-019)."""
    numbers = {disk_number(name, vmid) for name in taken}
    prefix = "subvol" if format_ == "subvol" else "vm"
    for number in range(10000):
        if number not in numbers:
            return f"{prefix}-{vmid}-disk-{number}{suffix}"
    raise CommandFailed(f"unable to allocate an image name for VM {vmid} in storage '{storage_id}'")
