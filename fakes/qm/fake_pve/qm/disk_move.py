"""`qm disk move <vmid> <disk> [<storage>]`: copy a disk to another storage or format (qm-disk-012, qm-disk-013)."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve.errors import CommandFailed, NotModelled, ParameterErrors
from fake_pve.lock import check_lock, guest_lock
from fake_pve.storage import config, copying, volume
from fake_pve.vm import drive as drives
from fake_pve.vm import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf
    from fake_pve.vm.drive import Drive

EITHER = ("storage", "target-vmid")
NEITHER = "both 'storage' and 'target-vmid' missing, either needs to be set"


def run(call: Call) -> None:
    """Move within the VM, or to another one."""
    vmid, storage = call.params["vmid"], call.params.get("storage")
    if storage is None and "target-vmid" not in call.params:
        raise ParameterErrors({"storage": NEITHER, "target-vmid": NEITHER})
    if storage is None:
        from fake_pve.vm import reassign  # only for a disk that changes hands

        reassign.reassign(call)
        return
    if "target-vmid" in call.params:
        raise ParameterErrors(dict.fromkeys(EITHER, "either set storage or target-vmid, but not both"))
    check(call, confs.load(call.node, "qemu", vmid), storage)
    config.usable(call.node, storage, "images")
    with guest_lock(call.node, "qemu", vmid):
        move(call, vmid, storage)


def check(call: Call, conf: Conf, storage: str) -> Drive:
    """The drive to move; wording from qm-disk-013."""
    name, format_ = call.params["disk"], call.params.get("format")
    check_lock(conf)
    volumes.check_digest(call, conf)
    if name not in conf.options:
        raise CommandFailed(f"disk '{name}' does not exist")
    drive = drives.parse(conf.options[name])
    if drives.is_cdrom(drive, but_cloudinit=True):
        raise CommandFailed("you can't move a cdrom")
    old_storage, volname = volume.split(drive["file"])
    ending = volname.rpartition(".")[2] if volname.endswith((".raw", ".qcow2", ".vmdk")) else None
    if old_storage == storage and (format_ is None or ending in (None, format_)):
        raise CommandFailed("you can't move to the same storage with same format")
    if call.flag("delete") and volumes.in_snapshot(conf, drive["file"]):
        raise CommandFailed("you can't move a disk with snapshots and delete the source")
    return drive


def move(call: Call, vmid: str, storage: str) -> None:
    """Copy, let the drive point at the copy, then keep or remove the source. A failure leaves all as it was."""
    conf = confs.load(call.node, "qemu", vmid)
    drive = check(call, conf, storage)
    name, source = call.params["disk"], drive["file"]
    old_storage = volume.split(source)[0]
    call.out(f"copying volume '{source}' from current storage '{old_storage}' to target storage '{storage}'")
    if volumes.in_snapshot(conf, source):
        call.out("moving disk with snapshots, snapshots will not be moved!")
    try:
        moved = volumes.full_clone(call, name, drive, vmid, storage, call.params.get("format"))
        if volumes.is_running(call, vmid):
            mirror(call, name, moved["file"])
    except NotModelled:
        raise
    except CommandFailed as problem:
        raise CommandFailed(f"storage migration failed: {problem.message}") from None
    conf.options[name] = moved["file"] if name.startswith("unused") else drives.print_(moved)
    let_go(call, vmid, conf, source)


def mirror(call: Call, name: str, volid: str) -> None:
    """QEMU itself copies the disk of a running guest, and tells of it (qm-drive-running-024)."""
    job, size = f"mirror-{name}", copying.size_text(volume.info(call.node, volid).size)
    call.out(f"drive mirror is starting for drive-{name}")
    call.out(f"{job}: transferred {size} of {size} (100.00%) in 0s, ready")
    call.out("all 'mirror' jobs are ready")
    for step in ("Completing block job...", "Completed successfully.", "mirror-job finished"):
        call.out(f"{job}: {step}")


def let_go(call: Call, vmid: str, conf: Conf, source: str) -> None:
    """Remove the source with --delete, else keep it as `unusedN`."""
    if call.flag("delete"):
        call.out(f"removing source volume '{source}' after successful copy")
        confs.save(call.node, "qemu", vmid, conf)
        volume.free(call, source)
        return
    key = volumes.add_unused(conf.options, source)
    call.out(f"adding source volume '{source}' as '{key}' to config")
    confs.save(call.node, "qemu", vmid, conf)
