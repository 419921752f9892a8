"""`qm shutdown <vmid>`: ask the guest to power off, by its agent or by ACPI, and wait (qm-shutdown-001…009)."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve import ha, power, runtime
from fake_pve.errors import CommandFailed
from fake_pve.power import PAUSED_STATUS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Shut down; a machine without power only gives a message, and no machine at all gives it twice (qm-walk-133)."""
    vmid = call.params["vmid"]
    state = runtime.read(call.node, "qemu", vmid) if confs.exists(call.node, "qemu", vmid) else None
    if state is None:
        problem = f"VM {vmid} not running"
        if not confs.exists(call.node, "qemu", vmid):
            problem = f"unable to find configuration file for VM {vmid} on node '{call.node.name}'"
        call.err(f"{problem}\n")
    elif state.paused and not call.flag("forceStop"):
        raise CommandFailed("VM is paused - cannot shutdown", PAUSED_STATUS)
    if ha.is_managed(call.node, "qemu", vmid):
        call.out(f"Requesting HA stop for VM {vmid}")
        return
    if state is not None and state.paused:
        call.err("VM is paused - stop instead of shutdown")
        power.stop(call, vmid, skiplock=call.flag("skiplock"))
        return
    power.must_exist(call.node, vmid, 255)
    timeout = call.params.get("timeout")
    wanted = power.Shutdown(
        None if timeout is None else float(timeout), force=call.flag("forceStop"), skiplock=call.flag("skiplock")
    )
    power.shut_down(call, vmid, wanted)
