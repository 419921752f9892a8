"""Which subcommand the first words of a command line name: nested commands, aliases, unique abbreviations."""

from __future__ import annotations

from fake_pve import schema
from fake_pve.errors import CommandFailed

# Commands that every tool has beside those of the schema.
BUILT_IN = ("help", "bashcomplete", "printmanpod", "verifyapi")


def resolve(tool: str, argv: list[str]) -> tuple[str, list[str]]:
    """The canonical command name (`disk resize`) and the words after it.

    An abbreviation must be unique among command names, aliases apart. Raises CommandFailed with the usage for no, an
    unknown or an ambiguous command (qm-cli-001…039).
    """
    if not argv:
        raise CommandFailed(f"ERROR: no command specified\n{usage(tool)}")
    aliases = schema.aliases(tool)
    names = [*schema.command_names(tool), *BUILT_IN]
    path: list[str] = []
    for at, word in enumerate(argv):
        given = " ".join([*path, word])
        if given in aliases:
            return aliases[given], argv[at + 1 :]
        path.append(_complete(tool, names, path, word))
        if " ".join(path) in names:
            return " ".join(path), argv[at + 1 :]
    raise CommandFailed(f"ERROR: incomplete command '{tool} {' '.join(path)}'\n{usage(tool)}")


def _complete(tool: str, names: list[str], path: list[str], word: str) -> str:
    """The full word for a possibly abbreviated one below `path`."""
    prefix = "".join(f"{part} " for part in path)
    words = {name[len(prefix) :].split(" ")[0] for name in names if name.startswith(prefix)}
    if word in words:
        return word
    hits = [full for full in words if full.startswith(word)]
    if len(hits) == 1:
        return hits[0]
    problem = "incomplete" if hits else "unknown"
    raise CommandFailed(f"ERROR: {problem} command '{tool} {prefix}{word}'\n{usage(tool)}")


def group(tool: str, words: list[str]) -> list[str]:
    """The commands below a word such as `disk`; none for a command or a word that is none."""
    prefix = " ".join(words) + " "
    return [name for name in schema.command_names(tool) if name.startswith(prefix)]


def usage(tool: str) -> str:
    """What is printed when the command is missing or wrong."""
    from fake_pve.cli.usage import overview  # texts, only for help and errors

    return overview(tool)
