"""Disk images by their first bytes: format and virtual size. PURE.

Layouts: qcow2 from QEMU's docs/interop/qcow2.txt, VMDK from VMware's Virtual Disk Format 5.0.
"""

from __future__ import annotations

from dataclasses import dataclass

HEAD_BYTES = 512


@dataclass(frozen=True)
class Image:
    """A base image: `bytes` is the size that a guest sees."""

    format: str
    bytes: int


def inspect(size: int, head: bytes) -> Image:
    """Return what an image file of `size` bytes, beginning with `head`, holds."""
    if head[:4] == b"QFI\xfb" and len(head) >= 32:
        return Image("qcow2", int.from_bytes(head[24:32], "big"))
    if head[:4] == b"KDMV" and len(head) >= 20:
        return Image("vmdk", int.from_bytes(head[12:20], "little") * 512)
    return Image("raw", size)
