"""`qm disk resize <vmid> <disk> <size>`: grow a disk. Whatever goes wrong, the exit status is 0 (qm-resize-*)."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve import sizes
from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.lock import check_lock, guest_lock
from fake_pve.storage import volume
from fake_pve.vm import drive as drives
from fake_pve.vm import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.vm.drive import Drive


def run(call: Call) -> None:
    """The resize is a task whose failure is told on stderr and lost for the exit status."""
    try:
        with guest_lock(call.node, "qemu", call.params["vmid"]):
            resize(call, call.params["vmid"], call.params["disk"], call.params["size"])
    except NotModelled:
        raise
    except CommandFailed as problem:
        call.err(problem.message)


def resize(call: Call, vmid: str, name: str, size: str) -> None:
    """Grow the volume, then note the size asked for, even where the volume had to be larger (qm-resize-007)."""
    conf = confs.load(call.node, "qemu", vmid)
    if call.params.get("digest") not in (None, confs.digest(conf)):
        raise CommandFailed("checksum mismatch (file change by other user?)")
    check_lock(conf, call.flag("skiplock"))
    drive = resizable(conf.options, name)
    old = volume.info(call.node, drive["file"]).size
    new = wanted_size(size, old)
    if new < old:
        raise CommandFailed("shrinking disks is not supported")
    if new == old:
        return
    volume.resize(call, drive["file"], -(-new // 1024) * 1024, volumes.is_running(call, vmid))
    drive["size"] = sizes.text(new)
    conf.options[name] = drives.print_(drive)
    confs.save(call.node, "qemu", vmid, conf)


def resizable(options: dict[str, str], name: str) -> Drive:
    """The drive `name`; wording from qm-resize-021."""
    if name not in options:
        raise CommandFailed(f"disk '{name}' does not exist")
    drive = drives.parse(options[name])
    if drives.is_cdrom(drive):
        raise CommandFailed("you can't resize a cdrom")
    return drive


def wanted_size(text: str, old: int) -> int:
    """`4G` is a size, `+1G` what to add to the old one; bytes without a unit."""
    plus = text.startswith("+")
    size = sizes.parse(text.removeprefix("+"))
    if size is None:
        raise CommandFailed("invalid size string")
    return old + size if plus else size
