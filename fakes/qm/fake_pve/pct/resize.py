"""`pct resize`: grow a mount point's volume and the file system in it."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve import lock, sizes
from fake_pve.errors import CommandFailed
from fake_pve.lxc import ext4, mountpoint, power
from fake_pve.pct.set import check_digest
from fake_pve.storage import volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """`+1G` is added to the size, `8G` is the new size; smaller is refused (pct-resize-001…008)."""
    vmid, disk = call.params["vmid"], call.params["disk"]
    with lock.guest_lock(call.node, "lxc", vmid):
        conf = conf_files.load(call.node, "lxc", vmid)
        power.check_lock(conf)
        check_digest(conf, call.params.get("digest"))
        properties = mountpoint.parse(disk, conf.options.get(disk))
        volid = properties["volume"]
        size = new_size(call, vmid, volid)
        volume.resize(call, volid, size)
        properties["size"] = sizes.text(volume.info(call.node, volid).size)
        conf.options[disk] = mountpoint.render(disk, properties)
        power.save(call, vmid, conf)
        grow_file_system(call, volid, power.is_running(call.node, vmid))


def new_size(call: Call, vmid: str, volid: str) -> int:
    """The wanted size in bytes, checked against the present one."""
    _, name = volume.locate(call.node, volid)
    if str(name.vmid) != vmid:
        raise CommandFailed(f"can't resize mount point owned by another container ({name.vmid})")
    power.activate(call, volid)
    text = call.params["size"]
    now = volume.info(call.node, volid).size
    size = (sizes.parse(text.removeprefix("+")) or 0) + (now if text.startswith("+") else 0)
    if size < now:
        raise CommandFailed("unable to shrink disk size")
    if size == now:
        raise CommandFailed("disk is already at specified size")
    return size


def grow_file_system(call: Call, volid: str, running: bool) -> None:
    """e2fsck and resize2fs, or resize2fs alone while the file system is in use."""
    path = volume.path(call.node, volid)
    before = ext4.read(path)
    if before is None:
        return
    after = ext4.grown(before, volume.info(call.node, volid).size)
    if running:
        call.out("resize2fs 1.47.0 (5-Feb-2023)")
        call.out("Filesystem at /dev/loop0 is mounted on /tmp; on-line resizing required")
        old, new = ext4.descriptor_blocks(before.blocks), ext4.descriptor_blocks(after.blocks)
        call.out(f"old_desc_blocks = {old}, new_desc_blocks = {new}")
        call.out(f"The filesystem on /dev/loop0 is now {after.blocks} (4k) blocks long.")
        call.out("")
    else:
        lines = ["e2fsck 1.47.0 (5-Feb-2023)", *ext4.checked_text(path, before), *ext4.grown_text(path, after), ""]
        for line in lines:
            call.out(line)
    ext4.write(path, after)
