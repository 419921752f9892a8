"""A cloud-init drive as a real CD image: ISO 9660 with Joliet names and the label `cidata`, as Proxmox makes it.

Standard: ECMA-119, and Microsoft's Joliet specification. One folder, small files, nothing else.
"""

from __future__ import annotations

import os
import struct

SECTOR = 2048
FIRST = 16  # sectors before are for boot loaders
JOLIET = b"%/E"  # UCS-2 level 3
DATE = bytes((100, 1, 1, 0, 0, 0, 0))  # 2000-01-01: the image depends on the files only
LONG_DATE = b"2000010100000000\0"


def both16(number: int) -> bytes:
    """A number in both byte orders, as the standard wants it."""
    return struct.pack("<H", number) + struct.pack(">H", number)


def both32(number: int) -> bytes:
    """The same for 32 bits."""
    return struct.pack("<I", number) + struct.pack(">I", number)


def sectors(size: int) -> int:
    """How many sectors hold `size` bytes."""
    return -(-size // SECTOR)


def record(name: bytes, sector: int, size: int, *, folder: bool = False) -> bytes:
    """A directory record."""
    length = 33 + len(name) + (1 - len(name) % 2)
    head = struct.pack("BB", length, 0) + both32(sector) + both32(size) + DATE
    head += struct.pack("BBB", 2 if folder else 0, 0, 0) + both16(1) + struct.pack("B", len(name)) + name
    return head.ljust(length, b"\0")


def directory(sector: int, entries: list[tuple[bytes, int, int]]) -> bytes:
    """The only folder: itself, its parent (itself again), its files; one sector."""
    data = record(b"\0", sector, SECTOR, folder=True) + record(b"\1", sector, SECTOR, folder=True)
    data += b"".join(record(*entry) for entry in sorted(entries))
    assert len(data) <= SECTOR
    return data.ljust(SECTOR, b"\0")


def descriptor(kind: int, label: bytes, total: int, table: int, root: int, escape: bytes = b"") -> bytes:
    """A volume descriptor: primary (1) or supplementary (2)."""
    blank = b" " if kind == 1 else b"\0 "
    data = (
        struct.pack("B", kind)
        + b"CD001\1\0"
        + blank * (32 // len(blank))
        + label.ljust(32, b" " if kind == 1 else b"\0")
    )
    data += bytes(8) + both32(total) + escape.ljust(32, b"\0") + both16(1) + both16(1) + both16(SECTOR)
    data += both32(10) + struct.pack("<II", table, 0) + struct.pack(">II", table + 1, 0)
    data += record(b"\0", root, SECTOR, folder=True)
    data += (blank * (128 // len(blank))) * 4 + (blank * 37)[:37] * 3
    data += LONG_DATE * 2 + b"0" * 16 + b"\0" + b"0" * 16 + b"\0" + b"\1\0"
    return data.ljust(SECTOR, b"\0")


def path_table(root: int, order: str) -> bytes:
    """The path table's only entry, little (`<`) or big (`>`) endian."""
    return (struct.pack(f"{order}BBIH", 1, 0, root, 1) + b"\0\0").ljust(SECTOR, b"\0")


def image(files: dict[str, bytes], label: str = "cidata") -> bytes:
    """The image with `files` by name."""
    table = FIRST + 3  # after the descriptors: two path tables for each of the two folders, then the folders
    root, joliet_root = table + 4, table + 5
    place = joliet_root + 1
    plain, joliet, contents = [], [], b""
    for name, data in sorted(files.items()):
        plain.append((name.upper().encode() + b".;1", place, len(data)))
        joliet.append((name.encode("utf-16-be"), place, len(data)))
        contents += data.ljust(sectors(len(data)) * SECTOR, b"\0")
        place += sectors(len(data))
    parts = [
        bytes(FIRST * SECTOR),
        descriptor(1, label.encode(), place, table, root),
        descriptor(2, label.encode("utf-16-be"), place, table + 2, joliet_root, JOLIET),
        (b"\xffCD001\1").ljust(SECTOR, b"\0"),
        path_table(root, "<"),
        path_table(root, ">"),
        path_table(joliet_root, "<"),
        path_table(joliet_root, ">"),
        directory(root, plain),
        directory(joliet_root, joliet),
        contents,
    ]
    return b"".join(parts)


def from_folder(folder: str) -> bytes:
    """The image of a NoCloud seed: every file of `folder`."""
    files = {}
    for name in os.listdir(folder):
        with open(f"{folder}/{name}", "rb") as file:
            files[name] = file.read()
    return image(files)
