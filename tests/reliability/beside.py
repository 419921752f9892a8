"""Several runs of phoenix at the same time, as processes of their own."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.places import ROOT
from tests.reliability.lab import Lab

SECONDS = 60


class Running:
    """A run of phoenix that was started; its output goes to files."""

    def __init__(self, lab: Lab, line: str, **environ: str) -> None:
        self.out, self.err = (lab.folder / f"beside-{time.monotonic_ns()}.{name}" for name in ("out", "err"))
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "phoenix.py"), *line.split()],
                env={**lab.environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                preexec_fn=_hear_signals,  # noqa: PLW1509 - it takes no lock
            )

    @property
    def said(self) -> str:
        return self.out.read_text() + self.err.read_text()

    def status(self) -> int:
        return self.process.wait(SECONDS)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)


def _hear_signals() -> None:
    """Hear Ctrl-C also where the tests run in the background, which ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.01)


def has_begun(lab: Lab, words: str) -> bool:
    """Return whether a call with these words has begun on the node."""
    return any(words in " ".join(call) for call in lab.node.calls())


def command_lines() -> str:
    """Return what every process of this machine shows of its command line and its environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            shown = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            found.append(shown.replace(b"\0", b" ").decode("utf-8", "replace"))
    return "\n".join(found)
