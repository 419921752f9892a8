"""The command line: what each mistake is answered with."""

from __future__ import annotations

import errno
import json
import sys

import phoenix
import pytest

from phoenix_pve import command_line

HELP = phoenix.__doc__ or ""


def parsed(line: str) -> object:
    return command_line.parse(HELP, line.split(), "1.2.3")


MISTAKES = [
    ("--yes", "no command is given", "phoenix --help"),
    ("creat 8001", "unknown command `creat`; did you mean `create`?", "phoenix --help"),
    ("delete 8001 --exit-code", "--exit-code goes with plan, not with delete", "phoenix --help"),
    ("8001 delete", "the command comes before the IDs", "write `phoenix delete 8001`"),
    ("8001 101 stop", "the command comes before the IDs", "write `phoenix stop 8001 101`"),
    ("8001 101", "several IDs need a command", "phoenix create 8001 101"),
    ("list 8001", "`list` takes no ID", "phoenix status 8001"),
    ("validate 8001", "`validate` takes no ID", "phoenix plan 8001"),
    ("create --all 8001", "`--all` and IDs exclude each other", "one of them"),
    ("--all 8001", "`--all` and IDs exclude each other", "one of them"),
    ("list --all", "`--all` does not go with `list`", "phoenix --help"),
    ("adopt --all", "`--all` does not go with `adopt`", "phoenix --help"),
    ("--nope create 8001", "unknown option --nope", "phoenix --help"),
    ("create 8001 --dryrun", "unknown option --dryrun; did you mean `--dry-run`?", "phoenix --help"),
    ("create 8001 --forced", "unknown option --forced; did you mean `--force`?", "phoenix --help"),
    ("-x create 8001", "unknown option -x", "phoenix --help"),
    ("create 8001 -nx", "unknown option -x", "phoenix --help"),
    ("create 8001 --ver", "--ver is short for several: --verbose, --verify, --version", "in full"),
    ("create 8001 --timeout", "--timeout needs a value", "--timeout S"),
    ("--config", "--config needs a value", "--config DIR"),
    ("list --json=yes", "--json takes no value", "phoenix --help"),
    ("create 8001 --quiet --quiet", "--quiet stands twice", "leave one of them out"),
    ("create 8001 --jobs 2 --jobs 3", "--jobs stands twice", "leave one of them out"),
    ("create 8001 --exit-code", "--exit-code goes with plan, not with create", "phoenix --help"),
    ("8001 --exit-code", "--exit-code goes with plan, not with create", "phoenix --help"),
    ("delete 8001 --verify", "--verify goes with create, plan or adopt, not with delete", "phoenix --help"),
    ("start 8001 --restart", "--restart goes with create, plan or adopt, not with start", "phoenix restart"),
    ("apply 8001", "unknown command `apply`; phoenix calls it `create`", "write `phoenix create 8001`"),
    ("up", "unknown command `up`; phoenix calls it `create`", "write `phoenix create <ID>`"),
    ("-q destroy --al", "unknown command `destroy`; phoenix calls it `delete`", "write `phoenix delete --all`"),
    ("--host pve1 rm 8001 101 --yes", "unknown command `rm`; phoenix calls it `delete`", "`phoenix delete 8001 101`"),
    ("ls", "unknown command `ls`; phoenix calls it `list`", "write `phoenix list`"),
    ("show 8001", "unknown command `show`; phoenix calls it `status`", "`phoenix status 8001`; what create would"),
    ("validate config/", "`validate` takes its folder by --config", "write `phoenix validate --config config/`"),
    ("list --color blue", "--color takes auto, always or never; not `blue`", "leave it out"),
    ("list --color", "--color needs a value", "--color WHEN"),
    ("create 8001 --create-vm", "--create-vm does not exist any more", "use `phoenix create <ID>`"),
]


