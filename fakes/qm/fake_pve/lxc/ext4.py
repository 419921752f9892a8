"""The ext4 file systems in containers' volumes, as far as their counts go.

A formatted volume gets a real superblock (and nothing else), so that its counts travel with it through moves and
copies. The arithmetic is that of mke2fs and resize2fs 1.47 with Debian's mke2fs.conf (see mke2fs(8), ext4(5) and the
kernel's Documentation/filesystems/ext4); it gives the counts of pct-resize-001, pct-walk-030, pct-walk-070 and
pct-misc-003 exactly.
"""

from __future__ import annotations

import os

BLOCK = 4096
PER_GROUP = 32768  # blocks
INODE = 256  # bytes
DESCRIPTORS = 64  # group descriptors in a block
MAGIC = 0xEF53
AT = 1024  # where the superblock stands
JOURNAL = ((32768, 1024), (262144, 4096), (524288, 8192), (4194304, 16384), (8388608, 32768), (16777216, 65536))
RESERVED_INODES = 11
EMPTY_BLOCKS = 7  # of a new file system: root, lost+found, the resize inode's map, multi-mount protection
# What the recordings' template and its set-up leave in it.
TEMPLATE_INODES = 60
TEMPLATE_BLOCKS = 523


class FileSystem:
    """Counts of a file system: 4 KiB blocks, inodes, how many of each are used; what growing needs to know."""

    __slots__ = ("blocks", "inodes", "inodes_per_group", "reserved", "used_blocks", "used_inodes")

    def __init__(self, blocks: int, inodes_per_group: int, reserved: int, used_blocks: int, used_inodes: int) -> None:
        self.blocks = blocks
        self.inodes_per_group = inodes_per_group
        self.reserved = reserved
        self.used_blocks = used_blocks
        self.used_inodes = used_inodes
        self.inodes = groups(blocks) * inodes_per_group


