"""A cloud image built here: a Debian tree with kernel and boot loader as a disk that any PC's BIOS boots.

One partition with ext4, the label `rootfs` and room to grow; GRUB in the gap before it. Nothing is mounted and nothing
needs root: mke2fs fills the file system from a folder, the rest is written byte by byte.
"""

from __future__ import annotations

import os
import struct
import subprocess
from typing import TYPE_CHECKING

from fake_pve.guests import GuestFailed, userns

if TYPE_CHECKING:
    from collections.abc import Iterable

SECTOR = 512
START = 2048  # first sector of the partition
SIZE = 2 << 30
FEATURES = "^metadata_csum_seed,^orphan_file"  # GRUB 2.06 reads neither
DISK_SIGNATURE = 0x50564531
BOOT_CODE = 440  # bytes of GRUB's first sector that are code
GRUB_FOLDER = "usr/lib/grub/i386-pc"
CORE = "boot/grub/core.img"
MODULES = (
    *("virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod", "virtio_net", "virtio_console", "virtio-rng"),
    *("virtio_balloon", "cdrom", "sr_mod", "isofs", "nls_ascii", "nls_utf8", "evdev", "button"),
)
FALLBACK_MODULES = ("ata_piix", "ahci")

INIT = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
for m in {modules}; do /bin/busybox insmod /m/$m 2>/dev/null; done
n=0
while :; do
    for d in /dev/vda1 /dev/sda1; do
        /bin/busybox mount -t ext4 -o rw,noatime $d /new 2>/dev/null && break 2
    done
    n=$((n+1))
    [ $n -eq 20 ] && for m in {fallback}; do /bin/busybox insmod /m/$m 2>/dev/null; done
    [ $n -gt 200 ] && {{ echo "no root file system" > /dev/console; /bin/busybox poweroff -f; }}
    /bin/busybox sleep 0.05
done
/bin/busybox mount --move /dev /new/dev
exec /bin/busybox switch_root /new /sbin/init
"""


def build(tree: str, target: str, ids: userns.Mapping) -> None:
    """Make the raw disk `target` of a prepared tree; both belong to the mapping's root, in one folder."""
    put(f"{tree}/boot/initrd", initrd(tree), ids)
    core = read(f"{tree}/{CORE}")
    loader = read(f"{tree}/{GRUB_FOLDER}/boot.img")
    with open(target, "wb") as disk:
        disk.truncate(SIZE)
    os.chown(target, *ids.root)
    fill(tree, target)
    with open(target, "r+b") as disk:
        disk.write(first_sector(loader))
        if len(core) > (START - 1) * SECTOR:
            raise GuestFailed("GRUB does not fit before the first partition")
        disk.write(core)  # GRUB's first sector looks for it here, in sector 1


def probe_files(tree: str, target: str) -> None:
    """The tree's kernel, and an initial RAM disk that only powers off: to find out what a processor can run."""
    script = b"#!/bin/busybox sh\n/bin/busybox poweroff -f\n"
    files = {"init": script, "bin/busybox": read(f"{tree}/usr/bin/busybox")}
    for name, data in (("vmlinuz", read(f"{tree}/boot/vmlinuz")), ("initrd", archive(("bin",), files))):
        with open(f"{target}.{name}", "wb") as file:
            file.write(data)


def fill(tree: str, target: str) -> None:
    """Make the file system in the disk's partition, with the tree's files."""
    folder, name = os.path.split(target)
    blocks = (SIZE - START * SECTOR) // 4096
    extended = f"offset={START * SECTOR},lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0"
    argv = f"mke2fs -q -F -t ext4 -b 4096 -L rootfs -O {FEATURES} -E {extended}"
    argv += f" -d {os.path.basename(tree)} {name} {blocks}"
    userns.run_mapped(["sh", "-ec", f"PATH=$PATH:/usr/sbin:/sbin; {argv}"], folder)


def read(path: str) -> bytes:
    """A file's content."""
    with open(path, "rb") as file:
        return file.read()


def put(path: str, data: bytes, ids: userns.Mapping) -> None:
    """Write a file that belongs to the tree's root."""
    with open(path, "wb") as file:
        file.write(data)
    os.chown(path, *ids.root)


def first_sector(loader: bytes) -> bytes:
    """GRUB's code and a partition table with one bootable Linux partition until the disk's end."""
    count = SIZE // SECTOR - START
    entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x83, b"\xfe\xff\xff", START, count)
    return loader[:BOOT_CODE] + struct.pack("<IH", DISK_SIGNATURE, 0) + entry + bytes(48) + b"\x55\xaa"


# the initial RAM disk


def initrd(tree: str) -> bytes:
    """An archive with busybox, the modules that lead to the root file system, and a script."""
    (kernel,) = os.listdir(f"{tree}/usr/lib/modules")
    folder = f"{tree}/usr/lib/modules/{kernel}"
    order = module_order(read(f"{folder}/modules.dep").decode(), MODULES)
    fallback = [
        path for path in module_order(read(f"{folder}/modules.dep").decode(), FALLBACK_MODULES) if path not in order
    ]
    script = INIT.format(
        modules=" ".join(map(os.path.basename, order)), fallback=" ".join(map(os.path.basename, fallback)) or "none"
    )
    files = {"init": script.encode(), "bin/busybox": read(f"{tree}/usr/bin/busybox")}
    files.update((f"m/{os.path.basename(path)}", read(f"{folder}/{path}")) for path in order + fallback)
    return archive(("bin", "dev", "m", "new"), files)


def module_order(dependencies: str, wanted: Iterable[str]) -> list[str]:
    """The files of the wanted modules that the kernel has as modules, each after what it depends on."""
    needs = {}
    for line in dependencies.splitlines():
        path, _, rest = line.partition(":")
        needs[path] = rest.split()
    names = {os.path.basename(path).partition(".ko")[0].replace("-", "_"): path for path in needs}
    order: list[str] = []
    for name in wanted:
        if name.replace("-", "_") not in names:
            continue  # built into the kernel
        path = names[name.replace("-", "_")]
        for one in (*reversed(needs[path]), path):
            if one not in order:
                order.append(one)
    return order


def archive(folders: tuple[str, ...], files: dict[str, bytes]) -> bytes:
    """A cpio archive of the kind that the kernel unpacks (`newc`)."""
    entries = [(name, 0o40755, b"") for name in folders] + [(name, 0o100755, data) for name, data in files.items()]
    return b"".join(_entry(number, *entry) for number, entry in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1))


def _entry(number: int, name: str, mode: int, data: bytes) -> bytes:
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
    return _padded(head) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def to_qcow2(raw: str, target: str) -> None:
    """Convert the disk to the format in which cloud images come."""
    done = subprocess.run(
        ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, target], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise GuestFailed(f"qemu-img failed: {done.stderr.strip()}")
