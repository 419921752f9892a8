"""A sample of the recordings through the programs in fakes/qm/bin: that way in and out must be the same as in this process."""

from __future__ import annotations

import pytest

from conformance import replay
from conformance.recordings import TOOLS

EVERY = 160  # one scenario of so many


@pytest.mark.parametrize("tool", TOOLS)
def test_programs_answer_as_in_process(tool: str) -> None:
    sample = [scenario for wanted in replay.groups(tool).values() for scenario in wanted][::EVERY]
    for scenario in sample:
        wanted = [sorted(differs) for _, differs in replay.run(scenario)]
        assert [sorted(differs) for _, differs in replay.run(scenario, replay.by_executable)] == wanted, scenario["id"]
