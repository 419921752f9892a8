"""No test ever finds a real tool of Proxmox, also on a machine that has them: where each would scream, nothing does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import apart
from needs import lacking
from places import ROOT
from remote.sshd import MISSING

PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
WANT_NO_TOOLS = (
    "features/test_features.py::test_no_proxmox_ve_here",
    "features/test_features.py::test_help_and_version_need_no_node_and_no_configuration",
    "tests/remote/test_phoenix.py::test_a_host_without_proxmox",
    "tests/reliability/test_hostile.py::test_no_command_line_is_a_traceback",
    "tests/test_apart.py::test_inside_a_test_there_is_no_real_tool",
)
"""What wants a machine without Proxmox; on a node, without all this, it would make a VM."""

WITHOUT_GUESTS = "not slow and not xdist_group"
"""Scenarios that share a guest are a group; a guest of an ordinary user cannot be started in another user's namespace."""

OTHERS = {
    "the demo": ("make", "-o", ".venv/.ready", "demo"),
    "the benchmark": (sys.executable, "tests/bench.py", "the main job", "over SSH, with --host"),
    "features here": ("env", f"PYTEST_ADDOPTS=-m '{WITHOUT_GUESTS}'", "make", "-o", ".venv/.dev", "acceptance"),
    "features without tools over SSH": (*PYTEST, "-m", "slow", "features/test_the_other_way.py", "-k", "proxmox or create"),
    "reliability": (*PYTEST, "tests/reliability/test_crash.py", "tests/reliability/test_faults.py", "tests/reliability/test_races.py"),
    "remote": (*PYTEST, "tests/remote"),
    "the fake's own": (*PYTEST, "tests/fake", "tests/conformance", "tests/test_installed.py"),
}  # fmt: skip


def under_guard(folder: Path, *argv: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run a command where Proxmox's tools are in every folder of programs; return how it ended, and what screamed."""
    if reason := apart.why_no_namespaces():
        lacking(reason)
    own = {apart.PLAIN, apart.OUTER, "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST", "FEATURES_PREPARED"}
    environ = {name: text for name, text in os.environ.items() if name not in own and not name.startswith("PYTEST_")}
    environ |= {"PATH": os.environ[apart.OUTER], "FAKE_PVE_GUEST": "none", "ACCEPTANCE_REPORT": str(folder / "report")}
    log = folder / "screams"
    with apart.screaming(argv, log) as command:
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    return done, log.read_text() if log.exists() else ""


def test_a_real_tool_would_scream(tmp_path: Path) -> None:
    done, screams = under_guard(tmp_path, "sh", "-c", "qm start 8001; PATH=/sbin; pct list; PATH=/nowhere; pvesm")
    assert done.returncode == 127
    assert [line.split("/")[-1] for line in screams.splitlines()] == ["qm start 8001", "pct list"]


def test_what_wants_no_tools_finds_none(tmp_path: Path) -> None:
    done, screams = under_guard(
        tmp_path, *PYTEST, *(test for test in WANT_NO_TOOLS if "remote" not in test or not MISSING)
    )
    assert (done.returncode, screams) == (0, ""), done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("what", OTHERS)
def test_nothing_else_finds_one(tmp_path: Path, what: str) -> None:
    done, screams = under_guard(tmp_path, *OTHERS[what])
    assert (done.returncode, screams) == (0, ""), done.stdout[-3000:] + done.stderr[-3000:]


def test_inside_a_test_there_is_no_real_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ[apart.OUTER]}:/usr/sbin:/sbin:/usr/bin:/bin")
    for start in (["qm", "list"], ["/usr/sbin/qm", "list"], ["pvesh", "get", "/"], ["ha-manager"]):
        with pytest.raises(FileNotFoundError):
            subprocess.run(start, check=False)
    for environ in ({"PATH": "/usr/sbin:/sbin"}, {b"PATH": b"/nowhere:/usr/sbin"}, {}):
        with pytest.raises(FileNotFoundError):
            subprocess.run(["qm", "list"], env=environ, check=False)
    stub = tmp_path / "qm"
    stub.write_text("#!/bin/sh\necho a stub\n")
    stub.chmod(0o755)
    assert subprocess.run(["qm", "list"], check=True, capture_output=True).stdout == b"a stub\n"


def test_the_path_of_a_test_has_all_but_proxmox(tmp_path: Path) -> None:
    assert os.environ["PATH"].split(":")[-1] == apart.ordinary()
    assert [link for link in Path(apart.ordinary()).iterdir() if apart.is_proxmox(link.name)] == []
    assert apart.real("sh", "/usr/bin:/bin")
    assert (apart.real("sh", str(tmp_path)), apart.real("qm", str(apart.FAKES))) == ("", "")


def test_fakes_that_cannot_run_are_no_reason_to_take_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "qm").write_text("#!/bin/sh\n")
    monkeypatch.setattr(apart, "FAKES", tmp_path)
    with pytest.raises(RuntimeError, match="qm cannot be executed"):
        apart.settle()
