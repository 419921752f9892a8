"""`qm guest exec-status <vmid> <pid>`: what became of a command that `guest exec` started (qm-agent-006)."""

from __future__ import annotations

from fake_pve import agent, runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fake_pve.call import Call


def run(call: Call) -> None:
    """Print its exit code and output, as far as it has ended."""
    vmid, pid = call.params["vmid"], int(call.params["pid"])
    agent.ready(call, vmid)
    if call.node.guest in runtime.REAL_GUESTS:
        result = decoded(agent.ask(call, vmid, "exec-status", {"pid": pid}))
    else:
        from fake_pve import execs

        result = execs.shown(execs.status(call.node, vmid, pid))
    call.out(agent.pretty(result))


def decoded(result: dict[str, Any]) -> dict[str, Any]:
    """An agent's answer with its output as text, and numbers for booleans."""
    import base64

    shown = {key: int(value) if isinstance(value, bool) else value for key, value in result.items()}
    for key in ("out-data", "err-data"):
        if key in shown:
            shown[key] = base64.b64decode(str(shown[key])).decode("utf-8", "replace")
    return shown
