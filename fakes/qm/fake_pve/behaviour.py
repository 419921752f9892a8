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
    from fake_pve.errors import CommandFailed
    from fake_pve.node import Node

NEVER = float("inf")
DELAYS = ("boot", "agent", "shutdown")
WISHES = "/etc/fake-pve/guests.json"


def wishes(node: Node, vmid: str | int) -> dict[str, float]:
    """Delays by name (`boot`, `agent`, `shutdown`) that somebody wrote down for this guest, in seconds of the node."""
    try:
        with open(node.root + WISHES, encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return {}
    table = read(text)
    return {**table.get("*", {}), **table.get(str(vmid), {})}


def read(text: str) -> dict[str, dict[str, float]]:
    """The delays by guest ID (or `*`) and name; a file that is something else is an error of whoever wrote it."""
    import json  # only where somebody scripts a guest

    try:
        table = json.loads(text)
    except ValueError as problem:
        raise _wrong(str(problem)) from None
    if not isinstance(table, dict) or not all(isinstance(delays, dict) for delays in table.values()):
        raise _wrong("not a table of tables")
    for vmid, delays in table.items():
        if vmid != "*" and not vmid.isdecimal():
            raise _wrong(f"{vmid!r} is neither a guest's ID nor '*'")
        for name, value in delays.items():
            delays[name] = _delay(name, value)
    return table


def _delay(name: str, value: object) -> float:
    """Seconds, or NEVER."""
    if name not in DELAYS:
        raise _wrong(f"unknown key {name!r}")
    if value == "never":
        return NEVER
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise _wrong(f'{name!r} is {value!r}, neither a number of seconds nor "never"')
    return float(value)


def _wrong(why: str) -> CommandFailed:
    from fake_pve.errors import CommandFailed

    return CommandFailed(f"fake-pve: {WISHES} is not what docs/fake.md describes: {why}", 70)


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
