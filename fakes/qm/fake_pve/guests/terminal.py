"""Join the caller's terminal with one inside a guest, for `pct enter`."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import termios
import tty
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


def attach(connection: socket.socket, fds: tuple[int, int, int]) -> None:
    """Join the caller's files with the guest's terminal, which comes over `connection`, until that closes."""
    _data, received, _flags, _address = socket.recv_fds(connection, 4096, 1)
    if not received:
        return
    master = received[0]
    try:
        with _raw(fds[0]), _resized(fds[0], master):
            _carry(fds[0], fds[1], master)
    finally:
        os.close(master)


@contextmanager
def _raw(fd: int) -> Iterator[None]:
    """Let every key through to the guest."""
    if not os.isatty(fd):
        yield
        return
    before = termios.tcgetattr(fd)
    tty.setraw(fd, termios.TCSANOW)  # what was typed ahead is for the guest
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


@contextmanager
def _resized(fd: int, master: int) -> Iterator[None]:
    """Give the guest's terminal the caller's size, now and whenever it changes."""
    if not os.isatty(fd):
        yield
        return

    def copy(_number: int, _frame: FrameType | None) -> None:
        fcntl.ioctl(master, termios.TIOCSWINSZ, fcntl.ioctl(fd, termios.TIOCGWINSZ, b"\0" * 8))

    copy(0, None)
    before = signal.signal(signal.SIGWINCH, copy)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def _carry(source: int, sink: int, master: int) -> None:
    watched = [source, master]
    while True:
        ready = select.select(watched, [], [])[0]
        if master in ready:
            try:
                data = os.read(master, 65536)
            except OSError:  # EIO: the last process of the terminal is gone
                return
            if not data:
                return
            os.write(sink, data)
        if source in ready:
            data = os.read(source, 65536)
            if data:
                os.write(master, data)
            else:
                os.write(master, b"\x04")
                watched.remove(source)
