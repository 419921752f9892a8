"""Disk images and container templates by their first bytes: format, virtual size, and whether they can be used. PURE.

Layouts: qcow2 from QEMU's docs/interop/qcow2.txt, VMDK from VMware's Virtual Disk Format 5.0.
"""

from __future__ import annotations

from dataclasses import dataclass

HEAD_BYTES = 1 << 18
"""Where the L1 table of a qcow2 image that qemu-img wrote ends: after header, refcounts, and as long as a cluster."""

PACKED = {b"\x1f\x8b": "gzip", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"PK\x03\x04": "zip"}
BOOT_SIGNATURE = b"\x55\xaa"
OFFSET_BITS = 0x00FF_FFFF_FFFF_FE00


@dataclass(frozen=True)
class Image:
    """A base image or template: `bytes` is the size that a guest sees, `problem` what makes it useless."""

    format: str
    bytes: int
    problem: str = ""


NO_FILE = Image("", 0, "is no regular file")
"""What stands in the place of an image and is a folder, a pipe, a device or a socket; it is not opened."""


def inspect(size: int, head: bytes) -> Image:
    """Return what an image file of `size` bytes, beginning with `head`, holds."""
    if head[:4] == b"QFI\xfb":
        return Image("qcow2", int.from_bytes(head[24:32], "big"), _cut_off(size, _qcow2_end(head)))
    if head[:4] == b"KDMV":
        return Image("vmdk", int.from_bytes(head[12:20], "little") * 512, _cut_off(size, 512))
    return Image("raw", size, _raw_problem(size, head))


def inspect_archive(size: int, head: bytes) -> Image:
    """Return what a container template of `size` bytes, beginning with `head`, is."""
    if size == 0:
        return Image("archive", size, "is empty")
    good = _packing(head) not in {"", "zip"} or head[257:262] == b"ustar"
    return Image("archive", size, "" if good else "is no archive")


def _packing(head: bytes) -> str:
    return next((name for magic, name in PACKED.items() if head.startswith(magic)), "")


def _raw_problem(size: int, head: bytes) -> str:
    if size == 0:
        return "is empty"
    if packing := _packing(head):
        return f"is packed with {packing}: unpack it first"
    if head[510:512] != BOOT_SIGNATURE:
        return "is no disk image: neither qcow2 nor vmdk, nor a raw disk with a boot sector"
    return ""


def _cut_off(size: int, least: int) -> str:
    return f"is cut off: it has {size} bytes, and refers to at least {least}" if size < least else ""


def _qcow2_end(head: bytes) -> int:
    """Return how long a qcow2 file must be by what its header and its L1 table refer to."""
    header = head[:72].ljust(72, b"\0")
    cluster = 1 << min(header[23], 21)
    entries, table = int.from_bytes(header[36:40], "big"), int.from_bytes(header[40:48], "big")
    listed = head[table : table + 8 * entries] if table else b""
    offsets = (int.from_bytes(listed[at : at + 8], "big") & OFFSET_BITS for at in range(0, len(listed) - 7, 8))
    return max(72, table + 8 * entries, *(offset + cluster for offset in offsets if offset), 0)
