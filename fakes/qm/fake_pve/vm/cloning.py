"""What `qm clone` takes over, what it makes anew, and which drives it copies (qm-clone-*, qm-lvm-018)."""

from __future__ import annotations

from fake_pve import dice
from fake_pve.conf import Conf
from fake_pve.errors import CommandFailed
from fake_pve.storage import volume
from fake_pve.vm import drive as drives
from fake_pve.vm import network, volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Section
    from fake_pve.vm.drive import Drive

LEFT_OUT = ("lock", "parent", "snaptime", "snapstate", "template", "vmstate")


def new_conf(call: Call, section: Section, source: Conf) -> Conf:
    """The clone's configuration, its drives not yet replaced: own MAC addresses, UUID and name."""
    options = {
        key: new_mac(call, value) if network.is_name(key) else value
        for key, value in section.options.items()
        if key not in LEFT_OUT and not key.startswith(("unused", "running"))
    }
    options["smbios1"] = with_uuid(call, options.get("smbios1", ""))
    if "vmgenid" in options:
        options["vmgenid"] = dice.uuid(call.node)
    old_name = section.options.get("name") or call.params["vmid"]
    options["name"] = call.params.get("name") or f"Copy-of-VM-{old_name}"
    conf = Conf(options, call.params.get("description") or section.description)
    if section is source:
        conf.pending = dict(source.pending)
        conf.pending_delete = dict(source.pending_delete)
    return conf


def new_mac(call: Call, value: str) -> str:
    """The network card with another MAC address."""
    card = network.parse(value)
    card["macaddr"] = dice.mac(call.node)
    return network.print_(card)


def with_uuid(call: Call, value: str) -> str:
    """The SMBIOS settings with another UUID."""
    parts = [part for part in value.split(",") if part and not part.startswith("uuid=")]
    return ",".join(sorted([*parts, f"uuid={dice.uuid(call.node)}"]))


def drives_to_copy(call: Call, section: Section, full: bool) -> dict[str, Drive]:
    """The drives with volumes of their own; a CD stays the same. Each must be able to be copied that way."""
    snapshot = call.params.get("snapname")
    found = {}
    for name, drive in drives.each(section.options):
        if drives.is_cdrom(drive, but_cloudinit=True):
            continue
        whole = full or drives.is_cloudinit(drive)
        if not volume.has_feature(call.node, drive["file"], "copy" if whole else "clone", snapshot):
            if whole:
                raise CommandFailed(f"Full clone feature is not supported for drive '{name}'", 2)
            what = f"'{drive['file']}'" if snapshot is None else f"a snapshot of '{drive['file']}'"
            raise CommandFailed(f"Linked clone feature is not supported for {what} ({name})", 2)
        found[name] = drive
    return found


def copy_drive(call: Call, name: str, drive: Drive, full: bool) -> Drive:
    """One drive of the clone."""
    newid = call.params["newid"]
    if full or drives.is_cloudinit(drive):
        return volumes.full_clone(call, name, drive, newid, call.params.get("storage"), call.params.get("format"))
    call.out(f"create linked clone of drive {name} ({drive['file']})")
    return volumes.with_volume(call, drive, volume.linked_clone(call, drive["file"], newid))
