"""Ctrl-C and SIGTERM: the first asks to stop after the command under way, the second stops at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from phoenix_pve import terminal
from phoenix_pve.errors import StoppedError
from phoenix_pve.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
FIRST = "{name}: finishing the command under way; once more to leave at once"
SECOND = "{name} again: leaving at once; a command under way goes on by itself, and the next run waits for it"


class Terminated(KeyboardInterrupt):
    """SIGTERM came while nothing was being changed."""


def _leave(_number: int, _frame: Any) -> None:
    raise Terminated


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end what only looks as Ctrl-C does, so that connections are closed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Wish:
    """Who asked to stop, if anybody did."""

    def __init__(self) -> None:
        self.signal = 0
        self.made = threading.Event()


_wish = _Wish()


def _told(text: str) -> str:
    """Return the text with its line end; on a terminal, after the live line and the `^C` that stand there."""
    if not os.isatty(2):
        return f"{text}\n"
    clear = "\n" if os.environ.get("TERM") == "dumb" else "\r\x1b[K\n"
    return clear + "\n".join(wrapped(text, terminal.width(2))) + "\n"


def _hear(number: int, _frame: Any) -> None:
    text = (SECOND if _wish.signal else FIRST).format(name=NAMES[signal.Signals(number)])
    with contextlib.suppress(OSError):  # whoever read it may have heard the signal as well, and be gone
        os.write(2, _told(text).encode())
    if _wish.signal:
        os._exit(128 + number)
    _wish.signal = number
    _wish.made.set()


@contextmanager
def heard() -> Iterator[None]:
    """Hear signals as wishes to stop while guests are changed; `check` and `sleep` obey them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _hear) for number in NAMES}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check() -> None:
    """Raise StoppedError when somebody asked to stop."""
    if _wish.signal:
        raise StoppedError(NAMES[signal.Signals(_wish.signal)], 128 + _wish.signal)


def sleep(seconds: float) -> None:
    """Sleep, and wake when somebody asks to stop. Raises StoppedError then."""
    _wish.made.wait(seconds)
    check()
