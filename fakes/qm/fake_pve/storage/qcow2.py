"""Reading and filling qcow2 images without qemu-img: enough to import a cloud image and to copy disks.

The format is that of QEMU's public specification, docs/interop/qcow2.txt. Left out, and refused: encryption, external
data files, extended L2 entries, zstd.
"""

from __future__ import annotations

import os

from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.storage import image

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Block = tuple[int, bytes]

OFFSET = (1 << 56) - 512  # bits 9 to 55: where a table or cluster is
COPIED = 1 << 63
COMPRESSED = 1 << 62
ZERO = 1
DIRTY_OR_CORRUPT = 3  # incompatible features that do not matter for reading
ZLIB = 0


class Header:
    """What of a qcow2 header is needed to find the data."""

    __slots__ = ("cluster_bits", "l1_entries", "l1_offset", "size")

    def __init__(self, head: bytes) -> None:
        self.cluster_bits = image.cluster_bits(head)
        self.size = image.number(head, 24, 8)
        self.l1_entries = image.number(head, 36, 4)
        self.l1_offset = image.number(head, 40, 8)
        incompatible = image.number(head, 72, 8) if image.number(head, 4, 4) >= 3 else 0
        if image.number(head, 32, 4):
            raise NotModelled("an encrypted qcow2 image")
        compression = head[104] if image.number(head, 100, 4) > 104 and incompatible & 8 else ZLIB
        if incompatible & ~(DIRTY_OR_CORRUPT | 8) or compression != ZLIB:
            raise NotModelled("a qcow2 image with zstd, extended L2 entries or an external data file, without qemu-img")


def blocks(path: str) -> Iterator[Block]:
    """(offset in the guest's disk, bytes) of all that `path` and the images behind it hold; a later one wins."""
    seen = image.read(path)
    if seen.format == "raw":
        yield from raw_blocks(path)
    elif seen.format == "qcow2":
        if seen.backing is not None:
            yield from blocks(os.path.join(os.path.dirname(path), seen.backing))
        yield from own_blocks(path, behind=seen.backing is not None)
    else:
        raise NotModelled(f"reading a {seen.format} image with data without qemu-img installed")


def raw_blocks(path: str) -> Iterator[Block]:
    """The data of a raw image in pieces of a cluster, holes left out."""
    with open(path, "rb") as file:
        end = os.fstat(file.fileno()).st_size
        done = 0
        for start, stop in image.data_ranges(file.fileno(), end):
            for offset in range(max(done, start // image.CLUSTER * image.CLUSTER), stop, image.CLUSTER):
                yield offset, os.pread(file.fileno(), image.CLUSTER, offset)
                done = offset + image.CLUSTER


def own_blocks(path: str, *, behind: bool) -> Iterator[Block]:
    """The clusters of the image itself. With an image `behind` it, zeros count: they hide what that one has."""
    with open(path, "rb") as file:
        descriptor = file.fileno()
        header = Header(os.pread(descriptor, 112, 0))
        if header.l1_offset + 8 * header.l1_entries > os.fstat(descriptor).st_size:
            raise CommandFailed(f"{path}: Image is corrupt: L1 table beyond the end of the file")
        entries = 1 << (header.cluster_bits - 3)
        for at, l1_entry in enumerate(table(descriptor, header.l1_offset, header.l1_entries)):
            if not l1_entry & OFFSET:
                continue
            for index, entry in enumerate(table(descriptor, l1_entry & OFFSET, entries), at * entries):
                data = cluster(descriptor, header, entry, behind=behind)
                if data:
                    offset = index << header.cluster_bits
                    yield offset, data[: header.size - offset]


def table(descriptor: int, offset: int, entries: int) -> Iterator[int]:
    """The 64-bit entries of an L1 or L2 table."""
    data = os.pread(descriptor, 8 * entries, offset)
    return (int.from_bytes(data[at : at + 8], "big") for at in range(0, len(data), 8))


def cluster(descriptor: int, header: Header, entry: int, *, behind: bool) -> bytes:
    """The bytes of a cluster; b"" for one that is not there."""
    size = 1 << header.cluster_bits
    if entry & COMPRESSED:
        return inflate(descriptor, header, entry)
    if entry & ZERO:
        return bytes(size) if behind else b""
    place = entry & OFFSET
    return os.pread(descriptor, size, place).ljust(size, b"\0") if place else b""


def inflate(descriptor: int, header: Header, entry: int) -> bytes:
    """A compressed cluster: raw deflate, its place and length in 512-byte sectors packed into the entry."""
    import zlib  # only compressed images

    bits = 62 - (header.cluster_bits - 8)
    place = entry & ((1 << bits) - 1)
    sectors = ((entry & (COMPRESSED - 1)) >> bits) + 1
    packed = os.pread(descriptor, sectors * 512 - place % 512, place)
    return zlib.decompressobj(-12).decompress(packed, 1 << header.cluster_bits)


def fill(path: str, content: Iterable[Block]) -> None:
    """Put `content` into the empty qcow2 image that `image.create` made at `path`."""
    with open(path, "r+b") as file:
        writer = Writer(file.fileno())
        for offset, data in content:
            for at in range(0, len(data), image.CLUSTER):
                writer.put(offset + at, data[at : at + image.CLUSTER])
        writer.finish()


class Writer:
    """Appends clusters to an empty image of our own layout and writes its tables at the end."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.header = Header(os.pread(descriptor, 112, 0))
        self.clusters = 3 + -(-8 * self.header.l1_entries // image.CLUSTER)
        self.l2: dict[int, dict[int, int]] = {}

    def allocate(self) -> int:
        """The place of a new cluster at the end of the file."""
        self.clusters += 1
        return (self.clusters - 1) * image.CLUSTER

    def put(self, offset: int, data: bytes) -> None:
        """The bytes of one cluster of the guest's disk; zeros are left out unless they replace something."""
        index, within = divmod(offset, image.CLUSTER)
        places = self.l2.setdefault(index >> 13, {})
        place = places.get(index & 8191)
        if place is None and not data.strip(b"\0"):
            return
        if place is None:
            place = places[index & 8191] = self.allocate()
        os.pwrite(self.descriptor, data, place + within)

    def finish(self) -> None:
        """The L2 tables, the L1 table that names them, and the reference counts of all clusters."""
        for l1_index, places in sorted(self.l2.items()):
            if not places:
                continue
            at = self.allocate()
            for index, place in places.items():
                self._entry(at + 8 * index, place | COPIED)
            self._entry(self.header.l1_offset + 8 * l1_index, at | COPIED)
        self._reference_counts()
        os.ftruncate(self.descriptor, self.clusters * image.CLUSTER)

    def _entry(self, at: int, value: int) -> None:
        os.pwrite(self.descriptor, value.to_bytes(8, "big"), at)

    def _reference_counts(self) -> None:
        """16 bits a cluster, a block of them for each 32768 clusters; the first block has its fixed place."""
        blocks_ = [2 * image.CLUSTER]
        while len(blocks_) * 32768 < self.clusters:
            blocks_.append(self.allocate())
        for number, block in enumerate(blocks_):
            counted = max(0, min(32768, self.clusters - number * 32768))
            os.pwrite(self.descriptor, b"\x00\x01" * counted, block)
            self._entry(image.CLUSTER + 8 * number, block)
