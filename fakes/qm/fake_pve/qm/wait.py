"""`qm wait <vmid>`: wait until the machine has no power (qm-wait-001)."""

from __future__ import annotations

import time

from fake_pve import power, runtime
from fake_pve.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

POLL_S = 0.2


def run(call: Call) -> None:
    """Wait at most `--timeout` seconds of the node; without one as long as it takes."""
    vmid = call.params["vmid"]
    power.must_exist(call.node, vmid)
    pid = runtime.pid(call.node, "qemu", vmid)
    if not pid:
        return
    call.out(f"waiting until VM {vmid} stops (PID {pid})")
    call.flush()
    seconds = float(call.params.get("timeout", "inf"))
    deadline = time.monotonic() + seconds * (call.node.time_scale or 0 if seconds != float("inf") else 1)
    while runtime.running(call.node, "qemu", vmid):
        if time.monotonic() >= deadline:
            raise CommandFailed("wait failed - got timeout", 25)
        time.sleep(min(POLL_S, max(0.0, deadline - time.monotonic())))
