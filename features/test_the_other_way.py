"""What test_features.py runs with the node behind a real SSH server, without one; and the rest with it.

So continuous integration runs every scenario both ways, but for lives of virtual machines; `make test`, each one once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import scenarios

from features.acceptance import feature_of
from features.loopback_target import LoopbackGuestTarget
from features.target import fake_target, is_behind_ssh

if TYPE_CHECKING:
    from collections.abc import Iterator

    from features.guest_target import GuestTarget
    from features.target import FakeTarget

HERE = Path(__file__).resolve().parent
pytestmark = pytest.mark.slow


@pytest.fixture
def target(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FakeTarget]:
    opened = fake_target(tmp_path, behind_ssh=not is_behind_ssh(feature_of(request.node)))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def kind_of_house() -> type[GuestTarget]:
    """Return what nodes with guests that boot are made of."""
    return LoopbackGuestTarget


scenarios(*(str(file) for file in sorted(HERE.glob("*.feature")) if file.name != "guests_virtual.feature"))
