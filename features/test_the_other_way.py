"""The features on the node itself, without `--host`: some in `make test`, all in continuous integration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pytest_bdd import scenarios

from features.target import FakeTarget

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
ALSO_IN_MAKE_TEST = (
    "A VM is created, configured and started",
    "Creating again changes nothing",
    "New keys reach the user-data",
    "A running VM is stopped and destroyed, with its disks and its snippet",
    "A container is created, configured and started",
    "No secret reaches a command line",
    "One failure stops only what needs that guest",
    "No Proxmox VE here",
)
"""What goes another way than over SSH: looking, changing, writing and removing files, input of commands."""


@pytest.fixture
def target(tmp_path: Path) -> Iterator[FakeTarget]:
    opened = FakeTarget(tmp_path)
    yield opened
    opened.close()


scenarios(*(str(file) for file in sorted(HERE.glob("*.feature")) if not file.name.startswith("guests")))


def _leave_to_ci(tests: dict[str, Any], kept: tuple[str, ...]) -> None:
    """Mark all tests but those of the kept scenarios as slow. Raises LookupError for one that no feature file has."""
    named = [(str(test.__doc__).partition(": ")[2], test) for name, test in tests.items() if name.startswith("test_")]
    if missing := set(kept) - {name for name, _ in named}:
        raise LookupError(f"no such scenario: {missing}")
    for name, test in named:
        if name not in kept:
            pytest.mark.slow(test)


_leave_to_ci(globals(), ALSO_IN_MAKE_TEST)
