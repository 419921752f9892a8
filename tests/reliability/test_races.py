"""Many at once: phoenix beside phoenix, beside an administrator, and beside what a killed one left running."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.reliability.beside import Running, has_begun, until
from tests.reliability.flows import ADMIN, box, one, vm
from tests.reliability.lab import Config, Crash, Lab
from tests.reliability.sampling import WHOLE

SLOW_CREATE = {"match": "qm create 8001*", "delay": 2}
REAL_TIME = {"FAKE_PVE_TIME_SCALE": "1"}


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    made = Lab(tmp_path / "lab")
    one().write(made.folder / "config")
    return made


def creations(lab: Lab) -> list[str]:
    return [" ".join(call[:3]) for call in lab.node.calls() if call[1] == "create"]


@pytest.mark.whole
def test_guests_beside_each_other(lab: Lab) -> None:
    count = 20 if WHOLE else 4
    Config([vm(8001 + n, f"web{n}") for n in range(count)], admin=ADMIN).write(lab.folder / "config")
    runs = [Running(lab, f"create {8001 + n}") for n in range(count)]
    assert [(run.status(), run.said) for run in runs if run.status()] == []
    assert len(creations(lab)) == count
    assert lab.phoenix("create --all").out == f"{count} guests: {count} no changes\n"


def test_several_on_one_guest_wait_and_say_for_whom(lab: Lab) -> None:
    lab.node.faults(SLOW_CREATE)
    first = Running(lab, "create 8001", **REAL_TIME)
    until(lambda: has_begun(lab, "qm create 8001"))
    others = [Running(lab, "create 8001", **REAL_TIME) for _ in range(20 if WHOLE else 2)]
    assert [run.status() for run in (first, *others)] == [0] * (1 + len(others))
    assert creations(lab) == ["qm create 8001"]
    said = [run.said for run in others]
    assert f"8001 web: waiting for `phoenix create 8001` (process {first.process.pid} of " in "".join(said)
    assert all("8001 web: no changes" in text for text in said)


@pytest.mark.whole
def test_a_wait_has_an_end(lab: Lab) -> None:
    lab.node.faults({"match": "qm create 8001*", "delay": 3})
    first = Running(lab, "create 8001", **REAL_TIME)
    until(lambda: has_begun(lab, "qm create 8001"))
    done = lab.phoenix("create 8001 --timeout 0.3")
    assert done.status == 7
    assert f"held for 0.3 s by `phoenix create 8001` (process {first.process.pid} of " in done.err
    assert "  hint: " in done.err
    assert first.status() == 0


@pytest.mark.whole
def test_create_against_delete(lab: Lab) -> None:
    lab.phoenix("create 8001")
    runs = [Running(lab, line) for line in ("delete 8001 --yes", "create 8001", "delete 8001 --yes", "create 8001")]
    assert [run.status() for run in runs] == [0] * 4, [run.said for run in runs]
    assert lab.phoenix("create 8001").status == 0
    assert lab.strays() == []


@pytest.mark.whole
def test_fleets_in_opposite_orders_do_not_block_each_other(lab: Lab) -> None:
    Config([vm(), vm(8002, "db", dependencies=[8001])], admin=ADMIN).write(lab.folder / "config")
    runs = [Running(lab, line) for line in ("create --all", "delete --all --yes", "create --all")]
    assert [(run.status(), run.said) for run in runs if run.status() not in {0, 5}] == []
    assert lab.phoenix("create --all").status == 0


def test_what_a_killed_run_left_running_is_waited_for(lab: Lab) -> None:
    lab.node.faults(SLOW_CREATE)
    died = lab.phoenix("create 8001", Crash("phoenix-during", call=2), **REAL_TIME)
    assert died.status == -9
    again = lab.phoenix("create 8001", **REAL_TIME)
    assert again.status == 0, again.said
    assert "which is gone; the command still runs" in again.err
    assert creations(lab) == ["qm create 8001"]


def test_an_administrators_change_in_between_is_not_overwritten_unseen(lab: Lab) -> None:
    lab.phoenix("create 8001")
    one(cores=4).write(lab.folder / "config")
    lab.node.faults({"match": "qm set 8001 --cores 4*", "delay": 0.6})
    run = Running(lab, "create 8001", **REAL_TIME)
    until(lambda: has_begun(lab, "qm set 8001 --cores 4"))
    assert lab.tool("qm", "set", "8001", "--onboot", "1").returncode == 0
    assert run.status() == 6
    assert "someone changed the guest meanwhile, and nothing of that was overwritten" in run.said
    assert "Traceback" not in run.said
    lab.node.faults()
    assert lab.phoenix("create 8001").status == 0
    conf = lab.node.conf(8001).read_text()
    assert "onboot: 1" in conf
    assert "cores: 4" in conf


@pytest.mark.whole
def test_an_administrators_lock_is_waited_for(lab: Lab) -> None:
    lab.phoenix("create 8001")
    one(cores=4).write(lab.folder / "config")
    lock = lab.root / "run/lock/qemu-server/lock-8001.conf"
    with subprocess.Popen(["flock", str(lock), "sleep", "1"]):
        done = lab.phoenix("create 8001")
    assert done.status == 0, done.said


@pytest.mark.whole
def test_locks_cost_no_call_on_the_node(lab: Lab) -> None:
    lab.phoenix("create 8001")
    assert lab.phoenix("create 8001").calls == ["qm status 8001"]


@pytest.mark.whole
def test_a_container_beside_itself(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    box().write(lab.folder / "config")
    runs = [Running(lab, "create 101") for _ in range(3)]
    assert [run.status() for run in runs] == [0] * 3, [run.said for run in runs]
    assert creations(lab) == ["pct create 101"]
