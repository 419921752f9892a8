"""The fake for other people's projects: the example of docs/fake.md, and the package as pip installs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fake_pve.testing import FakeNode
from places import ROOT
from wheels import installed

SCRIPT = str(Path(__file__).parent / "example/make-vm.sh")


@pytest.fixture
def node(tmp_path: Path) -> FakeNode:
    made = FakeNode(tmp_path / "pve1")
    made.add_image("/var/lib/vz/template/iso/debian.qcow2", gib=2)
    return made


def test_the_example_makes_a_vm(node: FakeNode) -> None:
    node.run(SCRIPT, "100")
    assert node.run("qm", "status", "100").stdout == "status: running\n"
    assert "scsi0: local-lvm:vm-100-disk-0,size=10G" in node.conf(100).read_text()


def test_the_example_changes_nothing_the_second_time(node: FakeNode) -> None:
    node.run(SCRIPT, "100")
    before, text = len(node.calls()), node.conf(100).read_text()
    node.run(SCRIPT, "100")
    assert node.calls()[before:] == [["qm", "status", "100"]]
    assert node.conf(100).read_text() == text


def test_the_example_stops_where_a_step_fails(node: FakeNode) -> None:
    node.faults({"match": "qm disk resize *", "exit": 255, "stderr": "no space left"})
    done = node.run(SCRIPT, "100", check=False)
    assert done.returncode == 255
    assert node.journal()[-1]["argv"][:2] == ["disk", "resize"]
    assert node.run("qm", "status", "100").stdout == "status: stopped\n"


def test_wrong_use_is_told_at_once(node: FakeNode) -> None:
    with pytest.raises(ValueError, match="unknown key 'mtch'"):
        node.faults({"mtch": "qm list"})
    with pytest.raises(ValueError, match="unknown key 'agnet'"):
        node.guests_behave(vm100={"agnet": "never"})
    node.run("qm", "list")


@pytest.mark.parametrize("document", ["fakes/qm/README.md", "docs/fake.md"])
@pytest.mark.slow
def test_a_foreign_project_can_take_the_example_as_it_stands(tmp_path: Path, document: str) -> None:
    """Its scripts beside it, pytest with nothing but the plugin."""
    text = (ROOT / document).read_text(encoding="utf-8")
    (tmp_path / "test_example.py").write_text(text.split("```python\n")[1].partition("```")[0], encoding="utf-8")
    shutil.copy(SCRIPT, tmp_path / "make-vm.sh")
    (tmp_path / "boot.sh").write_text('#!/bin/sh\nqm start "$1" || qm start "$1"\n')
    (tmp_path / "boot.sh").chmod(0o755)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "fake_pve.pytest_plugin", "-p", "no:cacheprovider", "."]
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "fakes/qm"),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout, done.stdout


def test_guests_take_the_time_that_the_test_says(node: FakeNode) -> None:
    node.guests_behave(vm100={"agent": "never"})
    node.run("qm", "create", "100", "--agent", "1")
    node.run("qm", "start", "100")
    assert "not running" in node.run("qm", "agent", "100", "ping", check=False).stderr


@pytest.mark.slow
def test_the_package_brings_plugin_and_tools(tmp_path: Path) -> None:
    site = installed(ROOT / "fakes/qm", tmp_path)
    about = site / "fake_pve-0.1.0.dist-info"
    assert "pytest11" in (about / "entry_points.txt").read_text()
    assert (about / "licenses/LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    code = (
        "import pathlib, sys; from fake_pve.testing import FakeNode; n = FakeNode(pathlib.Path(sys.argv[1]));"
        "n.run('qm', 'create', '100'); print(n.run('qm', 'list').stdout, n.run('pvesm', 'status').stdout, n.run('pct', 'list').stdout)"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "n")], env=environment, capture_output=True, text=True, check=True
    )
    assert "100 VM 100" in done.stdout
    assert "local-lvm" in done.stdout
