"""`qm disk move --target-vmid`: give a disk to another VM (qm-reassign-*)."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve.errors import CommandFailed, ParameterErrors
from fake_pve.lock import check_lock, guest_lock
from fake_pve.storage import volume
from fake_pve.vm import boot, volumes
from fake_pve.vm import drive as drives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf

End = tuple[str, "Conf", str]  # a VM's ID, its configuration, the key of its disk


def reassign(call: Call) -> None:
    """The volume is renamed for its new owner, which takes it as `qm set` would."""
    vmid, target, key = (call.params[name] for name in ("vmid", "target-vmid", "disk"))
    if vmid == target:
        raise ParameterErrors({"target-vmid": "must be different than source VMID to reassign disk"})
    for one in (vmid, target):
        if not confs.exists(call.node, "qemu", one):
            raise CommandFailed(f"could not find VM {one}")
    first, second = sorted((vmid, target))
    with guest_lock(call.node, "qemu", first), guest_lock(call.node, "qemu", second):
        source, receiver = (confs.load(call.node, "qemu", one) for one in (vmid, target))
        from_, to = (vmid, source, key), (target, receiver, call.params.get("target-disk", key))
        check_ends(call, from_, to)
        check_disk(call, vmid, source, key)
        hand_over(call, from_, to)


def check_ends(call: Call, from_: End, to: End) -> None:
    """Both VMs may be changed, the disk is there and its new place is free."""
    (vmid, source, key), (target, receiver, target_key) = from_, to
    for conf in (source, receiver):
        check_lock(conf)
    if "1" in (source.options.get("template"), receiver.options.get("template")):
        raise CommandFailed("Can't move disks from or to template VMs")
    for owner, conf, digest in ((vmid, source, "digest"), (target, receiver, "target-digest")):
        if call.params.get(digest) not in (None, confs.digest(conf)):
            raise CommandFailed(f"VM {owner}: {volumes.MODIFIED}")
    if key not in source.options:
        raise CommandFailed(f"Disk '{key}' for VM '{vmid}' does not exist")
    if target_key in receiver.options:
        raise CommandFailed(f"Target disk key '{target_key}' is already in use for VM '{target}'")


def check_disk(call: Call, vmid: str, source: Conf, key: str) -> None:
    """The disk may go: neither a CD nor what a snapshot or the running VM needs."""
    drive = drives.parse(source.options[key])
    if drives.is_cdrom(drive, but_cloudinit=True):
        raise CommandFailed("CD drive contents can't be moved to another VM")
    if volumes.in_snapshot(source, drive["file"]):
        raise CommandFailed("Can't move disk used by a snapshot to another VM")
    if not volume.has_feature(call.node, drive["file"], "rename"):
        raise CommandFailed("Storage does not support moving of this disk to another VM")
    if volumes.is_running(call, vmid) and not key.startswith("unused"):
        raise CommandFailed("Cannot move in-use volume while the source VM is running - detach or shutdown first")


def hand_over(call: Call, from_: End, to: End) -> None:
    """Rename the volume and write both configurations."""
    (vmid, source, key), (target, receiver, target_key) = from_, to
    call.out(f"reassign disk '{key}' from VM '{vmid}' as '{target_key}' to VM '{target}'")
    drive = drives.parse(source.options.pop(key))
    new = volume.rename(call, drive["file"], target)
    order = boot.order(source.options.get("boot", ""))
    if key in order:
        call.out(f"removing disk '{key}' from boot order config")
        source.options["boot"] = boot.print_([device for device in order if device != key])
    call.out(f"removing disk '{key}' from VM '{vmid}' config")
    confs.save(call.node, "qemu", vmid, source)
    if target_key.startswith("unused"):
        receiver.options[target_key] = new
        confs.save(call.node, "qemu", target, receiver)
        return
    from fake_pve.qm import set as set_command  # the target's end is its work

    call.params = {"vmid": target, target_key: drives.print_({**drive, "file": new})}
    set_command.run(call)
