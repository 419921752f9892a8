"""What test_features.py runs with the node behind a real SSH server, without one; and the rest with it.

So continuous integration runs every scenario both ways; `make test`, each one once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pytest_bdd import scenarios

from features.acceptance import feature_of
from features.target import fake_target, is_behind_ssh

if TYPE_CHECKING:
    from collections.abc import Iterator

    from features.target import FakeTarget

HERE = Path(__file__).resolve().parent
pytestmark = pytest.mark.slow


@pytest.fixture
def target(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FakeTarget]:
    opened = fake_target(tmp_path, behind_ssh=not is_behind_ssh(feature_of(request.node)))
    yield opened
    opened.close()


scenarios(*(str(file) for file in sorted(HERE.glob("*.feature")) if not file.name.startswith("guests")))
