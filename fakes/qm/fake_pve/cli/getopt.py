"""Options on a command line, read as the real tools read them (they use Perl's Getopt::Long, see its manual page).

Recorded in qm-cli-*, qm-create-cli-*: names may be abbreviated and are case-insensitive; `-name x` works, `-name=x`
does not; a string option takes whatever follows, a boolean only what does not look like an option; the last of several
values wins.
"""

from __future__ import annotations

from fake_pve import schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.schema import Option

PASSWORDS = frozenset(("password", "cipassword"))  # given without a value they are read from stdin


class Parsed:
    """What stood on the command line: option values by name, bare arguments, and complaints about options."""

    __slots__ = ("arguments", "problems", "values")

    def __init__(self) -> None:
        self.values: dict[str, str | None] = {}
        self.arguments: list[str] = []
        self.problems: list[str] = []


def parse(argv: list[str], options: dict[str, Option]) -> Parsed:
    """Split `argv` into options (of `options`) and bare arguments. A boolean without value is None."""
    parsed = Parsed()
    rest = list(reversed(argv))
    while rest:
        word = rest.pop()
        if word == "--":
            parsed.arguments += reversed(rest)
            break
        if len(word) < 2 or word[0] != "-":
            parsed.arguments.append(word)
            continue
        _take(parsed, word, rest, options)
    return parsed


def _take(parsed: Parsed, word: str, rest: list[str], options: dict[str, Option]) -> None:
    """One option; its value may be popped from `rest` (the last element comes next on the command line)."""
    given, value = _split(word)
    name = _resolve(given.lower(), options, parsed.problems)
    if name is None:
        return
    option = schema.find(options, name) or {}
    if option.get("type") == "boolean" or name in PASSWORDS:
        parsed.values[name] = _optional_value(value, rest)
        return
    if value == "" or (value is None and not rest):
        parsed.problems.append(f"Option {name} requires an argument")
        return
    text = rest.pop() if value is None else value
    if option.get("type") == "array" or str(option.get("format_name", "")).endswith("-list"):
        before = parsed.values.get(name)
        text = text if before is None else f"{before},{text}"  # --tags a --tags b is --tags a,b
    parsed.values[name] = text


def _split(word: str) -> tuple[str, str | None]:
    """`--name=value` gives both; after a single dash `=` is part of the name (qm-create-cli-003)."""
    if not word.startswith("--"):
        return word[1:], None
    name, equals, value = word[2:].partition("=")
    return (name, value) if equals and name else (word[2:], None)


def _optional_value(value: str | None, rest: list[str]) -> str | None:
    """The value of an option that may stand alone: what follows, unless that looks like an option."""
    if value is not None:
        return value or None
    if not rest or rest[-1] == "--" or (len(rest[-1]) > 1 and rest[-1][0] == "-"):
        return None
    return rest.pop()


def _resolve(given: str, options: dict[str, Option], problems: list[str]) -> str | None:
    """The full name for what was given, or None and a complaint."""
    if schema.find(options, given) is not None:
        return given
    names = {name.lower(): name for name in schema.expanded(options)}
    if given in names:
        return names[given]
    hits = sorted(name for name in names if name.startswith(given))
    if len(hits) == 1:
        return names[hits[0]]
    if hits:
        problems.append(f"Option {given} is ambiguous ({', '.join(hits)})")
    else:
        problems.append(f"Unknown option: {given}")
    return None
