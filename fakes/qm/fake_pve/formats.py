"""The named formats of option values, with the real tools' wording (see `man qm.conf` and `man pct.conf`).

A check raises PropertyError whose message ends with a newline. Wording that is not recorded has no recording's id.
Hand-written instead of regular expressions: importing `re` costs more than a whole call may.
"""

from __future__ import annotations

from fake_pve.propstring import PropertyError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LOWER = frozenset("abcdefghijklmnopqrstuvwxyz")
DIGITS = frozenset("0123456789")
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
ALNUM = LETTERS | DIGITS
HEX = frozenset("0123456789abcdefABCDEF")
CONTENT_TYPES = frozenset(("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none"))
HOTPLUG = frozenset(("network", "disk", "cpu", "memory", "usb", "cloudinit"))


def only(text: str, allowed: frozenset[str]) -> bool:
    """Whether `text` is not empty and has only `allowed` characters."""
    return bool(text) and allowed.issuperset(text)


def split_list(text: str) -> list[str]:
    """A list value: separated by NUL when options were given several times, else by commas, semicolons and blanks."""
    if "\0" in text:
        return text.split("\0")
    return text.replace(",", " ").replace(";", " ").split()


def has_type(kind: str, value: str) -> bool:
    """Whether the text can be a value of schema type `kind`."""
    if kind == "integer":
        return only(value[1:] if value[:1] in ("+", "-") else value, DIGITS)
    if kind == "number":
        return _is_number(value)
    return kind != "boolean" or value in ("0", "1")


def _is_number(value: str) -> bool:
    if not value or not only(value, DIGITS | frozenset("+-.eE")):
        return False
    try:
        float(value)
    except ValueError:
        return False
    return True


def matches(pattern: str, value: str) -> bool:
    """Whether `value` matches a schema's pattern, anchored without a group as the real tools do (`^a|b$`)."""
    quick = QUICK_PATTERNS.get(pattern)
    if quick is not None:
        return quick(value)
    import re  # only for the rare patterns

    return re.search(f"^{pattern}$", value, re.ASCII) is not None


def _is_resize(value: str) -> bool:
    """A size of `qm disk resize`: absolute, or with `+` what to add."""
    text = value[1:] if value[:1] == "+" else value
    return is_size(text)


def is_size(text: str) -> bool:
    """`8G`, `0.5T`, `512`: digits, perhaps a fraction, perhaps one unit letter."""
    if text[-1:] in ("K", "M", "G", "T"):
        text = text[:-1]
    whole, point, fraction = text.partition(".")
    return only(whole, DIGITS) and (not point or only(fraction, DIGITS))


def _is_serial(value: str) -> bool:
    return value == "socket" or (value.startswith("/dev/") and len(value) > 5 and "," not in value)


def _is_disk_name(value: str) -> bool:
    stem = value.rstrip("0123456789")
    return stem in ("ide", "sata", "scsi", "virtio") and stem != value


def _is_alloc_size(value: str) -> bool:
    return only(value[:-1] if value[-1:] in ("M", "G") else value, DIGITS)


QUICK_PATTERNS: dict[str, Callable[[str], bool]] = {
    r"\+?\d+(\.\d+)?[KMGT]?": _is_resize,
    r"\d+[MG]?": _is_alloc_size,
    r"(/dev/[^,]+|socket)": _is_serial,
    r"(ide|sata|scsi|virtio)\d+": _is_disk_name,
    r"[acdn]{1,4}": lambda value: 1 <= len(value) <= 4 and only(value, frozenset("acdn")),
}


def check(name: str, value: str, parts: dict[str, str] | None = None) -> None:
    """Raise PropertyError unless `value` has format `name`; `parts` are a property string's values, already parsed."""
    validator = PROPERTY_VALIDATORS.get(name)
    if validator is not None and parts is not None:
        validator(parts)
        return
    rule = FORMATS.get(name)
    if rule is None and name.endswith("-list"):
        for part in split_list(value):
            check(name.removesuffix("-list"), part)
    elif rule is not None and not rule(value):
        raise PropertyError(MESSAGES[name].replace("%s", value) + "\n")


def is_configid(value: str) -> bool:
    """A snapshot's or option's name: a letter, then at least one letter, digit, `_` or `-`."""
    return len(value) > 1 and value[0] in LETTERS and only(value, ALNUM | frozenset("_-"))


