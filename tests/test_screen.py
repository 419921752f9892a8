"""The two streams: one JSON document, and a live line that fits its terminal."""

from __future__ import annotations

import contextlib
import io
import json
import os
from dataclasses import replace

import pytest

import terminals
from phoenix_pve import screen as screen_module
from phoenix_pve.apply import Failed, Finished, Planned, StepDone, StepStarted
from phoenix_pve.errors import RefusedError
from phoenix_pve.guest import Kind
from phoenix_pve.plan import Create, Destroy, Difference, Goal, Plan, SetOptions, Start, When
from phoenix_pve.screen import Screen, is_coloured

SET = SetOptions((("memory", "4096"),), "", (Difference("memory", "2048 MiB", "4096 MiB", When.NEXT_START),))
PLAN = Plan(Goal.CREATE, Kind.VM, 8001, "web", (SET,))


def test_however_it_ends_there_is_one_document() -> None:
    out = io.StringIO()
    screen = Screen(out, io.StringIO(), {}, json=True, quiet=False, verbose=False)
    screen.table([])
    screen.fail(RefusedError("no", "do"))
    screen.stopped("interrupted", 130)
    assert json.loads(out.getvalue()) == {"ok": True, "guests": []}


def test_being_stopped_is_a_document_too() -> None:
    out, err = io.StringIO(), io.StringIO()
    screen = Screen(out, err, {}, json=True, quiet=False, verbose=False)
    assert screen.stopped("interrupted; nothing was being changed", 130) == 130
    assert json.loads(out.getvalue())["error"]["status"] == 130
    assert err.getvalue() == "interrupted; nothing was being changed\n"


def test_a_change_of_several_commands_is_told_once() -> None:
    err = io.StringIO()
    screen = Screen(io.StringIO(), err, {}, json=False, quiet=False, verbose=False)
    screen.about({101: "ct1"}, fleet=False)
    for line in ("pct create 101", "rm -f keys"):
        screen.event(StepStarted(101, Create((), template="t"), line))
    screen.event(StepStarted(101, Start(), "pct start 101"))
    assert err.getvalue() == "101 ct1: creating from the template …\n101 ct1: starting …\n"


def everything_on(master: int) -> str:
    """All that was written on a terminal that is closed."""
    found = b""
    with contextlib.suppress(OSError):  # EIO is the end of a terminal
        while part := os.read(master, 1 << 16):
            found += part
    os.close(master)
    return found.decode(errors="replace")


def until(master: int, text: bytes) -> str:
    """What was written on a terminal up to the text."""
    found = b""
    while text not in found:
        found += os.read(master, 1 << 16)
    return found.decode()


def test_the_live_line_fits_the_terminal_although_stdout_is_a_file() -> None:
    master, terminal = terminals.opened(40)
    with os.fdopen(terminal, "w") as err:
        screen = Screen(io.StringIO(), err, {"TERM": "xterm"}, json=False, quiet=False, verbose=False)
        screen.expect(9)
        for vmid in range(8001, 8009):
            screen.event(StepStarted(vmid, Start(), "qm start"))
    shown = everything_on(master)
    assert "[0/9] 8001 starting · 8002 starting" in shown
    assert max(len(line.rpartition("\x1b[K")[2]) for line in shown.split("\r")) == 39


def test_a_long_step_shows_its_seconds_and_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen_module, "TICK_SECONDS", 0.02)
    now = [100.0]
    monkeypatch.setattr(screen_module.time, "monotonic", lambda: now[0])
    said = {"qm": "transferred 1.2 GiB of 3.5 GiB (33.10%)\ntransferred 1.2 GiB of 3.5 GiB (34.29%)\n"}
    monkeypatch.setattr(screen_module.local_process, "latest", lambda argv: said.get(argv[0], ""))
    master, terminal = terminals.opened(100)
    with os.fdopen(terminal, "w") as err:
        screen = Screen(io.StringIO(), err, {"TERM": "xterm"}, json=True, quiet=False, verbose=False)
        screen.about({8001: "web"}, fleet=False)
        screen.expect(1)
        with screen.working():
            screen.event(StepStarted(8001, Create(()), "qm create 8001"))
            now[0] += 12.7
            shown = until(master, b"(12 s)")
    assert "[0/1] 8001 web creating, importing the image 34 %" in shown
    assert "[0/1] 8001 web creating, importing the image 34 % (12 s)" in shown
    assert everything_on(master).endswith("\r\x1b[K")


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"TERM": "dumb", "FORCE_COLOR": "1", "NO_COLOR": "1"}])
@pytest.mark.parametrize("width", [20, 40, 80, 100, 120, 300])
def test_a_dumb_terminal_gets_lines_and_nothing_else(environ: dict[str, str], width: int) -> None:
    master, terminal = terminals.opened(width)
    with os.fdopen(terminal, "w") as stream:
        screen = Screen(stream, stream, environ, json=False, quiet=False, verbose=False)
        with screen.working():
            screen.event(StepStarted(8001, Start(), "qm start 8001"))
            screen.plans([PLAN])
    shown = everything_on(master)
    assert "\x1b" not in shown
    assert shown.count("\r") == shown.count("\r\n")
    assert all(len(line) <= width for line in shown.split("\r\n"))
    assert "".join(shown.split()).count("memory:2048MiB→4096MiB(atnextstart)") == 1


def test_nothing_is_wrapped_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    long = replace(PLAN, name="x" * 300)
    Screen(out, io.StringIO(), {}, json=False, quiet=False, verbose=False).plans([long])
    assert out.getvalue().splitlines()[0] == f"8001 {'x' * 300} (VM): will be changed"


