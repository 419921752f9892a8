"""Image files: qcow2, vmdk and raw. Empty ones are sparse; a qcow2 written here is one that QEMU can use.

The qcow2 layout is that of the published specification (docs/interop/qcow2.txt of QEMU), version 3, 64 KiB clusters:
header, refcount table, one refcount block, then the L1 table.
"""

from __future__ import annotations

import errno
import os

from fake_pve.errors import CommandFailed, NotModelled

QCOW2_MAGIC = b"QFI\xfb"
VMDK_MAGIC = b"KDMV"
CLUSTER = 65536
L1_COVERS = 512 * 1024 * 1024  # what one L1 entry maps with 64 KiB clusters
L1_OFFSET = 3 * CLUSTER
HEADER_LENGTH = 104
BACKING_FORMAT = 0xE2792ACA  # header extension: the backing file's format
LARGEST_FILE = (1 << 44) - 4096  # of ext4, which a directory storage lies on
LARGEST_QCOW2 = 1 << 51  # an L1 table has no more than 32 MiB
VMDK_EMPTY = 196608  # what an empty sparse vmdk of up to a few GiB takes (pvesm-list-001)


class Image:
    """What an image file is: format, virtual size in bytes, allocated bytes, backing file as written (or None)."""

    __slots__ = ("backing", "format", "size", "used")

    def __init__(self, format_: str, size: int, used: int, backing: str | None = None) -> None:
        self.format = format_
        self.size = size
        self.used = used
        self.backing = backing


def number(data: bytes, offset: int, length: int) -> int:
    """A big-endian number in a header."""
    return int.from_bytes(data[offset : offset + length], "big")


def read(path: str) -> Image:
    """Look at the header of the file `path`; OSError when it cannot be read."""
    if os.path.isdir(path):
        return Image("subvol", 0, 0)
    with open(path, "rb") as file:
        head = file.read(HEADER_LENGTH)
        state = os.fstat(file.fileno())
        used = state.st_blocks * 512
        if head[:4] == QCOW2_MAGIC:
            return Image("qcow2", number(head, 24, 8), used, backing_file(file.fileno(), head))
    if head[:4] == VMDK_MAGIC:
        return Image("vmdk", int.from_bytes(head[12:20], "little") * 512, used)
    return Image("raw", state.st_size, used)


def backing_file(descriptor: int, head: bytes) -> str | None:
    """The backing file that a qcow2 header names, relative to the image's folder, else None."""
    offset, length = number(head, 8, 8), number(head, 16, 4)
    if not (0 < offset < CLUSTER and 0 < length < 1024):  # the format allows it in the first cluster only
        return None
    return os.pread(descriptor, length, offset).decode(errors="replace")


