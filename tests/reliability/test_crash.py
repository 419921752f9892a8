"""Killed anywhere, phoenix or the node's tool: the same command again ends where an undisturbed run does."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.reliability.crashes import describe, fate, points, prepare
from tests.reliability.flows import FLOWS, Flow
from tests.reliability.sampling import WHOLE, record, sample

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
