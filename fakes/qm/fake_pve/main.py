"""The entry of all three tools: resolve the command, read its arguments, run it, report how it ended."""

from __future__ import annotations

import os
import sys

from fake_pve import faults, files, journal
from fake_pve.call import Call
from fake_pve.errors import NOT_MODELLED_STATUS, CommandFailed, NotModelled, ParameterErrors
from fake_pve.node import Node, misuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType
    from typing import BinaryIO


def main(
    tool: str, argv: list[str], environ: Mapping[str, str], stdin: BinaryIO, stdout: BinaryIO, stderr: BinaryIO
) -> int:
    """Run one command of `tool` on the node that `environ` names and return the exit status.

    Nothing of the process is used but what is given, so that it can be called many times in one process.
    """
    wrong = misuse(environ)
    if wrong:
        stderr.write(f"fake-pve: {wrong}\n".encode("utf-8", "surrogateescape"))
        return NOT_MODELLED_STATUS
    call = Call(Node(environ), tool, (stdin, stdout, stderr))
    entry_ = journal.begin(call, argv)
    status = 1
    longest = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)  # Perl reads a number of any length
    try:
        status = _run(call, argv)
    finally:
        sys.set_int_max_str_digits(longest)
        entry_.end(status, call.stdin_text)
    return status


def _run(call: Call, argv: list[str]) -> int:
    """The command with the faults that somebody asked for."""
    try:
        rule = faults.find(call.node, call.tool, argv)
    except CommandFailed as failure:
        call.err(failure.message)
        return failure.status
    except OSError as problem:
        return _failed(call, argv, problem)
    status = _reported(call, argv, rule)
    wanted = faults.after(call, rule) if rule else None
    call.flush()
    return status if wanted is None else wanted


def _reported(call: Call, argv: list[str], rule: faults.Rule | None) -> int:
    """The command with its failures turned into messages and an exit status."""
    try:
        _dispatch(call, argv, rule)
    except CommandFailed as failure:
        call.err(failure.message + _usage_below(call, failure))
        return failure.status
    except SystemExit as passed_on:
        return passed_on.code if isinstance(passed_on.code, int) else 1
    except BrokenPipeError:
        raise
    except Exception as problem:  # noqa: BLE001 - nothing may end as a traceback
        return _failed(call, argv, problem)
    finally:
        call.flush()
    return 0


def _failed(call: Call, argv: list[str], problem: Exception) -> int:
    """Say what nobody expected: trouble of the node's, or a mistake of the fake's, which must not look like such."""
    if isinstance(problem, OSError) and (words := files.blame(problem)):
        call.err(words)
        return 255
    call.err(_confession(call.node, argv, problem))
    return NOT_MODELLED_STATUS


def _confession(node: Node, argv: list[str], mistake: Exception) -> str:
    """One line about an exception that nobody expected; the traceback goes to <root>/var/log/fake-pve/mistakes.log."""
    import traceback

    file = f"{node.root}/var/log/fake-pve/mistakes.log"
    text = "".join(traceback.format_exception(mistake))
    try:
        with open(file, "a", encoding="utf-8", errors="surrogateescape") as log:
            log.write(f"{argv}\n{text}\n")
    except OSError:
        return f"fake-pve: a mistake of the fake itself: {mistake!r}"
    return f"fake-pve: a mistake of the fake itself: {mistake!r} (the traceback is in {file})"


def _dispatch(call: Call, argv: list[str], rule: faults.Rule | None) -> None:
    """Resolve, validate, run."""
    from fake_pve.cli import arguments, commands

    call.command, rest = commands.resolve(call.tool, argv)
    if call.command in commands.BUILT_IN:
        _help(call, rest)
        return
    arguments.read(call, rest)
    call.decode()
    module = handler(call.tool, call.command)
    for name in getattr(module, "REFUSED", ()):
        if name in call.params:
            raise NotModelled(f"{call.tool} {call.command} --{name}")
    if rule is None or faults.before(call, rule):
        module.run(call)


def handler(tool: str, command: str) -> ModuleType:
    """A subcommand's own module: its `run`, and perhaps REFUSED, options that are refused; NotModelled without one."""
    name = f"fake_pve.{tool}.{command.replace(' ', '_').replace('-', '_')}"
    try:
        module = __import__(name, fromlist=["run"])
    except ModuleNotFoundError as missing:
        if missing.name != name:
            raise
        raise NotModelled(f"{tool} {command}") from None
    return module


def _help(call: Call, rest: list[str]) -> None:
    """`qm help`, `qm help create` (qm-cli-002…007)."""
    from fake_pve.cli import commands, usage

    if call.command != "help":
        raise NotModelled(f"{call.tool} {call.command}")
    words = [word for word in rest if not word.startswith("-")]
    if not words:
        call.out(usage.overview(call.tool))
        return
    group = commands.group(call.tool, words)
    if group:
        call.out(usage.overview(call.tool, group))
        return
    try:
        name, _ = commands.resolve(call.tool, words)
    except CommandFailed as failure:
        failure.message = failure.message.replace(f"command '{call.tool} ", "command '", 1)
        raise
    call.out(usage.details(call.tool, name))


def _usage_below(call: Call, failure: CommandFailed) -> str:
    """The synopsis that follows an error about parameters."""
    from fake_pve.cli.arguments import UsageError

    if not isinstance(failure, (ParameterErrors, UsageError)):
        return ""
    from fake_pve.cli.usage import synopsis

    return "\n" + synopsis(call.tool, call.command)


def entry(tool: str) -> None:
    """Run as a program: on the process's own arguments and streams, without Python's slow goodbye."""
    ends = (sys.stdin, sys.stdout, sys.stderr)  # None for one that the caller closed
    streams = [open(os.devnull, "r+b") if end is None else end.buffer for end in ends]  # noqa: SIM115 - it goes with the process
    try:
        status = main(tool, sys.argv[1:], os.environ, *streams)
        for stream in streams[1:]:
            stream.flush()
    except OSError as problem:
        status = _unheard(problem)
    os._exit(status)


def _unheard(problem: OSError) -> int:
    """End as Perl does when nobody takes what is said: by SIGPIPE, or with a word about a disk that is full."""
    import signal

    if isinstance(problem, BrokenPipeError):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGPIPE)
    try:
        os.write(2, f"Unable to flush stdout: {problem.strerror}\n".encode())
    except OSError:
        pass
    return 255
