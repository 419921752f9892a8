"""`qm resume <vmid>`: let the processors go on (qm-suspend-002); a running machine is fine already."""

from __future__ import annotations

from fake_pve import power
from fake_pve.qm import suspend

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Resume a machine that has power."""
    power.must_run(call.node, call.params["vmid"])
    suspend.pause(call, call.params["vmid"], paused=False)
