"""Taking power from virtual machines: what `stop`, `shutdown`, `reboot` and `destroy` have in common."""

from __future__ import annotations

import time

from fake_pve import behaviour, hookscript, runtime
from fake_pve import conf as confs
from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.lock import check_lock, guest_lock
from fake_pve.vm import options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf
    from fake_pve.node import Node

SHUTDOWN_TIMEOUT_S = 60
PAUSED_STATUS = 29  # what Perl leaves behind after asking QEMU (ESPIPE), as for the monitor in qm-misc-002


def must_exist(node: Node, vmid: str, status: int = 2) -> None:
    """Refuse an ID that is no virtual machine's, as looking for its process does (qm-unknown-vm-006…021)."""
    if not confs.exists(node, "qemu", vmid):
        raise CommandFailed(f"unable to find configuration file for VM {vmid} on node '{node.name}'", status)


def must_run(node: Node, vmid: str, status: int = 2) -> runtime.Power:
    """The machine's power state; refuse one without power (qm-reset-001)."""
    must_exist(node, vmid, status)
    power = runtime.read(node, "qemu", vmid)
    if power is None:
        raise CommandFailed(f"VM {vmid} not running", status)
    return power


def stop(call: Call, vmid: str, *, skiplock: bool = False) -> None:
    """Take the power away at once. A machine without power, even a locked one, is left alone (qm-lock-001)."""
    must_exist(call.node, vmid, 255)
    with guest_lock(call.node, "qemu", vmid):
        if runtime.running(call.node, "qemu", vmid):
            conf = confs.load(call.node, "qemu", vmid)
            check_lock(conf, skiplock)
            hookscript.run(call, conf, vmid, "pre-stop")
            switch_off(call, vmid, conf)


def switch_off(call: Call, vmid: str, conf: Conf) -> None:
    """Power off and clean up; the caller holds the lock."""
    if call.node.guest in runtime.REAL_GUESTS:
        from fake_pve.guests import driver  # only for real guests

        guest = driver(call.node)
        if guest is not None:
            guest.stop(call.node, "qemu", int(vmid))
    clean_up(call, vmid, conf)


def clean_up(call: Call, vmid: str, conf: Conf) -> None:
    """What follows the end of a machine: pending changes take effect at once (qm-pending-001), its hook script runs.

    The machine is off already, so what goes wrong is only told.
    """
    from fake_pve.vm import apply  # only where a machine really stops

    runtime.mark_stopped(call.node, "qemu", vmid)
    try:
        apply.apply_pending(call, vmid, conf)
    except NotModelled:
        raise
    except CommandFailed as problem:
        call.out(problem.message)
    hookscript.run(call, conf, vmid, "post-stop")


class Shutdown:
    """What somebody wants of a shutdown: `timeout` in seconds of the node (None: the default), then by force or not."""

    __slots__ = ("force", "skiplock", "timeout")

    def __init__(self, timeout: float | None, *, force: bool, skiplock: bool) -> None:
        self.timeout = timeout
        self.force = force
        self.skiplock = skiplock


def shut_down(call: Call, vmid: str, wanted: Shutdown) -> None:
    """Ask the guest to power off and wait for it (qm-shutdown-002…009); without power nothing happens."""
    with guest_lock(call.node, "qemu", vmid):
        power = runtime.read(call.node, "qemu", vmid)
        if power is None:
            return
        conf = confs.load(call.node, "qemu", vmid)
        check_lock(conf, wanted.skiplock)
        hookscript.run(call, conf, vmid, "pre-stop")
        timeout = wanted.timeout if wanted.timeout is not None else startup_down(conf)
        if _ask(call, vmid, conf, power, timeout):
            clean_up(call, vmid, conf)
        elif wanted.force:
            call.out("VM still running - terminating now with SIGTERM")
            switch_off(call, vmid, conf)
        else:
            raise CommandFailed("VM quit/powerdown failed - got timeout")


def startup_down(conf: Conf) -> float:
    """The seconds of `startup: …,down=3`, else the default."""
    for part in conf.options.get("startup", "").split(","):
        key, _, value = part.strip().partition("=")
        if key == "down" and value.isdecimal():
            return int(value)
    return SHUTDOWN_TIMEOUT_S


def has_agent(conf: Conf) -> bool:
    """Whether the configuration says that there is a guest agent: `agent: 1`, `agent: enabled=1,…`."""
    return bool(options.agent(conf.options.get("agent", "")))


def _ask(call: Call, vmid: str, conf: Conf, power: runtime.Power, timeout: float) -> bool:
    """Send the request, by the agent where there is one that answers, and wait; whether the guest is off."""
    node = call.node
    if node.guest in runtime.REAL_GUESTS:
        from fake_pve.guests import driver  # only for real guests

        call.flush()
        guest = driver(node)
        return guest is not None and guest.shutdown(node, "qemu", int(vmid), timeout)
    by_agent = has_agent(conf)
    if by_agent and not behaviour.agent_answers(node, vmid, power):
        call.out(f"QEMU Guest Agent is not running - VM {vmid} qga command 'guest-ping' failed - got timeout")
        by_agent = False
    delay = behaviour.shutdown_delay(node, vmid, power, by_agent=by_agent)
    return _wait_off(call, vmid, power, delay, timeout)


def _wait_off(call: Call, vmid: str, power: runtime.Power, delay: float, timeout: float) -> bool:
    """Wait `delay` seconds of the node for the end, at most `timeout`; a slower guest goes off later by itself."""
    call.flush()
    if delay < timeout:
        call.node.sleep(delay)
        return True
    if delay != behaviour.NEVER:
        power.off_at = time.time() + delay * call.node.time_scale
        runtime.write(call.node, "qemu", vmid, power)
    call.node.sleep(timeout)
    return False
