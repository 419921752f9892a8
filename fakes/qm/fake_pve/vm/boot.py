"""The boot order: `boot: order=scsi0;ide2;net0`, or the old `boot: c` with `bootdisk`."""

from __future__ import annotations

from fake_pve.vm import drive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def print_(devices: Sequence[str]) -> str:
    """The value; empty for no device, which the file shows as `boot: ` (qm-create-001)."""
    return f"order={';'.join(devices)}" if devices else ""


def order(value: str) -> list[str]:
    """The devices of a `boot` value; [] for the old form or none."""
    for part in value.split(","):
        key, equals, text = part.partition("=")
        if equals and key.strip() == "order":
            return text.replace(";", " ").split()
    return []


def first_drive(options: Mapping[str, str], *, cdrom: bool) -> str | None:
    """The first CD or the first disk, in the tools' order of drives."""
    for name in drive.BOOTABLE:
        if name in options and drive.is_cdrom(drive.parse(options[name])) == cdrom:
            return name
    return None


def default(options: Mapping[str, str]) -> list[str]:
    """What `qm create` boots from without --boot: first disk, first CD, first network card (qm-create-091, -092)."""
    found = [first_drive(options, cdrom=False), first_drive(options, cdrom=True)]
    found.append(next((f"net{index}" for index in range(32) if f"net{index}" in options), None))
    return [name for name in found if name]


def disks(options: Mapping[str, str]) -> list[str]:
    """The drives that the guest boots from: what a running guest does not let go (qm-set-running-021)."""
    value = options.get("boot", "")
    if value and not _is_legacy(value):
        return [name for name in order(value) if drive.is_name(name)]
    return [options["bootdisk"]] if "bootdisk" in options else []


def _is_legacy(value: str) -> bool:
    """`c`, `cdn`, `legacy=c`."""
    return any(part.strip() and not part.strip().startswith("order=") for part in value.split(","))
