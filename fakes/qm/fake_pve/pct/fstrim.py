"""`pct fstrim`: give the free blocks of a container's volumes back to the storage."""

from __future__ import annotations

from fake_pve.lxc import ext4, mountpoint, power
from fake_pve.pct import unlock
from fake_pve.storage import volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """One line a mounted volume (pct-misc-003)."""
    vmid = call.params["vmid"]
    conf = unlock.put(call, vmid, "fstrim")
    try:
        for key in mountpoint.keys(conf.options):
            if key == "rootfs" or not call.flag("ignore-mountpoints"):
                trim(call, vmid, mountpoint.parse(key, conf.options[key]))
    finally:
        unlock.remove(call, vmid, "fstrim")


def trim(call: Call, vmid: str, properties: dict[str, str]) -> None:
    """What fstrim --verbose says of one mount point; a folder of the node is not trimmed."""
    volid = properties["volume"]
    if mountpoint.kind(volid) != "volume":
        return
    power.activate(call, volid)
    system = ext4.read(volume.path(call.node, volid))
    free = 0 if system is None else (system.blocks - system.used_blocks) * ext4.BLOCK
    place = properties.get("mp", "/")
    call.out(f"/var/lib/lxc/{vmid}/rootfs/{place.lstrip('/')}: {human(free)} ({free} bytes) trimmed")


def human(size: int) -> str:
    """Bytes as util-linux writes them: `971.3 MiB`."""
    for power_, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if size >= 1024**power_:
            text = f"{size / 1024**power_:.1f}"
            return f"{text.removesuffix('.0')} {unit}"
    return f"{size} B"
