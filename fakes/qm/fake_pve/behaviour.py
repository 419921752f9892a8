"""How guests without a real machine behave: which requests they follow, how long it takes them.

`FAKE_PVE_GUEST=none` obeys at once. `recorded` is the stand-in of the recordings: it reacts to ACPI only if it was
started with `acpi` in its name, and its agent answers only if that name has `agent` in it.
<root>/etc/fake-pve/guests.json may say otherwise: {"8001": {"boot": 5, "agent": "never", "shutdown": 2.5}, "*": {…}},
in seconds of the node; see docs/fake.md.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve import runtime
    from fake_pve.node import Node

NEVER = float("inf")
WISHES = "/etc/fake-pve/guests.json"


def wishes(node: Node, vmid: str | int) -> dict[str, float]:
    """Delays by name (`boot`, `agent`, `shutdown`) that somebody wrote down for this guest, in seconds of the node."""
    try:
        with open(node.root + WISHES, encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return {}
    import json  # only where somebody scripts a guest

    from fake_pve.errors import CommandFailed

    try:
        table = json.loads(text)
        found = {**table.get("*", {}), **table.get(str(vmid), {})}
        return {key: NEVER if value == "never" else float(value) for key, value in found.items()}
    except (ValueError, TypeError, AttributeError) as problem:
        raise CommandFailed(f"fake-pve: {WISHES} is not what docs/fake.md describes: {problem}", 70) from None


def has_booted(node: Node, vmid: str | int, power: runtime.Power) -> bool:
    """Whether the guest's system is up, so that it hears ACPI and starts its agent."""
    return time.time() >= power.started + wishes(node, vmid).get("boot", 0) * node.time_scale


def agent_answers(node: Node, vmid: str | int, power: runtime.Power) -> bool:
    """Whether the guest agent would answer now (that the configuration has one is the caller's question)."""
    if power.paused or (node.guest == "recorded" and "agent" not in power.name):
        return False
    delays = wishes(node, vmid)
    ready = power.started + (delays.get("boot", 0) + delays.get("agent", 0)) * max(node.time_scale, 1e-9)
    return time.time() >= ready


def shutdown_delay(node: Node, vmid: str | int, power: runtime.Power, *, by_agent: bool) -> float:
    """Seconds of the node from the request to power off until it is off; NEVER for a guest that does not listen."""
    if power.paused or not has_booted(node, vmid, power):
        return NEVER
    if not by_agent and node.guest == "recorded" and "acpi" not in power.name:
        return NEVER
    return wishes(node, vmid).get("shutdown", 0)
