"""`pct fsck`: check the file system in a stopped container's volume."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve import lock
from fake_pve.errors import CommandFailed
from fake_pve.lxc import ext4, mountpoint, power
from fake_pve.storage import volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """One line for a clean file system, all passes with `--force` (pct-misc-003)."""
    vmid, device = call.params["vmid"], call.params.get("device", "rootfs")
    with lock.guest_lock(call.node, "lxc", vmid):
        conf = conf_files.load(call.node, "lxc", vmid)
        if device not in conf.options:
            raise CommandFailed(f"cannot run command on non-existing mount point {device}")
        path = checked_path(call, mountpoint.parse(device, conf.options[device])["volume"])
        if power.is_running(call.node, vmid):
            raise CommandFailed("cannot run fsck on active container")
        check(call, path)


def checked_path(call: Call, source: str) -> str:
    """The file of a volume that can be checked."""
    if mountpoint.kind(source) != "volume":
        raise CommandFailed(f"path '{source}' does not point to a block device")
    _, name = volume.locate(call.node, source)
    if name.format != "raw":
        raise CommandFailed(f"unable to run fsck for '{source}' (format == {name.format})")
    power.activate(call, source)
    return volume.path(call.node, source)


def check(call: Call, path: str) -> None:
    """What fsck says of the file system."""
    call.out("fsck from util-linux 2.38.1")
    system = ext4.read(path)
    if system is None:
        raise CommandFailed(f"command 'fsck -a -l {path}' failed: exit code 8")
    if call.flag("force"):
        for line in ext4.checked_text(path, system):
            call.out(line)
    else:
        call.out(f"{path}: clean, {ext4.counts_text(system).replace(' (0.0% non-contiguous)', '')}")
