"""`pct mount`: mount a container's volumes on the node, for repairs; the container is locked meanwhile."""

from __future__ import annotations

from fake_pve.lxc import mountpoint, power
from fake_pve.pct import unlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """There is no file system to mount; the lock and the words are what remains of it."""
    vmid = call.params["vmid"]
    conf = unlock.put(call, vmid, "mounted")
    try:
        for _, volid in mountpoint.volumes(conf.options):
            power.activate(call, volid)
    except BaseException:
        unlock.remove(call, vmid, "mounted")
        raise
    call.out(f"mounted CT {vmid} in '/var/lib/lxc/{vmid}/rootfs'")
