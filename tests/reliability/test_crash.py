"""Killed anywhere, phoenix or the node's tool: the same command again ends where an undisturbed run does."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from tests.reliability.crashes import came, describe, fate, points, prepare
from tests.reliability.flows import FLOWS, Flow
from tests.reliability.lab import HERE, Crash, Ended
from tests.reliability.sampling import WHOLE, record, sample

PROGRAMS = [HERE / folder / tool for folder in ("bin", "over_ssh") for tool in ("qm", "pct", "pvesm")]
SAMPLED = [flow for flow in FLOWS if WHOLE or flow.name in {"create a VM", "create a container"}]


@pytest.mark.parametrize("flow", SAMPLED, ids=lambda flow: flow.name)
def test_a_flow_that_dies_somewhere_is_completed_by_the_next_run(flow: Flow, tmp_path: Path) -> None:
    ground = prepare(flow, tmp_path)
    chosen = sample(points(ground), flow.name, 1)
    wrong = [
        (describe(ground, crash), problems) for crash in chosen if (problems := fate(ground, crash, tmp_path / "x"))
    ]
    record("crashes", flow.name, len(chosen), len(wrong))
    assert wrong == []


def test_a_crash_that_does_not_come_is_noticed() -> None:
    assert [str(path) for path in PROGRAMS if not os.access(path, os.X_OK)] == []
    ended = Ended(0, "", "", [], [])
    assert came(Crash("phoenix-after", call=9), ended) == ["the crash did not come"]
    assert came(Crash("phoenix-after", call=1), replace(ended, crashed=True)) == ["the crash did not come"]
    assert came(Crash("before", file=9), replace(ended, status=6)) == ["the crash did not come"]
    assert came(Crash("tool-after", call=1), replace(ended, crashed=True)) == []
