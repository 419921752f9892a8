"""docs/reliability.md: a table for everything that is recorded, and an explanation beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.reliability import report

HERE = Path(__file__).resolve().parent


def page(folder: Path, *records: tuple[str, str, int, int]) -> tuple[int, str]:
    figures, made = folder / "figures.jsonl", folder / "reliability.md"
    keys = ("kind", "flow", "tried", "failed")
    figures.write_text("".join(json.dumps(dict(zip(keys, record, strict=True))) + "\n" for record in records))
    return report.main(str(figures), str(made)), made.read_text()


def test_every_kind_gets_its_table(tmp_path: Path) -> None:
    status, text = page(
        tmp_path, ("crashes", "create", 9, 0), ("faults", "create", 8, 0), ("new kind", "b", 3, 0), ("new kind", "a", 4, 0),
        ("environments", "no HOME", 7, 0), ("hostile answers", "tags", 6, 0), ("crashes", "create", 10, 0),
    )  # fmt: skip
    assert status == 0
    for line in (
        "| create | 10 | 0 |",
        "| create | 8 | 0 |",
        "| a | 4 | 0 |\n| b | 3 | 0 |\n| **all** | **7** | **0** |",
    ):
        assert line in text
    headings = re.findall("^## (.*)", text, re.MULTILINE)
    assert headings[:6] == [
        "Killed anywhere",
        "Faults",
        "Strangers",
        "Environments",
        "New kind",
        "What makes it so",
    ]
    assert "\n\n\n" not in text


def test_what_is_wrong_shows_in_figure_and_status(tmp_path: Path) -> None:
    status, text = page(tmp_path, ("crashes", "create", 9, 0), ("environments", "no HOME", 7, 2))
    assert (status, "| **all** | **7** | **2** |" in text) == (1, True)


def test_a_page_without_more_kinds_is_as_before(tmp_path: Path) -> None:
    _, text = page(tmp_path, ("crashes", "create", 9, 0))
    assert "did nothing.\n\n## What makes it so" in text


def test_every_kind_that_is_recorded_is_explained() -> None:
    recorded = {
        kind
        for file in HERE.glob("*.py")
        for kind in re.findall(r'^ *record\("([^"]+)"', file.read_text(), re.MULTILINE)
    }
    assert {"crashes", "faults"} <= recorded
    assert recorded <= report.KINDS.keys()
