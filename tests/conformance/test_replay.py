"""The fake repeats what the real tools did, group by group, and as a whole at least as much as is promised."""

from __future__ import annotations

import json

import pytest

from conformance import replay
from conformance.recordings import HERE, TOOLS

# What is promised of each tool, in percent of its recorded steps.
STATE_FLOOR, TEXT_FLOOR = 99.5, 98.0
SCORES = json.loads((HERE / "scores.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("tool", "group"), [(tool, group) for tool in TOOLS for group in SCORES[tool]])
def test_group_scores_as_written_down(tool: str, group: str) -> None:
    score, differing = replay.score(replay.groups(tool)[group])
    stale = "differs from scores.json: fakes/qm/tools/coverage.py writes it"
    assert [score.steps, score.state, score.text] == SCORES[tool][group], "\n".join([stale, *differing])


@pytest.mark.parametrize("tool", TOOLS)
def test_tool_keeps_its_promise(tool: str) -> None:
    steps, state, text = (sum(column) for column in zip(*SCORES[tool].values(), strict=True))
    assert 100 * state / steps >= STATE_FLOOR
    assert 100 * text / steps >= TEXT_FLOOR


@pytest.mark.parametrize("tool", TOOLS)
def test_every_recorded_group_has_a_score(tool: str) -> None:
    assert sorted(replay.groups(tool)) == sorted(SCORES[tool])
