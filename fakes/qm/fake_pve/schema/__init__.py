"""The option schemas of the real tools, as data, and how to find one option's schema.

An option schema is a dict with some of: type, optional, enum, minimum, maximum, minLength, maxLength, pattern, format
(a Format: property name -> property schema), format_name, default, default_key, alias, keyAlias, requires.
A numbered family stands once, as `net[0-31]`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Option = dict[str, Any]
    Format = dict[str, Option]

GUEST_COMMANDS = {
    "qm": frozenset(("create", "set", "import")),
    "pct": frozenset(("create", "set", "restore")),
    "pvesm": frozenset(("add", "set")),
}


def _data(module: str) -> Any:
    """A data module; loading only the one that a call needs keeps reads fast."""
    return __import__(f"fake_pve.schema.data_{module}", fromlist=["COMMANDS"])


def aliases(tool: str) -> dict[str, str]:
    """Alias -> command name, such as `resize` -> `disk resize`."""
    return _data(tool).ALIASES  # type: ignore[no-any-return]


def command_names(tool: str) -> list[str]:
    """All commands of a tool, without aliases, sorted."""
    return sorted([*_data(tool).COMMANDS, *GUEST_COMMANDS[tool]])


def command(tool: str, name: str) -> dict[str, Any]:
    """`{"positional": names, "options": {name: Option}}` of a command."""
    module = f"{tool}_guest" if name in GUEST_COMMANDS[tool] else tool
    return _data(module).COMMANDS[name]  # type: ignore[no-any-return]


def option(tool: str, command_name: str, name: str) -> Option | None:
    """The schema of one option, or None when the command has no such option."""
    return find(command(tool, command_name)["options"], name)


def find(options: dict[str, Option], name: str) -> Option | None:
    """An option by its full name, looking into numbered families."""
    found = options.get(name)
    if found is not None or not name or not name[-1].isdigit():
        return found
    stem = name.rstrip("0123456789")
    number = name[len(stem) :]
    if len(number) > 1 and number[0] == "0":
        return None
    for key, schema in options.items():
        if key.startswith(stem + "[") and in_range(key, int(number)):
            return schema
    return None


def in_range(family: str, number: int) -> bool:
    """Whether `number` lies in `net[0-31]`."""
    first, last = family[family.index("[") + 1 : -1].split("-")
    return int(first) <= number <= int(last)


def expanded(options: dict[str, Option]) -> list[str]:
    """Every option name, with the members of families, in the data's order."""
    names = []
    for key in options:
        if key[-1] != "]":
            names.append(key)
            continue
        stem, bounds = key[:-1].split("[")
        first, last = bounds.split("-")
        names += [f"{stem}{number}" for number in range(int(first), int(last) + 1)]
    return names


def option_format(tool: str, key: str) -> Format:
    """The Format of a guest's configuration key (`scsi0`, `net3`, `rootfs`); KeyError when it has none."""
    schema = option(tool, "set", key)
    if schema is None or not isinstance(schema.get("format"), dict):
        raise KeyError(key)
    return schema["format"]  # type: ignore[no-any-return]


def is_option(tool: str, key: str) -> bool:
    """Whether `key` is an option of a guest's configuration (as `set` accepts it)."""
    return option(tool, "set", key) is not None
