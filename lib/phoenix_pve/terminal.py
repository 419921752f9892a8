"""The terminal that phoenix was started from, whichever of its streams are redirected: where a person is asked."""

from __future__ import annotations

import contextlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTROLLING = "/dev/tty"
"""What leads to it, if there is one (tty(4)); ssh and sudo ask there as well."""

NARROWEST = 80
"""Columns of a terminal that does not tell."""


def width(file: int | TextIO) -> int:
    """Return how many columns a terminal has."""
    with contextlib.suppress(OSError):
        number = file if isinstance(file, int) else file.fileno()
        return os.get_terminal_size(number).columns or NARROWEST
    return NARROWEST


@dataclass(frozen=True)
class Terminal:
    """Where a question is written and an answer read, as file descriptors."""

    reads: int
    writes: int

    def say(self, data: bytes) -> None:
        """Write all of it. Raises OSError when the terminal is gone."""
        while data:
            data = data[os.write(self.writes, data) :]

    def answer(self) -> bytes:
        """Return a line with its end; what the end of the input cuts off has none. Raises OSError."""
        line = b""
        while not line.endswith(b"\n") and (part := os.read(self.reads, 4096)):
            line += part
        return line


@contextmanager
def opened() -> Iterator[Terminal | None]:
    """Give the controlling terminal; without one (`su -c` gives it up) that of stdin and stderr; else nothing."""
    try:
        file = os.open(CONTROLLING, os.O_RDWR | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        yield Terminal(0, 2) if os.isatty(0) and os.isatty(2) else None
        return
    try:
        yield Terminal(file, file)
    finally:
        os.close(file)
