"""Locks on a node elsewhere exclude runs on the node and on other workstations, and go with the connection."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from phoenix_pve.lock_files import FOLDER, TOO_MANY, busy_path, lock_path
from phoenix_pve.node import LocalNode, Node
from phoenix_pve.ssh_node import SshNode
from remote.sshd import Sshd

WHO = "`phoenix create 8001` (process 1 of me on here, since 12:00:00)"


@pytest.fixture
def there(node: SshNode, tmp_path: Path) -> SshNode:
    node.root = str(tmp_path)
    node._keeper._root = str(tmp_path)
    return node


def test_here_and_there_exclude_each_other(there: SshNode, tmp_path: Path) -> None:
    here = LocalNode(str(tmp_path))
    assert there.hold([8001], WHO) is None
    assert there.hold([8001], WHO) is None, "what is held is held"
    assert here.hold([8001], "here") == WHO
    assert here.hold([8002], "here") is None
    assert there.hold([8002], WHO) == "here"
    there.release(8001)
    assert _eventually_held(here, 8001)


def test_locks_go_with_the_connection(there: SshNode, tmp_path: Path) -> None:
    assert there.hold([8001], WHO) is None
    there.close()
    here = LocalNode(str(tmp_path))
    assert _eventually_held(here, 8001)


def _eventually_held(node: Node, vmid: int) -> bool:
    deadline = time.monotonic() + 5
    while (who := node.hold([vmid], "me")) and time.monotonic() < deadline:
        time.sleep(0.02)
    return who is None


def test_many_are_locked_in_one_round_trip_all_or_none(there: SshNode, tmp_path: Path) -> None:
    here = LocalNode(str(tmp_path))
    assert here.hold([8050], "here") is None
    assert there.hold(range(8001, 8100), WHO) == "here"
    assert _eventually_held(here, 8001)
    assert _eventually_held(here, 8099)
    assert there.hold(range(9001, 9300), WHO) is None
    assert here.hold([9299], "here") == WHO


def test_what_a_killed_run_left_running_is_waited_for(there: SshNode, tmp_path: Path) -> None:
    assert there.hold([8001], WHO) is None
    there.release(8001)
    with subprocess.Popen(["flock", "--shared", "--close", str(tmp_path) + busy_path(8001), "sleep", "0.5"]):
        deadline = time.monotonic() + 5
        while not (who := there.hold([8001], "me")) and time.monotonic() < deadline:
            there.release(8001)
        assert who == "a command of me, which is gone; the command still runs" or WHO in str(who)
    assert there.hold([8001], "me") is None


def test_a_command_there_holds_the_busy_lock_while_it_runs(there: SshNode, tmp_path: Path) -> None:
    assert there.hold([8001], WHO) is None
    done = there.run(["sh", "-c", "8001", "8001"])
    assert done.exit == 127, "sh was reached"
    (tmp_path / "qm").write_text(f"#!/bin/sh\nflock -n '{tmp_path}{busy_path(8001)}' true || echo busy\n")
    (tmp_path / "qm").chmod(0o755)
    assert there.run([str(tmp_path / "qm"), "start", "8001"]).stdout == "busy\n"


def test_more_guests_than_open_files(there: SshNode, tmp_path: Path) -> None:
    assert there.hold(range(10_000, 11_100), WHO) is None, "the soft limit of a session is 1024"
    here = LocalNode(str(tmp_path))
    assert {here.hold([vmid], "here") for vmid in (10_000, 11_022, 11_099)} == {WHO}


def test_more_guests_than_may_ever_be_open(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    sshd.log_in_with('ulimit -n 60; exec sh -c "$SSH_ORIGINAL_COMMAND"')
    monkeypatch.setenv("PATH", f"{sshd.bin}:{os.environ['PATH']}")
    there, here = SshNode("pve1", str(tmp_path)), LocalNode(str(tmp_path))
    request.addfinalizer(there.close)
    assert there.hold(range(10_000, 10_300), WHO) == TOO_MANY
    assert there.hold([10_299], WHO) is None, "one by one they can be"
    assert here.hold([10_299], "here") == WHO
    assert _eventually_held(here, 10_000)


def test_the_folder_of_the_locks_is_private(there: SshNode, tmp_path: Path) -> None:
    assert there.hold([8001], WHO) is None
    assert (tmp_path / FOLDER.lstrip("/")).stat().st_mode & 0o777 == 0o700
    assert (tmp_path / lock_path(8001).lstrip("/")).stat().st_mode & 0o777 == 0o600
    (tmp_path / FOLDER.lstrip("/")).chmod(0o755)
    assert there.hold([8002], WHO) is None
    assert (tmp_path / FOLDER.lstrip("/")).stat().st_mode & 0o777 == 0o700
