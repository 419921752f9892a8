"""Several guests in few lines."""

from __future__ import annotations

import pytest

from phoenix_pve.apply import Failed, Finished
from phoenix_pve.errors import RefusedError, StoppedError
from phoenix_pve.fleet_words import all_named, failed_lines, live_line, plan_line, sum_of_ends, sum_of_plans
from phoenix_pve.guest import Kind
from phoenix_pve.plan import Change, Destroy, Difference, Goal, Plan, Refusal, SetOptions, Shutdown, Start
from phoenix_pve.wrapping import columns

SET = SetOptions((("memory", "4096"),), "", (Difference("memory", "2048 MiB", "4096 MiB"),))


def plan(goal: Goal = Goal.CREATE, *changes: Change, refused: bool = False, exists: bool = True) -> Plan:
    refusals = (Refusal("no", "do"),) if refused else ()
    return Plan(goal, Kind.VM, 8001, "web", changes, refusals, exists=exists)


@pytest.mark.parametrize(
    ("line", "alone", "among_others"),
    [
        ("network_bridge: none", "8001 web: network_bridge: none", "8001 web: network_bridge: none"),
        ("8001 web: it", "8001 web: it", "8001 web: it"),
        ("8001 web is needed by 8002", "8001 web is needed by 8002", "8001 web is needed by 8002"),
        ("8001: there are volumes", "8001 web: there are volumes", "8001 web: there are volumes"),
        ("8001 (web) does not exist", "8001 web: does not exist", "8001 web: does not exist"),
        ("8001 is locked (backup)", "8001 is locked (backup)", "8001 web: is locked (backup)"),
        ("8001 web2: is another", "8001 web2: is another", "8001 web: web2: is another"),
        ("80011 is another", "8001 web: 80011 is another", "8001 web: 80011 is another"),
        ("one\n  detail\ntwo", "8001 web: one\n  detail\n8001 web: two", "8001 web: one\n  detail\n8001 web: two"),
        ("", "8001 web: ", "8001 web: "),
    ],
)
def test_every_line_about_a_guest_says_which(line: str, alone: str, among_others: str) -> None:
    assert all_named(line, 8001, "web", several=False) == alone
    assert all_named(line, 8001, "web", several=True) == among_others


def test_a_plan_of_a_fleet_is_a_line() -> None:
    onboot = SetOptions((("onboot", "1"),), "", (Difference("onboot", "no", "yes"),))
    assert plan_line(plan(Goal.CREATE, onboot)) == "8001 web (VM): will be changed: start at boot (onboot)"
    assert plan_line(plan(Goal.CREATE, SET, Start())) == "8001 web (VM): will be changed: memory, power"
    assert plan_line(plan(Goal.CREATE, SET, exists=False)) == "8001 web (VM): will be created"
    assert plan_line(plan(Goal.DELETE, Destroy(("local:8001/a.raw",)))) == "8001 web (VM): will be deleted"


PLANS = [
    ([plan()] * 47 + [plan(Goal.CREATE, SET)] * 2, "49 guests: 2 to change, 47 unchanged"),
    (
        [plan(refused=True), plan(Goal.CREATE, SET, exists=False), plan()],
        "3 guests: 1 to create, 1 refused, 1 unchanged",
    ),
    ([plan(Goal.DELETE), plan(Goal.DELETE, Destroy(()))], "2 guests: 1 to delete, 1 not there"),
    ([plan(Goal.START, Start()), plan(Goal.START)], "2 guests: 1 to start, 1 running already"),
    ([plan(Goal.STOP, Shutdown(1, force=False)), plan(Goal.STOP)], "2 guests: 1 to stop, 1 stopped already"),
    ([plan(Goal.RESTART, Start())] * 2, "2 guests: 2 to restart"),
]


@pytest.mark.parametrize(("plans", "expected"), PLANS)
def test_a_fleets_plan_ends_in_a_sum(plans: list[Plan], expected: str) -> None:
    assert sum_of_plans(plans) == expected


FAILED = Failed(8003, "db", RefusedError("network_bridge: none\nstorage_pool: none", "do"))
STOPPED = Failed(8004, "x", StoppedError("Ctrl-C", 130, "8004 x: stopped by Ctrl-C\n  done: starting"))


def test_a_run_ends_in_a_sum() -> None:
    ends = [Finished(plan(), (), 0.1), FAILED, STOPPED, Finished(plan(Goal.DELETE), (), 0.1)]
    assert sum_of_ends(ends) == "4 guests: 1 not there, 1 no changes, 2 failed"


def test_who_failed_is_a_line_with_its_reason() -> None:
    assert list(failed_lines([FAILED, Finished(plan(), (), 0.1), STOPPED])) == [
        "8003 db: failed: network_bridge: none; storage_pool: none",
        "8004 x: failed: stopped by Ctrl-C",
    ]


DOING = [(8001, "ubuntu-2404", "creating, importing the image 34 % (12 s)"), (8002, "日本", "starting")]


@pytest.mark.parametrize("width", [1, 2, 20, 40, 80, 100, 120, 300])
def test_the_live_line_fits(width: int) -> None:
    line = live_line(0, 2, DOING, width)
    assert columns(line) < max(width, 2)
    assert line.startswith("[0/2] 8001 "[: width - 1])


def test_the_live_line_leaves_out_names_before_it_leaves_out_guests() -> None:
    assert live_line(0, 2, DOING, 80) == "[0/2] 8001 creating, importing the image 34 % (12 s) · 8002 starting"
    assert "8001 ubuntu-2404 creating" in live_line(0, 2, DOING, 100)
