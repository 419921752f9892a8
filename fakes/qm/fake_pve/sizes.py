"""Sizes as Proxmox writes them: `8G` in a configuration, `+512M` on a command line, `local:0.5` for half a GiB."""

from __future__ import annotations

UNITS = "KMGT"


def text(size: int) -> str:
    """Bytes -> the shortest exact text: 1536M, 2G, 0T (qm-create-020, pct-resize-007, pct-create-013)."""
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
    return times(number, factor) if is_number(number) else None


def is_number(number: str) -> bool:
    """Whether it is `8` or `0.5`; a point stands between digits."""
    return number.replace(".", "", 1).isdecimal() and number[0] != "." and number[-1] != "."


def times(number: str, factor: int, *, up: bool = False) -> int:
    """`0.5` times 1024, a part of one left out or made whole; exact, however long the number."""
    whole, _, part = number.partition(".")
    product = int(whole + part) * factor
    tenths: int = 10 ** len(part)
    return -(-product // tenths) if up else product // tenths
