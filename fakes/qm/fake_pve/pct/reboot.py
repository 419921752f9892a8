"""`pct reboot`: shut a container down and start it again, with its pending values."""

from __future__ import annotations

from fake_pve.lxc import power
from fake_pve.pct.shutdown import TIMEOUT_S

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """The message for a stopped container says "VM" (pct-stop-006)."""
    vmid = call.params["vmid"]
    power.check_running(call.node, vmid, "VM")
    power.shut_down(call, vmid, float(call.params.get("timeout", TIMEOUT_S)), force=False)
    power.start(call, vmid)
