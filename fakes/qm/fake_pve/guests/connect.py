"""`guest-connect ID`: carry stdin and stdout to the SSH port of a guest, as OpenSSH's ProxyCommand wants it.

A real node's guests have addresses; the fake's are reached only from this machine, by a port that their driver knows.
"""

from __future__ import annotations

import os
import select
import socket
import sys

from fake_pve import guests
from fake_pve.node import KIND_FOLDER, Node, misuse

CHUNK = 1 << 16


def main(argv: list[str]) -> int:
    """Connect; the exit status."""
    if len(argv) != 1 or "FAKE_PVE_ROOT" not in os.environ:
        sys.stderr.write("usage: FAKE_PVE_ROOT=… FAKE_PVE_GUEST=… guest-connect ID\n")
        return 2
    wrong = misuse(os.environ)
    if wrong:
        sys.stderr.write(f"guest-connect: {wrong}\n")
        return 2
    try:
        with connection(Node(os.environ), argv[0]) as guest:
            carry(guest, sys.stdin.fileno(), sys.stdout.fileno())
    except guests.GuestFailed as problem:
        sys.stderr.write(f"guest-connect: {problem.message}\n")
        return 1
    except (BrokenPipeError, ConnectionResetError, KeyboardInterrupt):
        return 0
    return 0


def connection(node: Node, vmid: str) -> socket.socket:
    """A connection to the guest's port 22; GuestFailed if there is none."""
    driver = guests.driver(node)
    if driver is None:
        raise guests.GuestFailed(
            f"guest {vmid} is a power state only: start the node with FAKE_PVE_GUEST=simulated to log in"
        )
    kind = kind_of(node, vmid)
    if not driver.running(node, kind, int(vmid)):
        raise guests.GuestFailed(f"guest {vmid} is not running")
    try:
        return socket.create_connection(driver.ssh(node, kind, int(vmid)))
    except OSError as problem:
        raise guests.GuestFailed(f"guest {vmid} does not answer: {problem.strerror}") from problem


def kind_of(node: Node, vmid: str) -> str:
    """The guest's kind, "qemu" or "lxc"; GuestFailed if there is no such guest."""
    for kind in KIND_FOLDER:
        if vmid.isdecimal() and os.path.exists(node.conf_path(kind, vmid)):
            return kind
    raise guests.GuestFailed(f"there is no guest {vmid}")


def carry(guest: socket.socket, source: int, sink: int) -> None:
    """Carry bytes both ways until the guest has said all."""
    waiting = select.poll()
    waiting.register(guest, select.POLLIN)
    waiting.register(source, select.POLLIN)
    while True:
        for ready, _ in waiting.poll():
            data = os.read(ready, CHUNK)
            if ready != source:
                if not data:
                    return
                write(sink, data)
            elif data:
                guest.sendall(data)
            else:
                waiting.unregister(source)
                guest.shutdown(socket.SHUT_WR)


def write(sink: int, data: bytes) -> None:
    """Write all of it."""
    view = memoryview(data)
    while view:
        view = view[os.write(sink, view) :]
