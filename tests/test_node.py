"""The process boundary: commands, files, and a node that can only be looked at."""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path

import pytest

from phoenix_pve.commands import LOCK_DEADLINE, run_command, run_pct_command, run_qm_command
from phoenix_pve.errors import CommandFailedError, NodeError, PhoenixError, TooSlowError
from phoenix_pve.node import Completed, LocalNode, QueryOnly, Questions


class Scripted(LocalNode):
    """A node that answers from a list."""

    def __init__(self, *answers: Completed) -> None:
        super().__init__("/nowhere")
        self.answers = list(answers)
        self.calls: list[tuple[str, ...]] = []

    def run(self, argv, stdin=None, seconds=None, *, log=""):  # type: ignore[no-untyped-def]
        self.calls.append(tuple(argv))
        return self.answers.pop(0)


def ended(status: int = 0, stderr: str = "") -> Completed:
    return Completed(("qm", "set", "8001"), status, "", stderr)


LOCKED = ended(255, "can't lock file '/var/lock/qemu-server/lock-8001.conf' - got timeout")


def test_a_command_runs_with_its_words_as_they_are(tmp_path: Path) -> None:
    done = LocalNode().run(["printf", "%s|", "a b", "$(x)", ""])
    assert (done.exit, done.stdout) == (0, "a b|$(x)||")


def test_output_that_is_no_text_is_no_error() -> None:
    assert LocalNode().run(["printf", r"\377"]).stdout == "\ufffd"


def test_a_missing_tool_is_explained() -> None:
    with pytest.raises(NodeError, match="there is no `qm-that-is-not-there`"):
        LocalNode().run(["qm-that-is-not-there"])


def test_files_are_read_up_to_a_limit_and_missing_ones_left_out(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    found = LocalNode(str(tmp_path)).read({"/a": 3, "/b": 3, "/a/c": 3})
    assert {path: (file.size, file.data) for path, file in found.items()} == {"/a": (5, b"123")}


def test_a_file_is_written_for_its_owner_alone_and_leaves_nothing_beside(tmp_path: Path) -> None:
    node = LocalNode(str(tmp_path))
    node.write("/snippets/user.yaml", "secret")
    node.write("/snippets/user.yaml", "other")
    target = tmp_path / "snippets/user.yaml"
    assert (target.read_text(), stat.S_IMODE(target.stat().st_mode)) == ("other", 0o600)
    assert list(target.parent.iterdir()) == [target]


def test_what_cannot_be_written_is_explained_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "d" / "x").mkdir(parents=True)
    with pytest.raises(NodeError, match="/d/x cannot be written"):
        LocalNode(str(tmp_path)).write("/d/x", "text")
    assert [p.name for p in (tmp_path / "d").iterdir()] == ["x"]


def test_removing_twice_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    LocalNode(str(tmp_path)).remove("/a")
    LocalNode(str(tmp_path)).remove("/a")
    assert not (tmp_path / "a").exists()


def test_all_is_found_out_in_one_go(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "a").write_text("1")
    (tmp_path / "d/b").write_text("2")
    found = LocalNode(str(tmp_path)).look(Questions((("printf", "3"),), {"/a": 9, "/x": 9}, ("/d", "/y")))
    assert [done.stdout for done in found.commands] == ["3"]
    assert {path: file.data for path, file in found.files.items()} == {"/a": b"1", "/d/b": b"2"}


@pytest.mark.parametrize(
    "argv", [["qm", "set", "8001"], ["qm", "create", "8001"], ["qm", "destroy", "8001"], ["qm"], ["pct", "exec", "101"]]
)
def test_a_dry_run_cannot_reach_a_changing_command(argv: list[str]) -> None:
    inner = Scripted()
    with pytest.raises(PhoenixError, match="while planning"):
        QueryOnly(inner).run(argv)
    with pytest.raises(PhoenixError, match="while planning"):
        QueryOnly(inner).look(Questions((("qm", "status", "8001"), tuple(argv))))
    assert inner.calls == []


def test_run_qm_command_respects_the_dry_run() -> None:
    inner = Scripted(ended())
    with pytest.raises(PhoenixError, match="while planning"):
        run_qm_command(QueryOnly(inner), ["start", "8001"])
    assert inner.calls == []
    run_qm_command(QueryOnly(inner), ["status", "8001"])
    assert inner.calls == [("qm", "status", "8001")]


