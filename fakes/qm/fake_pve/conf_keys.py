"""Which keys a guest's .conf may hold, and the type of each: what the real tools check while they read the file.

A name stands for itself; `…_FAMILIES` holds numbered names ("scsi0" … "scsi30") with their highest index. A type is one
of "boolean", "integer", "number", "string". Names and types are those of the option schemas of `qm set` and `pct set`,
plus the ones that only the tools themselves write (`meta`, `parent`, `snaptime`, `vmstate`, `running…`).
"""

from __future__ import annotations


def _table(**words: str) -> dict[str, str]:
    return {name: type_ for type_, names in words.items() for name in names.split()}


QEMU = _table(
    boolean="acpi allow-ksm autostart ciupgrade freeze keephugepages kvm localtime numa onboot protection reboot tablet"
    " tdf template",
    integer="balloon cores cpuunits migrate_speed shares smp snaptime sockets vcpus",
    number="cpulimit migrate_downtime",
    string="affinity agent amd-sev arch args audio0 bios boot bootdisk cdrom cicustom cipassword citype ciuser cpu"
    " description efidisk0 hookscript hotplug hugepages intel-tdx ivshmem keyboard lock machine memory meta name"
    " nameserver ostype parent rng0 runningcpu runningmachine running-nets-host-mtu scsihw searchdomain smbios1"
    " spice_enhancements sshkeys startdate startup tags tpmstate0 vga vmgenid vmstate vmstatestorage watchdog",
)
QEMU_FAMILIES = {
    "ide": 3, "sata": 5, "scsi": 30, "virtio": 15, "net": 31, "ipconfig": 31, "unused": 255, "serial": 3, "parallel": 2,
    "usb": 13, "hostpci": 15, "numa": 7, "virtiofs": 9,
}  # fmt: skip
LXC = _table(
    boolean="console debug onboot protection template unprivileged",
    integer="cores cpuunits memory snaptime swap tty",
    number="cpulimit",
    string="arch cmode description entrypoint env features hookscript hostname lock nameserver ostype parent rootfs"
    " searchdomain startup tags timezone",
)
LXC_FAMILIES = {"net": 31, "mp": 255, "unused": 255, "dev": 255}
# Texts of a VM without a format of their own, around which quotes mean nothing.
FREE = frozenset(("args", "cipassword", "ciuser", "searchdomain"))
# Property strings that are nothing without one property, which may stand bare or under these names …
NEEDED = {
    "ide": ("file", "volume"), "sata": ("file", "volume"), "scsi": ("file", "volume"), "virtio": ("file", "volume"),
    "efidisk": ("file", "volume"), "tpmstate": ("file", "volume"), "rootfs": ("volume",), "mp": ("volume",),
}  # fmt: skip
# … and a VM's network card, whose model may be a name itself: `virtio=BC:24:…`.
MODELS = frozenset(
    "e1000 e1000-82540em e1000-82544gc e1000-82545em e1000e i82551 i82557b i82559er ne2k_isa ne2k_pci pcnet rtl8139"  # noqa: SIM905
    " virtio vmxnet3".split()
)


def type_of(kind: str, key: str) -> str | None:
    """The type of configuration key `key`, or None when guests of `kind` have no such key."""
    names, families = (QEMU, QEMU_FAMILIES) if kind == "qemu" else (LXC, LXC_FAMILIES)
    return names.get(key) or _family_type(families, key)


def _family_type(families: dict[str, int], key: str) -> str | None:
    family = key.rstrip("0123456789")
    index = key[len(family) :]
    known = index and family in families and int(index) <= families[family] and str(int(index)) == index
    return "string" if known else None


def checked(kind: str, key: str, value: str) -> str:
    """`value` as the tools understand it (a boolean as 1 or 0). ValueError has the wording of qm-config-003."""
    if "\n" in value or "\r" in value:
        raise ValueError("property contains a line feed")
    match type_of(kind, key):
        case None:
            raise ValueError(f"unknown setting '{key}'")
        case "boolean":
            return _boolean(value)
        case "integer" if not value.isdecimal():
            raise ValueError(f"type check ('integer') failed - got '{value}'")
        case "integer":
            return str(int(value))
        case "number" if not value.replace(".", "", 1).isdecimal() or value[0] == "." or value[-1] == ".":
            raise ValueError(f"type check ('number') failed - got '{value}'")
        case _ if key == "sshkeys" and value.isspace():
            raise ValueError(f"invalid urlencoded string: {value}\n")
        case _ if kind == "qemu" and key in FREE and len(value) > 1 and value[0] == value[-1] == '"':
            return value[1:-1]
        case _:
            return _whole(kind, key, value)


def _whole(kind: str, key: str, value: str) -> str:
    """The property string, if it has what it is nothing without; only damaged files have others."""
    family = key.rstrip("0123456789")
    first = value.partition(",")[0].partition("=")
    if family in NEEDED and (first[1] or not first[0]) and not _has(value, NEEDED[family]):
        raise ValueError(f"format error\n{NEEDED[family][0]}: property is missing and it is not optional")
    if family == "net" and kind == "qemu" and not _has_model(value):
        raise ValueError("format error\nmodel: property is missing and it is not optional")
    if key == "memory" and kind == "qemu" and not memory(value).isdecimal():
        raise ValueError(f"format error\ncurrent: type check ('integer') failed - got '{value}'")
    return value


def memory(value: str) -> str:
    """The number of a VM's `memory: 2048` or `memory: current=2048`."""
    part = next((part for part in value.split(",") if part.strip()), "")
    return part.removeprefix("current=").removeprefix("+")


def _has(value: str, names: tuple[str, ...]) -> bool:
    """Whether a part of the property string is bare or under one of the names."""
    parts = [part.partition("=") for part in value.split(",")]
    return any(key and (not equals or (key in names and text)) for key, equals, text in parts)


def _has_model(value: str) -> bool:
    """Whether a network card's value names its model."""
    return any(
        part in MODELS or part.partition("=")[0] in MODELS or part.startswith("model=") for part in value.split(",")
    )


def _boolean(value: str) -> str:
    match value.lower():
        case "1" | "on" | "yes" | "true":
            return "1"
        case "0" | "off" | "no" | "false":
            return "0"
    raise ValueError(f"type check ('boolean') failed - got '{value}'")
