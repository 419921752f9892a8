"""A command on a terminal of its own, as a person has it: with a controlling terminal, whatever is redirected."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
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
    child, terminal = pty.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # which is ignored where the tests run in the background
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 25, columns, 0, 0))
        os.execve("/bin/sh", ["sh", "-c", f'exec "$@" {streams}', "sh", *argv], dict(environment))
    screen, deadline = b"", time.monotonic() + SECONDS
    typed = not answer
    while select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0]:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # the child is gone
            break
        screen += part
        if not typed and answer_to in screen:
            os.write(terminal, answer)
            typed = True
    else:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), screen.decode()
