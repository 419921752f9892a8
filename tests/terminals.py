"""A command on a terminal of its own, as a person has it: with a controlling terminal, whatever is redirected."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence

QUESTION = b"Type yes: "
SECONDS = 30


def run(
    argv: Sequence[str],
    environment: Mapping[str, str],
    answer: bytes = b"",
    *,
    streams: str = "",
    columns: int = 80,
    answer_to: bytes = QUESTION,
) -> tuple[int, str]:
    """Return the exit status and the screen; `streams` is what a shell redirects, `answer` is typed when it is asked."""
    master, terminal = opened(columns)
    child = subprocess.Popen(
        ["/bin/sh", "-c", f'exec "$@" {streams}', "sh", *argv],
        env=dict(environment),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=_take_terminal,  # noqa: PLW1509 - it takes no lock
    )
    screen, deadline = b"", time.monotonic() + SECONDS
    while (part := _read(master)) or child.poll() is None:
        screen += part
        if answer and answer_to in screen:
            os.write(master, answer)
            answer = b""
        if time.monotonic() > deadline:
            child.kill()
    while part := _read(master):
        screen += part
    os.close(terminal)  # open until now: a terminal that nobody has open is hung up
    os.close(master)
    return child.returncode, screen.decode()


def opened(columns: int) -> tuple[int, int]:
    """Return the two ends of a terminal so wide."""
    master, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
    return master, terminal


def _take_terminal() -> None:
    """Make stdin the controlling terminal, and hear Ctrl-C also where the tests run in the background."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _read(master: int) -> bytes:
    return os.read(master, 4096) if select.select([master], [], [], 0.02)[0] else b""
