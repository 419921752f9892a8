"""Read a JSON file the strict way: UTF-8, no duplicate keys, no NaN, and an error that says which line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from phoenix_pve.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 16 << 20
"""The most bytes of a file that somebody wrote; whatever is larger is another one."""


FOLDER_HINT = "--config DIR or $PHOENIX_CONFIG_DIR names the folder with the configuration files"


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
    raise ConfigError([problem], "mend the file; `phoenix validate` checks it")


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
