"""What a guest or a node says is a stranger's text: what of it reaches a terminal, a document or a command line. PURE.

Addresses, names, notes, tags, lock words, volume names, answers of an agent, and whatever a command prints: somebody
else wrote it, and a terminal obeys some characters, an editor or a reader is led astray by others. `admit` is the only
way from there to a user; screen.py passes everything through it once more.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

ANSWER = 1 << 20
"""The most bytes that are read of what a guest prints."""

FIELD = 4096
"""The most bytes of one field of a guest's answer."""

LINE = 400
"""The most bytes of a value that a line of text shows."""

# Letters and marks that show nothing (Default_Ignorable_Code_Point of the Unicode character database); str.isprintable
# knows the others: controls, formats such as those of direction, surrogates, separators of lines, private use.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_BLANKS = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_FOLDED = re.compile(r"[ \t\r\n]+")
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


def admit(text: str, limit: int | None = FIELD, *, lines: bool = False) -> str:
    r"""Return a text that does nothing but show: `\x1b` and the like stand as escapes, line ends and tabs as blanks.

    limit  the most bytes in UTF-8, None for all; what is cut off ends in an ellipsis
    lines  keep line ends: what was put together here of pieces that were admitted before
    """
    text = text.replace("\t", " ") if lines else _FOLDED.sub(" ", text).strip(" ")
    if not _is_plain(text):
        text = "".join(char if _is_plain(char) or (lines and char == "\n") else _escaped(char) for char in text)
    return text if limit is None else _cut(text, limit)


def _is_plain(text: str) -> bool:
    return not _UNSEEN.search(text) and _BLANKS.sub("", text).isprintable()


def _escaped(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else char.encode("unicode_escape", "replace").decode("ascii")


def _cut(text: str, limit: int) -> str:
    encoded = text.encode()
    return text if len(encoded) <= limit else encoded[: limit - 3].decode("utf-8", "ignore") + "…"


def quoted(word: str) -> str:
    r"""Return a word as a shell reads it back, exactly; what does not show as bash reads it: $'\xe2\x80\x8d'."""
    if admit(word, None, lines=True) == word:
        return shlex.quote(word)
    return "$'" + "".join(map(_in_dollar_quotes, word)) + "'"


def _in_dollar_quotes(char: str) -> str:
    if char in "\\'":
        return f"\\{char}"
    return char if _is_plain(char) else "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))


def last_line(text: str, otherwise: str) -> str:
    """Return the last line that a command said, which tells most."""
    return next((said for line in reversed(text.split("\n")) if (said := admit(line, LINE))), otherwise)


def admitted(document: Any) -> Any:
    """Return a document of JSON with all its strings admitted, those of its keys as well."""
    match document:
        case str():
            return admit(document, None, lines=True)
        case dict():
            return {admitted(key): admitted(value) for key, value in document.items()}
        case list() | tuple():
            return [admitted(value) for value in document]
        case _:
            return document


# --- what is read ----------------------------------------------------------------------------------------------------


def number(text: str) -> int | None:
    """`8001` -> 8001; None for anything else, such as `²`, which str.isdigit takes for a number and int does not."""
    return int(text) if _NUMBER.fullmatch(text) else None


def document(text: str | bytes) -> Any:
    """Return what JSON holds; None for anything else, however deep it is nested and however long its numbers are."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def mapping(value: Any) -> dict[str, Any]:
    """Return an object of JSON, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a list of JSON; nothing for anything else."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def word(value: Any) -> str:
    """Return a string of JSON, "" for anything else."""
    return value if isinstance(value, str) else ""


def whole(value: Any, low: int, high: int) -> int | None:
    """Return a whole number of JSON within bounds; None for anything else. true is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high else None
