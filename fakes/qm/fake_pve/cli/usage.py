"""Usage texts, in outline: the synopsis of a command, and the list of all."""

from __future__ import annotations

from fake_pve import schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.schema import Option


def synopsis(tool: str, name: str) -> str:
    """One line such as `qm create <vmid> [OPTIONS]`, as it stands below a parameter error."""
    table = schema.command(tool, name)
    options: dict[str, Option] = table["options"]
    positional: tuple[str, ...] = table["positional"]
    words = [f"[<{word}>]" if options[word].get("optional") else f"<{word}>" for word in positional]
    rest = " [OPTIONS]" if len(options) > len(positional) else ""
    return f"{tool} {name} {' '.join(words)}{rest}"


def overview(tool: str, names: list[str] | None = None) -> str:
    """`USAGE: …` with one line a command; all commands if no `names` are given."""
    lines = [f"USAGE: {tool} <COMMAND> [ARGS] [OPTIONS]", ""]
    lines += [f"       {synopsis(tool, name)}" for name in names or schema.command_names(tool)]
    lines += ["", f"       {tool} help [<extra-args>] [OPTIONS]"]
    return "\n".join(lines)


def details(tool: str, name: str) -> str:
    """The usage of one command: its synopsis and its options."""
    lines = [f"USAGE: {synopsis(tool, name)}"]
    for option, table in sorted(schema.command(tool, name)["options"].items()):
        kind = " | ".join(table["enum"]) if "enum" in table else table.get("type", "string")
        lines.append(f"  -{option}  <{kind}>")
    return "\n".join(lines)
