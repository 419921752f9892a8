"""The volumes behind drives: made, imported, attached, and dropped again."""

from __future__ import annotations

import os

from fake_pve.errors import CommandFailed
from fake_pve.storage import config, names, volume
from fake_pve.vm import access, drive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf
    from fake_pve.node import Node
    from fake_pve.vm.drive import Drive

CLOUDINIT_KIB = 4096
TPM_STATE_KIB = 4096
# KiB of OVMF's variable store (qm-create-164, qm-set-060), by efidisk0's efitype
EFI_KIB = {"2m": 128, "4m": 528}
# What the real tool dies of when a vmdk is no more than a header (qm-drive-024).
NO_EXTENTS = "Can't use an undefined value as an ARRAY reference at /usr/share/perl5/PVE/Storage/Plugin.pm line 1255."
FIRMWARE = "/usr/share/pve-edk2-firmware//"


class Maker:
    """Makes the volumes for one guest's drives and can undo it: `made` are the volumes it allocated."""

    def __init__(self, call: Call, vmid: str, conf: Conf, default_storage: str = "") -> None:
        self.call = call
        self.vmid = vmid
        self.conf = conf
        self.default_storage = default_storage
        self.made: list[str] = []

    def undo(self) -> None:
        """Remove what was allocated, after a failure (qm-create-storage-018)."""
        for volid in self.made:
            try:
                volume.free(self.call, volid)
            except CommandFailed as problem:
                self.call.out(problem.message)

    def make_all(self, wishes: dict[str, str]) -> dict[str, str]:
        """Drive values as given -> as they are stored, made in the order of their names (qm-drive-running-003).

        On failure nothing that was allocated stays.
        """
        try:
            return {key: self._make(key, drive.parse(wishes[key])) for key in sorted(wishes)}
        except BaseException:
            self.undo()
            raise

    def _make(self, key: str, one: Drive) -> str:
        text = one["file"]
        wanted = None if drive.is_cdrom(one) else access.new_disk(text)
        if text in ("none", "cdrom"):
            one.pop("size", None)
            return drive.print_(one)
        if access.new_cloudinit(text) is not None:
            self._cloudinit(key, one)
        elif wanted is None:
            return self._existing(one)
        elif "import-from" in one:
            self._imported(one, wanted[0])
        else:
            self._new(key, one, *wanted)
        one.pop("format", None)
        value = drive.print_(one)
        self.call.out(f"{key}: successfully created disk '{value}'")
        return value

    def _storage(self, storage_id: str) -> str:
        if not (storage_id or self.default_storage):
            raise CommandFailed("no storage ID specified (and no default storage)")
        return storage_id or self.default_storage

    def _cloudinit(self, key: str, one: Drive) -> None:
        """A 4 MiB CD with a name of its own; qcow2 in a directory (qm-create-051), raw elsewhere."""
        for options in (self.conf.options, self.conf.pending):
            other = drive.cloudinit_key(options, key)
            if other:
                raise CommandFailed(f"{key} - cloud-init drive is already attached at '{other}'")
        storage = config.get(self.call.node, self._storage(access.new_cloudinit(one["file"]) or ""))
        format_ = one.get("format") or ("qcow2" if storage.is_file_storage else "raw")
        name = f"vm-{self.vmid}-cloudinit" + (f".{format_}" if storage.is_file_storage else "")
        one["file"] = volume.alloc(self.call, storage.id, self.vmid, format_, name, CLOUDINIT_KIB)
        one["media"] = "cdrom"
        self.made.append(one["file"])

    def _new(self, key: str, one: Drive, storage_id: str, kib: int) -> None:
        """A new volume. EFI and TPM state have sizes of their own."""
        storage = config.usable(self.call.node, self._storage(storage_id))
        format_ = one.get("format") or volume.default_format(storage)
        if key == "efidisk0":
            kib = EFI_KIB[one.get("efitype", "2m")]
        elif key == "tpmstate0":
            kib, format_ = TPM_STATE_KIB, "raw"  # the only format that the TPM's program knows
        volid = volume.alloc(self.call, storage.id, self.vmid, format_, None, kib)
        self.made.append(volid)
        if key == "efidisk0":
            kib = self._fill_efi(one, volid)
        if self.conf.options.get("template") == "1":
            self.made.remove(volid)
            volid = volume.make_base(self.call, volid)
            self.made.append(volid)
        one["file"], one["size"] = volid, str(kib * 1024)

    def _fill_efi(self, one: Drive, volid: str) -> int:
        """The firmware's variables go into the volume -> its size in KiB, which LVM rounds up (qm-lvm-011)."""
        from fake_pve.storage import copying  # only EFI disks need it

        size = volume.info(self.call.node, volid).size
        four = one.get("efitype") == "4m"
        wanted = EFI_KIB["4m" if four else "2m"] * 1024
        copying.progress(self.call, wanted, 0)
        copying.progress(self.call, wanted, 100)
        if one.get("pre-enrolled-keys") == "1":
            tell = self.call.out if self.call.command == "create" else self.call.err  # a task has one output
            tell(
                f"INFO: reading raw edk2 varstore from {FIRMWARE}{'OVMF_VARS_4M.ms.fd' if four else 'OVMF_VARS.ms.fd'}"
            )
            tell("INFO: var store range: 0x64 -> 0x40000")
        return size // 1024

    def _imported(self, one: Drive, storage_id: str) -> None:
        """A copy of a file on the node (raw unless told otherwise) or of a volume (in its own format)."""
        source = one.pop("import-from")
        storage = config.usable(self.call.node, self._storage(storage_id))
        if source.startswith("/"):
            format_ = import_format(storage, one.get("format"), None)
            if not os.path.isfile(self.call.node.path(source)):
                raise CommandFailed(f"can't find file '{self.call.node.path(source)}'")
        else:
            format_ = import_format(storage, one.get("format"), self._source_format(source))
            self.call.out(f"create full clone of drive {drive_of(self.call.node, source)}({source})")
        volid = volume.copy(self.call, source, storage.id, self.vmid, format_, None)
        self.made.append(volid)
        one["file"] = volid
        one["size"] = str(volume.info(self.call.node, volid).size)

    def _source_format(self, source: str) -> str:
        """What its name says. Wording from qm-create-041."""
        if not os.path.exists(volume.path(self.call.node, source)):
            problem = f"failed to stat '{volume.path(self.call.node, source)}'"
            if volume.locate(self.call.node, source)[1].type == "images":  # qm-drive-025
                problem += f"\ncannot import from '{source}' - could not get size of {source}"
            raise CommandFailed(problem)
        format_ = volume.locate(self.call.node, source)[1].format
        if format_ == "vmdk" and not volume.info(self.call.node, source).size:
            raise CommandFailed(NO_EXTENTS)
        return format_

    def _existing(self, one: Drive) -> str:
        """A volume that is there already; its size is looked up (qm-set-028, qm-set-033)."""
        if one["file"].startswith("/"):
            if not os.path.exists(self.call.node.path(one["file"])):
                raise CommandFailed(f"volume {one['file']} does not exist")
        else:
            config.usable(self.call.node, names.split(one["file"])[0])
            one["size"] = str(volume.info(self.call.node, one["file"]).size)
        return drive.print_(one)


