"""Drives: `local-lvm:vm-8001-disk-0,size=8G`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from phoenix_pve import foreign
from phoenix_pve.values import props, size

VM_BUSES = ("scsi", "virtio", "sata", "ide")
_OWNED = re.compile(r"(?:vm|base|subvol|basevol)-([0-9]+)-")


@dataclass(frozen=True)
class Disk:
    """A drive or mount point as the configuration shows it; `bytes` is None where no size is written."""

    volume: str
    bytes: int | None
    cdrom: bool = False

    @property
    def storage(self) -> str:
        """The storage before the colon; nothing for `none` or an absolute path."""
        return self.volume.partition(":")[0] if ":" in self.volume and not self.passed_through else ""

    @property
    def passed_through(self) -> bool:
        """Whether this is no volume of a storage but a device, a file or a folder of the node."""
        return self.volume.startswith("/")

    @property
    def cloud_init(self) -> bool:
        """Whether this is the drive that Proxmox makes for cloud-init."""
        return self.cdrom and "cloudinit" in self.volume

    @property
    def owner(self) -> int | None:
        """The guest that a volume belongs to by its name, which is what destroying a guest goes by; see `owner_of`."""
        return owner_of(self.volume)


def owner_of(volume: str) -> int | None:
    """Return the ID in a volume's name, or None: an ISO image, a path, an image that somebody named.

    `local:8001/any.raw` is in the folder of 8001; elsewhere the last part says it, as in a linked clone's
    `local:100/base-100-disk-0.qcow2/8001/vm-8001-disk-0.qcow2` or `zfs:basevol-100-disk-0/subvol-101-disk-0`.
    """
    if volume.startswith("/"):
        return None
    folder, _, name = volume.partition(":")[2].rpartition("/")
    folder = folder.rpartition("/")[2]
    found = _OWNED.match(name)
    in_folder = foreign.number(folder)
    return foreign.number(found[1]) if in_folder is None and found else in_folder


def parse(text: str) -> Disk:
    """Read a drive of a VM (`file=` or bare) or a mount point of a container (`volume=` or bare)."""
    values = props.parse(text)
    volume = values.get("") or values.get("file") or values.get("volume") or ""
    try:
        length = size.parse(values["size"]) if "size" in values else None
    except ValueError:
        length = None
    return Disk(volume, length, values.get("media") == "cdrom")


def is_slot(key: str) -> bool:
    """Return whether a configuration key names a volume: scsi0, efidisk0, unused1, rootfs, mp0."""
    name = key.rstrip("0123456789")
    return key == "rootfs" or (name != key and name in {*VM_BUSES, "efidisk", "tpmstate", "unused", "mp"})


def is_asked_for(text: str) -> bool:
    """Return whether a mount point is not made yet: not there, or as it was asked for, `local:1`."""
    return not text or parse(text).volume.partition(":")[2].isdecimal()