@pytest.mark.parametrize(("line", "problem", "advice"), MISTAKES)
def test_a_mistake_is_named(line: str, problem: str, advice: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert parsed(line) == 2
    said = capsys.readouterr()
    first, hint = said.err.splitlines()
    assert first == f"error: {problem}"
    assert hint.startswith("  hint: ")
    assert advice in hint
    assert said.out == ""


@pytest.mark.parametrize("line", ["--json", "--json creat 8001", "list --json 5", "create 8001 --nope --json"])
def test_a_mistake_is_one_json_document_too(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert parsed(line) == 2
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["ok"] is False
    assert document["error"]["status"] == 2
    assert document["error"]["message"] in said.err


def test_without_a_word_the_usage_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert parsed("") == 2
    said = capsys.readouterr()
    assert said.err.startswith(
        "error: no command is given\n  hint: for example: phoenix create 8001; see `phoenix --help`"
    )
    assert "\nUsage:\n  phoenix [options] (create | plan | delete) (--all | <ID>...)\n" in said.err
    assert said.out == ""


@pytest.mark.parametrize("name", command_line.OTHER_NAMES)
def test_what_other_tools_call_it_is_never_carried_out(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for line in (name, f"{name} 8001", f"--json {name} --all --yes"):
        assert parsed(line) == 2
        assert f"`phoenix {command_line.OTHER_NAMES[name]}" in capsys.readouterr().err
    assert name not in command_line._commands(HELP)
    assert command_line.OTHER_NAMES[name] in command_line._commands(HELP)


@pytest.mark.parametrize("line", HELP.splitlines())
def test_the_help_fits_in_a_terminal(line: str) -> None:
    assert len(line) <= 80


@pytest.mark.parametrize(
    "line",
    [
        "-h",
        "--help",
        "--hel",
        "create --help",
        "create 8001 -h",
        "--json list --help",
        "help",
        "help create",
        "-q help",
    ],
)
def test_help_is_given_wherever_it_is_asked_for(line: str) -> None:
    assert parsed(line) == HELP.strip()


@pytest.mark.parametrize("line", ["--version", "--vers", "create 8001 --version", "version", "-q version"])
def test_the_version(line: str) -> None:
    assert parsed(line) == "phoenix 1.2.3"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("8001", {"<ID>": ["8001"]}),
        ("-n create 8001 101", {"create": True, "<ID>": ["8001", "101"], "--dry-run": True}),
        ("create 8001 -n --exit-code", {"create": True, "<ID>": ["8001"], "--dry-run": True, "--exit-code": True}),
        ("create 8001 --no", {"create": True, "<ID>": ["8001"], "--no-wait": True}),
        ("--host help list", {"list": True, "--host": "help"}),
        ("ssh 8001 help", {"ssh": True, "<ID>": ["8001"], "<COMMAND>": ["help"]}),
        ("ssh 8001 -- ls --all -h", {"ssh": True, "<ID>": ["8001"], "--": True, "<COMMAND>": ["ls", "--all", "-h"]}),
    ],
)
def test_a_good_line_is_taken_apart(line: str, wanted: dict[str, object]) -> None:
    words = parsed(line)
    assert isinstance(words, dict)
    assert {key: value for key, value in words.items() if value} == wanted


def ending(monkeypatch: pytest.MonkeyPatch, ended: int | BaseException) -> int:
    """Let main() end in some way; return the exit status of the program."""

    def main() -> int:
        if isinstance(ended, BaseException):
            raise ended
        return ended

    def leave(number: int) -> None:
        raise SystemExit(number)

    monkeypatch.setattr(phoenix, "main", main)
    monkeypatch.setattr(phoenix.os, "_exit", leave)
    monkeypatch.setattr(phoenix.gc, "disable", lambda: None)
    with pytest.raises(SystemExit) as end:
        phoenix.run()
    return int(str(end.value.code))


@pytest.mark.parametrize(("ended", "status"), [(3, 3), (0, 0), (KeyboardInterrupt(), 130)])
def test_how_the_program_ends(ended: int | BaseException, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ending(monkeypatch, ended) == status


@pytest.mark.parametrize("bug", [BrokenPipeError(), FileNotFoundError(), OSError(errno.ENOSPC, "No space left")])
def test_a_bug_is_never_taken_for_a_lost_reader(bug: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, check=lambda error: error is bug):
        ending(monkeypatch, bug)


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [(BrokenPipeError(), 0, ""), (OSError(errno.ENOSPC, "No space left"), 1, "No space left")],
)
def test_help_that_nobody_hears(
    error: OSError, status: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(*_: object) -> None:
        raise error

    monkeypatch.setattr(sys, "argv", ["phoenix", "--help"])
    monkeypatch.setattr(sys.stdout, "write", write)
    assert phoenix.main() == status
    assert said in capsys.readouterr().err
