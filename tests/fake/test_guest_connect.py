"""guest-connect: the way into a guest for OpenSSH, and what it says where there is none."""

from __future__ import annotations

import os
import shlex
import socket
import threading
from pathlib import Path

import pytest

from fake_pve.guests import connect
from fake_pve.testing import FakeNode


@pytest.mark.parametrize(
    ("mode", "vmid", "words"),
    [
        ("none", "8001", "guest 8001 is a power state only: start the node with FAKE_PVE_GUEST=simulated to log in"),
        ("simulated", "8001", "guest 8001 is not running"),
        ("simulated", "9999", "there is no guest 9999"),
        ("simulated", "../8001", "there is no guest ../8001"),
    ],
)
def test_it_says_why_there_is_no_way_in(tmp_path: Path, mode: str, vmid: str, words: str) -> None:
    node = FakeNode(tmp_path, FAKE_PVE_GUEST=mode)
    node.conf(8001).write_text("name: web\n")
    done = node.run("guest-connect", vmid, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"guest-connect: {words}\n")


def test_without_an_id_it_says_how_it_is_used(tmp_path: Path) -> None:
    assert "usage: " in FakeNode(tmp_path).run("guest-connect", check=False).stderr


def test_the_proxy_command_needs_no_environment(tmp_path: Path) -> None:
    node = FakeNode(tmp_path / "a node", FAKE_PVE_GUEST="simulated")
    argv = shlex.split(node.guest_proxy_command.replace("{id}", "9999"))
    done = node.run("env", "-i", *argv, check=False)
    assert done.stderr == "guest-connect: there is no guest 9999\n"


def test_bytes_go_both_ways_until_the_guest_has_said_all() -> None:
    guest, here = socket.socketpair()
    source, feed = os.pipe()
    result, sink = os.pipe()
    carrier = threading.Thread(target=connect.carry, args=(here, source, sink))
    carrier.start()
    os.write(feed, b"hello")
    assert guest.recv(10) == b"hello"
    os.close(feed)
    assert guest.recv(10) == b"", "the guest hears that nothing more comes"
    guest.sendall(b"x" * 1000)
    guest.close()
    carrier.join(5)
    assert os.read(result, 2000) == b"x" * 1000
    for end in (source, result, sink):
        os.close(end)
    here.close()
