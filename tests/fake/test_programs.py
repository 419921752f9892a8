"""The fake's own programs: help explains and does nothing else, a mistake ends with status 2."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

from fake_pve import seed

PROGRAMS = ("fake_pve.seed", "fake_pve.guests.sweep", "fake_pve.guests.image", "fake_pve.guests.template")


def run(monkeypatch: pytest.MonkeyPatch, program: str, *words: str) -> object:
    monkeypatch.setattr(sys, "argv", [program, *words])
    monkeypatch.delitem(sys.modules, program, raising=False)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(program, run_name="__main__")
    return ended.value.code


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(("word", "status"), [("--help", 0), ("-h", 0), ("--no-such-option", 2), ("-x", 2)])
def test_help_and_mistakes_do_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    program: str,
    word: str,
    status: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FAKE_PVE_CACHE", str(tmp_path / "cache"))
    assert run(monkeypatch, program, word) == status
    said = capsys.readouterr()
    assert f"usage: python3 -m {program}" in (said.err if status else said.out)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("program", "words"),
    [("fake_pve.seed", ()), ("fake_pve.seed", ("a", "b")), ("fake_pve.guests.sweep", ()),
     ("fake_pve.guests.sweep", ("--here", "--all")), ("fake_pve.guests.sweep", ("--all", "node")),
     ("fake_pve.guests.image", ("--if-posible",)), ("fake_pve.guests.image", ("vitrual",)), ("fake_pve.guests.template", ("--cores=x",))],
)  # fmt: skip
def test_wrong_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, words: tuple[str, ...]) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, program, *words) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_node_is_seeded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert seed.main([str(tmp_path / "node")]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/node\n"
    assert (tmp_path / "node/etc/pve/storage.cfg").is_file()
    (tmp_path / "file").write_text("")
    assert seed.main([str(tmp_path / "file")]) == 1
    assert "no node can be made in" in capsys.readouterr().err
