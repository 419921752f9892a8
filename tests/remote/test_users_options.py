"""Users have all kinds of options in their ~/.ssh/config: what would take the session from phoenix does not."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from phoenix_pve import ssh_connection, ssh_errors
from phoenix_pve.errors import NodeError
from phoenix_pve.node import Questions
from phoenix_pve.ssh_node import SshNode
from remote.sshd import SSH, Sshd

OPTIONS = [
    "StdinNull yes", "ForkAfterAuthentication yes", "SessionType none", "SessionType subsystem", "RemoteCommand sleep 60",
    "RequestTTY force", "RequestTTY yes", "PermitLocalCommand yes\n  LocalCommand sleep 60", "ControlMaster no", "ControlMaster ask",
    "ControlMaster auto", "ControlPath none", "ControlPath /nowhere/%C", "ControlPersist yes", "ControlPersist 10m", "LogLevel QUIET",
    "LogLevel FATAL", "LogLevel VERBOSE", "LogLevel DEBUG3", "EscapeChar a", "BatchMode no", "ClearAllForwardings no",
    "LocalForward 1 127.0.0.1:1", "RemoteForward 1 127.0.0.1:1", "DynamicForward 1", "Tunnel yes\n  TunnelDevice 99:99",
    "ExitOnForwardFailure yes\n  LocalForward 127.0.0.1:1 127.0.0.1:1\n  LocalForward /nowhere/x 127.0.0.1:1", "ForwardX11 yes",
    "ForwardX11Trusted yes", "ForwardAgent yes", "SendEnv LC_* LANG", "SetEnv LC_ALL=C LANG=C PATH=/nowhere", "VisualHostKey yes",
    "StreamLocalBindUnlink yes", "ServerAliveInterval 1", "ConnectTimeout 1", "ConnectionAttempts 2", "Compression yes",
    "AddKeysToAgent yes", "UpdateHostKeys ask", "GatewayPorts yes", "TCPKeepAlive no", "CheckHostIP yes", "HashKnownHosts yes",
    "IgnoreUnknown UseKeychain,Odd*\n  UseKeychain yes\n  OddOption 1", "StrictHostKeyChecking ask", "RekeyLimit 1M",
]  # fmt: skip


@pytest.fixture
def open_node(shared_sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SshNode]:
    """Opens a node with more in the user's configuration."""

    def opened(*lines: str) -> SshNode:
        shared_sshd.write_client(*lines)
        return SshNode("pve1")

    monkeypatch.setenv("PATH", f"{shared_sshd.bin}:{os.environ['PATH']}")
    return opened


@pytest.fixture(autouse=True)
def _as_it_was(shared_sshd: Sshd):  # type: ignore[no-untyped-def]
    yield
    shared_sshd.write_client()


def check(node: SshNode, root: Path) -> None:
    """A lock, a command with input, a question and a file, over one connection."""
    node.root = node._keeper._root = str(root)
    try:
        assert node.hold([8001], "me") is None
        done = node.run(["sh", "-c", "cat; tty; echo $LC_ALL; echo err >&2"], "in\n")
        assert (done.exit, done.stdout, done.stderr) == (0, "in\nnot a tty\nC.UTF-8\n", "err\n")
        node.write("/x", "text")
        assert node.look(Questions(files={"/x": 9})).files["/x"].data == b"text"
    finally:
        node.close()


def some(items: list[str], always: int) -> list[object]:
    """The first items in every run, the others in .ci/run."""
    return [*items[:always], *(pytest.param(item, marks=pytest.mark.slow) for item in items[always:])]


@pytest.mark.parametrize("option", some(OPTIONS, 3))
def test_options_of_the_user_do_no_harm(option: str, open_node: Callable[..., SshNode], tmp_path: Path) -> None:
    known = subprocess.run(
        [SSH, "-F", "/dev/null", "-G", "-o", option.partition("\n")[0], "x"], capture_output=True, check=False
    )
    if known.returncode == 0:  # an option that this OpenSSH knows
        check(open_node("Host *", f"  {option}"), tmp_path)


def test_all_of_them_at_once(open_node: Callable[..., SshNode], tmp_path: Path) -> None:
    check(open_node("Host *", *(f"  {option}" for option in OPTIONS if "Path /" not in option)), tmp_path)


@pytest.mark.parametrize("level", ["QUIET", "DEBUG3"])
def test_what_ssh_says_is_heard_at_every_level(
    level: str, open_node: Callable[..., SshNode], shared_sshd: Sshd
) -> None:
    node = open_node("Host *", f"  LogLevel {level}", "  Port 1")
    with pytest.raises(NodeError, match="pve1 refuses the connection"):
        node.run(["true"])
    node.close()


def test_an_older_ssh_is_not_given_what_it_does_not_know(
    open_node: Callable[..., SshNode], shared_sshd: Sshd, tmp_path: Path
) -> None:
    node = open_node("IgnoreUnknown UseKeychain\nUseKeychain yes")
    real = shared_sshd.bin / "ssh"
    older = "".join(
        f'case "$*" in *{option}*) echo "command-line: line 0: Bad configuration option: {option.lower()}" >&2; exit 255;; esac\n'
        for option in ("StdinNull", "ForkAfterAuthentication", "SessionType")
    )
    real.write_text(f"#!/bin/sh\n{older}{real.read_text()}")
    check(node, tmp_path)


@pytest.mark.parametrize(
    ("said", "option"),
    [
        ("command-line: line 0: Bad configuration option: stdinnull\n", "stdinnull"),
        ("warm\ncommand-line line 0: Bad configuration option: sessiontype\r\n", "sessiontype"),
        ("/home/me/.ssh/config: line 3: Bad configuration option: stdinnull\n", ""),
        ("", ""),
    ],
)
def test_whose_option_is_not_known(said: str, option: str) -> None:
    assert ssh_errors.unknown_option(said) == option


TEMPORARY = ["a%hb", "a%%b", "a${HOME}b", "a b", "a'b", 'a"b', "a$b", "a;b", "ä", "a\\b", "-a", "~", "x" * 100]


@pytest.mark.parametrize("name", some(TEMPORARY, 3))
def test_a_folder_for_temporary_files_of_any_name(
    name: str, open_node: Callable[..., SshNode], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / name))
    check(open_node(), tmp_path)
    assert list((tmp_path / name).iterdir()) == []


@pytest.mark.parametrize("name", ["/nowhere", "relative", "", "/dev/null", "/proc"])
def test_a_folder_for_temporary_files_that_cannot_be_used(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", name)
    folder = ssh_connection._private_folder()
    assert (folder.parent, stat.S_IMODE(folder.stat().st_mode)) == (Path("/tmp"), 0o700)
    folder.rmdir()


def test_no_folder_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_connection, "PLACES", ("/nowhere",))
    monkeypatch.setenv("TMPDIR", "/nowhere")
    with pytest.raises(NodeError, match="no folder for the socket") as caught:
        ssh_connection._private_folder()
    assert "$TMPDIR" in caught.value.hint
