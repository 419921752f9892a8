"""Every field of a stranger's × everything hostile × every way out: it is shown, and does nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.reliability import strangers
from tests.reliability.sampling import record, sample


@pytest.mark.parametrize("field", strangers.FIELDS)
def test_what_a_stranger_says_is_shown_and_does_nothing(field: str, tmp_path: Path) -> None:
    chosen = sample(strangers.HOSTILE, field, 3)
    wrong = [(said[:80], problems) for said in chosen if (problems := strangers.wrong(field, said, tmp_path))]
    record("hostile answers", field, len(chosen), len(wrong))
    assert wrong == []


def test_the_fields_really_show_what_is_said(tmp_path: Path) -> None:
    """A field whose words come out nowhere would prove nothing; some are compared, and shown only where they differ."""
    silent = {field for field in strangers.FIELDS if not shows(field, tmp_path)}
    assert silent == SILENT


def shows(field: str, folder: Path) -> bool:
    for screen, out, err in strangers.screens().values():
        strangers.FIELDS[field](strangers.BENIGN, screen, folder)
        if strangers.BENIGN in out.getvalue() + err.getvalue():
            return True
    return False


SILENT = {
    "address of a VM", "address of a container", "path of a storage", "guests of the cluster",
    "errors of cloud-init", "result of cloud-init", "storage", "type of a storage",
}  # fmt: skip
"""Fields that are only compared with what they should be."""


@pytest.mark.parametrize("field", strangers.FIELDS)
def test_a_stranger_adds_no_line_of_its_own(field: str, tmp_path: Path) -> None:
    wanted = strangers.lines_of(field, "aXb", tmp_path)
    ends = ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]
    assert [ascii(end) for end in ends if strangers.lines_of(field, f"a{end}b", tmp_path) > wanted] == []
