"""Carry bytes between two sockets until both sides are done."""

from __future__ import annotations

import os
import socket

from fake_pve.guests.loop import READ, WRITE, Loop

LIMIT = 1 << 18  # bytes waiting for a slow reader before its peer is not read any more


class Side:
    """One end: its socket, and what waits to be written to it."""

    __slots__ = ("finished", "pending", "shut", "socket")

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self.pending = bytearray()
        self.finished = False  # it will send nothing more
        self.shut = False  # it has been told that nothing more comes


class Relay:
    """Two sockets joined; closes both when either fails or both have finished."""

    def __init__(self, loop: Loop, one: socket.socket, other: socket.socket) -> None:
        self.loop = loop
        self.sides = Side(one), Side(other)
        for side, peer in (self.sides, self.sides[::-1]):
            side.socket.setblocking(False)
            self._watch(side, peer)

    def _watch(self, side: Side, peer: Side) -> None:
        events = 0
        if not side.finished and len(peer.pending) < LIMIT:
            events |= READ
        if side.pending:
            events |= WRITE
        self.loop.watch(side.socket.fileno(), events, lambda got: self._ready(side, peer, got))

    def _ready(self, side: Side, peer: Side, events: int) -> None:
        try:
            if events & WRITE:
                del side.pending[: side.socket.send(side.pending)]
            if events & ~WRITE and not side.finished:
                data = side.socket.recv(65536)
                peer.pending += data
                side.finished = not data
            self._pass_on(side, peer)
            self._pass_on(peer, side)
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        if all(end.shut for end in self.sides):
            self.close()
            return
        self._watch(side, peer)
        self._watch(peer, side)

    def _pass_on(self, side: Side, peer: Side) -> None:
        if side.finished and not peer.pending and not peer.shut:
            peer.shut = True
            peer.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Hang up on both."""
        for side in self.sides:
            if side.socket.fileno() >= 0:
                self.loop.forget(side.socket.fileno())
                side.socket.close()


def join(loop: Loop, accepted: socket.socket, family: int, address: tuple[str, int] | str) -> None:
    """Join a socket that was accepted to what listens at `address`; hang up if nothing does."""
    outgoing = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    outgoing.setblocking(False)
    code = outgoing.connect_ex(address)
    if code not in {0, 115}:  # EINPROGRESS
        outgoing.close()
        accepted.close()
        return

    def connected(_: int) -> None:
        loop.forget(outgoing.fileno())
        if outgoing.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            outgoing.close()
            accepted.close()
            return
        Relay(loop, accepted, outgoing)

    loop.watch(outgoing.fileno(), WRITE, connected)


def listen_unix(path: str) -> socket.socket:
    """A listening socket at `path`, however long the path is."""
    folder, name = os.path.split(path)
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            os.unlink(name, dir_fd=here)
        except FileNotFoundError:
            pass
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        listener.bind(f"/proc/self/fd/{here}/{name}")  # a socket's own path may have 107 bytes only
    finally:
        os.close(here)
    listener.listen(64)
    return listener


def connect_unix(path: str) -> socket.socket:
    """A connection to the socket at `path`; OSError if nothing listens there."""
    folder, name = os.path.split(path)
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        connection.connect(f"/proc/self/fd/{here}/{name}")
    except OSError:
        connection.close()
        raise
    finally:
        os.close(here)
    return connection
