"""`qm reboot <vmid>`: shut the guest down and start it with its pending changes (qm-reboot-001, -003)."""

from __future__ import annotations

from fake_pve import power, starting
from fake_pve.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Reboot; a machine that is not there or has no power is told twice, once for being looked whether it is paused."""
    vmid = call.params["vmid"]
    try:
        state = power.must_run(call.node, vmid)
    except CommandFailed as problem:
        call.err(f"{problem.message}\n")
        raise
    if state.paused:
        raise CommandFailed("VM is paused - cannot shutdown", power.PAUSED_STATUS)
    timeout = call.params.get("timeout")
    power.shut_down(
        call, vmid, power.Shutdown(None if timeout is None else float(timeout), force=False, skiplock=False)
    )
    starting.start(call, vmid)
