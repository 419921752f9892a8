"""Shared by all tests: nothing of the developer's own environment leaks in."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings
from tests import apart

# The same examples in every run, and no timed test: a search for more is `pytest --hypothesis-profile=search`.
settings.register_profile("suite", deadline=None, derandomize=True, max_examples=60)
settings.register_profile("search", deadline=None, max_examples=5000)
settings.load_profile("suite")


def pytest_configure() -> None:
    """Let no test find a real tool of Proxmox."""
    apart.settle()


@pytest.fixture(autouse=True)
def _hermetic(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name == "FAKE_PVE_CACHE":
            continue  # where the guests' images are
        if name.startswith(("PHOENIX_", "FAKE_PVE_")) or name in {"NO_COLOR", "FORCE_COLOR"}:
            monkeypatch.delenv(name)
