"""A part of the features with the node behind a real SSH server; `make acceptance-loopback` runs all of them so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pytest_bdd import scenario
from tests.needs import lacking
from tests.remote.sshd import MISSING

from features.loopback_target import LoopbackTarget

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def target(tmp_path: Path) -> Iterator[LoopbackTarget]:
    if MISSING:
        lacking(MISSING)
    opened = LoopbackTarget(tmp_path)
    yield opened
    opened.close()


@scenario("create.feature", "A VM is created, configured and started")
def test_create() -> None:
    pass


@scenario("create.feature", "Creating again changes nothing")
def test_again() -> None:
    pass


@scenario("delete.feature", "A running VM is stopped and destroyed, with its disks and its snippet")
def test_delete() -> None:
    pass


@scenario("containers.feature", "No secret reaches a command line")
def test_container() -> None:
    pass


@scenario("node_problems.feature", "No Proxmox VE here")
def test_no_node() -> None:
    pass
