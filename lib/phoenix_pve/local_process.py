"""Run a command of this machine in a way that outlives phoenix.

The command gets a session of its own, so that the terminal's Ctrl-C does not reach it, and writes into memory instead
of a pipe, so that it is not killed by writing to a phoenix that is gone. What phoenix waits for has a deadline.
"""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import subprocess
import threading
from typing import TYPE_CHECKING

from phoenix_pve.errors import CommandFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GRACE_SECONDS = 10.0
"""How long a command that was asked to end may take to clean up, before it is killed."""

LATEST_BYTES = 4096
"""How much of what a command says is looked at while it runs."""


def run(argv: Sequence[str], stdin: str | None, seconds: float) -> tuple[int, str, str]:
    """Return (exit status, stdout, stderr).

    Raises CommandFailedError after so many seconds, OSError if it cannot start.
    """
    with _memory(stdin or "") as asked, _memory() as out, _memory() as err, _seen(argv, out):
        child = subprocess.Popen(argv, stdin=asked, stdout=out, stderr=err, start_new_session=True)
        if not _wait(child, seconds):
            _end(child)
            raise _too_slow(argv, seconds, _read(err) or _read(out))
        return child.returncode, _read(out), _read(err)


_under_way: dict[int, tuple[str, ...]] = {}
_watch = threading.Lock()


@contextlib.contextmanager
def _seen(argv: Sequence[str], out: int) -> Iterator[None]:
    """Let `latest` see what a command has said, as long as the file is open."""
    with _watch:
        _under_way[out] = tuple(argv)
    try:
        yield
    finally:
        with _watch:
            del _under_way[out]


def latest(argv: Sequence[str]) -> str:
    """Return the last that a command which ends with these words has said on stdout, while it runs; else nothing."""
    words = tuple(argv)
    with _watch:
        file = next((file for file, running in _under_way.items() if words and running[-len(words) :] == words), None)
        if file is None:
            return ""
        size = os.fstat(file).st_size
        return os.pread(file, LATEST_BYTES, max(0, size - LATEST_BYTES)).decode("utf-8", "replace")


@contextlib.contextmanager
def _memory(text: str = "") -> Iterator[int]:
    """Give a file that exists in memory only; nothing of it is left, however phoenix ends."""
    file = os.memfd_create("phoenix")
    try:
        os.write(file, text.encode("utf-8", "surrogateescape"))
        os.lseek(file, 0, os.SEEK_SET)
        yield file
    finally:
        os.close(file)


def _read(file: int) -> str:
    size = os.fstat(file).st_size
    return os.pread(file, size, 0).decode("utf-8", "replace").replace("\r\n", "\n")


def _wait(child: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for the end without polling; return whether it came in time."""
    try:
        handle = os.pidfd_open(child.pid)
    except OSError:  # a kernel before 5.3
        return _wait_by_polling(child, seconds)
    try:
        waiter = select.poll()
        waiter.register(handle, select.POLLIN)
        ended = bool(waiter.poll(min(seconds, 2e6) * 1000))
    finally:
        os.close(handle)
    if ended:
        child.wait()
    return ended


def _wait_by_polling(child: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask a command and all it started to end, as Proxmox does when a task is stopped; then kill them."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, sign)
        if _wait(child, GRACE_SECONDS):
            return


def _too_slow(argv: Sequence[str], seconds: float, said: str) -> CommandFailedError:
    last = (said.strip().splitlines() or ["it said nothing"])[-1][:200]
    return CommandFailedError(
        f"`{shlex.join(argv[:3])}` did not end within {seconds:g} s and was ended: {last}",
        "is a storage or the cluster stuck? run the same command again: it goes on from what is there; "
        "--call-timeout S waits longer",
    )