def import_format(storage: config.Storage, wanted: str | None, source: str | None) -> str:
    """The format of an imported disk: as told, else the source's, if the storage has it; else the storage's default."""
    valid = volume.valid_formats(storage)
    return next((one for one in (wanted, source) if one in valid and one), volume.default_format(storage))


def drive_of(node: Node, volid: str) -> str:
    """`scsi0 ` where a VM's disk is imported: its name there (qm-drive-025); "" for an image that is no VM's disk."""
    from fake_pve import conf as conf_file  # few imports are of another VM's disk

    owner = volume.locate(node, volid)[1].vmid
    if owner is None or not conf_file.exists(node, "qemu", owner):
        return ""
    options = conf_file.load(node, "qemu", owner).options
    return next((f"{key} " for key, one in drive.each(options) if one["file"] == volid), "")


def owned(node: Node, vmid: str, volid: str) -> bool:
    """Whether a volume belongs to the guest: its name carries the guest's ID."""
    if volid.startswith("/") or ":" not in volid:
        return False
    try:
        storage, found = volume.locate(node, volid)
    except CommandFailed:
        return False
    return storage.id != "" and str(found.vmid) == vmid


def add_unused(conf: Conf, volid: str) -> None:
    """Remember a volume that no drive uses any more, under the first free name."""
    if any(conf.options.get(name) == volid for name in drive.UNUSED if name in conf.options):
        return
    free = next((name for name in drive.UNUSED if name not in conf.options), None)
    if free is None:
        raise CommandFailed("Too many unused volumes - please delete them first.")
    conf.options[free] = volid


def detach(call: Call, vmid: str, conf: Conf, one: Drive) -> None:
    """Let go of a drive: a cloud-init drive is removed at once, a disk becomes `unusedN`, a CD needs nothing."""
    if drive.is_cloudinit(one):
        try:
            volume.free(call, one["file"])
        except CommandFailed as problem:
            call.err(problem.message)
        conf.cloudinit = {}
        conf.has_cloudinit = False
    elif not drive.is_cdrom(one) and owned(call.node, vmid, one["file"]):
        add_unused(conf, one["file"])


def delete_or_detach(call: Call, vmid: str, conf: Conf, key: str, force: bool) -> None:
    """`--delete scsi0`: detach it; with --force remove the volume at once (qm-set-032)."""
    one = drive.parse(conf.options[key])
    if force:
        if not drive.is_cdrom(one, but_cloudinit=True):
            remove(call, vmid, conf, key, one)
    else:
        detach(call, vmid, conf, one)


def remove(call: Call, vmid: str, conf: Conf, key: str, one: Drive) -> None:
    """Remove the volume behind `key`, which may be an `unusedN`; another guest's volume is only forgotten."""
    volid = one["file"]
    if not owned(call.node, vmid, volid):
        return
    if in_use(conf, key, volid):
        raise CommandFailed(f"unable to delete '{volid}' - volume is still in use (snapshot?)")
    volume.free(call, volid)


def in_use(conf: Conf, but: str, volid: str) -> bool:
    """Whether another drive or a snapshot uses the volume (qm-snapshot-025)."""
    for key, one in drive.each(conf.options, unused=True):
        if key != but and one["file"] == volid:
            return True
    return any(one["file"] == volid for section in conf.snapshots.values() for _, one in drive.each(section.options))
