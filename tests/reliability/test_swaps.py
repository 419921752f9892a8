"""A plan is for the guest that was seen: one that came meanwhile, or was locked, protected, renamed, migrated, is left."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.reliability.crashes import prepare
from tests.reliability.flows import FLOWS, Flow
from tests.reliability.lab import Crash, Lab
from tests.reliability.sampling import WHOLE, record, sample
from tests.reliability.swaps import WHO, fate, swaps

ALONE = [flow for flow in FLOWS if "--all" not in flow.line]
SAMPLED = [flow for flow in ALONE if WHOLE or flow.name in {"delete a VM", "change and restart a container"}]


@pytest.mark.parametrize("flow", SAMPLED, ids=lambda flow: flow.name)
def test_what_happened_before_a_look_is_heeded(flow: Flow, tmp_path: Path) -> None:
    ground = prepare(flow, tmp_path)
    looks = Lab.copied(tmp_path / "ready", tmp_path / "counted").phoenix(flow.line, Crash(swap="0 nobody 0")).looks
    assert looks > 1
    chosen = sample(swaps(ground, looks), flow.name, 4)
    ends = {swap.name: fate(ground, swap, tmp_path / "x") for swap in chosen}
    wrong = [(name, problems) for name, problems in ends.items() if problems]
    record("identity swaps", flow.name, sum(end is not None for end in ends.values()), len(wrong))
    assert wrong == []
    assert any(end is not None for end in ends.values()), "nobody was disturbed"


def test_everybody_who_disturbs_is_tried() -> None:
    assert {*WHO} == {"replaces", "protects", "locks", "renames", "migrates"}
