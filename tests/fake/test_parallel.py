"""A hundred calls on one node at the same time, as processes: none loses what another one did."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from fake_pve import conf
from fake_pve.node import Node

BIN = Path(__file__).resolve().parents[2] / "fakes/qm/bin"
STORAGES = "dir: local\n\tpath /var/lib/vz\n\tcontent images,vztmpl,rootdir\n\nlvmthin: thin\n\tthinpool data\n\tvgname pve\n\tcontent images,rootdir\n\n"
NETS = range(32)
NEW_VMS = range(200, 220)
NEW_CTS = range(300, 316)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    for folder in ("etc/pve", "var/lib/vz/template/cache"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/pve/storage.cfg").write_text(STORAGES)
    (tmp_path / "etc/pve/user.cfg").write_text("pool:prod:::::\n")
    with tarfile.open(tmp_path / "var/lib/vz/template/cache/bare.tar.gz", "w:gz"):
        pass
    return Node({"FAKE_PVE_ROOT": str(tmp_path), "FAKE_PVE_GUEST": "none"})


def call(node: Node, *argv: str) -> subprocess.Popen[str]:
    environ = {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "FAKE_PVE_ROOT": node.root,
        "FAKE_PVE_GUEST": "none",
        "FAKE_PVE_TIME_SCALE": "0",
    }
    return subprocess.Popen(
        [BIN / argv[0], *argv[1:]], env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def all_at_once(node: Node, calls: list[tuple[str, ...]]) -> None:
    """Start all, then wait for each; every one succeeds."""
    running = [(argv, call(node, *argv)) for argv in calls]
    failed = []
    for argv, process in running:
        _, err = process.communicate(timeout=60)
        if process.returncode:
            failed.append((" ".join(argv), process.returncode, err))
    assert failed == []


def container(vmid: int) -> tuple[str, ...]:
    return ("pct", "create", str(vmid), "local:vztmpl/bare.tar.gz", "--ostype", "unmanaged", "--rootfs", "thin:1")


def machine(vmid: int) -> tuple[str, ...]:
    return ("qm", "create", str(vmid), "--scsi0", "local:1", "--name", f"vm{vmid}")


def test_a_hundred_parallel_calls_lose_nothing(node: Node) -> None:
    all_at_once(node, [machine(100), container(101)])
    calls = [
        ("qm", "set", "100", f"--net{number}", f"virtio=BC:24:11:00:00:{number:02X},bridge=vmbr0") for number in NETS
    ]
    calls += [("pct", "set", "101", f"--net{number}", f"name=eth{number},bridge=vmbr0") for number in NETS]
    calls += [(*machine(vmid), "--pool", "prod") for vmid in NEW_VMS]
    calls += [(*container(vmid), "--pool", "prod") for vmid in NEW_CTS]
    assert len(calls) == 100
    all_at_once(node, calls)

    for kind, vmid in (("qemu", 100), ("lxc", 101)):
        options = conf.load(node, kind, vmid).options
        assert [number for number in NETS if f"net{number}" not in options] == []
    assert conf.guests(node, "qemu") == [100, *NEW_VMS]
    assert conf.guests(node, "lxc") == [101, *NEW_CTS]
    members = ",".join(map(str, (*NEW_VMS, *NEW_CTS)))
    assert Path(f"{node.root}/etc/pve/user.cfg").read_text().strip() == f"pool:prod::{members}::"
    assert left_over(node) == []


def left_over(node: Node) -> list[str]:
    """Temporary files that nobody took away."""
    return [str(path) for path in Path(node.root).rglob("*.tmp*")]


def test_volumes_made_at_the_same_time_are_different_ones(node: Node) -> None:
    all_at_once(node, [machine(100), container(101)])
    calls = [("qm", "set", "100", f"--scsi{number}", "thin:1") for number in range(1, 16)]
    calls += [("pct", "set", "101", f"--mp{number}", f"local:1,mp=/mnt/{number}") for number in range(10)]
    all_at_once(node, calls)
    for kind, vmid, count in (("qemu", 100, 16), ("lxc", 101, 11)):
        values = conf.load(node, kind, vmid).options.values()
        disks = [value.split(",")[0] for value in values if value.startswith(("local:", "thin:"))]
        assert len(set(disks)) == len(disks) == count


def test_one_of_many_gets_the_id(node: Node) -> None:
    running = [call(node, *container(500)) for _ in range(6)]
    results = [(process.communicate(timeout=60)[1], process.returncode) for process in running]
    assert sorted(status == 0 for _, status in results) == [False] * 5 + [True]
    assert all("already exists" in err for err, status in results if status)
    assert [path.name for path in Path(node.root, "dev/pve").iterdir()] == ["vm-500-disk-0"]
