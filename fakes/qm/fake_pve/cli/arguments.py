"""From the words after the command's name to validated values."""

from __future__ import annotations

from fake_pve import propstring, schema
from fake_pve.cli import getopt, validate
from fake_pve.errors import CommandFailed, ParameterErrors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.schema import Option


class UsageError(CommandFailed):
    """`400 not enough arguments` and its like: the synopsis follows."""


def read(call: Call, argv: list[str]) -> None:
    """Fill `call.params` and `call.extra` from `argv`.

    The order is the real tools': options are parsed (an unknown one ends it), then the number of bare arguments, then
    booleans, then all values at once (qm-cli-*, qm-create-cli-*, qm-missing-args-*).
    """
    table = schema.command(call.tool, call.command)
    options: dict[str, Option] = table["options"]
    positional: tuple[str, ...] = table["positional"]
    parsed = getopt.parse(argv, options)
    for problem in parsed.problems:
        call.err(problem)
    if parsed.problems:
        raise UsageError("400 unable to parse option")
    bare = _positional(call, parsed.arguments, positional, options)
    params = {}
    for name, value in parsed.values.items():
        params[name] = _boolean(value) if (schema.find(options, name) or {})["type"] == "boolean" else value or ""
    params |= bare
    for name in getopt.PASSWORDS & options.keys():
        if name in params or not options[name].get("optional"):
            params[name] = params.get(name) or _read_password(call)
    if call.tool == "qm" and "sshkeys" in params:
        from fake_pve.vm import inputs  # only for this option, which names a file

        inputs.read_files(call, params)
    problems = validate.check_object({**options, "extra-args": {"optional": 1}}, params)
    if problems:
        error = ParameterErrors(problems)
        if "/" in params.get("timezone", "") and "timezone" not in problems:  # a look into the zones leaves 25 in errno
            error.status = 25
        raise error
    call.params = params


def _read_password(call: Call) -> str:
    """A password that was asked for but not given is read from stdin, twice; without a terminal nobody is prompted."""
    lines = call.stdin().split("\n")
    if len(lines) < 3:
        raise CommandFailed("EOF while reading password")
    if lines[0] != lines[1]:
        raise CommandFailed("Passwords do not match.")
    return lines[0]


def _boolean(value: str | None) -> str:
    """A boolean option without value, or with an empty one, is true (qm-set-047)."""
    found = propstring.boolean(value) if value else "1"
    if found is None:
        raise UsageError("400 unable to parse boolean option")
    return found


def _positional(call: Call, arguments: list[str], names: tuple[str, ...], options: dict[str, Option]) -> dict[str, str]:
    """Bare arguments by name; `extra-args` takes all that are left."""
    params: dict[str, str] = {}
    rest = list(arguments)
    for name in names:
        if name == "extra-args":
            call.extra, rest = rest, []
        elif rest:
            params[name] = rest.pop(0)
        elif not options[name].get("optional"):
            raise UsageError("400 not enough arguments")
    if rest:
        raise UsageError("400 too many arguments")
    return params
