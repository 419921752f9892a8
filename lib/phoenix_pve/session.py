"""One run of phoenix: what it works with, and how it looks and plans. What is decided stands in the planner."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from phoenix_pve import cloud_init, deletion, interrupts, planner, unfinished
from phoenix_pve.errors import CommandFailedError, ContradictionError, PhoenixError
from phoenix_pve.guest import Kind
from phoenix_pve.node import QueryOnly
from phoenix_pve.observe import glance, observe, observe_many
from phoenix_pve.plan import Destroy, Goal, Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phoenix_pve.guest import GuestSpec
    from phoenix_pve.inventory import Inventory
    from phoenix_pve.node import Node
    from phoenix_pve.observe import Seen
    from phoenix_pve.plan import Change, Plan
    from phoenix_pve.planner import Options
    from phoenix_pve.screen import Screen

DEFAULT_JOBS = 4
"""Guests worked on at the same time, when --jobs says nothing."""


@dataclass(frozen=True)
class Session:
    """Everything that one run of phoenix works with."""

    inventory: Inventory
    node: Node
    options: Options
    screen: Screen
    timeout: float
    jobs: int = DEFAULT_JOBS
    dry_run: bool = False
    assume_yes: bool = False
    exit_code: bool = False
    verify: bool = False
    guest_command: tuple[str, ...] = ()
    successor: list[str] = field(default_factory=list)
    """What phoenix becomes when it is done."""


def look(session: Session, specs: list[GuestSpec]) -> dict[int, Seen]:
    """Look at guests: one by its status, several by listings."""
    node = QueryOnly(session.node)
    for patience in (0.3, 1.0):
        with contextlib.suppress(ContradictionError):
            return _seen_on(node, specs)
        interrupts.sleep(patience)
    return _seen_on(node, specs)


def _seen_on(node: QueryOnly, specs: list[GuestSpec]) -> dict[int, Seen]:
    return {specs[0].vmid: observe(node, specs[0])} if len(specs) == 1 else observe_many(node, specs)


def look_for(session: Session, goal: Goal, specs: list[GuestSpec]) -> dict[int, Seen]:
    """Look at guests; at those that are to be deleted more closely."""
    sight = look(session, specs)
    return deletion.with_snippets(QueryOnly(session.node), specs, sight) if goal is Goal.DELETE else sight


def plan(session: Session, goal: Goal, spec: GuestSpec, seen: Seen, options: Options | None = None) -> Plan:
    """Decide what to do with one guest."""
    rendered = goal is Goal.CREATE and spec.kind is Kind.VM
    user_data = cloud_init.render(spec, cloud_init.template_path(session.inventory.folder)) if rendered else ""
    return planner.plan(goal, spec, seen, user_data, options or session.options)


def plan_all(session: Session, goal: Goal, specs: list[GuestSpec]) -> dict[int, Plan]:
    """Look at all guests and decide; what is to be cloned from a guest of the same run is foreseen."""
    sight = look_for(session, goal, specs) if specs else {}
    plans = {}
    freed = unfinished.left_locked(specs, sight)
    for spec in specs:
        seen = replace(sight[spec.vmid], freed=spec.vmid in freed)
        if spec.clone_from in sight and seen.source is None and seen.state is None:
            seen = replace(seen, source=planner.foreseen(session.inventory.guests[spec.clone_from]))
        plans[spec.vmid] = plan(session, goal, spec, seen)
    return plans


def left_of(session: Session, goal: Goal, spec: GuestSpec, made: Plan, after: Options) -> Plan:
    """Look again, and plan what is left to do; volumes that outlived their guest are named."""
    seen = look_for(session, goal, [spec])[spec.vmid]
    left = plan(session, goal, spec, seen, after)
    gone = [volume for change in made.changes if isinstance(change, Destroy) for volume in change.volumes]
    if not gone or left.exists:
        return left
    there = deletion.volumes_left(QueryOnly(session.node), seen.storages, spec.vmid, gone)
    hint = "look at what keeps it, then remove it: pvesm free"
    return replace(
        left, refusals=(*left.refusals, *(Refusal(f"{volume} is still there", f"{hint} {volume}") for volume in there))
    )


def settle(session: Session, spec: GuestSpec, undone: Sequence[Change], error: PhoenixError) -> None:
    """Remove the note about a guest after an error that leaves nothing behind which only the note tells of."""
    died = isinstance(error, CommandFailedError) and error.died
    if unfinished.may_go(undone, died=died):
        with contextlib.suppress(PhoenixError):  # the error that ends the run is the one to tell
            if not unfinished.leaves_something(spec, glance(QueryOnly(session.node), spec), undone):
                session.node.remove(unfinished.note_path(spec.vmid))
