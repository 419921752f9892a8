"""Read a JSON file the strict way: UTF-8, no duplicate keys, no NaN, and an error that says which line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from phoenix_pve.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 16 << 20
"""The most bytes of a file that somebody wrote; whatever is larger is another one."""


MEND_HINT = "mend that, then run the same command again"
FOLDER_HINT = "--config DIR or $PHOENIX_CONFIG_DIR names the folder with the configuration files"


_YAML = re.compile(r"\s*(?:---|(?:- +)?[A-Za-z_][\w-]*:(?:\s|$))")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')

Location = tuple[int | str, ...]
"""Where a value is in a document: ("vms", 0, "cores")."""


class _DuplicateKeyError(ValueError):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _DuplicateKeyError(f'the key "{key}" stands twice in one object')
        found[key] = value
    return found


def _no_constant(text: str) -> Any:
    raise _DuplicateKeyError(f"{text} is not a JSON number")


def _reason(error: json.JSONDecodeError) -> str:
    """Return what is wrong; of the usual slips in the words of somebody who edits the file."""
    before, rest = error.doc[: error.pos].rstrip(), error.doc[error.pos :].lstrip()
    if not error.doc.strip():
        return "the file is empty"
    if rest.startswith(("//", "/*", "#")):
        return "JSON has no comments"
    if not before and _YAML.match(error.doc):
        return 'it looks like YAML, and JSON is wanted: {, "key": value and }'
    if (before.endswith(",") and rest[:1] in "]}") or (rest[:1] == "," and rest[1:].lstrip()[:1] in "]}"):
        return "there is a comma before a closing bracket"
    return error.msg


def parse(text: str, name: str) -> Any:
    """Return the document in `text`; `name` stands for the file in messages. Raises ConfigError."""
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        problem = f"{name}:{error.lineno}:{error.colno}: not valid JSON: {_reason(error)}"
    except _DuplicateKeyError as error:
        problem = f"{name}: not valid JSON: {error}"
    except RecursionError:
        problem = f"{name}: not valid JSON: nested too deeply"
    except ValueError as error:  # an integer of thousands of digits
        problem = f"{name}: not valid JSON: {error}"
    raise ConfigError([problem], MEND_HINT)


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file (a byte order mark is dropped). Raises ConfigError."""
    try:
        if path.exists() and not path.is_file():
            raise OSError(0, "Is a directory" if path.is_dir() else "no regular file")  # noqa: TRY301 - says it like the others
        if path.stat().st_size > LARGEST:
            raise OSError(0, f"it has more than {LARGEST >> 20} MiB")  # noqa: TRY301 - as above
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        problem = f"{path}: no such file"
    except UnicodeDecodeError as error:
        problem = f"{path}: not UTF-8 text (byte {error.start})"
    except OSError as error:
        problem = f"{path}: cannot be read: {error.strerror}"
    raise ConfigError([problem], FOLDER_HINT)


def read(path: Path) -> Any:
    """Return the document in the file at `path`. Raises ConfigError."""
    return parse(read_text(path), str(path))


class _Open:
    """An array or object whose end is not reached: the key or index that is at hand, and where that stands."""

    def __init__(self, *, array: bool) -> None:
        self.array = array
        self.part: int | str = 0
        self.at = 0
        self.keyed = array

    def go_on(self) -> None:
        """Pass a comma."""
        self.keyed = self.array
        self.part = self.part + 1 if isinstance(self.part, int) else self.part


def offsets(text: str) -> dict[Location, tuple[int, int]]:
    """Return where the key and the value of everything in a good document begin; what has no key has its value twice.

    Only for messages: reading the document anew costs more than json.loads.
    """
    found: dict[Location, tuple[int, int]] = {}
    still: list[_Open] = []
    for token in _TOKEN.finditer(text):
        word, at, top = token[0], token.start(), still[-1] if still else None
        if top and word in {"}", "]"}:
            still.pop()
        elif top and word == ",":
            top.go_on()
        elif top and not top.keyed:
            top.part, top.at, top.keyed = json.loads(word), at, True
        elif word != ":":
            found[tuple(one.part for one in still)] = (top.at if top and not top.array else at, at)
            if word in {"{", "["}:
                still.append(_Open(array=word == "["))
    return found


def line_and_column(text: str, at: int) -> str:
    """Return `:LINE:COLUMN` of an offset, as editors want it behind a file name."""
    return f":{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"
