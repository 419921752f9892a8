"""Which disk does a VM boot from? qm.conf(5), `boot` and `bootdisk`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_pve.values import disk, props

if TYPE_CHECKING:
    from collections.abc import Mapping


def hard_disks(options: Mapping[str, str]) -> list[str]:
    """Return the slots of a VM that hold a hard disk: no CD-ROM, no cloud-init drive, nothing that is unused."""
    found = [key for key in options if key.rstrip("0123456789") in disk.VM_BUSES and disk.is_slot(key)]
    return sorted(key for key in found if (drive := disk.parse(options[key])).volume and not drive.cdrom)


def boot_order(text: str) -> list[str]:
    """`order=scsi0;ide2;net0` -> its devices; nothing for the old `cdn` or no order at all."""
    return props.parse(text.strip(), "legacy").get("order", "").replace(";", " ").split()


def slot(options: Mapping[str, str]) -> str:
    """Return the slot of the root disk, "" where there is none or nothing says which it is.

    It is the first hard disk that `boot` names; without one what `bootdisk` names, as in the old `boot: cdn`; without
    that the only hard disk there is.
    """
    disks = hard_disks(options)
    named = [
        device for device in [*boot_order(options.get("boot", "")), options.get("bootdisk", "")] if device in disks
    ]
    return named[0] if named else disks[0] if len(disks) == 1 else ""
