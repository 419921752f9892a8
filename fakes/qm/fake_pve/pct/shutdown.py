"""`pct shutdown`: ask a container to end itself (pct-stop-005)."""

from __future__ import annotations

from fake_pve import ha
from fake_pve.lxc import power

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

TIMEOUT_S = 60


def run(call: Call) -> None:
    """One that does not within `--timeout` seconds is stopped with `--forceStop`, else the command fails."""
    vmid = call.params["vmid"]
    if ha.is_managed(call.node, "lxc", vmid):
        power.check_running(call.node, vmid)
        call.out(f"Requesting HA stop for CT {vmid}")
        return
    power.shut_down(call, vmid, float(call.params.get("timeout", TIMEOUT_S)), call.flag("forceStop"))
