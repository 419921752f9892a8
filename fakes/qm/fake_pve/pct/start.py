"""`pct start`: start a container."""

from __future__ import annotations

from fake_pve import ha
from fake_pve.lxc import power

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """See fake_pve.lxc.power for what can go wrong."""
    vmid = call.params["vmid"]
    if ha.is_managed(call.node, "lxc", vmid) and not power.is_running(call.node, vmid):
        call.out(f"Requesting HA start for CT {vmid}")
        ha.request_start(call.node, "lxc", vmid)
        return
    power.start(call, vmid, call.flag("skiplock"))
