"""Filling a new volume with the bytes of another one: import, full clone, move."""

from __future__ import annotations

import os

from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.storage import image, volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.node import Node

CHUNK = 1024 * 1024
SECTOR = 512


def source_path(node: Node, source: str) -> str:
    """The file behind a volume id or behind an absolute path on the node."""
    return node.path(source) if source.startswith("/") else volume.path(node, source)


def copy(call: Call, source: str, storage_id: str, vmid: int | str, format_: str | None, name: str | None) -> str:
    """Make a volume of the source's virtual size and fill it -> its id. A failure leaves no volume behind.

    A source that is a volume id is a clone, which says what it allocated (qm-clone-001); a plain file is not.
    """
    path = source_path(call.node, source)
    try:
        seen = image.read(path)
    except OSError:
        raise CommandFailed(f"volume '{source}' does not exist") from None
    target = volume.alloc(call, storage_id, vmid, format_, name, -(-seen.size // 1024))
    if not source.startswith("/"):
        call.out(f"allocated target volume '{target}'")
    try:
        fill(call, path, volume.path(call.node, target))
        shorten(volume.path(call.node, target), seen.size)
    except BaseException:
        volume.free(call, target)
        raise
    return target


def shorten(target: str, size: int) -> None:
    """A raw image ends with the source's last sector, though it was made in whole KiB (qm-drive-026)."""
    if os.path.isfile(target) and image.read(target).format == "raw" and size % 1024:
        os.truncate(target, -(-size // SECTOR) * SECTOR)


def fill(call: Call, source: str, target: str) -> None:
    """Put the source image's contents into the existing, empty target image."""
    from_, to = image.read(source), image.read(target)
    if from_.format == "subvol" or to.format == "subvol":
        raise NotModelled("copying a directory volume")
    progress(call, from_.size, 0)
    if call.node.copy_seconds:
        take_time(call, from_.size)
    if image.holds_data(source):
        call.flush()
        transfer(source, from_.format, target, to.format)
    progress(call, from_.size, 100)


def take_time(call: Call, size: int) -> None:
    """Copy as slowly as a fault wants it, telling about every tenth."""
    for percent in range(10, 100, 10):
        call.flush()
        call.node.sleep(call.node.copy_seconds / 10)
        progress(call, size, percent)
    call.flush()
    call.node.sleep(call.node.copy_seconds / 10)


def progress(call: Call, size: int, percent: int) -> None:
    """What `qemu-img convert` reports of its way, in the words Proxmox gives it."""
    call.out(f"transferred {size_text(size * percent // 100)} of {size_text(size)} ({percent:.2f}%)")


def size_text(size: int) -> str:
    """`2.0 GiB`, one decimal."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if size >= 1024**power:
            return f"{size / 1024**power:.1f} {unit}"
    return f"{size}.0 B"


def transfer(source: str, from_format: str, target: str, to_format: str) -> None:
    """Copy data: raw to raw with its holes, else by qemu-img, else, where that is not installed, by ourselves."""
    if from_format == to_format == "raw":
        copy_sparse(source, target)
    elif not by_qemu_img(source, from_format, target, to_format):
        by_hand(source, target, to_format)


def by_qemu_img(source: str, from_format: str, target: str, to_format: str) -> bool:
    """Whether qemu-img is there; if so it has converted the image."""
    import shutil
    import subprocess  # only for images that hold data

    tool = shutil.which("qemu-img", path=f"{os.environ.get('PATH', '')}:/usr/bin:/bin")
    if tool is None:
        return False
    command = [tool, "convert", "-n", "-f", from_format, "-O", to_format, source, target]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CommandFailed(f"copy failed: {done.stderr.strip()}")
    return True


def by_hand(source: str, target: str, to_format: str) -> None:
    """qcow2 and raw in both directions; slower than qemu-img."""
    from fake_pve.storage import qcow2  # only for images that hold data

    if to_format == "qcow2":
        qcow2.fill(target, qcow2.blocks(source))
        return
    if to_format != "raw":
        raise NotModelled(f"filling a {to_format} image without qemu-img installed")
    with open(target, "r+b") as file:
        for offset, data in qcow2.blocks(source):
            os.pwrite(file.fileno(), data, offset)


def copy_sparse(source: str, target: str) -> None:
    """Copy the bytes of `source` over the start of `target`, leaving holes where the source has them."""
    with open(source, "rb") as from_, open(target, "r+b") as to:
        end = os.fstat(from_.fileno()).st_size
        for start, stop in image.data_ranges(from_.fileno(), end):
            copy_range(from_.fileno(), to.fileno(), start, stop)


def copy_range(source: int, target: int, start: int, stop: int) -> None:
    """The bytes from `start` to `stop`, which are at the same place in both."""
    while start < stop:
        data = os.pread(source, min(CHUNK, stop - start), start)
        if not data:
            break
        os.pwrite(target, data, start)
        start += len(data)
