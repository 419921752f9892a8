"""Sizes as Proxmox writes them: `8G` in a configuration, `+512M` on a command line."""

from __future__ import annotations

UNITS = "KMGT"


def text(size: int) -> str:
    """Bytes -> the shortest exact text: 1536M, 2G, 0T (pct-resize-007, pct-create-013)."""
    if size % 1024:
        return str(size)
    unit = ""
    for letter in UNITS:
        if size % 1024:
            break
        size //= 1024
        unit = letter
    return f"{size}{unit}"


def parse(size: str) -> int | None:
    """`8G`, `512M`, `1.5G` or bytes -> bytes; None where it is no size."""
    number, factor = size, 1
    if size[-1:] and size[-1] in UNITS:
        number, factor = size[:-1], 1024 ** (UNITS.index(size[-1]) + 1)
    if not number.replace(".", "", 1).isdecimal() or number[0] == "." or number[-1] == ".":
        return None
    return int(float(number) * factor) if "." in number else int(number) * factor


def of_gib(gib: str) -> int:
    """The number of a new disk, `local:0.5`, in GiB -> bytes, in whole KiB."""
    return int(float(gib) * 1024 * 1024) * 1024