def is_vmid(value: str) -> bool:
    """100 to 999999999 without leading zeros."""
    return 3 <= len(value) <= 9 and value[0] != "0" and only(value, DIGITS)


def is_label(value: str) -> bool:
    """One part of a DNS name, or a node name."""
    return only(value, ALNUM | frozenset("-")) and value[0] != "-" and value[-1] != "-"


def is_dns_name(value: str) -> bool:
    """Labels joined by dots; their length is not limited (qm-create-name-004)."""
    return all(is_label(label) for label in value.split("."))


def is_ipv4(value: str) -> bool:
    """Four numbers up to 255 without leading zeros."""
    parts = value.split(".")
    return len(parts) == 4 and all(only(p, DIGITS) and int(p) < 256 and (p == "0" or p[0] != "0") for p in parts)


def is_ipv6(value: str) -> bool:
    """Eight groups, or fewer with one `::`; the last two may be an IPv4 address."""
    head, double, tail = value.partition("::")
    groups = (head.split(":") if head else []) + (tail.split(":") if tail else [])
    if groups and "." in groups[-1]:
        if not is_ipv4(groups[-1]):
            return False
        groups[-1:] = ["0", "0"]
    right_count = len(groups) < 8 if double else len(groups) == 8
    return ":" in value and right_count and all(len(g) <= 4 and only(g, HEX) for g in groups)


def is_ip(value: str) -> bool:
    """An IPv4 or IPv6 address."""
    return is_ipv4(value) or is_ipv6(value)


def is_cidr(value: str, version: int | None = None) -> bool:
    """`10.0.0.5/24`; a prefix shorter than 8 is refused, as the real tools refuse it."""
    address, slash, prefix = value.partition("/")
    if not slash or not only(prefix, DIGITS):
        return False
    if version != 6 and is_ipv4(address):
        return 8 <= int(prefix) <= 32
    return version != 4 and is_ipv6(address) and 8 <= int(prefix) <= 128


def is_storage_id(value: str) -> bool:
    """A letter first, a letter or digit last, `-_.` between."""
    return len(value) > 1 and value[0] in LETTERS and value[-1] in ALNUM and only(value, ALNUM | frozenset("-_."))


def is_volume_id(value: str) -> bool:
    """`storage:volume`."""
    storage, colon, name = value.partition(":")
    return bool(colon and name) and is_storage_id(storage)


def is_mac(value: str) -> bool:
    """A unicast MAC address with colons, any case."""
    parts = value.split(":")
    return len(parts) == 6 and all(len(p) == 2 and only(p, HEX) for p in parts) and int(parts[0], 16) % 2 == 0


def is_tag(value: str) -> bool:
    """Letters, digits, `_`, and after the first character also `-+.`."""
    return only(value, ALNUM | frozenset("_-+.")) and value[0] not in "-+."


def _is_startup(value: str) -> bool:
    """`order=1,up=2,down=3`, or a bare order; blank parts mean nothing, but something must be there."""
    for part in filter(str.strip, value.split(",")):
        key, equals, number = part.partition("=")
        if not equals:
            key, number = "order", key
        if key not in ("order", "up", "down") or not only(number, DIGITS):
            return False
    return bool(value)


def _is_cpuset(value: str) -> bool:
    """`0,2-4`: numbers and ranges."""
    for part in value.strip().split(","):
        first, dash, last = part.strip().partition("-")
        if not only(first, DIGITS) or (dash and (not only(last, DIGITS) or int(last) < int(first))):
            return False
    return True


def _check_hotplug(value: str) -> None:
    """`0`, `1` or a list of features (qm-create-157)."""
    if value in ("0", "1"):
        return
    for feature in split_list(value):
        if feature not in HOTPLUG:
            raise PropertyError(f"invalid hotplug feature '{feature}'\n")


def _is_bootdev(value: str) -> bool:
    stem = value.rstrip("0123456789")
    return stem != value and stem in ("ide", "sata", "scsi", "virtio", "net", "hostpci", "usb", "efidisk", "tpmstate")


def _is_timezone(value: str) -> bool:
    """`host`, `UTC` or a zone that there is (pct-create-073 refuses `Foo/Bar`)."""
    if value in ("host", "UTC"):
        return True
    from fake_pve.schema.zones import is_zone  # few calls are about time zones

    return is_zone(value)