def test_what_no_encoding_holds_is_written_as_an_escape() -> None:
    data = io.BytesIO()
    out = io.TextIOWrapper(data, encoding="latin-1", write_through=True)
    Screen(out, io.StringIO(), {}, json=False, quiet=False, verbose=False).plans([PLAN])
    assert b"2048 MiB \\u2192 4096 MiB" in data.getvalue()


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "wish", "on_terminal", "elsewhere"),
    [
        ({}, "auto", True, False),
        ({"TERM": "dumb"}, "auto", False, False),
        ({"NO_COLOR": "1"}, "auto", False, False),
        ({"NO_COLOR": ""}, "auto", True, False),
        ({"FORCE_COLOR": "1"}, "auto", True, True),
        ({"FORCE_COLOR": "0"}, "auto", True, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, "auto", False, False),
        ({"NO_COLOR": "1", "TERM": "dumb"}, "always", True, True),
        ({"FORCE_COLOR": "1"}, "never", False, False),
    ],
)
def test_where_colours_go(environ: dict[str, str], wish: str, on_terminal: bool, elsewhere: bool) -> None:
    assert is_coloured(Tty(), environ, wish) is on_terminal
    assert is_coloured(io.StringIO(), environ, wish) is elsewhere


DELETED = replace(PLAN, goal=Goal.DELETE, changes=(Destroy(("local:8001/vm-8001-disk-0.raw",)),))


@pytest.mark.parametrize(
    ("answer", "agreed"),
    [("yes\n", True)]
    + [
        (text, False)
        for text in (
            "\n",
            "y\n",
            "Y\n",
            "YES\n",
            "Yes\n",
            " yes\n",
            "yes \n",
            "yes yes\n",
            "no\n",
            "yes, all\n",
            "\xff\n",
        )
    ]
    + [("\x04", False), ("yes\x04\x04", False)],
)
def test_only_the_word_that_is_asked_for_counts(answer: str, agreed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    master, terminal = terminals.opened(40)
    monkeypatch.setattr(screen_module.terminal, "CONTROLLING", os.ttyname(terminal))
    os.write(master, answer.encode("latin-1"))
    screen = Screen(io.StringIO(), io.StringIO(), {"NO_COLOR": "1"}, json=True, quiet=True, verbose=False)
    assert screen.confirm([DELETED]) is agreed
    os.close(terminal)
    shown = everything_on(master)
    assert "8001 web (VM): will be deleted\r\n  - volume:\r\n      local:8001/vm-8001-disk-0.raw\r\n" in shown
    assert "Delete these for good? Type yes: " in shown


@pytest.mark.parametrize(("plans", "whom"), [([DELETED], "8001 web"), ([DELETED, DELETED], "2 guests")])
def test_without_a_terminal_nothing_is_deleted(plans: list[Plan], whom: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen_module.terminal, "CONTROLLING", "/nowhere/tty")
    monkeypatch.setattr(screen_module.terminal.os, "isatty", lambda _: False)
    screen = Screen(io.StringIO(), Tty(), {}, json=False, quiet=False, verbose=False)
    with pytest.raises(RefusedError, match=f"no terminal to ask on whether {whom} may go") as refused:
        screen.confirm(plans)
    assert refused.value.hint == "add --yes"


def test_a_fleet_is_told_in_few_lines() -> None:
    told = {}
    for verbose in (False, True):
        out, err = io.StringIO(), io.StringIO()
        screen = Screen(out, err, {}, json=False, quiet=False, verbose=verbose)
        screen.about({8001: "web", 8002: "db", 8003: "x"}, fleet=True)
        unchanged, waits = (
            replace(PLAN, vmid=8002, name="db", changes=()),
            replace(PLAN, vmid=8003, name="x", changes=()),
        )
        failed = Failed(8004, "y", RefusedError("storage_pool: none", "name one"))
        ends = [Finished(PLAN, (), 1.0), Finished(unchanged, (), 0.0), Finished(waits, ("cores",), 0.0), failed]
        for event in (Planned(PLAN), StepStarted(8001, SET, "qm set 8001"), StepDone(8001, SET, 0.1), *ends):
            screen.event(event)
        screen.results([end for end in ends if isinstance(end, Finished | Failed)])
        screen.plans([PLAN, unchanged])
        told[verbose] = (out.getvalue().splitlines(), err.getvalue().splitlines())
    assert told[False] == (
        [
            "8001 web: changed (1.0 s)",
            "8003 x: no changes; waiting for a restart: cores (--restart performs it)",
            "8004 y: failed: storage_pool: none",
            "4 guests: 1 changed, 2 no changes, 1 failed",
            "8001 web (VM): will be changed",
            "  ~ memory: 2048 MiB → 4096 MiB   (at next start)",
            "2 guests: 1 to change, 1 unchanged",
        ],
        [
            "8001 web (VM): will be changed: memory",
            "8001 web: setting options …",
            "error: 8004 y: storage_pool: none",
            "  hint: name one",
        ],
    )
    assert "8002 db: no changes" in told[True][0]
    assert "  $ qm set 8001 --memory 4096" in told[True][0]
    assert "8001 web: setting options: done in 0.1 s" in told[True][1]


def test_what_there_is_to_know_of_a_guest_is_told_in_a_fleet_too() -> None:
    out, err = io.StringIO(), io.StringIO()
    screen = Screen(out, err, {}, json=False, quiet=False, verbose=False)
    screen.about({8001: "web", 8002: "db"}, fleet=True)
    known = Plan(Goal.CREATE, Kind.VM, 8001, "web", notes=("8001 web: made from something else",))
    screen.event(Planned(known))
    assert err.getvalue() == "note: 8001 web: made from something else\n"
    screen.plans([known, replace(known, vmid=8002, name="db", notes=())])
    assert "! 8001 web: made from something else" in out.getvalue()
    assert "8002" not in out.getvalue()
