"""Mount points, `rootfs` and `mp0` … `mp255`: what they mount and where.

A mount point is a dict of its properties: {"volume": "local:101/vm-101-disk-0.raw", "mp": "/data", "size": "1G", …}.
"""

from __future__ import annotations

from fake_pve import propstring, schema
from fake_pve.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from fake_pve.conf import Conf


def is_key(key: str) -> bool:
    """Whether a configuration key is a mount point."""
    return key == "rootfs" or (key.startswith("mp") and key[2:].isdecimal())


def is_unused(key: str) -> bool:
    """Whether a configuration key is a volume that nothing mounts."""
    return key.startswith("unused") and key[6:].isdecimal()


def parse(key: str, text: str | None) -> dict[str, str]:
    """The properties of a mount point; one that is not set, or damaged, lacks what it needs (pct-misc-005)."""
    try:
        found = propstring.parse(schema.option_format("pct", key), text or "", check=False)
    except propstring.PropertyError as problem:
        raise CommandFailed(problem.message.rstrip("\n")) from None
    needed = ("volume",) if key.startswith(("rootfs", "unused")) else ("volume", "mp")
    missing = [f"\n{name}: property is missing and it is not optional" for name in needed if name not in found]
    if missing:
        raise CommandFailed("format error" + "".join(missing))
    return found


def render(key: str, properties: dict[str, str]) -> str:
    """The property string: the volume, then `mp`, then the rest sorted; a rootfs has no `mp`."""
    return propstring.print_(schema.option_format("pct", key), properties, ("mp",) if key == "rootfs" else ())


def volume(text: str) -> str:
    """The volume of a property string, without looking at the rest."""
    words = text.split(",")
    return next((word[7:] for word in words if word.startswith("volume=")), words[0])


def kind(source: str) -> str:
    """What is mounted: a "volume", a "bind" of a folder of the node, or a "device"."""
    return "volume" if source[:1] != "/" else "device" if source.startswith("/dev/") else "bind"


def new_size(source: str) -> str | None:
    """The GiB of `local:8`, which asks for a new volume; None where an existing one is named."""
    storage, colon, number = source.partition(":")
    plain = number.replace(".", "", 1)
    wanted = bool(storage) and bool(colon) and plain.isdecimal() and number[0] != "." and number[-1] != "."
    return number if wanted else None


def keys(options: dict[str, str]) -> list[str]:
    """The mount points of a section in the order in which they are mounted: rootfs, then by number."""
    found = [key for key in options if is_key(key)]
    return sorted(found, key=lambda key: -1 if key == "rootfs" else int(key[2:]))


def volumes(options: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(key, volume id) of all mount points that are volumes."""
    for key in keys(options):
        source = volume(options[key])
        if kind(source) == "volume":
            yield key, source


def unused(options: dict[str, str]) -> list[str]:
    """The `unusedN` keys by number."""
    return sorted((key for key in options if is_unused(key)), key=lambda key: int(key[6:]))


def add_unused(conf: Conf, volid: str) -> None:
    """Remember a volume that nothing mounts any more as the first free `unusedN`, once."""
    if any(volume(conf.options[key]) == volid for key in unused(conf.options)):
        return
    free = next(number for number in range(256) if f"unused{number}" not in conf.options)
    conf.options[f"unused{free}"] = volid


def in_use(conf: Conf, volid: str, but: str = "") -> bool:
    """Whether a mount point other than `but` uses the volume: now, pending, or in a snapshot."""
    sections = [{key: value for key, value in conf.options.items() if key != but}, conf.pending]
    sections += [section.options for section in conf.snapshots.values()]
    return any(volid == used for options in sections for _, used in volumes(options))


def drop_used_unused(conf: Conf) -> None:
    """Forget an `unusedN` whose volume is mounted again."""
    used = {volid for _, volid in volumes(conf.options)}
    for key in unused(conf.options):
        if volume(conf.options[key]) in used:
            del conf.options[key]
