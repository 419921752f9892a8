"""`make test` leaves out what is marked `whole`; `make reliability` runs it."""

from __future__ import annotations

import pytest
from tests.reliability.sampling import WHOLE


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "whole: only in `make reliability`")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if item.get_closest_marker("whole")]
    if left_out and not WHOLE:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
