"""Carrying out a plan: order, waiting, and the read-back that does not trust exit statuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from phoenix_pve.apply import Clock, Event, Finished, Planned, StepDone, StepStarted, Waiting, apply
from phoenix_pve.errors import NotConvergedError, TooSlowError, WaitTimeoutError
from phoenix_pve.guest import Kind
from phoenix_pve.node import Completed, LocalNode
from phoenix_pve.plan import (
    Change,
    Difference,
    Goal,
    Grow,
    LookAgain,
    Plan,
    RefreshCloudInit,
    Refusal,
    SetOptions,
    Start,
    WaitForAgent,
    When,
    WriteSnippet,
)


class Recorder(LocalNode):
    def __init__(self, root: Path, statuses: Iterator[int] | None = None) -> None:
        super().__init__(str(root))
        self.lines: list[str] = []
        self.statuses = statuses

    def run(self, argv, stdin=None, seconds=None, *, log=""):  # type: ignore[no-untyped-def]
        self.lines.append(" ".join(argv))
        return Completed(
            tuple(argv), next(self.statuses) if self.statuses else 0, "", "QEMU guest agent is not running\n"
        )

    def write(self, path: str, text: str) -> None:
        self.lines.append(f"write {path}")


def plan(*changes: Change, refusals: tuple[Refusal, ...] = (), waiting: tuple[str, ...] = ()) -> Plan:
    return Plan(Goal.CREATE, Kind.VM, 8001, "web", changes, refusals, waiting)


GROW = Grow("scsi0", 32, Difference("disk", "2 GiB", "32 GiB"))


def test_steps_run_in_the_order_of_the_plan(tmp_path: Path) -> None:
    node = Recorder(tmp_path)
    events = list(apply(plan(WriteSnippet("v", "/s", "t"), GROW, Start()), node, 1, plan))
    assert node.lines == ["write /s", "qm disk resize 8001 scsi0 32G", "qm start 8001"]
    assert [type(e) for e in events] == [Planned, *[StepStarted, StepDone] * 3, Finished]


def test_nothing_to_do_looks_at_nothing(tmp_path: Path) -> None:
    events = list(apply(plan(waiting=("cores",)), Recorder(tmp_path), 1, lambda: pytest.fail("looked again")))
    assert events[-1] == Finished(plan(waiting=("cores",)), ("cores",), events[-1].seconds)  # type: ignore[union-attr]


LATE = SetOptions(
    (("onboot", "1"), ("ipconfig0", "ip=dhcp")),
    "",
    (Difference("onboot", "no", "yes"), Difference("address", "a", "b", When.NEXT_START)),
)
REWRITTEN = WriteSnippet("v", "/s", "t", (Difference("cloud-init user-data", "stored", "rewritten", When.NEXT_START),))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ((LATE,), ("cores",)),
        ((REWRITTEN, LATE, RefreshCloudInit()), ("cores", "ipconfig0", "user-data")),
        ((REWRITTEN, LATE, RefreshCloudInit(), Start()), ("cores",)),
    ],
)
def test_what_a_running_guest_has_not_seen_yet_is_said(
    tmp_path: Path, changes: tuple[Change, ...], expected: tuple[str, ...]
) -> None:
    *_, end = apply(plan(*changes), Recorder(tmp_path), 1, lambda: plan(waiting=("cores",)))
    assert isinstance(end, Finished)
    assert end.waiting == expected


def test_a_command_that_lies_is_found_by_the_read_back(tmp_path: Path) -> None:
    with pytest.raises(
        NotConvergedError, match="every command succeeded, yet the node still differs; left: growing the disk"
    ):
        list(apply(plan(GROW), Recorder(tmp_path), 1, lambda: plan(GROW)))


SET = SetOptions((("cores", "4"),), "", (Difference("cores", "2", "4"),))


def test_what_was_set_is_read_back_before_the_start(tmp_path: Path) -> None:
    node = Recorder(tmp_path)
    with pytest.raises(NotConvergedError, match="left: setting options"):
        list(apply(plan(SET, LookAgain(), Start()), node, 1, lambda: plan(SET, Start())))
    assert node.lines == ["qm set 8001 --cores 4"]
    looks = iter([plan(SetOptions((("onboot", "1"),)), Start()), plan()])
    list(apply(plan(SET, LookAgain(), Start()), node, 1, lambda: next(looks)))
    assert node.lines[1:] == ["qm set 8001 --cores 4", "qm start 8001"]


def test_what_is_set_after_a_look_is_guarded_by_what_was_seen(tmp_path: Path) -> None:
    node = Recorder(tmp_path)
    last = SetOptions((("protection", "1"),))
    looks = iter([replace(plan(last), digest="d2"), plan()])
    list(apply(plan(SET, LookAgain(), last), node, 1, lambda: next(looks)))
    assert node.lines == ["qm set 8001 --cores 4", "qm set 8001 --protection 1 --digest d2"]


MOVE = SetOptions((("mp0", "local:101/a.raw,mp=/new,size=8G"),))
GROW_POINT = Grow("mp0", 8, Difference("disk mp0", "4 GiB", "8 GiB"))


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        ((GROW_POINT, MOVE), "left: growing the disk"),
        ((MOVE,), ["qm disk resize 8001 mp0 8G", f"qm set 8001 --mp0 {MOVE.options[0][1]} --digest d2"]),
        ((SetOptions((("mp0", "local:101/a.raw,mp=/new,size=8G,backup=1"),)),), "someone else changed mp0 in the mean"),
        ((), "someone else changed mp0 in the mean"),
        (
            (SetOptions((("mp0", "local:101/a.raw,size=8G,mp=/new"),)),),
            ["qm disk resize 8001 mp0 8G", f"qm set 8001 --mp0 {MOVE.options[0][1]} --digest d2"],
        ),
    ],
)
def test_a_volume_that_grew_is_looked_at_before_it_is_set(
    tmp_path: Path, left: tuple[Change, ...], expected: list[str] | str
) -> None:
    node = Recorder(tmp_path)
    looks = iter([replace(plan(*left), digest="d2"), plan()])
    run = partial(list[Event], apply(plan(GROW_POINT, LookAgain(), MOVE), node, 1, lambda: next(looks)))
    if isinstance(expected, str):
        with pytest.raises(NotConvergedError, match=expected):
            run()
    else:
        run()
        assert node.lines == expected


def test_a_guest_that_someone_else_took_is_found_by_the_read_back(tmp_path: Path) -> None:
    with pytest.raises(NotConvergedError, match="not ours"):
        list(apply(plan(GROW), Recorder(tmp_path), 1, lambda: plan(refusals=(Refusal("not ours", ""),))))


def clock_of(times: list[float]) -> Clock:
    left = iter(times)
    return Clock(lambda: next(left, times[-1]), lambda _: None)


def test_the_agent_is_polled_until_it_answers(tmp_path: Path) -> None:
    node = Recorder(tmp_path, iter([29, 29, 0]))
    events: list[Event] = list(apply(plan(WaitForAgent()), node, 60, plan, Clock(lambda: 0.0, lambda _: None)))
    assert node.lines == ["qm agent 8001 ping"] * 3
    assert len([e for e in events if isinstance(e, Waiting)]) == 2


def test_an_agent_that_never_answers_is_a_timeout_that_says_why(tmp_path: Path) -> None:
    clock = clock_of([0, 0, 0, 1, 61])
    with pytest.raises(WaitTimeoutError, match="did not answer within 60 s: QEMU guest agent is not running"):
        list(apply(plan(WaitForAgent()), Recorder(tmp_path, iter([29] * 9)), 60, plan, clock))


def test_an_agent_whose_question_hangs_is_waited_for_no_longer_than_the_others(tmp_path: Path) -> None:
    class Hanging(Recorder):
        def run(self, argv, stdin=None, seconds=None):  # type: ignore[no-untyped-def]
            given.append(seconds)
            clock[0] += seconds
            raise TooSlowError("it hangs")

    clock, given = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    with pytest.raises(WaitTimeoutError, match="the guest agent did not answer within 100 s: .* hung for 39 s"):
        list(apply(plan(WaitForAgent()), Hanging(tmp_path), 100, plan, Clock(lambda: clock[0], sleep)))
    assert given[0] == 60
    assert clock[0] <= 104
