"""A caller without a UTF-8 locale: the real tools do not decode its words then, and letters are lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from fake_calls import call
from fake_pve import seed
from fake_pve.node import speaks_utf8
from fake_pve.testing import FakeNode

LOST = "#%EF%BF%BD%EF%BF%BD!"


@pytest.mark.parametrize(
    ("environ", "spoken"),
    [
        ({}, False),
        ({"LC_ALL": "C.UTF-8"}, True),
        ({"LC_ALL": "en_US.utf8"}, True),
        ({"LC_ALL": "de_DE.UTF-8@euro"}, True),
        ({"LC_ALL": "C", "LANG": "C.UTF-8"}, False),
        ({"LC_ALL": "", "LC_CTYPE": "C.UTF-8", "LANG": "C"}, True),
        ({"LC_CTYPE": "POSIX", "LANG": "C.UTF-8"}, False),
        ({"LANG": "en_US.UTF-8"}, True),
        ({"LANG": "de_DE.ISO-8859-1"}, False),
    ],
)
def test_the_locale_counts_as_for_any_program(environ: dict[str, str], spoken: bool) -> None:
    assert speaks_utf8(environ) is spoken


@pytest.mark.parametrize("line", ["qm create 8001 --description", "pct create 101 local:vztmpl/T --description"])
def test_letters_are_lost_without_a_word(tmp_path: Path, line: str) -> None:
    seed.new_node(str(tmp_path))
    seed.add_template(str(tmp_path), "/var/lib/vz/template/cache/T.tar.gz")
    words = line.replace("vztmpl/T", "vztmpl/T.tar.gz").split()
    assert call(tmp_path, *words, "ä!", LC_ALL="C")[0] == 0
    (conf,) = (tmp_path / "etc/pve/nodes/pve1").glob("*/*.conf")
    assert LOST in conf.read_text()


def test_qm_set_shows_what_it_took_and_perl_wonders(tmp_path: Path) -> None:
    seed.new_node(str(tmp_path))
    call(tmp_path, "qm", "create", "8001")
    status, out, err = call(tmp_path, "qm", "set", "8001", "--description", "ä!", LC_ALL="", LANG="")
    assert (status, err) == (0, "Wide character in print\n")
    assert out.encode("latin-1").decode() == "update VM 8001: -description \ufffd\ufffd!\n"
    assert call(tmp_path, "qm", "set", "8001", "--description", "plain", LC_ALL="C")[2] == ""


@pytest.mark.parametrize("locale", ["C", "POSIX", "", "de_DE"])
def test_as_a_program(tmp_path: Path, locale: str) -> None:
    node = FakeNode(tmp_path / "pve1")
    node.run("qm", "create", "8001", "--description", "ä!")
    assert "#%C3%A4!" in node.conf(8001).read_text(), "the environment of a FakeNode has a UTF-8 locale"
    node.environment |= {"LC_ALL": locale, "LC_CTYPE": "", "LANG": ""}
    node.run("qm", "set", "8001", "--description", "ä!")
    assert LOST in node.conf(8001).read_text()
