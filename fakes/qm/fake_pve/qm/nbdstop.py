"""`qm nbdstop <vmid>`: there is never an export to stop; a machine without power only gives a message (qm-misc-001)."""

from __future__ import annotations

from fake_pve import runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Succeed in any case, as the real tool does."""
    if not runtime.running(call.node, "qemu", call.params["vmid"]):
        call.err(f"VM {call.params['vmid']} not running")