def groups(blocks: int) -> int:
    """How many block groups."""
    return -(-blocks // PER_GROUP)


def backups(count: int, first: int = 0) -> list[int]:
    """The groups from `first` to `count` that hold a superblock: 0, 1 and the powers of 3, 5 and 7."""
    found = {0, 1}
    for base in (3, 5, 7):
        power = base
        while power < count:
            found.add(power)
            power *= base
    return sorted(group for group in found if first <= group < count)


def journal(blocks: int) -> int:
    """The journal's blocks."""
    return next((size for limit, size in JOURNAL if blocks < limit), 131072 if blocks < 33554432 else 262144)


def reserved_blocks(blocks: int) -> int:
    """Blocks kept beside each superblock so that the file system can grow a thousandfold."""
    most = min(blocks * 1024, 0xFFFFFFFF)
    return min(1024, -(-groups(most) // DESCRIPTORS) - descriptor_blocks(blocks))


def descriptor_blocks(blocks: int) -> int:
    """Blocks of group descriptors beside each superblock."""
    return -(-groups(blocks) // DESCRIPTORS)


def inodes_per_group(blocks: int) -> int:
    """One inode for 16 KiB (for 4 KiB below 512 MiB), in whole blocks of the inode table."""
    ratio = 16384 if blocks * BLOCK >= 512 << 20 else 4096
    wanted = -(-(blocks * BLOCK // ratio) // groups(blocks))
    return -(-wanted // (BLOCK // INODE)) * (BLOCK // INODE)


def table_blocks(per_group: int) -> int:
    """What a group's inode table and its two bitmaps take."""
    return per_group * INODE // BLOCK + 2


def make(size: int) -> FileSystem:
    """The counts of a new file system on a volume of `size` bytes."""
    blocks = size // BLOCK
    per_group, reserved = inodes_per_group(blocks), reserved_blocks(blocks)
    beside = 1 + descriptor_blocks(blocks) + reserved
    used = groups(blocks) * table_blocks(per_group) + len(backups(groups(blocks))) * beside
    used += journal(blocks) + EMPTY_BLOCKS
    return FileSystem(blocks, per_group, reserved, used, RESERVED_INODES)


def filled(system: FileSystem) -> FileSystem:
    """The same with a template unpacked into it."""
    return FileSystem(
        system.blocks,
        system.inodes_per_group,
        system.reserved,
        system.used_blocks + TEMPLATE_BLOCKS,
        system.used_inodes + TEMPLATE_INODES,
    )


def grown(system: FileSystem, size: int) -> FileSystem:
    """The counts after resize2fs: groups are added, the journal stays."""
    blocks = size // BLOCK
    old, new = groups(system.blocks), groups(blocks)
    kept = 1 + descriptor_blocks(system.blocks) + system.reserved
    more = (new - old) * table_blocks(system.inodes_per_group) + len(backups(new, old)) * kept
    return FileSystem(blocks, system.inodes_per_group, system.reserved, system.used_blocks + more, system.used_inodes)


# --- on disk ---------------------------------------------------------------------------------------------


def write(path: str, system: FileSystem) -> None:
    """Put the superblock into the volume."""
    block = bytearray(1024)

    def put(offset: int, value: int, length: int = 4) -> None:
        block[offset : offset + length] = value.to_bytes(length, "little")

    put(0x00, system.inodes)
    put(0x04, system.blocks)
    put(0x0C, system.blocks - system.used_blocks)
    put(0x10, system.inodes - system.used_inodes)
    put(0x18, 2)  # 1024 << 2 is BLOCK
    put(0x20, PER_GROUP)
    put(0x28, system.inodes_per_group)
    put(0x38, MAGIC, 2)
    put(0xCE, system.reserved, 2)
    with open(path, "r+b") as file:
        os.pwrite(file.fileno(), block, AT)


def read(path: str) -> FileSystem | None:
    """What the volume's superblock says; None when there is none, or no volume."""
    try:
        with open(path, "rb") as file:
            block = os.pread(file.fileno(), 1024, AT)
    except OSError:
        return None

    def get(offset: int, length: int = 4) -> int:
        return int.from_bytes(block[offset : offset + length], "little")

    if len(block) < 1024 or get(0x38, 2) != MAGIC:
        return None
    blocks, inodes = get(0x04), get(0x00)
    return FileSystem(blocks, get(0x28), get(0xCE, 2), blocks - get(0x0C), inodes - get(0x10))


# --- what the programs say -------------------------------------------------------------------------------


def made_text(system: FileSystem, uuid: str) -> list[str]:
    """mke2fs's report."""
    places = ", ".join(str(group * PER_GROUP) for group in backups(groups(system.blocks)) if group)
    return [
        f"Creating filesystem with {system.blocks} 4k blocks and {system.inodes} inodes",
        f"Filesystem UUID: {uuid}",
        "Superblock backups stored on blocks: ",
        f"\t{places}",
    ]


def counts_text(system: FileSystem) -> str:
    """`71/65536 files (0.0% non-contiguous), 13479/262144 blocks`."""
    return (
        f"{system.used_inodes}/{system.inodes} files (0.0% non-contiguous), {system.used_blocks}/{system.blocks} blocks"
    )


def checked_text(path: str, system: FileSystem) -> list[str]:
    """The report of a forced e2fsck without its version line."""
    return [
        "Pass 1: Checking inodes, blocks, and sizes",
        "Pass 2: Checking directory structure",
        "Pass 3: Checking directory connectivity",
        "Pass 4: Checking reference counts",
        "Pass 5: Checking group summary information",
        f"{path}: {counts_text(system)}",
    ]


def grown_text(path: str, system: FileSystem) -> list[str]:
    """resize2fs's report, from e2fsck's version line on."""
    return [
        "resize2fs 1.47.0 (5-Feb-2023)",
        f"Resizing the filesystem on {path} to {system.blocks} (4k) blocks.",
        f"The filesystem on {path} is now {system.blocks} (4k) blocks long.",
    ]
