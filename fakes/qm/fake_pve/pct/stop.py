"""`pct stop`: stop a container at once."""

from __future__ import annotations

from fake_pve import ha
from fake_pve.lxc import power

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """See fake_pve.lxc.power for what can go wrong."""
    vmid = call.params["vmid"]
    if ha.is_managed(call.node, "lxc", vmid):
        power.check_running(call.node, vmid)
        call.out(f"Requesting HA stop for CT {vmid}")
        return
    power.stop(call, vmid, call.flag("skiplock"))