def _is_portal(value: str) -> bool:
    """`host`, `host:port` or `[v6]:port`."""
    host, colon, port = value.rpartition(":")
    if not colon or is_ipv6(value):
        host, port = value, "0"
    return only(port, DIGITS) and (is_ip(host.strip("[]")) or is_dns_name(host))


def _is_block_size(value: str) -> bool:
    """A positive number, perhaps with `k` or `m`."""
    number = value[:-1] if value[-1:].lower() in ("k", "m") else value
    return only(number, DIGITS) and number[0] != "0"


def _is_ll_address(value: str) -> bool:
    """An address, a link-local one with its interface, or `host` (a container takes the node's)."""
    address, _, interface = value.partition("%")
    return value == "host" or is_ip(address) or (is_ipv6(address) and bool(interface))


def _is_urlencoded(value: str) -> bool:
    return not value or only(value, ALNUM | frozenset("-%_.!~*'()"))


def _is_mount_path(value: str) -> bool:
    padded = f"{value}/"
    return "/../" not in padded and "/./" not in padded


# What qm.conf(5) allows in `cpu: …,flags=+aes;-pcid`.
CPU_FLAGS = (
    "aes", "amd-no-ssb", "amd-ssbd", "hv-evmcs", "hv-tlbflush", "ibpb", "md-clear", "nested-virt", "pcid", "pdpe1gb",
    "spec-ctrl", "ssbd", "virt-ssbd",
)  # fmt: skip


def _check_cpu(parts: dict[str, str]) -> None:
    """A CPU type must be built in or named `custom-…` (qm-create-007), its flags of those that a guest may set."""
    if "reported-model" in parts:
        raise PropertyError("Property 'reported-model' not allowed in VM-specific CPU config.\n")
    kind = parts.get("cputype", "")
    if kind and not kind.startswith("custom-"):
        from fake_pve.schema import option_format  # the list of models stands in the guest's schema

        models = option_format("qm", "cpu")["reported-model"]["enum"]
        if kind not in models and not kind.startswith("x86-64-v"):
            raise PropertyError(f"Built-in cputype '{kind}' is not defined (missing 'custom-' prefix?)\n")
    flags = parts.get("flags", "").split(";") if "flags" in parts else []
    if not all(flag[:1] in ("+", "-") and flag[1:] in CPU_FLAGS for flag in flags):
        raise PropertyError(f"VM-specific CPU flags must be a subset of: {', '.join(CPU_FLAGS)}\n")


def _check_storage_id(value: str) -> None:
    if len(value) < 2:
        raise PropertyError(f"storage ID '{value}' cannot be shorter than 2 characters\n")
    if not is_storage_id(value):
        raise PropertyError(f"storage ID '{value}' contains illegal characters\n")


def _check_prune(parts: dict[str, str]) -> None:
    """Keeping all leaves nothing for other rules (pvesm-add2-010)."""
    if parts.get("keep-all") == "1" and len(parts) > 1:
        raise PropertyError("keep-all cannot be set together with other options.\n")


PROPERTY_VALIDATORS: dict[str, Callable[[dict[str, str]], None]] = {
    "pve-vm-cpu-conf": _check_cpu,
    "prune-backups": _check_prune,
}


def _raising(rule: Callable[[str], None]) -> Callable[[str], bool]:
    """A rule that raises its own message, in the shape of the others."""

    def check_it(value: str) -> bool:
        rule(value)
        return True

    return check_it


