"""The two streams: one JSON document, and a live line that fits its terminal."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import pty
import struct
import termios

from phoenix_pve.apply import StepStarted
from phoenix_pve.errors import RefusedError
from phoenix_pve.plan import Create, Start
from phoenix_pve.screen import Screen


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
    for line in ("pct create 101", "rm -f keys"):
        screen.event(StepStarted(101, Create((), template="t"), line))
    screen.event(StepStarted(101, Start(), "pct start 101"))
    assert err.getvalue() == "101: creating from the template …\n101: starting …\n"


def everything_on(master: int) -> str:
    """All that was written on a terminal that is closed."""
    found = b""
    with contextlib.suppress(OSError):  # EIO is the end of a terminal
        while part := os.read(master, 1 << 16):
            found += part
    os.close(master)
    return found.decode()


def test_the_live_line_fits_the_terminal_although_stdout_is_a_file() -> None:
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 40, 0, 0))
    with os.fdopen(terminal, "w") as err:
        screen = Screen(io.StringIO(), err, {"TERM": "xterm"}, json=False, quiet=False, verbose=False)
        screen.expect(9)
        for vmid in range(8001, 8009):
            screen.event(StepStarted(vmid, Start(), "qm start"))
    shown = everything_on(master)
    assert "[0/9] 8001 starting · 8002 starting" in shown
    assert max(len(line.rpartition("\x1b[K")[2]) for line in shown.split("\r")) == 39
