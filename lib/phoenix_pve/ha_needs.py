"""What HA changes in a plan: power is only asked for, so it is waited for; a service in error takes no request. PURE.

`qm start`, `stop` and `shutdown` of a guest that HA looks after print `Requesting HA …` and end with 0 at once; CRM and
LRM carry the request out some 15 to 25 seconds later (recordings: cluster, group ha). A start that is asked for before
the stop is done is overtaken by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_pve.guest import Power
from phoenix_pve.plan import Refusal, Shutdown, Start, Stop, WaitForPower

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from phoenix_pve.cluster import Managed
    from phoenix_pve.guest import GuestSpec
    from phoenix_pve.plan import Change

REQUESTS = {Start: Power.RUNNING, Stop: Power.STOPPED, Shutdown: Power.STOPPED}


def waited_for(changes: Iterable[Change], ha: Managed | None) -> Iterator[Change]:
    """Yield the changes, each that HA is only asked for with a wait behind it."""
    for change in changes:
        yield change
        if ha and (power := REQUESTS.get(type(change))):
            yield WaitForPower(power, ha.service, ha.beat)


def refusals(spec: GuestSpec, changes: Iterable[Change], ha: Managed | None) -> Iterator[Refusal]:
    """Yield that HA has given the guest up, when its power is to change."""
    if ha and ha.failed and any(type(change) in REQUESTS for change in changes):
        yield Refusal(
            f"{spec.vmid} {spec.name}: HA has given it up (state error), and refuses every request for it",
            f"ha-manager set {ha.service} --state disabled; mend what is wrong, see `ha-manager status`; "
            f"then ha-manager set {ha.service} --state started",
        )
