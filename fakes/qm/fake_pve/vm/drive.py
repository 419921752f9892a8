"""Drive values: `local:8001/vm-8001-disk-0.raw,discard=on,size=8G` and what is a disk, a CD, cloud-init."""

from __future__ import annotations

from fake_pve import sizes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Drive = dict[str, str]

# The order in which the real tools go through a guest's drives (qm-lvm-018: ide2 before scsi0 at every step).
BUSES = {"ide": 4, "scsi": 31, "virtio": 16, "sata": 6}
BOOTABLE = tuple(f"{bus}{index}" for bus, count in BUSES.items() for index in range(count))
NAMES = (*BOOTABLE, "efidisk0", "tpmstate0")
NAME_SET = frozenset(NAMES)
UNUSED = tuple(f"unused{index}" for index in range(256))
BOOLEANS = frozenset(
    "backup detect_zeroes iothread pre-enrolled-keys replicate ro scsiblock shared snapshot ssd".split()  # noqa: SIM905
)
ALIASES = {"volume": "file"} | {
    f"{kind}_length": f"{kind}_max_length" for kind in ("bps_rd", "bps_wr", "iops_rd", "iops_wr")
}
BYTES = frozenset(("bps", "bps_rd", "bps_wr"))
TRUE, FALSE = ("1", "on", "yes", "true"), ("0", "off", "no", "false")


def is_name(key: str) -> bool:
    """Whether `key` names a drive (`unused0` does not)."""
    return key in NAME_SET


def parse(text: str) -> Drive:
    """The properties of a drive value; the volume is "file", "" in a damaged value without one.

    Shape and names were checked when the value came in; a part that is blank means nothing.
    """
    found: Drive = {"file": ""}
    for part in text.split(","):
        if not part or part.isspace():
            continue
        key, equals, value = part.partition("=")
        if not equals:
            key, value = "file", part
        key = ALIASES.get(key, key)
        if key in BYTES:  # a limit in bytes becomes one in megabytes, and PVE 9.2 loses its value (qm-life-041)
            key, value = f"m{key}", "0.000"
        found[key] = _boolean(value) if key in BOOLEANS else value
    return found


def _boolean(text: str) -> str:
    lower = text.lower()
    return "1" if lower in TRUE else "0" if lower in FALSE else text


def print_(drive: Mapping[str, str]) -> str:
    """The value: the volume first, then the rest sorted by name (qm-create-023), sizes in the largest whole unit."""
    rest = [f"{key}={_shown(key, drive[key])}" for key in sorted(drive) if key != "file"]
    return ",".join((drive["file"], *rest))


def _shown(key: str, value: str) -> str:
    size = sizes.parse(value) if key == "size" else None
    return value if size is None else sizes.text(size)


def is_cloudinit(drive: Mapping[str, str]) -> bool:
    """Whether the drive is (or asks for) a cloud-init drive: by the name of its volume."""
    name = drive["file"].rpartition("/")[2].rpartition(":")[2]
    if name == "cloudinit":
        return True
    stem = name.removesuffix(".raw").removesuffix(".qcow2").removesuffix(".vmdk")
    middle = stem.removeprefix("vm-").removesuffix("-cloudinit")
    return stem == f"vm-{middle}-cloudinit" and middle.isdecimal()


def is_cdrom(drive: Mapping[str, str], *, but_cloudinit: bool = False) -> bool:
    """Whether the drive is a CD; a cloud-init drive is one too unless `but_cloudinit`."""
    if but_cloudinit and is_cloudinit(drive):
        return False
    return drive.get("media") == "cdrom"


def each(options: Mapping[str, str], *, unused: bool = False) -> Iterator[tuple[str, Drive]]:
    """(name, drive) of all drives among `options`, in the tools' order; with `unused` also those no longer attached."""
    for name in NAMES:
        if name in options:
            yield name, parse(options[name])
    if unused:
        for name in sorted((key for key in options if key.startswith("unused")), key=lambda key: int(key[6:])):
            yield name, parse(options[name])


def cloudinit_key(options: Mapping[str, str], skip: str = "") -> str | None:
    """The name of the drive that is the cloud-init drive, other than `skip`."""
    return next((name for name, drive in each(options) if name != skip and is_cloudinit(drive)), None)