def test_run_pct_command_does_likewise() -> None:
    inner = Scripted(ended())
    with pytest.raises(PhoenixError, match="while planning"):
        run_pct_command(QueryOnly(inner), ["start", "101"])
    run_pct_command(inner, ["start", "101"])
    assert inner.calls == [("pct", "start", "101")]


def test_a_dry_run_cannot_write_or_remove(tmp_path: Path) -> None:
    node = QueryOnly(LocalNode(str(tmp_path)))
    with pytest.raises(PhoenixError):
        node.write("/a", "text")
    with pytest.raises(PhoenixError):
        node.remove("/a")
    assert list(tmp_path.iterdir()) == []


def test_a_held_lock_is_waited_for() -> None:
    node, slept = Scripted(LOCKED, LOCKED, ended()), list[float]()
    assert run_command(node, ["qm", "set", "8001"], clock=lambda: 0.0, sleep=slept.append).exit == 0
    assert len(slept) == 2
    assert len(set(slept)) == 2, "retries are spread, so that two waiting processes do not meet again"


def test_a_lock_held_for_good_ends_the_wait() -> None:
    times = iter([0.0, 1.0, LOCK_DEADLINE])
    with pytest.raises(CommandFailedError, match="can't lock file"):
        run_command(Scripted(LOCKED, LOCKED), ["qm", "set", "8001"], clock=lambda: next(times), sleep=lambda _: None)


@pytest.mark.parametrize(
    ("stderr", "message", "hint"),
    [
        (
            "400 Parameter verification failed.\nnet0: hotplug problem\nqm set <vmid> [OPTIONS]\n",
            "`qm set 8001` failed (exit status 255): net0: hotplug problem",
            "mend the cause",
        ),
        ("VM is locked (backup)", "VM is locked (backup)", "qm unlock <ID>"),
        ("", "it said nothing", "mend the cause"),
        ("lvcreate: No space left on device", "No space left", "make room"),
    ],
)
def test_a_failed_command_says_which_why_and_what_to_do(stderr: str, message: str, hint: str) -> None:
    with pytest.raises(CommandFailedError) as caught:
        run_command(Scripted(ended(255, stderr)), ["qm", "set", "8001"])
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("number", "hint"),
    [(errno.EACCES, "must run as root"), (errno.ENOSPC, "mend that, then run"), (errno.EROFS, "mend that, then run")],
)
def test_a_file_that_cannot_be_written_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, hint: str
) -> None:
    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(NodeError, match=f"/note cannot be written: {os.strerror(number)}") as caught:
        LocalNode(str(tmp_path)).write("/note", "text")
    assert hint in caught.value.hint
    assert list(tmp_path.iterdir()) == []


FLOOD = "head -c 3000000 /dev/zero | tr '\\0' x"


def test_of_what_a_guest_prints_a_megabyte_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "pct"
    tool.write_text(f"#!/bin/sh\n{FLOOD}\n{FLOOD} >&2\nexit 3\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    done = LocalNode().run(["pct", "exec", "101", "--", "ip"])
    assert (len(done.stdout), set(done.stdout)) == (1 << 20, {"x"})
    assert len(done.stderr) == 1 << 20
    assert len(LocalNode().run(["pct", "list"]).stdout) == 3_000_000
    tool.write_text("#!/bin/sh\nprintf 'short\\n'\nprintf 'err\\n' >&2\n")
    assert LocalNode().run(["pct", "exec", "101"]) == Completed(("pct", "exec", "101"), 0, "short\n", "err\n")


def test_what_a_guest_prints_for_ever_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pct").write_text("#!/bin/sh\ntrap '' TERM\nwhile :; do echo y 2>/dev/null; done\n")
    (tmp_path / "pct").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    began = time.monotonic()
    with pytest.raises(TooSlowError, match=r"`pct exec 101` did not end within 0.5 s and was ended: y"):
        LocalNode().run(["pct", "exec", "101"], seconds=0.5)
    assert time.monotonic() - began < 4


def test_a_line_that_makes_an_endless_path_is_no_error(tmp_path: Path) -> None:
    assert LocalNode(str(tmp_path)).read({"/" + "x" * 5000: 1}) == {}
