"""Lines that are longer than their terminal: broken between words, what follows is indented. PURE."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
PART = re.compile(r"\s*(?:`[^`]*`|\S)+")
"""A word with the blanks before it; what stands in backticks is one to copy, so it is one word."""

COMMAND = re.compile(r"\s*\$ ")
SHELL_PART = re.compile(r"""\s+#\s.*|\s*(?:'[^']*'|"[^"]*"|\\.|[^\s'"\\])+|\s*.""")
"""A word of a shell with the blanks before it; a comment is one."""

HANG = 4
"""By how much more than the line itself its continuation is indented."""


def columns(text: str) -> int:
    """Return how many columns a text takes: colours none, ideographs two each."""
    plain = COLOUR.sub("", text)
    return len(plain) if plain.isascii() else sum(map(_columns_of, plain))


def _columns_of(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def wrapped(line: str, width: int, hang: int | None = None) -> list[str]:
    """Return a line as lines of at most `width` columns; a word that is longer than that stays whole.

    A command to copy, `$ …`, is broken so that a shell takes it as one. `hang` is where continuations begin.
    """
    if columns(line) <= width:
        return [line]
    lead = len(line) - len(line.lstrip(" "))
    indent = " " * min(lead + HANG if hang is None else hang, width // 2)
    if COMMAND.match(line):
        return list(_command(line, width, indent))
    parts = [piece for part in PART.findall(line) for piece in _pieces(part, width - len(indent))]
    return list(_filled(parts, width, indent))


def _filled(parts: Sequence[str], width: int, indent: str, end: str = "") -> Iterator[str]:
    """Yield lines that hold as many parts as they can; each but the last has the `end`."""
    line = ""
    for part in parts:
        if line.strip() and columns(line + part + end) > width:
            yield line + end
            line = indent + part.lstrip()
        else:
            line += part
    yield line


def _pieces(part: str, room: int) -> list[str]:
    """Return a part that is too long for any line in pieces: words of what is in backticks, properties."""
    if columns(part.strip()) <= room:
        return [part]
    if re.search(r"\S\s", part):
        return [piece for word in re.findall(r"\s*\S+", part) for piece in _pieces(word, room)]
    return re.findall(r"[^,]*,|[^,]+", part)


def _command(line: str, width: int, indent: str) -> Iterator[str]:
    """Yield a command with a backslash where it is broken; not one with line ends in it, and nothing in a comment."""
    if "\n" in line or line.lstrip().startswith("$ #"):
        return iter([line])
    dollar, rest = line[: line.index("$") + 1], line[line.index("$") + 1 :]
    first, *others = SHELL_PART.findall(rest)
    return _filled([dollar + first, *_with_values(others, width - len(indent))], width, indent, " \\")


def _with_values(words: Sequence[str], room: int) -> Iterator[str]:
    """Yield words, an option together with its value where both fit in a line."""
    held = ""
    for word in words:
        if held and not word.lstrip().startswith(("-", "#")) and columns(held + word) + 2 <= room:
            yield held + word
            held = ""
            continue
        if held:
            yield held
        held = word if word.lstrip().startswith("--") else ""
        if not held:
            yield word
    if held:
        yield held
