"""The command line -> words, by docopt; with errors that say what was meant."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import docopt

from phoenix_pve.errors import UsageError
from phoenix_pve.explain import suggestion
from phoenix_pve.render import error_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

REPLACED = {
    "--create-vm": "phoenix create <ID>",
    "--start-vm": "phoenix start <ID>",
    "--stop-vm": "phoenix stop <ID>",
    "--delete-vm": "phoenix delete <ID>",
}
"""Flags of phoenix's predecessor, and what does their work now."""


def parse(text: str, argv: Sequence[str], version: str) -> dict[str, Any] | int:
    """Return docopt's words for `argv`, or the exit status when nothing is left to do but say so."""
    if "--version" in _own(argv):
        print(f"phoenix {version}")
        return 0
    try:
        return _words(text, argv)
    except UsageError as error:
        print("\n".join(error_lines(error)), file=sys.stderr)
        return error.status


def _own(argv: Sequence[str]) -> Sequence[str]:
    """Return the words that are phoenix's own: what stands behind `--` is for a guest."""
    return argv[: argv.index("--")] if "--" in argv else argv


def _words(text: str, argv: Sequence[str]) -> dict[str, Any]:
    for word in _own(argv):
        _check_flag(text, word)
    try:
        return dict(docopt.docopt(text, list(argv), default_help=False))
    except docopt.DocoptExit:
        raise UsageError(_fault(text, argv), "see `phoenix --help`") from None


def _check_flag(text: str, word: str) -> None:
    """Raise UsageError for a flag that does not exist, or exists no more."""
    flag = word.partition("=")[0]
    if flag in REPLACED:
        raise UsageError(f"{flag} does not exist any more", f"use `{REPLACED[flag]}`")
    known = re.findall(r"--[a-z-]+", text)
    if flag.startswith("--") and flag != "--" and not any(k.startswith(flag) for k in known):
        raise UsageError(f"unknown option {flag[:80]}{suggestion(flag, known)}", "see `phoenix --help`")


def _fault(text: str, argv: Sequence[str]) -> str:
    commands = re.findall(r"^  phoenix \[options\] ([a-z-]+)", text, re.MULTILINE)
    words = [word for word in _own(argv) if not word.startswith("-")]
    if not words:
        return "no command is given"
    if words[0] in commands:
        takes = "takes no ID" if words[0] in {"list", "validate"} else "needs at least one guest ID"
        return f"`{words[0]}` {takes}, or an option does not fit"
    return f"unknown command `{words[0][:80]}`{suggestion(words[0], commands)}"
