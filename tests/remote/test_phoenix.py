"""phoenix as a process on a workstation, the fake's tools behind a real SSH server."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import apart
from fake_pve import journal, seed
from needs import lacking
from remote.sshd import FAKES, MISSING, ROOT, Sshd, running

SECRET = "$6$canarysalt$" + "Canary" * 14
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n admin@example"
VM = {
    "vmid": 8001,
    "name": "web",
    "cores": 2,
    "memory_mb": 2048,
    "disk_size_gb": 32,
    "storage_pool": "local",
    "template_image": seed.UBUNTU,
    "network_bridge": "vmbr0",
}


@dataclass
class Workstation:
    """Where phoenix runs, without any tool of Proxmox."""

    folder: Path
    sshd: Sshd

    @property
    def root(self) -> Path:
        """Where the node's files are."""
        return self.folder / "node"

    def phoenix(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run phoenix over SSH."""
        return subprocess.run(
            [sys.executable, ROOT / "phoenix.py", *words],
            env=self.environment | environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def environment(self) -> dict[str, str]:
        """Of phoenix."""
        return {
            "PATH": apart.path(self.sshd.bin),
            "HOME": str(self.folder),
            "PHOENIX_HOST": "pve1",
            "PHOENIX_NODE_ROOT": str(self.root),
            "PHOENIX_CONFIG_DIR": str(self.folder / "config"),
            "LC_ALL": "C.UTF-8",
        }

    def faults(self, document: list[dict[str, Any]]) -> None:
        """Make the node misbehave."""
        path = self.root / "etc/fake-pve/faults.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document))

    def calls(self) -> list[dict[str, Any]]:
        """What ran on the node."""
        return journal.calls(str(self.root))


@pytest.fixture
def workstation(tmp_path: Path) -> Iterator[Workstation]:
    if MISSING:
        lacking(MISSING)
    root = tmp_path / "node"
    root.mkdir()
    seed.new_node(str(root))
    seed.add_image(str(root))
    (tmp_path / "config").mkdir()
    admin = {"username": "admin", "ssh_authorized_keys": [KEY], "password_hash": SECRET}
    vms = [VM, {**VM, "vmid": 8002, "name": "db"}]
    (tmp_path / "config/phoenix_hypervisor_config.json").write_text(json.dumps({"admin": admin, "vms": vms}))
    environment = {
        "PATH": apart.path(FAKES),
        "FAKE_PVE_ROOT": str(root),
        "FAKE_PVE_NODE": "pve1",
        "FAKE_PVE_GUEST": "none",
        "FAKE_PVE_TIME_SCALE": "0.02",
    }
    with running(tmp_path / "sshd", environment) as server:
        yield Workstation(tmp_path, server)


def test_from_nothing_to_running_to_nothing(workstation: Workstation) -> None:
    done = workstation.phoenix("create", "--all", PHOENIX_JOURNAL=str(workstation.folder / "journal"))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "2 guests: 2 created"), done.stderr
    ran = [(call["tool"], *call["argv"]) for call in workstation.calls()]
    noted = [json.loads(line) for line in (workstation.folder / "journal").read_text().splitlines()]
    assert sorted(tuple(line["run"]) for line in noted if "run" in line) == sorted(ran)
    assert {line["host"] for line in noted} == {"pve1"}
    workstation.sshd.calls_file.unlink()
    done = workstation.phoenix("create", "8001")
    assert (done.returncode, done.stdout) == (0, "8001 web: no changes\n")
    opened, *round_trips = workstation.sshd.calls()
    assert "ControlMaster=yes" in opened
    assert len(round_trips) == 2, "and none for the lock, which travels with the opening"
    done = workstation.phoenix("--host", "pve1", "delete", "--all", "--yes", PHOENIX_HOST="nowhere.invalid")
    assert done.returncode == 0, done.stderr
    assert list((workstation.root / "var/lib/vz/snippets").iterdir()) == []


def test_no_secret_leaves_the_one_file(workstation: Workstation) -> None:
    journal_file = workstation.folder / "journal"
    done = workstation.phoenix("create", "8001", "--verbose", PHOENIX_JOURNAL=str(journal_file))
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr + journal_file.read_text() + "".join(workstation.sshd.calls())
    assert SECRET not in said + json.dumps(workstation.calls())
    assert SECRET in (workstation.root / "var/lib/vz/snippets/phoenix-8001-user.yaml").read_text()
    assert journal_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("command", ["create", pytest.param("start", marks=pytest.mark.slow)])
def test_a_connection_that_breaks_is_explained_and_the_next_run_goes_on(workstation: Workstation, command: str) -> None:
    workstation.faults([{"match": f"qm {command} 8001*", "delay": 60}])
    thread = threading.Thread(target=_cut_during, args=(workstation, command))
    thread.start()
    done = workstation.phoenix("create", "8001")
    thread.join()
    assert done.returncode == 8, done.stdout + done.stderr
    assert f"the connection to pve1 was lost during `qm {command} 8001`" in done.stderr
    assert "  hint: " in done.stderr
    assert "Traceback" not in done.stderr
    workstation.faults([])
    _wait_for_the_end(workstation)
    done = workstation.phoenix("create", "8001")
    assert done.returncode == 0, done.stdout + done.stderr
    assert workstation.phoenix("create", "8001").stdout == "8001 web: no changes\n"
    left = [p.name for p in (workstation.root / "var/lib/vz/snippets").iterdir()]
    assert left == ["phoenix-8001-user.yaml"], "no temporary file is left"


def _cut_during(workstation: Workstation, command: str) -> None:
    """Break the connection while `qm COMMAND` runs."""
    for _ in range(400):
        if any(call["argv"][0] == command for call in workstation.calls() if call["argv"]):
            break
        time.sleep(0.05)
    workstation.sshd.cut()


def _wait_for_the_end(workstation: Workstation) -> None:
    """Wait until what had begun on the node ended."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and any(
        call["exit"] is None and Path(f"/proc/{call['pid']}").exists() for call in workstation.calls()
    ):
        time.sleep(0.05)


def test_a_host_without_proxmox(workstation: Workstation) -> None:
    workstation.sshd.stop()
    with running(workstation.folder / "other", {"PATH": apart.path()}) as other:
        done = workstation.phoenix("create", "8001", PATH=apart.path(other.bin))
    assert done.returncode == 8
    assert "there is no `qm` on pve1, so it is no Proxmox VE node" in done.stderr


def test_what_needs_no_node_opens_no_connection(workstation: Workstation) -> None:
    assert workstation.phoenix("validate").returncode == 0
    assert workstation.sshd.calls() == []


@pytest.mark.parametrize("as_option", [True, False])
def test_a_host_that_is_none(workstation: Workstation, as_option: bool) -> None:
    words = ["--host=-oProxyCommand=x"] if as_option else []
    done = workstation.phoenix(*words, "create", "8001", PHOENIX_HOST="-oProxyCommand=x")
    assert (done.returncode, workstation.sshd.calls()) == (2, [])
    assert "--host takes the name of a host" in done.stderr
