"""The script that is sent to a node, against a real shell."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phoenix_pve import ssh_script
from phoenix_pve.node import WHOLE, LocalNode, Questions, temporary_of

MARK = "0123456789abcdef"
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
SHELLS = [shell for shell in ("/bin/sh", "/bin/bash") if Path(shell).exists()]


def answer(lines: list[str], shell: str = "/bin/sh", cut: int | None = None) -> ssh_script.Reply:
    text = ssh_script.script(MARK, lines)[:cut]
    done = subprocess.run([shell, "-c", ssh_script.BOOT], input=text, capture_output=True, check=False)
    return ssh_script.reply(MARK, done.stdout, done.stderr)


@settings(max_examples=30)
@given(st.lists(WORDS, max_size=4), WORDS)
def test_every_string_survives(words: list[str], stdin: str) -> None:
    argv = ["printf", "%s|", *words, "end"]
    lines = [ssh_script.run_line(argv), ssh_script.run_line(["cat"], stdin)]
    reply = answer(lines)
    one, two = ssh_script.commands_in(reply, [argv, ["cat"]])
    assert one.stdout == "".join(f"{word}|" for word in [*words, "end"])
    assert (two.stdout, two.exit, reply.whole) == (stdin, 0, True)


@pytest.mark.parametrize("shell", SHELLS)
def test_several_answers_are_kept_apart(shell: str) -> None:
    argvs = [["sh", "-c", "echo out; echo err >&2; exit 255"], ["true"], ["printf", "no end of line"]]
    done = ssh_script.commands_in(answer([*map(ssh_script.run_line, argvs)], shell), argvs)
    assert [(d.exit, d.stdout, d.stderr) for d in done] == [
        (255, "out\n", "err\n"),
        (0, "", ""),
        (0, "no end of line", ""),
    ]


def test_a_command_reads_nothing_of_the_script() -> None:
    reply = answer([ssh_script.run_line(["cat"])])
    assert (ssh_script.commands_in(reply, [["cat"]])[0].stdout, reply.whole) == ("", True)


def test_a_command_that_is_not_there() -> None:
    argvs = [["true"], ["qm-that-is-not-there", "list"]]
    assert ssh_script.missing_in(answer([*map(ssh_script.run_line, argvs)]), argvs) == "qm-that-is-not-there"


@settings(max_examples=15)
@given(st.binary(max_size=300), st.integers(1, 400))
def test_files_come_as_they_are(tmp_path_factory: pytest.TempPathFactory, data: bytes, limit: int) -> None:
    folder = tmp_path_factory.mktemp("files")
    for name in ("a b'c", ".hidden", "line\nfeed"):
        folder.joinpath(name).write_bytes(data)
    questions = Questions(files={"/a b'c": limit, "/nowhere": 5, "/": 5}, folders=("", "/none"))
    found = ssh_script.files_in(answer([*ssh_script.look_lines(questions, str(folder))]), str(folder))
    assert {path: file.data for path, file in found.items() if path != "/a b'c"} == {
        "/.hidden": data,
        "/line\nfeed": data,
    }
    assert {file.size for file in found.values()} == {len(data)}


@pytest.mark.parametrize("name", ["node", "no'de *"])
def test_files_that_fit_a_pattern(tmp_path: Path, name: str) -> None:
    """A `*` stands for one name; only the pattern has one, whatever the folder before it is called."""
    for path in (
        f"{name}/n/pve2/lxc/8.conf",
        f"{name}/n/pve1/qemu/9.conf",
        f"{name}/n/8.conf",
        "no'de x/n/pve3/lxc/8.conf",
    ):
        tmp_path.joinpath(path).parent.mkdir(parents=True, exist_ok=True)
        tmp_path.joinpath(path).write_text(path)
    questions, root = Questions(patterns=("/n/*/*/8.conf", "/none/*/x")), str(tmp_path / name)
    there = ssh_script.files_in(answer([*ssh_script.look_lines(questions, root)]), root)
    assert list(there) == list(LocalNode(root).look(questions).files) == ["/n/pve2/lxc/8.conf"]


def test_a_limit_keeps_the_size(tmp_path: Path) -> None:
    tmp_path.joinpath("image").write_bytes(b"QFI\xfb\n" * 1000)
    reply = answer([*ssh_script.look_lines(Questions(files={"/image": 7, "/whole": WHOLE}), str(tmp_path))])
    (file,) = ssh_script.files_in(reply, str(tmp_path)).values()
    assert (file.size, file.data) == (5000, b"QFI\xfb\nQF")


@settings(max_examples=10)
@given(WORDS)
def test_a_file_is_written_as_it_is(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("written") / "new folder" / "user's.yaml"
    for _ in range(2):
        assert ssh_script.commands_in(answer([ssh_script.write_line(str(path), text)]), [["w"]])[0].exit == 0
    assert path.read_bytes() == text.encode()
    assert (path.stat().st_mode & 0o7777, list(path.parent.iterdir())) == (0o600, [path])


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "d/x/y").mkdir(parents=True)
    done = ssh_script.commands_in(answer([ssh_script.write_line(f"{tmp_path}/d/x", "text")]), [["w"]])[0]
    assert done.exit
    assert "directory" in done.stderr
    assert [p.name for p in (tmp_path / "d").iterdir()] == ["x"]


def test_a_write_that_was_killed_leaves_its_file_where_the_next_run_finds_it(tmp_path: Path) -> None:
    path, there = str(tmp_path / "user.yaml"), tmp_path / "bin"
    there.mkdir()
    (there / "sync").write_text("#!/bin/sh\nkill -9 $PPID\n")
    (there / "sync").chmod(0o755)
    text = ssh_script.script(MARK, [f"PATH={there}:$PATH", ssh_script.write_line(path, "secret")])
    subprocess.run(["sh", "-c", ssh_script.BOOT], input=text, capture_output=True, check=False)
    left = Path(temporary_of(path))
    assert (left.read_text(), left.stat().st_mode & 0o777) == ("secret", 0o600)
    victim = tmp_path / "victim"
    victim.write_text("kept")
    left.unlink()
    left.symlink_to(victim)
    assert ssh_script.commands_in(answer([ssh_script.write_line(path, "secret")]), [["w"]])[0].exit == 0
    assert (victim.read_text(), Path(path).read_text(), Path(path).is_symlink()) == ("kept", "secret", False)
    assert not left.is_symlink()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_that_is_cut_short_does_nothing(tmp_path: Path, shell: str) -> None:
    lines = [ssh_script.run_line(["touch", f"{tmp_path}/{name}"]) for name in ("one", "two")]
    whole = len(ssh_script.script(MARK, lines))
    for cut in (whole - 2, whole - 12, whole - 40, whole // 2):
        assert not answer(lines, shell, cut).whole
    assert list(tmp_path.iterdir()) == []


def test_a_noisy_login_shell_is_no_answer() -> None:
    text = ssh_script.script(MARK, [ssh_script.run_line(["echo", "fine"])])
    boot = "echo welcome; echo warning >&2; " + ssh_script.BOOT
    done = subprocess.run(["sh", "-c", boot], input=text, capture_output=True, check=False)
    reply = ssh_script.reply(MARK, done.stdout, done.stderr)
    assert ssh_script.commands_in(reply, [["echo"]])[0].stdout == "fine\n"
    assert reply.noise == "warning\n"


def test_no_argument_holds_a_nul() -> None:
    with pytest.raises(ValueError, match="NUL"):
        ssh_script.run_line(["a\0b"])


@pytest.mark.parametrize("shell", SHELLS)
def test_bounds_keep_status_and_streams_and_cut_what_is_too_much(shell: str) -> None:
    argvs = [
        ["sh", "-c", "echo out; echo err >&2; exit 7"],
        ["sh", "-c", "head -c 5000 /dev/zero | tr '\\0' x; head -c 5000 /dev/zero | tr '\\0' y >&2; exit 3"],
        ["yes"],
        ["sleep", "60"],
        ["cat"],
    ]
    lines = [ssh_script.run_line(argv, "in" if argv == ["cat"] else None, (1000, 1)) for argv in argvs]
    reply = answer(lines, shell)
    good, much, endless, late, fed = ssh_script.commands_in(reply, argvs)
    assert (good.exit, good.stdout, good.stderr) == (7, "out\n", "err\n")
    assert (len(much.stdout), len(much.stderr)) == (1000, 1000)
    assert (len(endless.stdout), endless.exit != 0) == (1000, True)
    assert late.exit in ssh_script.LATE
    assert (fed.stdout, reply.whole) == ("in", True)
    gone = [["qm-that-is-not-there"]]
    assert ssh_script.missing_in(answer([ssh_script.run_line(gone[0], None, (9, 1))], shell), gone) == gone[0][0]


@pytest.mark.parametrize("shell", [SHELLS[0], *(pytest.param(shell, marks=pytest.mark.slow) for shell in SHELLS[1:])])
def test_a_script_of_any_length_is_walked(tmp_path: Path, shell: str) -> None:
    """As a node with 3,000 guests is asked for: dash died of more than 105,000 commands in one list."""
    (tmp_path / "file-77").write_text("here")
    questions = Questions(files={f"/file-{n}": 1 + n % 2 for n in range(150_000)})
    reply = answer([*ssh_script.look_lines(questions, str(tmp_path))], shell)
    assert reply.whole
    assert ssh_script.files_in(reply, str(tmp_path)).keys() == {"/file-77"}
    assert answer([":"] * 120_000, shell).whole


def test_what_is_no_file_and_what_is_mounted(tmp_path: Path) -> None:
    (tmp_path / "folder/inner").mkdir(parents=True)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "proc").symlink_to("/proc")
    questions = Questions(
        files=dict.fromkeys(["/pipe", "/device", "/folder", "/nothing"], 9),
        folders=("/folder",),
        mounts=("/proc", "/folder", "/nothing"),
    )
    reply = answer([*ssh_script.look_lines(questions, str(tmp_path))])
    assert ssh_script.files_in(reply, str(tmp_path)) == {}
    odd = ssh_script.named_in(reply, "odd", str(tmp_path)) & questions.files.keys()
    assert odd == {"/pipe", "/device", "/folder"}
    assert ssh_script.named_in(reply, "mounted", str(tmp_path)) == {"/proc"}


def test_every_command_finds_the_same_surroundings(tmp_path: Path) -> None:
    lines = [ssh_script.run_line(["sh", "-c", "umask; pwd; env; command -v sysctl"])]
    text = ssh_script.script(MARK, lines)
    env = {"PATH": "/usr/bin:/bin", "LC_ALL": "POSIX", "LANGUAGE": "de", "LANG": "de_DE"}
    boot = f"umask 777; cd {tmp_path}; {ssh_script.BOOT}"
    done = subprocess.run(["sh", "-c", boot], input=text, env=env, capture_output=True, check=False)
    said = ssh_script.commands_in(ssh_script.reply(MARK, done.stdout, done.stderr), [["sh"]])[0].stdout.splitlines()
    assert said[:2] == ["0022", "/"]
    assert {"LC_ALL=C.UTF-8", "LANG=C.UTF-8", "PATH=/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"} <= set(said)
    assert not any(line.startswith("LANGUAGE=") for line in said)


@pytest.mark.parametrize("umask", ["000", "077", "777"])
def test_modes_do_not_depend_on_the_umask(tmp_path: Path, umask: str) -> None:
    (tmp_path / "var/lib").mkdir(parents=True)
    (tmp_path / "old/var/lib/phoenix").mkdir(parents=True)
    paths = ["var/lib/phoenix/1.unfinished", "old/var/lib/phoenix/1.unfinished", "snippets/a"]
    lines = [f"umask {umask}", *(ssh_script.write_line(f"{tmp_path}/{path}", "x") for path in paths)]
    done = ssh_script.commands_in(answer(lines), [["w"]] * 3)
    assert [one.exit for one in done] == [0, 0, 0]
    files = [(tmp_path / path).stat().st_mode & 0o777 for path in paths]
    folders = [(tmp_path / path).parent.stat().st_mode & 0o777 for path in paths[:2]]
    assert (files, folders) == ([0o600] * 3, [0o700] * 2)
