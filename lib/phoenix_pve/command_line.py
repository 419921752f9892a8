"""The command line -> words, by docopt; with errors that say what was meant."""

from __future__ import annotations

import os
import re
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import docopt

from phoenix_pve.errors import UsageError
from phoenix_pve.explain import nearest, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REPLACED = {
    "--create-vm": "phoenix create <ID>",
    "--start-vm": "phoenix start <ID>",
    "--stop-vm": "phoenix stop <ID>",
    "--delete-vm": "phoenix delete <ID>",
}
"""Flags of phoenix's predecessor, and what does their work now."""

GOES_WITH = {
    "--exit-code": (("plan",), "see `phoenix --help`"),
    "--verify": (("create", "plan", "adopt"), "see `phoenix --help`"),
    "--restart": (("create", "plan", "adopt"), "`phoenix restart <ID>` restarts in any case"),
}
"""Options that mean something to a few commands only, and what to do instead."""

SEE_HELP = "see `phoenix --help`"

OTHER_NAMES = {
    "apply": "create",
    "up": "create",
    "deploy": "create",
    "new": "create",
    "make": "create",
    "destroy": "delete",
    "rm": "delete",
    "remove": "delete",
    "down": "stop",
    "shutdown": "stop",
    "boot": "start",
    "reboot": "restart",
    "diff": "plan",
    "preview": "plan",
    "ls": "list",
    "ps": "list",
    "show": "status",
    "info": "status",
    "import": "adopt",
    "check": "validate",
    "login": "ssh",
    "shell": "ssh",
    "console": "ssh",
}
"""What other tools call it, and what phoenix does; nothing is done under another name."""

WITHOUT_IDS = frozenset({"list", "validate"})
COLOUR_WORDS = frozenset({"auto", "always", "never"})


def parse(text: str, argv: Sequence[str], version: str) -> dict[str, Any] | str | int:
    """Return docopt's words for `argv`, or a text that was asked for, or the exit status after a mistake was told."""
    flags = {_in_full(text, word) for word in _own(argv)}
    words = _plain_words(text, argv)
    if flags & {"-h", "--help"} or words[:1] == ["help"]:
        return text.strip()
    if "--version" in flags or words == ["version"]:
        return f"phoenix {version}"
    try:
        return _words(text, argv)
    except UsageError as error:
        from phoenix_pve.screen import Screen  # which nobody else needs so early

        screen = Screen(sys.stdout, sys.stderr, os.environ, json="--json" in flags, quiet=False, verbose=False)
        status = screen.fail(error)
        if not argv:
            screen.say("", *text[text.index("Usage:") : text.index("Options:")].rstrip().split("\n"))
        return status


def _plain_words(text: str, argv: Sequence[str]) -> list[str]:
    """Return the words of a line that are neither options nor values of options."""
    words, skip = [], False
    valued = set(re.findall(r"(--[a-z-]+) [A-Z]+", text))
    for word in _own(argv):
        if not skip and not word.startswith("-"):
            words.append(word)
        skip = not skip and _in_full(text, word) in valued
    return words


def _own(argv: Sequence[str]) -> Sequence[str]:
    """Return the words that are phoenix's own: what stands behind `--` is for a guest."""
    return argv[: argv.index("--")] if "--" in argv else argv


def _options(text: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"--[a-z-]+", text)))


def _meant(text: str, flag: str) -> list[str]:
    """Return the options that a long flag may be short for."""
    known = _options(text)
    return [flag] if flag in known else [option for option in known if option.startswith(flag)]


def _in_full(text: str, word: str) -> str:
    found = _meant(text, word) if word.startswith("--") else []
    return found[0] if len(found) == 1 else word


def _words(text: str, argv: Sequence[str]) -> dict[str, Any]:
    for word in _own(argv):
        _check_flag(text, word.partition("=")[0])
    _check_command(text, argv)
    try:
        words = dict(docopt.docopt(text, list(argv), default_help=False))
    except docopt.DocoptExit as error:
        raise _fault(text, argv, str(error).partition("\n")[0]) from None
    _check_company(text, words)
    if words["--color"] not in {None, *COLOUR_WORDS}:
        raise UsageError(f"--color takes auto, always or never; not `{words['--color'][:80]}`", "leave it out for auto")
    return words


def _check_command(text: str, argv: Sequence[str]) -> None:
    """Raise UsageError for a command that other tools have, with what it is here; a typing error is none."""
    words = _plain_words(text, argv)
    if words and words[0] in OTHER_NAMES:
        command = OTHER_NAMES[words[0]]
        rest = [word for word in words[1:] if word.isascii() and word.isdigit()]
        everything = "--all" in map(partial(_in_full, text), _own(argv))
        whom = [] if command in WITHOUT_IDS else ["--all"] if everything else rest or ["<ID>"]
        line = f"write `phoenix {' '.join([command, *whom])[:60]}`"
        more = "; what create would change shows `phoenix plan`" if command == "status" else ""
        raise UsageError(f"unknown command `{words[0]}`; phoenix calls it `{command}`", line + more)


