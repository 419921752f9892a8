"""The pytest plugin: the fixture `pve_node`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fake_pve.testing import FakeNode

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def pve_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNode:
    """A fresh fake Proxmox VE node whose qm, pct and pvesm are first on PATH."""
    node = FakeNode(tmp_path / "pve1")
    for name, value in node.environment.items():
        monkeypatch.setenv(name, value)
    return node
