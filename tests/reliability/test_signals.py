"""Ctrl-C and SIGTERM finish the call under way and say what is done; twice they leave at once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests import terminals
from tests.places import ROOT
from tests.reliability.beside import Running, has_begun, until
from tests.reliability.flows import ADMIN, one, vm
from tests.reliability.lab import Config, Lab

REAL_TIME = {"FAKE_PVE_TIME_SCALE": "1"}


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    made = Lab(tmp_path / "lab")
    one().write(made.folder / "config")
    return made


@pytest.mark.parametrize(
    ("number", "status", "name"),
    [(signal.SIGINT, 130, "Ctrl-C"), pytest.param(signal.SIGTERM, 143, "SIGTERM", marks=pytest.mark.whole)],
)
def test_the_first_finishes_the_call_under_way(lab: Lab, number: int, status: int, name: str) -> None:
    lab.node.faults({"match": "qm create*", "delay": 0.5})
    run = Running(lab, "create 8001", **REAL_TIME)
    until(lambda: has_begun(lab, "qm create"))
    run.signal(number)
    assert run.status() == status, run.said
    assert f"8001 web: stopped by {name}\n  done: writing the user-data\n" in run.said
    assert "noting" not in run.said
    assert "creating, importing the image" in run.said.partition("not done:")[0]
    assert "starting" in run.said.partition("not done:")[2]
    assert "Traceback" not in run.said
    assert lab.strays() == []
    assert lab.node.conf(8001).exists()
    lab.node.faults()
    assert lab.phoenix("create 8001").status == 0


def test_a_signal_is_heard_when_the_reader_of_what_is_said_has_left(lab: Lab) -> None:
    lab.node.faults({"match": "qm create*", "delay": 0.5})
    words = [sys.executable, str(ROOT / "phoenix.py"), "create", "8001"]
    process = subprocess.Popen(
        words, env={**lab.environ, **REAL_TIME}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    until(lambda: has_begun(lab, "qm create"))
    assert process.stderr
    process.stderr.close()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 143
    assert [call[1] for call in lab.node.calls()] == ["status", "create"]


def test_ctrl_c_on_a_terminal_does_not_write_into_the_live_line(lab: Lab) -> None:
    lab.node.faults({"match": "qm create*", "delay": 2})
    environ = {**lab.environ, **REAL_TIME, "TERM": "xterm"}
    words = [sys.executable, str(ROOT / "phoenix.py"), "create", "8001"]
    status, screen = terminals.run(
        words, environ, b"\x03", answer_to=b"[0/1] 8001 web creating, importing the image (1 s)", columns=60
    )
    assert status == 130
    assert "\r\x1b[K\r\nCtrl-C: finishing the command under way; once more to leave\r\n    at once\r\n" in screen
    assert "  not done: growing the disk\r\n  not done: starting\r\n" in screen
    assert "looking again" not in screen


@pytest.mark.whole
def test_the_second_leaves_at_once_and_the_call_goes_on(lab: Lab) -> None:
    lab.node.faults({"match": "qm create*", "delay": 1.5})
    run = Running(lab, "create 8001", **REAL_TIME)
    until(lambda: has_begun(lab, "qm create"))
    run.signal(signal.SIGINT)
    until(lambda: "once more" in run.said)
    begun = time.monotonic()
    run.signal(signal.SIGINT)
    assert run.status() == 130
    assert time.monotonic() - begun < 1
    lab.node.faults()
    assert lab.phoenix("create 8001", **REAL_TIME).status == 0
    assert [call[1] for call in lab.node.calls()].count("create") == 1
    assert lab.settled() == []


@pytest.mark.whole
def test_the_terminals_signal_does_not_reach_the_nodes_tool(lab: Lab) -> None:
    lab.node.faults({"match": "qm create*", "delay": 0.5})
    run = Running(lab, "create 8001", **REAL_TIME)
    until(lambda: has_begun(lab, "qm create"))
    import os

    os.killpg(run.process.pid, signal.SIGINT)  # what a terminal does: to the whole group in the foreground
    assert run.status() == 130
    assert lab.node.conf(8001).exists()


@pytest.mark.whole
def test_guests_that_were_not_begun_are_named(lab: Lab) -> None:
    Config([vm(), vm(8002, "db", dependencies=[8001])], admin=ADMIN).write(lab.folder / "config")
    lab.node.faults({"match": "qm create 8001*", "delay": 0.5})
    run = Running(lab, "create --all", **REAL_TIME)
    until(lambda: has_begun(lab, "qm create"))
    run.signal(signal.SIGINT)
    assert run.status() == 130
    assert "8002 db: not touched" in run.said


@pytest.mark.whole
def test_waiting_for_a_guest_ends_at_once(lab: Lab) -> None:
    lab.node.guests_behave(all={"agent": "never"})
    run = Running(lab, "create 8001", **REAL_TIME)
    until(lambda: has_begun(lab, "qm agent"))
    begun = time.monotonic()
    run.signal(signal.SIGINT)
    assert run.status() == 130
    assert time.monotonic() - begun < 2
    assert "not done: waiting for the guest agent" in run.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.whole
def test_looking_ends_at_once(lab: Lab, number: int) -> None:
    lab.node.faults({"match": "qm status*", "delay": 2})
    run = Running(lab, "status 8001", **REAL_TIME)
    until(lambda: has_begun(lab, "qm status"))
    run.signal(number)
    assert run.status() == 128 + number
    assert "Traceback" not in run.said


def test_a_reader_that_leaves_is_no_error_and_work_goes_on(lab: Lab) -> None:
    Config([vm(), vm(8002, "db")], admin=ADMIN).write(lab.folder / "config")
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "phoenix.py"), "create", "--all", "--jobs", "1"],
        env=lab.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    said = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(30) == 0, said
    assert "Traceback" not in said
    assert "Exception" not in said
    assert lab.phoenix("create --all").out == "2 guests: 2 no changes\n"


@pytest.mark.parametrize("word", ["list", "--help"])
def test_a_full_disk_below_the_output_is_an_error(lab: Lab, word: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, str(ROOT / "phoenix.py"), word],
            env=lab.environ,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert b"not everything could be written: No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "closed", ["<&- >&- 2>&-", *(pytest.param(one, marks=pytest.mark.slow) for one in ("<&-", ">&-", "2>&-"))]
)
def test_a_closed_stream_is_no_error(lab: Lab, closed: str) -> None:
    phoenix = f"{sys.executable} {ROOT / 'phoenix.py'}"
    script = f"{phoenix} create 8001 --no-wait {closed} && {phoenix} delete 8001 --yes {closed}"
    done = subprocess.run(["sh", "-c", script], env=lab.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert [call[1] for call in lab.node.calls() if call[1] in {"create", "destroy"}] == ["create", "destroy"]
