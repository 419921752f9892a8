"""`qm reset <vmid>`: press the reset button (qm-reset-001)."""

from __future__ import annotations

import time

from fake_pve import conf as confs
from fake_pve import power, runtime
from fake_pve.lock import check_lock, guest_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Reset a running machine; it boots again, its process stays the same."""
    vmid = call.params["vmid"]
    power.must_run(call.node, vmid)
    with guest_lock(call.node, "qemu", vmid):
        check_lock(confs.load(call.node, "qemu", vmid), call.flag("skiplock"))
        state = power.must_run(call.node, vmid)
        if call.node.guest in runtime.REAL_GUESTS:
            from fake_pve.guests import driver  # only for real guests

            guest = driver(call.node)
            if guest is not None:
                guest.reset(call.node, "qemu", int(vmid))
            return
        state.started, state.off_at = time.time(), 0
        runtime.write(call.node, "qemu", vmid, state)