def _check_flag(text: str, flag: str) -> None:
    """Raise UsageError for a flag that does not exist, exists no more, or could be several."""
    if flag in REPLACED:
        raise UsageError(f"{flag} does not exist any more", f"use `{REPLACED[flag]}`")
    if not flag.startswith("--") or flag == "--":
        return
    meant = _meant(text, flag)
    if not meant:
        near = nearest(flag[2:], [option[2:] for option in _options(text)])
        raise UsageError(f"unknown option {flag[:80]}{f'; did you mean `--{near}`?' if near else ''}", SEE_HELP)
    if len(meant) > 1:
        raise UsageError(f"{flag} is short for several: {', '.join(sorted(meant))}", "write it in full")


def _check_company(text: str, words: Mapping[str, Any]) -> None:
    """Raise UsageError for an option that the command would not heed."""
    command = next((name for name in _commands(text) if words[name]), "create")
    for option, (commands, advice) in GOES_WITH.items():
        previewed = option == "--exit-code" and words["--dry-run"]
        if words[option] and command not in commands and not previewed:
            *some, last = commands
            named = f"{', '.join(some)} or {last}" if some else last
            raise UsageError(f"{option} goes with {named}, not with {command}", advice)


def _commands(text: str) -> list[str]:
    groups = re.findall(r"^  phoenix \[options\] \(?([a-z-]+(?: \| [a-z-]+)*)", text, re.MULTILINE)
    return [name for group in groups for name in group.split(" | ")]


def _fault(text: str, argv: Sequence[str], said: str) -> UsageError:
    """Return what is wrong with a line that docopt does not understand; `said` is its own word on that."""
    if flag := re.match(r"(--?\S+) (requires argument|must not have)", said):
        what = re.search(rf"{flag[1]} ([A-Z]+)", text)
        needs = UsageError(f"{flag[1]} needs a value", f"write `{flag[1]} {what[1]}`") if what else None
        return needs or UsageError(f"{flag[1]} takes no value", SEE_HELP)
    words = [word for word in _own(argv) if not word.startswith("-")]
    if "--all" in map(partial(_in_full, text), _own(argv)) and any(word.isdigit() for word in words):
        return UsageError("`--all` and IDs exclude each other", "give one of them")
    if odd := re.search(r"Option\((None|'-.'), (None|'[^']*')", said):
        return _odd_option(text, argv, words, *(part.strip("'").replace("None", "") for part in odd.groups()))
    return _odd_words(text, words)


def _odd_option(text: str, argv: Sequence[str], words: Sequence[str], short: str, long: str) -> UsageError:
    if long not in _options(text):
        return UsageError(f"unknown option {long or short}", SEE_HELP)
    if sum(_in_full(text, word.partition("=")[0]) in {short, long} for word in _own(argv)) > 1:
        return UsageError(f"{long} stands twice", "leave one of them out")
    if not words:
        return UsageError("no command is given", SEE_HELP)
    return UsageError(f"`{long}` does not go with `{words[0][:80]}`", SEE_HELP)


def _odd_words(text: str, words: Sequence[str]) -> UsageError:
    if not words:
        return UsageError("no command is given", f"for example: phoenix create 8001; {SEE_HELP}")
    if words[0] == "validate" and not all(word.isdigit() for word in words[1:]):
        return UsageError(
            "`validate` takes its folder by --config", f"write `phoenix validate --config {words[1][:80]}`"
        )
    if words[0] in WITHOUT_IDS:
        instead = "phoenix status" if words[0] == "list" else "phoenix plan"
        return UsageError(f"`{words[0]}` takes no ID", f"for example: {instead} {' '.join(words[1:])}"[:80])
    if words[0].isdigit() and (late := next((word for word in words if word in _commands(text)), "")):
        ids = " ".join(word for word in words if word != late)
        return UsageError("the command comes before the IDs", f"write `phoenix {late} {ids}`"[:80])
    if words[0].isdigit():
        return UsageError("several IDs need a command", f"for example: phoenix create {' '.join(words)}"[:80])
    if words[0] in _commands(text):
        return UsageError(f"`{words[0]}` needs at least one guest ID", f"for example: phoenix {words[0]} 8001")
    return UsageError(f"unknown command `{words[0][:80]}`{suggestion(words[0], _commands(text))}", SEE_HELP)