def l1_entries(size: int) -> int:
    """How many entries the L1 table of an image of `size` bytes has."""
    return -(-size // L1_COVERS)


def qcow2_header(size: int, backing: str | None = None, backing_format: str = "raw") -> bytes:
    """The first bytes of an empty qcow2 image of `size` bytes."""

    def be(value: int, length: int) -> bytes:
        return value.to_bytes(length, "big")

    extension = b""
    if backing:
        name = backing_format.encode()
        extension = be(BACKING_FORMAT, 4) + be(len(name), 4) + name + bytes(-len(name) % 8)
    extension += bytes(8)
    place = HEADER_LENGTH + len(extension) if backing else 0
    text = (backing or "").encode()
    return b"".join(
        (
            QCOW2_MAGIC + be(3, 4) + be(place, 8) + be(len(text), 4) + be(16, 4) + be(size, 8) + be(0, 4),
            be(l1_entries(size), 4) + be(L1_OFFSET, 8) + be(CLUSTER, 8) + be(1, 4) + be(0, 4) + be(0, 8),
            be(0, 8) + be(0, 8) + be(0, 8) + be(4, 4) + be(HEADER_LENGTH, 4) + extension + text,
        )
    )


def empty_qcow2_length(size: int) -> int:
    """The file length of an empty qcow2 image: 196640 for 2 GiB (pvesm-list-001)."""
    return L1_OFFSET + 8 * l1_entries(size)


def write_qcow2(descriptor: int, size: int, backing: str | None = None, backing_format: str = "raw") -> None:
    """An empty image: header, refcount table, refcount block, and an L1 table that is a hole."""
    l1_clusters = -(-8 * l1_entries(size) // CLUSTER)
    os.pwrite(descriptor, qcow2_header(size, backing, backing_format), 0)
    os.pwrite(descriptor, (2 * CLUSTER).to_bytes(8, "big"), CLUSTER)
    os.pwrite(descriptor, b"\x00\x01" * (3 + l1_clusters), 2 * CLUSTER)
    os.ftruncate(descriptor, empty_qcow2_length(size))


def write_vmdk(descriptor: int, size: int) -> None:
    """A header that tells format and size; QEMU could not use the image (docs/fake.md)."""
    head = VMDK_MAGIC + (1).to_bytes(4, "little") + (3).to_bytes(4, "little") + (size // 512).to_bytes(8, "little")
    os.pwrite(descriptor, head, 0)
    os.ftruncate(descriptor, CLUSTER)


def open_new(path: str, format_: str) -> int:
    """A descriptor of the new file `path`; -1 for a subvol, which is a folder."""
    if format_ == "subvol":
        os.mkdir(path)
        return -1
    return os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o640)


def make_empty(path: str, size: int) -> None:
    """Empty the existing qcow2 image `path`; the image behind it stays."""
    seen = read(path)
    behind = os.path.join(os.path.dirname(path), seen.backing) if seen.backing else None
    with open(path, "r+b") as file:
        file.truncate(0)
        write_qcow2(file.fileno(), size, seen.backing, read(behind).format if behind else "raw")


def too_large(path: str, format_: str) -> CommandFailed:
    """Wording from qm-create-storage-016."""
    return CommandFailed(
        f"unable to create image: qemu-img: {path}: The image size is too large for file format '{format_}'"
    )


def lengthen(descriptor: int, size: int) -> None:
    """Make the file as long as that; OverflowError where no file system could."""
    if size > LARGEST_FILE:
        raise OverflowError
    os.ftruncate(descriptor, size)


def create(path: str, format_: str, size: int, backing: str | None = None, backing_format: str = "raw") -> None:
    """Make the empty sparse image `path`; FileExistsError if something is there, so two processes never share one.

    FileNotFoundError when the folder is gone; whatever else goes wrong is a CommandFailed.
    """
    try:
        descriptor = open_new(path, format_)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError as problem:
        raise CommandFailed(f"unable to create image: {path}: {problem.strerror}") from None
    if descriptor < 0:
        return
    try:
        if format_ == "qcow2":
            write_qcow2(descriptor, -(-size // 512) * 512, backing, backing_format)
        elif format_ == "vmdk":
            write_vmdk(descriptor, -(-size // 512) * 512)
        else:
            lengthen(descriptor, size)
    except (OSError, OverflowError) as problem:
        os.unlink(path)
        if isinstance(problem, OverflowError) or problem.errno == errno.EFBIG:
            raise too_large(path, format_) from None
        raise CommandFailed(f"unable to create image: {path}: {problem.strerror}") from None
    finally:
        os.close(descriptor)


def data_ranges(descriptor: int, end: int) -> list[tuple[int, int]]:
    """The parts of a file that are no holes."""
    ranges, at = [], 0
    while at < end:
        try:
            start = os.lseek(descriptor, at, os.SEEK_DATA)
            at = os.lseek(descriptor, start, os.SEEK_HOLE)
        except OSError:  # ENXIO: only a hole is left
            break
        ranges.append((start, at))
    return ranges


def holds_data(path: str) -> bool:
    """Whether anything in the image may differ from zeros, as far as files tell: a header or a hole holds nothing."""
    seen = read(path)
    if seen.format == "raw":
        return seen.used > 0
    if os.path.getsize(path) > max(VMDK_EMPTY, empty_qcow2_length(seen.size)):
        return True
    return seen.backing is not None and holds_data(os.path.join(os.path.dirname(path), seen.backing))


def listed_length(path: str) -> int:
    """A file's length, and for a header that stands for an image the length that an empty image has."""
    length = os.path.getsize(path)
    if length >= L1_OFFSET or not path.endswith((".qcow2", ".vmdk", ".img")):
        return length
    image = read(path)
    if image.format == "qcow2":
        return empty_qcow2_length(image.size)
    return VMDK_EMPTY if image.format == "vmdk" else length


def resize(path: str, size: int) -> None:
    """Give the image a new virtual size; what it holds stays. OSError for one that is too large: nothing changes."""
    image = read(path)
    if size > (LARGEST_FILE if image.format == "raw" else LARGEST_QCOW2):
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
    if image.format == "qcow2" and os.path.getsize(path) == empty_qcow2_length(image.size):
        make_empty(path, size)
        return
    with open(path, "r+b") as file:
        descriptor = file.fileno()
        if image.format == "qcow2":
            resize_qcow2(descriptor, size)
        elif image.format == "vmdk":
            os.pwrite(descriptor, (size // 512).to_bytes(8, "little"), 12)
        else:
            os.ftruncate(descriptor, size)


def cluster_bits(head: bytes) -> int:
    """The cluster size's exponent, 9 to 21; a bare header without one means the default."""
    bits = number(head, 20, 4) or 16
    if not 9 <= bits <= 21:
        raise CommandFailed(f"Unsupported cluster size: 2^{bits}")
    return bits


def resize_qcow2(descriptor: int, size: int) -> None:
    """Size and length of the L1 table are header fields; a table that needs no further cluster can grow in place."""
    head = os.pread(descriptor, HEADER_LENGTH, 0)
    bits = cluster_bits(head)
    covers = 1 << (2 * bits - 3)
    old, new = number(head, 36, 4), -(-size // covers)
    if old == 0:  # only a header: there is no table
        os.pwrite(descriptor, size.to_bytes(8, "big"), 24)
        return
    if -(-8 * old // (1 << bits)) != -(-8 * new // (1 << bits)):
        raise NotModelled("growing the L1 table of a qcow2 image by a cluster (past 4 TiB)")
    os.pwrite(descriptor, size.to_bytes(8, "big"), 24)
    if new > old:
        os.pwrite(descriptor, new.to_bytes(4, "big"), 36)
        length = os.fstat(descriptor).st_size
        if number(head, 40, 8) > length:
            raise CommandFailed("Image is corrupt: L1 table beyond the end of the file")
        os.ftruncate(descriptor, max(number(head, 40, 8) + 8 * new, length))
