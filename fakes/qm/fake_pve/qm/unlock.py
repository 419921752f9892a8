"""`qm unlock <vmid>`: remove a `lock:` from the configuration; without one nothing is said either."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve.lock import guest_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Unlock; the configuration is written in any case."""
    vmid = call.params["vmid"]
    with guest_lock(call.node, "qemu", vmid):
        conf = confs.load(call.node, "qemu", vmid)
        conf.options.pop("lock", None)
        conf.pending.pop("lock", None)
        confs.save(call.node, "qemu", vmid, conf)
