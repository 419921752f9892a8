"""Disk sizes: Proxmox writes `32G`, `512M`, `4194304`; inside phoenix a size is a number of bytes."""

from __future__ import annotations

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
GIB = 1 << 30


def parse(text: str) -> int:
    """`32G` -> 34359738368. Raises ValueError."""
    unit = text[-1:].upper() if text[-1:].isalpha() else ""
    return int(float(text[: len(text) - len(unit)]) * UNITS[unit]) if unit in UNITS else int(text)


def shown(size: int) -> str:
    """34359738368 -> `32 GiB`, in the largest unit that needs no more than one decimal."""
    for unit, name in ((1 << 40, "TiB"), (GIB, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{size} bytes"
