"""The fake repeats what the real tools did: scenario by scenario as written down, as a whole at least as is promised."""

from __future__ import annotations

import json

import pytest

from conformance import replay
from conformance.recordings import HERE, TOOLS
from reliability.sampling import sample

# What is promised of each tool, in percent of its recorded steps.
STATE_FLOOR, TEXT_FLOOR = 99.5, 99.0
ONE_OF = 5  # `make test` replays one scenario of so many; RELIABILITY=1 all
SCORES = json.loads((HERE / "scores.json").read_text(encoding="utf-8"))
DIFFERING = json.loads((HERE / "differing.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("tool", "group"), [(tool, group) for tool in TOOLS for group in SCORES[tool]])
def test_scenarios_are_repeated_as_written_down(tool: str, group: str) -> None:
    whole = replay.groups(tool)[group]
    chosen = sample(whole, f"{tool} {group}", -(-len(whole) // ONE_OF))
    wanted = {scenario["id"]: DIFFERING.get(scenario["id"], [0, 0]) for scenario in chosen}
    found, differing = {}, []
    for scenario in chosen:
        score, told = replay.score([scenario])
        found[scenario["id"]] = [score.steps - score.state, score.steps - score.text]
        differing += told
    stale = "differs from differing.json: fakes/qm/tools/coverage.py writes it"
    assert found == wanted, "\n".join([stale, *differing])


@pytest.mark.parametrize("tool", TOOLS)
def test_tool_keeps_its_promise(tool: str) -> None:
    steps, state, text = (sum(column) for column in zip(*SCORES[tool].values(), strict=True))
    assert 100 * state / steps >= STATE_FLOOR
    assert 100 * text / steps >= TEXT_FLOOR


@pytest.mark.parametrize("tool", TOOLS)
def test_every_recorded_group_has_its_score(tool: str) -> None:
    groups = replay.groups(tool)
    wanted = {group: score(scenarios) for group, scenarios in sorted(groups.items())}
    assert wanted == SCORES[tool]


def score(scenarios: list[replay.Scenario]) -> list[int]:
    """Steps, and how many of them are equal in state and in text, by what is written down of each scenario."""
    steps = sum("argv" in step for scenario in scenarios for step in scenario["steps"])
    unequal = [DIFFERING.get(scenario["id"], [0, 0]) for scenario in scenarios]
    return [steps, *(steps - sum(column) for column in zip(*unequal, strict=True))]
