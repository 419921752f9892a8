"""Text of strangers: what of it is shown, and what of their JSON is believed."""

from __future__ import annotations

import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_pve import foreign

ADMITTED = {
    "nothing odd": ("web1 – ä 日本語　é 🦊", "web1 – ä 日本語　é 🦊"),
    "an escape": ("a\x1b[31mb", r"a\x1b[31mb"),
    "lines and tabs": (" a\r\n\tb \n", "a b"),
    "C1": ("\x9b31m\x85", r"\x9b31m\x85"),
    "direction": ("\u202egnp.exe\u2066", r"\u202egnp.exe\u2066"),
    "marks of direction": ("\u200e\u200f\u061c", r"\u200e\u200f\u061c"),
    "what shows nothing": ("a\u200bb\u2060c\ufeffd\u00ade\u3164", r"a\u200bb\u2060c\ufeffd\xade\u3164"),
    "selectors and tags": ("a\ufe0f\U000e0041\U000e0100", r"a\ufe0f\U000e0041\U000e0100"),
    "lone surrogates": ("\ud800 \udc80", r"\ud800 \udc80"),
    "separators of lines": ("a\u2028b\u2029c\x0bd\x0c", r"a\u2028b\u2029c\x0bd\x0c"),
    "private use": ("\ue000", r"\ue000"),
    "NUL and DEL": ("\0\x7f", r"\x00\x7f"),
}


@pytest.mark.parametrize(("text", "wanted"), ADMITTED.values(), ids=ADMITTED)
def test_a_text_shows_and_does_nothing(text: str, wanted: str) -> None:
    assert foreign.admit(text) == wanted


def test_a_text_ends_at_its_limit() -> None:
    assert foreign.admit("ä" * 5000) == "ä" * ((4096 - 3) // 2) + "…"
    assert foreign.admit("abcdef", 6) == "abcdef"
    assert foreign.admit("abcdefg", 6) == "abc…"
    assert len(foreign.admit("x" * 9999, None)) == 9999


def test_what_was_put_together_here_keeps_its_lines() -> None:
    assert foreign.admit("a\n\tb\r\x1b", None, lines=True) == "a\n b\\x0d\\x1b"


HARM = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def test_no_character_of_all_comes_through_that_does_more_than_show() -> None:
    inhabited = [*range(0x20000), *range(0xE0000, 0xE0200), 0xF0000, 0x10FFFF]
    through = set(foreign.admit("".join(map(chr, inhabited)), None))
    assert [hex(ord(char)) for char in through if unicodedata.category(char) in HARM] == []
    assert len(through) > 60_000


@given(st.text(st.characters(), max_size=60), st.integers(3, 80))
def test_what_is_admitted_is_admitted_again_as_it_is(text: str, limit: int) -> None:
    once = foreign.admit(text, limit)
    assert foreign.admit(once, limit) == once
    assert len(once.encode()) <= limit


def test_a_document_is_admitted_to_its_last_key() -> None:
    document = {"a\x1b": ["\u202e", {"b": ("\x9b", 1, None, True)}]}
    assert foreign.admitted(document) == {r"a\x1b": [r"\u202e", {"b": [r"\x9b", 1, None, True]}]}


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30))
def test_a_shell_reads_every_word_back(word: str) -> None:
    line = foreign.quoted(word)
    done = subprocess.run(["bash", "-c", f"printf %s {line}"], capture_output=True, check=True)
    assert done.stdout == word.encode()
    assert foreign.admit(line, None, lines=True) == line


@pytest.mark.parametrize(
    ("said", "wanted"), [("a\nb\n \n", "b"), ("a\n\x1b[2K\r\n", r"\x1b[2K"), ("", "nothing"), (" \n", "nothing")]
)
def test_the_last_line_that_says_something(said: str, wanted: str) -> None:
    assert foreign.last_line(said, "nothing") == wanted


NO_DOCUMENT = [
    "",
    "[",
    "[" * 200_000,
    '{"a":' * 100_000,
    "9" * 5000,
    "nul",
    "\ud800",
    "{'a': 1}",
    b"\xff",
    b"[" * 200_000,
]


@pytest.mark.parametrize("text", NO_DOCUMENT, ids=range(len(NO_DOCUMENT)))
def test_what_is_no_json_is_nothing(text: str | bytes) -> None:
    assert foreign.document(text) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("8001", 8001),
        ("²", None),
        ("٣", None),
        ("-1", None),
        ("", None),
        ("1_0", None),
        ("9" * 5000, None),
        ("1\n", None),
    ],
)
def test_a_number_is_what_int_takes(text: str, wanted: int | None) -> None:
    assert foreign.number(text) == wanted


ODD = [None, True, 3, -1, 1e999, float("nan"), "x", [], [5], {}, {"a": 1}, [[]], 10**400]


@pytest.mark.parametrize("value", ODD, ids=map(repr, [*ODD[:-1], "10**400"]))
def test_a_value_of_another_type_is_none(value: object) -> None:
    assert isinstance(foreign.word(value), str)
    assert isinstance(foreign.mapping(value), dict)
    assert all(isinstance(entry, dict) for entry in foreign.mappings(value))
    assert foreign.whole(value, 0, 128) in {None, 3}
