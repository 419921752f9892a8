"""Disk sizes: Proxmox writes `32G`, `512M`, `4194304`; inside phoenix a size is a number of bytes."""

from __future__ import annotations

import re

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
GIB = 1 << 30
_SIZE = re.compile(r"([0-9]{1,15})(\.[0-9]{1,15})?([KMGT])?", re.ASCII | re.IGNORECASE)


def parse(text: str) -> int:
    """`32G` -> 34359738368. Raises ValueError for what is no size: `nan`, `1e999G`, `-1G`, `٣G`."""
    match = _SIZE.fullmatch(text)
    if not match:
        raise ValueError(f"no size: {text[:80]}")
    whole, part, unit = match.groups()
    factor = UNITS[(unit or "").upper()]
    return int(whole) * factor + (int(float(part) * factor) if part else 0)


def shown(size: int) -> str:
    """34359738368 -> `32 GiB`, in the largest unit that needs no more than one decimal."""
    for unit, name in ((1 << 40, "TiB"), (GIB, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{size} bytes"
