"""Environments × commands; see environments.py."""

from __future__ import annotations

import itertools
from collections import defaultdict
from pathlib import Path

from tests.reliability import environments
from tests.reliability.environments import COMMANDS, ENVIRONMENTS
from tests.reliability.sampling import record, sample


def test_every_command_does_the_same_in_every_environment(tmp_path: Path) -> None:
    grounds = environments.prepare(tmp_path)
    chosen = sample(list(itertools.product(ENVIRONMENTS, COMMANDS)), "environments", 3)
    wrong, tried = defaultdict(list), defaultdict[str, int](int)
    for environment, line in chosen:
        tried[environment.name] += 1
        if problems := environments.fate(grounds, environment, line, tmp_path / "x"):
            wrong[environment.name].append((line, problems))
    for name, count in tried.items():
        record("environments", name, count, len(wrong[name]))
    assert {name: found for name, found in wrong.items() if found} == {}


def test_every_environment_has_a_name_of_its_own() -> None:
    names = [environment.name for environment in ENVIRONMENTS]
    assert len(set(names)) == len(names)
