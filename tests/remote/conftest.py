"""A node behind an sshd of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from needs import lacking
from phoenix_pve.ssh_node import SshNode
from remote.sshd import MISSING, Sshd, running


@pytest.fixture(scope="session")
def shared_sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One server for the tests that leave it as it is."""
    if MISSING:
        lacking(MISSING)
    with running(tmp_path_factory.mktemp("sshd"), {"CANARY": "1"}) as server:
        yield server


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """A server of the test's own."""
    if MISSING:
        lacking(MISSING)
    with running(tmp_path / "sshd", {"CANARY": "1"}) as server:
        yield server


@pytest.fixture
def node(shared_sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshNode]:
    """A connection to it."""
    monkeypatch.setenv("PATH", f"{shared_sshd.bin}:{os.environ['PATH']}")
    shared_sshd.calls_file.unlink(missing_ok=True)
    opened = SshNode("pve1")
    yield opened
    opened.close()
