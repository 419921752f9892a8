"""HA is asked, not told: what a plan waits for, how long, and what is said when it does not come."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from phoenix_pve import ha_waiting
from phoenix_pve.cluster import Here, Managed
from phoenix_pve.commands import AwaitPower
from phoenix_pve.errors import GuestError, PhoenixError, WaitTimeoutError
from phoenix_pve.guest import Kind, Power
from phoenix_pve.node import Answers, Completed, File, Questions
from phoenix_pve.plan import Goal, Plan, Resume, SetOptions, Shutdown, Start, Stop, WaitForPower
from phoenix_pve.planner import Options, plan
from phoenix_pve.readiness import Wait
from phoenix_pve.render import command_lines, plan_lines
from samples import USER_DATA, seen, spec, state

HA = Managed("vm:8001", "started", "started", 1000)
REQUESTS = {Start: Power.RUNNING, Stop: Power.STOPPED, Shutdown: Power.STOPPED}


def planned(goal: Goal, power: Power | None, ha: Managed | None = HA, **changes: Any) -> Plan:
    options = Options(restart=changes.pop("restart", False), force=changes.pop("force", False), wait=Wait.NONE)
    there = seen(state(power) if power else None, ha=ha, **changes.pop("node", {}))
    return plan(goal, spec(**changes), there, USER_DATA, options)


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("power", [None, *Power])
@pytest.mark.parametrize("goal", Goal)
def test_every_request_is_waited_for_even_with_no_wait(goal: Goal, power: Power | None, force: bool) -> None:
    for changes in ({}, {"cores": 4}, {"cores": 4, "restart": True}):
        made = planned(goal, power, force=force, **changes)
        behind = [(type(one), other) for one, other in pairwise([*made.changes, None]) if type(one) in REQUESTS]
        assert [other for _, other in behind] == [WaitForPower(REQUESTS[kind], "vm:8001", 1000) for kind, _ in behind]
        assert sum(isinstance(change, WaitForPower) for change in made.changes) == len(behind)
        without = planned(goal, power, None, force=force, **changes)
        assert [c for c in made.changes if not isinstance(c, WaitForPower)] == list(without.changes)


def test_an_unchanged_guest_of_ha_costs_nothing() -> None:
    assert planned(Goal.CREATE, Power.RUNNING).changes == ()


def test_a_plan_says_that_ha_is_asked() -> None:
    made = planned(Goal.RESTART, Power.RUNNING)
    assert list(plan_lines(made))[1:] == [
        "  ~ power: running → stopped",
        "  + managed by HA: asked, and waited for until it is stopped",
        "  ~ power: stopped → running",
        "  + managed by HA: asked, and waited for until it is running",
    ]
    assert list(command_lines(made))[1] == (
        "until qm status 8001 | grep -q stopped; do sleep 1; done   # HA was only asked"
    )


@pytest.mark.parametrize("goal", Goal)
def test_what_ha_has_given_up_is_not_asked_for(goal: Goal) -> None:
    for ha in (replace(HA, state="error"), replace(HA, requested="error")):
        made = planned(goal, Power.RUNNING if goal is not Goal.START else Power.STOPPED, ha)
        if goal is Goal.CREATE:
            assert (made.refusals, made.changes) == ((), ())
            continue
        assert [r.message for r in made.refusals] == [
            "8001 ubuntu-2404: HA has given it up (state error), and refuses every request for it"
        ]
        assert "ha-manager set vm:8001 --state disabled; mend" in made.refusals[0].hint
        assert made.changes == ()
        assert planned(goal, Power.PAUSED, ha).refusals or goal is Goal.START


class Node:
    """Every look shows the next of (power, resources, manager); the last for ever."""

    def __init__(self, *shown: tuple[str, str, dict[str, Any]]) -> None:
        self.shown = list(shown)
        self.looks = 0

    def look(self, questions: Questions) -> Answers:
        assert [argv[:2] for argv in questions.commands] == [("qm", "status")]
        power, requested, status = self.shown[min(self.looks, len(self.shown) - 1)]
        self.looks += 1
        texts = {
            "/etc/pve/ha/resources.cfg": f"vm: 8001\n\tstate {requested}\n",
            "/etc/pve/ha/manager_status": json.dumps(status),
        }
        exists = (0, f"status: {power}\n", "")
        gone = (2, "", "Configuration file 'nodes/pve1/qemu-server/8001.conf' does not exist\n")
        files = {path: File(len(text), text.encode()) for path, text in texts.items()}
        return Answers((Completed(questions.commands[0], *(exists if power else gone)),), files)


def manager(beat: int, state: str = "started") -> dict[str, Any]:
    return {"timestamp": beat, "service_status": {"vm:8001": {"state": state, "node": "pve1"}}}


def wait(
    wanted: Power, shown: Sequence[Any] | Iterator[Any], timeout: float = 300
) -> tuple[float, PhoenixError | None]:
    """Wait in a time of its own; return how long, and the error."""
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    step = AwaitPower(Kind.VM, 8001, WaitForPower(wanted, "vm:8001", 1000))
    try:
        for _ in ha_waiting.wait(Node(*shown), step, "web", timeout, lambda: clock[0], sleep):  # type: ignore[arg-type]
            pass
    except PhoenixError as error:
        return clock[0], error
    return clock[0], None


def test_it_waits_until_it_is_so() -> None:
    shown = [("running", "started", manager(1000))] * 3 + [("stopped", "stopped", {})]
    assert wait(Power.STOPPED, shown) == (pytest.approx(0.95), None)
    assert wait(Power.RUNNING, [("running", "started", {})]) == (0, None)


def test_what_ha_is_asked_to_stop_is_not_called_running() -> None:
    """A stop that was asked for before overtakes a start: the guest runs, and will not for long."""
    shown = [("running", "stopped", manager(1000)), ("stopped", "stopped", manager(1010))]
    seconds, error = wait(Power.RUNNING, [*shown, ("running", "started", manager(1020))])
    assert (seconds, error) == (0.5, None)
    _, error = wait(Power.RUNNING, [("running", "stopped", manager(1000))], 5)
    assert isinstance(error, WaitTimeoutError)
    assert "still asked to stop" in error.message


@pytest.mark.parametrize(
    ("beat", "timeout", "limit"),
    [(1000, 300, 45), (0, 300, 45), (1010, 300, 300), (1000, 5, 5), (1010, 5, 5), (1010, 0, 0)],
    ids=["dead", "never there", "alive", "dead, less patience", "alive, less patience", "no patience"],
)
@pytest.mark.parametrize("wanted", [Power.STOPPED, Power.RUNNING])
def test_how_long_it_waits(wanted: Power, beat: int, timeout: float, limit: float) -> None:
    now = Power.RUNNING if wanted is Power.STOPPED else Power.STOPPED
    seconds, error = wait(wanted, [(now.value, "started", manager(beat))], timeout)
    assert isinstance(error, WaitTimeoutError)
    assert seconds == pytest.approx(limit)
    verb, back = ("stop", "started") if wanted is Power.STOPPED else ("start", "stopped")
    assert error.message == (
        f"8001 web: HA manages it and decides; it was asked to {verb} it, and after {limit} s it is still {now.value}"
    )
    assert ("pve-ha-crm" in error.hint) is (beat <= 1000)
    assert "ha-manager status" in error.hint
    assert f"ha-manager set vm:8001 --state {back}" in error.hint


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (("stopped", "started", manager(1010, "error")), "has given it up (state error)"),
        (("", "started", manager(1010)), "not on this node any more"),
    ],
)
def test_it_does_not_wait_in_vain(shown: Any, said: str) -> None:
    seconds, error = wait(Power.RUNNING, [shown])
    assert (seconds, type(error)) == (0, GuestError)
    assert said in str(error)


NO_QUORUM = {"here": Here("pve1", quorate=False, online=(1, 3))}


@pytest.mark.parametrize("power", [None, *Power])
@pytest.mark.parametrize("goal", Goal)
def test_nothing_changes_on_a_node_without_quorum(goal: Goal, power: Power | None) -> None:
    for changes in ({}, {"cores": 4}, {"cores": 4, "restart": True, "force": True}):
        with_it = planned(goal, power, None, **changes)
        without = planned(goal, power, None, node=NO_QUORUM, **changes)
        assert without.changes == ()
        if with_it.changes:
            assert without.refusals[0].message == (
                "the node pve1 has no quorum (1 of 3 nodes online), so nothing can be changed"
            )
            assert without.refusals[0].of_node
        else:
            assert without == with_it


HIBERNATED = {"lock": "suspended", "vmstate": "local-lvm:vm-8001-state-suspend-2026-01-01"}


@pytest.mark.parametrize(
    ("goal", "changes", "wanted"),
    [
        (Goal.START, {}, [Start]),
        (Goal.RESTART, {}, [Start]),
        (Goal.CREATE, {}, [Start]),
        (Goal.STOP, {}, []),
        (Goal.CREATE, {"cores": 4}, None),
        (Goal.CREATE, {"clone_from": None, "description": "x"}, None),
    ],
)
def test_a_hibernated_vm_goes_on_and_does_not_change(goal: Goal, changes: Any, wanted: list[type] | None) -> None:
    node = seen(state(Power.STOPPED, **HIBERNATED))
    made = plan(goal, spec(**changes), node, USER_DATA, Options(wait=Wait.NONE))
    if wanted is not None:
        assert ([type(change) for change in made.changes], made.refusals) == (wanted, ())
        return
    assert made.changes == ()
    assert [r.message for r in made.refusals] == [
        "8001 is hibernated (suspended to disk), and Proxmox changes nothing in it until it goes on"
    ]
    assert "phoenix start 8001" in made.refusals[0].hint
    assert "unlock" not in made.refusals[0].hint


def test_a_hibernated_vm_is_deleted_with_what_it_wrote() -> None:
    made = plan(Goal.DELETE, spec(), seen(state(Power.STOPPED, **HIBERNATED)), USER_DATA, Options())
    assert made.refusals == ()
    assert "local-lvm:vm-8001-state-suspend-2026-01-01" in "\n".join(plan_lines(made))


def test_a_hibernated_vm_is_not_cloned() -> None:
    source = replace(state(Power.STOPPED, **HIBERNATED), vmid=9000)
    made = plan(Goal.CREATE, spec(clone_from=9000), seen(source=source), USER_DATA, Options())
    assert ["9000 is hibernated" in refusal.message for refusal in made.refusals] == [True]


def test_what_changes_nothing_in_the_story() -> None:
    paused = plan(Goal.CREATE, spec(), seen(state(Power.PAUSED), ha=HA), USER_DATA, Options(wait=Wait.NONE))
    assert [type(change) for change in paused.changes] == [Resume]
    running = plan(Goal.CREATE, spec(cores=4), seen(state(), ha=HA), USER_DATA, Options(wait=Wait.NONE))
    assert [type(change) for change in running.changes] == [SetOptions]
