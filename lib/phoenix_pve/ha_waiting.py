"""Wait until HA has done what it was asked for: nothing is claimed before the node shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_pve import cluster
from phoenix_pve.errors import GuestError, WaitTimeoutError
from phoenix_pve.guest import Power
from phoenix_pve.kinds import FACTS
from phoenix_pve.node import WHOLE, Questions
from phoenix_pve.observe import power_in
from phoenix_pve.surroundings import MANAGER, RESOURCES
from phoenix_pve.waiting import FACTOR, FIRST_PAUSE, LONGEST_PAUSE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from phoenix_pve.cluster import Managed
    from phoenix_pve.commands import AwaitPower
    from phoenix_pve.node import Node

SILENCE = 45.0
"""Seconds after which nobody waits any longer for a manager that has shown no sign of life since: it writes every ten
seconds, and needs up to 25 for a request (recordings: cluster, group ha)."""

VERBS = {Power.RUNNING: "start", Power.STOPPED: "stop"}


def wait(
    node: Node, step: AwaitPower, name: str, timeout: float, now: Callable[[], float], sleep: Callable[[float], None]
) -> Iterator[tuple[str, float, float]]:
    """Wait until the guest has the power that was asked for; yield (for what, seconds waited, of at most so many).

    Raises WaitTimeoutError after `timeout` seconds, or after SILENCE when HA's manager is not at work, and GuestError
    when HA has given the guest up or moved it to another node.
    """
    started, pause = now(), FIRST_PAUSE
    while True:
        power, ha = _look(node, step)
        if _is_reached(step.what.power, power, ha):
            return
        _check(step, name, power, ha)
        alive = ha is not None and ha.beat > step.what.beat
        waited, limit = now() - started, timeout if alive else min(timeout, SILENCE)
        if waited >= limit:
            raise _late(step, name, power, limit, alive=alive)
        yield f"{VERBS[step.what.power]} by HA", waited, limit
        sleep(min(pause, max(0.0, limit - waited)))
        pause = min(pause * FACTOR, LONGEST_PAUSE)


def _look(node: Node, step: AwaitPower) -> tuple[Power | None, Managed | None]:
    """Ask for the guest's power and for what HA says of it."""
    status = (FACTS[step.kind].tool, "status", str(step.vmid))
    found = node.look(Questions((status,), {RESOURCES: WHOLE, MANAGER: WHOLE}))
    asked, told = (found.files[path].data if path in found.files else b"" for path in (RESOURCES, MANAGER))
    ha = cluster.managed(cluster.resources(asked), told, step.kind, step.vmid)
    return power_in(found.commands[0]), ha


def _is_reached(wanted: Power, power: Power | None, ha: Managed | None) -> bool:
    """Return whether the guest has the power wanted and keeps it: what HA is asked to stop does not run for long."""
    overtaken = wanted is Power.RUNNING and ha is not None and ha.requested in cluster.NOT_RUNNING
    return power is wanted and not overtaken


def _check(step: AwaitPower, name: str, power: Power | None, ha: Managed | None) -> None:
    """Raise GuestError when waiting longer would be in vain."""
    if power is None:
        raise GuestError(
            f"{step.vmid} {name}: it is not on this node any more; HA, which was asked to {VERBS[step.what.power]} it, "
            "may have moved it",
            "see where it is: ha-manager status",
        )
    if ha is not None and ha.failed:
        raise GuestError(
            f"{step.vmid} {name}: HA was asked to {VERBS[step.what.power]} it, and has given it up (state error)",
            f"see `ha-manager status` and the log of pve-ha-lrm; then ha-manager set {ha.service} --state disabled, "
            f"mend it, ha-manager set {ha.service} --state started",
        )


def _late(step: AwaitPower, name: str, power: Power | None, limit: float, *, alive: bool) -> WaitTimeoutError:
    service = step.what.service
    shown = power.value if power and power is not step.what.power else "asked to stop"
    silent = "" if alive else "; its manager shows no sign of life: are pve-ha-crm and pve-ha-lrm running?"
    return WaitTimeoutError(
        f"{step.vmid} {name}: HA manages it and decides; it was asked to {VERBS[step.what.power]} it, and after "
        f"{limit:g} s it is still {shown}",
        f"see `ha-manager status`{silent}; the request stands, and --timeout S waits longer; to take it back: "
        f"ha-manager set {service} --state {'stopped' if step.what.power is Power.RUNNING else 'started'}",
    )
