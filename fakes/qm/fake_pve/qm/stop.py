"""`qm stop <vmid>`: take the power away (qm-stop-003, qm-unknown-vm-006, qm-destroy-014)."""

from __future__ import annotations

from fake_pve import ha, power

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

REFUSED = ("migratedfrom",)  # what moving to another node needs


def run(call: Call) -> None:
    """Stop the machine; one without power is fine already."""
    vmid = call.params["vmid"]
    if ha.is_managed(call.node, "qemu", vmid):
        call.out(f"Requesting HA stop for VM {vmid}")
        return
    power.stop(call, vmid, skiplock=call.flag("skiplock"))
