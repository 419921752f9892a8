"""Each example in docs/fake.md is one that the fake understands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fake_pve import behaviour, faults
from fake_pve.node import Node

TEXT = (Path(__file__).resolve().parents[2] / "docs/fake.md").read_text(encoding="utf-8")
EXAMPLES = [block.partition("```")[0] for block in TEXT.split("```json\n")[1:]]


@pytest.mark.parametrize("example", [text for text in EXAMPLES if text.startswith("[")])
def test_fault_examples_are_rules(example) -> None:
    rules = faults.read(example)
    assert rules == json.loads(example)


@pytest.mark.parametrize("key", sorted(faults.KEYS))
def test_every_key_has_an_example(key) -> None:
    assert any(f'"{key}"' in example for example in EXAMPLES) or f"`{key}`" in TEXT


def test_the_guests_example_is_understood(tmp_path) -> None:
    (tmp_path / "etc/fake-pve").mkdir(parents=True)
    (tmp_path / "etc/fake-pve/guests.json").write_text(next(text for text in EXAMPLES if text.startswith("{")))
    node = Node({"FAKE_PVE_ROOT": str(tmp_path), "FAKE_PVE_GUEST": "none"})
    assert behaviour.wishes(node, 8001) == {"boot": 5, "agent": 2, "shutdown": behaviour.NEVER}
    assert behaviour.wishes(node, 8002) == {"boot": 1}
