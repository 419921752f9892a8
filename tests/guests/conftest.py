"""Guests for tests, and the certainty that nothing of them is left afterwards."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from tests.guests.lab import Guest, vm_spec
from tests.needs import lacking, why_no_guests

from fake_pve.guests import sweep

if TYPE_CHECKING:
    from pathlib import Path

    from fake_pve.guests.spec import Spec


@pytest.fixture(scope="session")
def machine() -> None:
    """A machine on which simulated guests run, with the image built."""
    if reason := why_no_guests():
        lacking(reason)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two key pairs: `admin`, which cloud-init installs, and `other`."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("admin", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Any:
    """A node's root; guests that a test leaves behind are removed."""
    path = tmp_path / "node"
    path.mkdir()
    yield path
    sweep.sweep(str(path))


@pytest.fixture
def guest(machine: None, root: Path, keys: Path) -> Guest:
    """A machine that is not started yet."""
    return Guest(root, keys)


@pytest.fixture
def spec(tmp_path: Path, keys: Path) -> Spec:
    return vm_spec(tmp_path / "seed", keys)


@pytest.fixture(scope="module")
def running(machine: None, tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Any:
    """One machine for all tests of a module that only look."""
    folder = tmp_path_factory.mktemp("running")
    one = Guest(folder / "node", keys)
    one.start(vm_spec(folder / "seed", keys))
    one.booted()
    yield one
    sweep.sweep(str(folder / "node"))


QUICK = {"test_looking.py", "test_parts.py"}
"""What `make test` runs of this folder: one guest that is only looked at. The others need a boot each, or several."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what takes its time as slow."""
    for item in items:
        if item.path.parent.name == "guests" and item.path.name not in QUICK:
            item.add_marker(pytest.mark.slow)
