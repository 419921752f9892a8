"""`qm guest exec <vmid> -- COMMAND…`: run a command in the guest by its agent (qm-agent-006, qm-missing-args-033)."""

from __future__ import annotations

from fake_pve import agent, runtime
from fake_pve.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fake_pve.call import Call

WIDE = "Wide character in die at /usr/share/perl5/PVE/RESTHandler.pm line 1131."


def run(call: Call) -> None:
    """Print the result, or only the process number when it is not waited for or takes longer than `--timeout`."""
    vmid = call.params["vmid"]
    stdin = call.stdin() if call.flag("pass-stdin") else ""
    if not call.extra and not stdin:
        raise CommandFailed("command or input-data (or both) required")
    agent.ready(call, vmid)
    run_it = _real if call.node.guest in runtime.REAL_GUESTS else _scripted
    pid, result = run_it(call, vmid, stdin)
    if result is None:
        if call.params.get("synchronous") != "0":
            call.err("timeout reached, returning pid")
        result = {"pid": pid}
    call.out(agent.pretty(result))


def _timeout(call: Call) -> float:
    """How long to wait for the command, in seconds of the node; 0 for not at all."""
    return 0 if call.params.get("synchronous") == "0" else float(call.params.get("timeout", "30"))


def _scripted(call: Call, vmid: str, stdin: str) -> tuple[int, dict[str, Any] | None]:
    """A guest without a real machine: (process number, result or None if it still runs)."""
    from fake_pve import execs

    try:
        record = execs.start(call.node, vmid, call.extra, stdin)
    except CommandFailed as problem:
        if not problem.message.isascii():
            call.err(WIDE)
        raise
    if call.params.get("synchronous") == "0":
        return record["pid"], None
    takes = record.get("takes", 0)
    call.flush()
    call.node.sleep(min(takes, _timeout(call)))
    if takes >= _timeout(call) > 0:
        return record["pid"], None
    return record["pid"], execs.shown({**record, "exited": 1})


def _real(call: Call, vmid: str, stdin: str) -> tuple[int, dict[str, Any] | None]:
    """A real guest: start it, then ask until it has ended or the time is over."""
    import time

    from fake_pve.qm.guest_exec_status import decoded

    arguments: dict[str, Any] = {"path": call.extra[0] if call.extra else "", "arg": call.extra[1:]}
    if stdin:
        arguments["input-data"] = stdin
    pid = agent.ask(call, vmid, "exec", {**arguments, "capture-output": True})["pid"]
    deadline = time.monotonic() + _timeout(call)
    while time.monotonic() < deadline:
        result = agent.ask(call, vmid, "exec-status", {"pid": pid})
        if result.get("exited"):
            return pid, decoded(result)
        time.sleep(0.1)
    return pid, None
