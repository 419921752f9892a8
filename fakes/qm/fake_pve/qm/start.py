"""`qm start <vmid>` (qm-start-*, qm-lock-*, qm-destroy-014)."""

from __future__ import annotations

from fake_pve import ha, starting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

REFUSED = (
    "force-cpu",
    "migratedfrom",
    "migration_network",
    "migration_type",
    "nets-host-mtu",
    "stateuri",
    "targetstorage",
    "with-conntrack-state",
)  # what moving to another node needs


def run(call: Call) -> None:
    """Start the machine; one that HA looks after is only requested."""
    vmid = call.params["vmid"]
    if ha.is_managed(call.node, "qemu", vmid):
        call.out(f"Requesting HA start for VM {vmid}")
        ha.request_start(call.node, "qemu", vmid)
        return
    starting.start(call, vmid, skiplock=call.flag("skiplock"), machine=call.params.get("machine"))