FORMATS: dict[str, Callable[[str], bool]] = {
    "pve-configid": is_configid,
    "pve-vmid": is_vmid,
    "pve-node": is_label,
    "dns-name": is_dns_name,
    "ipv4": is_ipv4,
    "ipv6": is_ipv6,
    "ip": is_ip,
    "address": lambda value: is_ip(value) or is_dns_name(value),
    "CIDR": is_cidr,
    "pve-ipv4-config": lambda value: value in ("dhcp", "manual") or is_cidr(value, 4),
    "pve-ipv6-config": lambda value: value in ("auto", "dhcp", "manual") or is_cidr(value, 6),
    "pve-storage-id": _raising(_check_storage_id),
    "pve-volume-id": is_volume_id,
    "pve-volume-id-or-qm-path": lambda value: value in ("none", "cdrom") or value[:1] == "/" or is_volume_id(value),
    "pve-volume-id-or-absolute-path": lambda value: value[:1] == "/" or is_volume_id(value),
    "pve-storage-path": lambda value: value[:1] == "/",
    "pve-storage-server": lambda value: is_ip(value) or is_dns_name(value),
    "pve-dir-override": lambda value: all(value.partition("=")),
    "pve-storage-portal-dns": _is_portal,
    "pve-storage-zfs-blocksize": _is_block_size,
    "pve-storage-content": lambda value: value in CONTENT_TYPES,
    "pve-storage-vgname": lambda value: only(value, ALNUM | frozenset("-_.+")) and value[0] in ALNUM,
    "pve-bridge-id": lambda value: only(value, ALNUM | frozenset("-_.")),
    "pve-poolid": lambda value: all(only(part, ALNUM | frozenset("-_.")) for part in value.split("/")),
    "pve-tag": is_tag,
    "pve-startup-order": _is_startup,
    "pve-cpuset": _is_cpuset,
    "pve-hotplug-features": _raising(_check_hotplug),
    "pve-qm-bootdev": _is_bootdev,
    "pve-qm-bootdisk": _is_disk_name,
    "pve-phys-bits": lambda value: value == "host" or (only(value, DIGITS) and 8 <= int(value) <= 64),
    "pve-ct-timezone": _is_timezone,
    "pve-lxc-mp-string": _is_mount_path,
    "pve-lxc-dev-string": lambda value: value.startswith("/dev/"),
    "lxc-ip-with-ll-iface": _is_ll_address,
    "mac-addr": is_mac,
    "disk-size": is_size,
    "urlencoded": _is_urlencoded,
}

MESSAGES = {
    "pve-configid": "invalid configuration ID '%s'",
    "pve-vmid": "value does not look like a valid VM ID",
    "pve-node": "value does not look like a valid node name",
    "dns-name": "value does not look like a valid DNS name",
    "ipv4": "value does not look like a valid IPv4 address",
    "ipv6": "value does not look like a valid IPv6 address",
    "ip": "value does not look like a valid IP address",
    "address": "value does not look like a valid address: %s",
    "CIDR": "value does not look like a valid CIDR network",
    "pve-ipv4-config": "value does not look like a valid ipv4 network configuration",
    "pve-ipv6-config": "value does not look like a valid ipv6 network configuration",
    "pve-volume-id": "unable to parse volume ID '%s'",
    "pve-volume-id-or-qm-path": "unable to parse volume ID '%s'",
    "pve-volume-id-or-absolute-path": "unable to parse volume ID '%s'",
    "pve-storage-path": "value does not look like a valid absolute path",
    "pve-storage-server": "value does not look like a valid server name or IP address",
    "pve-dir-override": "invalid override '%s'",
    "pve-storage-portal-dns": "value does not look like a valid portal address",
    "pve-storage-zfs-blocksize": "invalid ZFS blocksize format '%s'. Use a positive number (no leading zeros) with an"
    " optional 'k' or 'm' suffix.",
    "pve-storage-content": "invalid content type '%s'",
    "pve-storage-vgname": "lvm name '%s' contains illegal characters",
    "pve-bridge-id": "invalid bridge ID '%s'",
    "pve-poolid": "pool name '%s' contains invalid characters",
    "pve-tag": "invalid characters in tag",
    "pve-startup-order": "unable to parse startup options",
    "pve-cpuset": "unable to parse cpuset option",
    "pve-qm-bootdev": "invalid boot device '%s'",
    "pve-qm-bootdisk": "invalid boot disk '%s'",
    "pve-phys-bits": "value must be an integer between 8 and 64 or 'host'",
    "pve-ct-timezone": "invalid time zone '%s'",
    "pve-lxc-mp-string": "%s contains illegal character sequences",
    "pve-lxc-dev-string": "%s is not a valid device path",
    "lxc-ip-with-ll-iface": "value does not look like a valid IP address",
    "mac-addr": "value does not look like a valid unicast MAC address",
    "disk-size": "value does not look like a valid disk size: %s",
    "urlencoded": "invalid urlencoded string: '%s'",
}
