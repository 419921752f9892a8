"""Every call of a flow with every fault: a clear outcome, no false success, and the next run converges."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.reliability import faults
from tests.reliability.flows import BY_NAME
from tests.reliability.flows import FLOWS as EVERY
from tests.reliability.sampling import WHOLE, record, sample

FLOWS = [flow.name for flow in EVERY if "fleet" not in flow.name] if WHOLE else ["delete a VM"]


@pytest.mark.parametrize("name", FLOWS)
def test_a_fault_is_told_and_the_next_run_converges(name: str, tmp_path: Path) -> None:
    ground = faults.prepare(BY_NAME[name], tmp_path)
    chosen = sample(faults.troubles(ground), name, 1)
    wrong = [
        (trouble.name, problems) for trouble in chosen if (problems := faults.fate(ground, trouble, tmp_path / "x"))
    ]
    record("faults", name, len(chosen), len(wrong))
    assert wrong == []
