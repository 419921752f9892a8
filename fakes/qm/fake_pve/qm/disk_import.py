"""`qm disk import <vmid> <source> <storage>`: copy an image file into a new volume of the VM (qm-disk-001 … 007)."""

from __future__ import annotations

import os

from fake_pve import conf as confs
from fake_pve.errors import CommandFailed
from fake_pve.lock import check_lock, guest_lock
from fake_pve.storage import config, names, volume
from fake_pve.vm import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """The volume becomes `unusedN`, or the drive that --target-disk names."""
    vmid, source, storage = (call.params[name] for name in ("vmid", "source", "storage"))
    check_lock(confs.load(call.node, "qemu", vmid))
    path = source_file(call, source)
    if "images" not in config.usable(call.node, storage).content:
        raise CommandFailed(f"storage {storage} does not support vm images")
    call.out(f"importing disk '{source}' to VM {vmid} ...")
    format_ = volumes.target_format(call, storage, None, call.params.get("format"))
    volid = volume.copy(call, path, storage, vmid, format_)
    with guest_lock(call.node, "qemu", vmid):
        name = attach(call, vmid, volid)
    call.out(f"{name}: successfully imported disk '{volid}'")


def source_file(call: Call, source: str) -> str:
    """The image's path, from a path or the id of an importable volume."""
    storage = source.partition(":")[0]
    known = ":" in source and names.is_storage_id(storage) and storage in config.load(call.node)
    path = volume.path(call.node, source) if known else call.node.path(os.path.join("/", source))
    if not os.path.isfile(path):
        raise CommandFailed(f"{source}: non-existent or non-regular file", 2)
    return path


def attach(call: Call, vmid: str, volid: str) -> str:
    """Enter the volume into the configuration -> the key; a target that is taken undoes the copy (qm-disk-004)."""
    conf = confs.load(call.node, "qemu", vmid)
    target = call.params.get("target-disk")
    if target is None or target.startswith("unused"):  # the first free one, whichever was named (qm-drive-027)
        key = volumes.add_unused(conf.options, volid)
    elif target in conf.options:
        raise taken(call, volid, target)
    else:
        conf.options[target] = volid
        key = target
    confs.save(call.node, "qemu", vmid, conf)
    return key


def taken(call: Call, volid: str, target: str) -> CommandFailed:
    """Remove the copy; the status is what removing it left in errno: 39 says that the guest's folder was not empty."""
    folder = os.path.dirname(volume.path(call.node, volid))
    volume.free(call, volid)
    left = volid.partition(":")[2].partition("/")[1] and os.path.isdir(folder)
    return CommandFailed(f"cowardly refusing to overwrite existing entry: {target}", 39 if left else 25)
