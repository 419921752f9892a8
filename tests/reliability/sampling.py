"""`make reliability` tries everything; `make test` a sample that is the same in every run."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")
FIGURES = os.environ.get("RELIABILITY_FIGURES", "")
"""A file that gets a line of JSON for everything that was tried; report.py reads it."""
WHOLE = bool(os.environ.get("RELIABILITY"))


def sample(items: Sequence[Item], seed: str, count: int) -> list[Item]:
    """Return all items, or so many of them."""
    if WHOLE or len(items) <= count:
        return list(items)
    return random.Random(seed).sample(list(items), count)


def record(kind: str, flow: str, tried: int, failed: int) -> None:
    """Note how many points of a flow were tried, and how many did not end as they should."""
    if FIGURES:
        line = json.dumps({"kind": kind, "flow": flow, "tried": tried, "failed": failed, "time": time.time()}) + "\n"
        file = os.open(FIGURES, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(file, line.encode())
        os.close(file)
