"""`qm suspend <vmid>`: stop the processors (qm-suspend-001, -002)."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve import power, runtime
from fake_pve.errors import NotModelled
from fake_pve.lock import check_lock, guest_lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Pause a running machine; suspending to disk needs a machine's memory, which nothing here has."""
    vmid = call.params["vmid"]
    power.must_run(call.node, vmid)
    if call.flag("todisk"):
        raise NotModelled("qm suspend --todisk")
    pause(call, vmid, paused=True)


def pause(call: Call, vmid: str, *, paused: bool) -> None:
    """Stop the processors or let them go on."""
    with guest_lock(call.node, "qemu", vmid):
        conf = confs.load(call.node, "qemu", vmid)
        check_lock(conf, call.flag("skiplock") or conf.options.get("lock") == "backup")  # a backup may go on
        if call.node.guest in runtime.REAL_GUESTS:
            from fake_pve.guests import driver  # only for real guests

            guest = driver(call.node)
            if guest is not None:
                (guest.suspend if paused else guest.resume)(call.node, "qemu", int(vmid))
        runtime.mark_paused(call.node, "qemu", vmid, paused)
