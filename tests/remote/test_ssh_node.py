"""A node over a real SSH server: commands, files, one connection, and every way in which there is none."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from phoenix_pve import ssh_connection, ssh_errors, ssh_node
from phoenix_pve.errors import NodeError, TooSlowError, UsageError
from phoenix_pve.node import LocalNode, QueryOnly, Questions
from phoenix_pve.ssh_node import SshNode
from remote.sshd import HOST, SSH, Sshd, make_key, running


def test_a_command_runs_there(node: SshNode) -> None:
    done = node.run(["sh", "-c", 'echo "$CANARY|$0"; echo err >&2; exit 255', "a 'b'\n$(x)"])
    assert (done.exit, done.stdout, done.stderr) == (255, "1|a 'b'\n$(x)\n", "err\n")


def test_input_reaches_the_command_and_no_list_of_processes(node: SshNode, shared_sshd: Sshd) -> None:
    done = node.run(["sh", "-c", "ps -eo args; cat"], "canary-of-a-secret\n")
    assert done.stdout.endswith("canary-of-a-secret\n")
    assert done.stdout.count("canary-of-a-secret") == 1
    assert "canary-of-a-secret" not in "".join(shared_sshd.calls())


def test_a_question_that_hangs_is_ended_there(node: SshNode) -> None:
    began = time.monotonic()
    with pytest.raises(TooSlowError, match="`sh -c sleep 4711` did not end within 1 s on pve1"):
        node.run(["sh", "-c", "sleep 4711"], seconds=1)
    assert time.monotonic() - began < 6
    assert node.run(["sh", "-c", "pgrep -fx '[s]leep 4711' | wc -l"]).stdout == "0\n"


def test_files(node: SshNode, tmp_path: Path) -> None:
    node.root = str(tmp_path)
    node.write("/snippets/user.yaml", "sëcret\n")
    target = tmp_path / "snippets/user.yaml"
    assert (stat.S_IMODE(target.stat().st_mode), list(target.parent.iterdir())) == (0o600, [target])
    found = node.look(Questions((("echo", "x"),), {"/snippets/user.yaml": 3, "/none": 3}, ("/snippets",)))
    assert found.commands[0].stdout == "x\n"
    assert found.files["/snippets/user.yaml"].data == "sëcret\n".encode()
    for _ in range(2):
        node.remove("/snippets/user.yaml")
    assert not target.exists()


def test_it_looks_as_a_local_node_does(node: SshNode, tmp_path: Path) -> None:
    node.root = str(tmp_path)
    for name in ("d/a", "d/b", "c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name * 9)
    questions = Questions((("printf", "x"), ("false",)), {"/c": 4, "/c/d": 4, "/d": 4}, ("/d", "/e"))
    assert QueryOnlyFree(node).look(questions) == LocalNode(str(tmp_path)).look(questions)


class QueryOnlyFree(QueryOnly):
    """As QueryOnly, for commands that are none of Proxmox."""

    def look(self, questions):  # type: ignore[no-untyped-def]
        return self._node.look(questions)


def test_what_cannot_be_written_or_removed_is_explained(node: SshNode, tmp_path: Path) -> None:
    node.root = str(tmp_path)
    (tmp_path / "d/x").mkdir(parents=True)
    with pytest.raises(NodeError, match="pve1: /d/x cannot be written: .*directory"):
        node.write("/d/x", "text")
    with pytest.raises(NodeError, match="pve1: /d/x cannot be removed: Is a directory"):
        node.remove("/d/x")


def test_threads_share_one_connection(node: SshNode, shared_sshd: Sshd) -> None:
    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(lambda i: node.run(["sh", "-c", f"sleep 0.3; echo {i}"]).stdout, range(16)))
    assert done == [f"{i}\n" for i in range(16)]
    assert len([call for call in shared_sshd.calls() if "ControlMaster=yes" in call]) == 1


def test_closing_leaves_nothing(node: SshNode) -> None:
    node.run(["true"])
    folder = node._connection._folder
    assert folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_ISSOCK((folder / "s").stat().st_mode)
    node.close()
    assert not folder.exists()
    assert node._connection._master
    assert node._connection._master.returncode is not None


def test_a_long_path_for_temporary_files_is_no_problem(node: SshNode, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    assert node.run(["true"]).exit == 0
    assert list(long.iterdir()) == []


def test_the_connection_ends_with_its_process_however_that_ends(node: SshNode) -> None:
    code = "from phoenix_pve.ssh_node import SshNode; import time; n = SshNode('pve1')\n"
    code += "print(n.run(['sh', '-c', 'echo \"$PPID\"']) and n._connection._master.pid, n._connection._folder, flush=True); time.sleep(60)"
    env = {**os.environ, "PYTHONPATH": str(Path(ssh_node.__file__).parents[1])}
    process = subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    pid, folder = process.stdout.readline().split()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert _eventually(lambda: not _lives(int(pid))), "ssh outlived its run"
    assert _eventually(lambda: not Path(folder).exists()), "who is killed leaves nothing either"


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def _eventually(true: Callable[[], bool]) -> bool:
    for _ in range(100):
        if true():
            return True
        time.sleep(0.05)
    return False


HOSTILE = [
    "a b",
    "'",
    '"',
    "$HOME",
    "`id`",
    "!x",
    "\\n",
    "\n",
    "é",
    "*",
    "~",
    "#",
    "%s",
    "-n",
    "{a,b}",
    "&&",
    "",
    "\x01",
]
SHELL = 'exec {} -c "$SSH_ORIGINAL_COMMAND"'
LOGINS = [
    *(SHELL.format(shell) for shell in ("bash", "dash", "zsh", "fish", "tcsh", "ksh", "busybox ash")),
    "echo Welcome; echo warning >&2; " + SHELL.format("sh"),
    "printf 'no end of line'; yes | head -50000; " + SHELL.format("sh") + "; echo bye",
]


@pytest.mark.parametrize("login", [*LOGINS[-2:], *(pytest.param(one, marks=pytest.mark.slow) for one in LOGINS[:-2])])
def test_whichever_shell_logs_in_and_whatever_it_says(sshd: Sshd, tmp_path: Path, monkeypatch, login: str) -> None:  # type: ignore[no-untyped-def]
    words = login.split()
    if words[0] == "exec" and not shutil.which(words[1]):
        pytest.skip(f"there is no {words[1]} here")
    sshd.log_in_with(login)
    monkeypatch.setenv("PATH", f"{sshd.bin}:{os.environ['PATH']}")
    node = SshNode("pve1", str(tmp_path))
    assert node.hold([8001], "who's `there`") is None
    done = node.run(["printf", "%s|", *HOSTILE])
    assert (done.stdout, done.stderr, done.exit) == ("".join(f"{word}|" for word in HOSTILE), "", 0)
    node.write("/x/y", "sec'ret\n")
    assert node.look(Questions(files={"/x/y": 99})).files["/x/y"].data == b"sec'ret\n"
    assert LocalNode(str(tmp_path)).hold([8001], "me") == "who's `there`"
    node.close()


@pytest.mark.parametrize("allowed", [2, *(pytest.param(count, marks=pytest.mark.slow) for count in (4, 10))])
def test_a_server_may_allow_fewer_sessions(sshd: Sshd, monkeypatch, allowed: int) -> None:  # type: ignore[no-untyped-def]
    sshd.allow(f"MaxSessions {allowed}")
    monkeypatch.setenv("PATH", f"{sshd.bin}:{os.environ['PATH']}")
    node = SshNode("pve1")
    with ThreadPoolExecutor(20) as pool:
        done = list(pool.map(lambda i: node.run(["sh", "-c", f"sleep 0.02; echo {i}"]).stdout, range(40)))
    assert done == [f"{i}\n" for i in range(40)]
    assert len([call for call in sshd.calls() if "ControlMaster=yes" in call]) == 1
    node.close()


def test_a_server_that_allows_one_session_is_told(sshd: Sshd, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    sshd.allow("MaxSessions 1")
    monkeypatch.setenv("PATH", f"{sshd.bin}:{os.environ['PATH']}")
    monkeypatch.setattr(ssh_node, "TRIES", 2)
    node = SshNode("pve1")
    with pytest.raises(NodeError, match="pve1 allows only one session over a connection"):
        node.run(["true"])
    node.close()


def test_a_key_of_the_agent_and_a_jump_host_are_the_users_own(sshd: Sshd, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    with running(tmp_path / "hop", {"AT": "hop"}) as hop:
        agent = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
        for name, value in re.findall(r"^(\w+)=([^;]+);", agent, re.MULTILINE):
            monkeypatch.setenv(name, value)
        try:
            subprocess.run(["ssh-add", "-q", str(sshd.folder / "user_key")], check=True)
            (sshd.folder / "user_key").unlink()
            jump = f"-F {hop.folder}/ssh_config -W %h:%p {HOST}"
            sshd.write_client(f"Host pve1\n  ProxyCommand {SSH} {jump}\n  IdentityFile {sshd.folder}/user_key.pub")
            monkeypatch.setenv("PATH", f"{sshd.bin}:{os.environ['PATH']}")
            node = SshNode("pve1")
            assert node.run(["true"]).exit == 0
            node.close()
        finally:
            subprocess.run(["ssh-agent", "-k"], check=True, capture_output=True)
        assert "Accepted publickey" in (hop.folder / "sshd.log").read_text()
        assert "Accepted publickey" in (sshd.folder / "sshd.log").read_text()


def cut_soon(sshd: Sshd, started: Path) -> threading.Thread:
    """Break the connection as soon as a command has begun."""

    def cut() -> None:
        _eventually(started.exists)
        sshd.cut()

    thread = threading.Thread(target=cut)
    thread.start()
    return thread


def unknown_host(sshd: Sshd) -> None:
    sshd.forget_host()


def changed_host(sshd: Sshd) -> None:
    make_key(sshd.folder / "another_host")
    sshd.know_host(sshd.folder / "another_host")


def refused_key(sshd: Sshd) -> None:
    sshd.use_other_key()


def no_such_host(sshd: Sshd) -> None:
    sshd.write_client("Host pve1", "  HostName nowhere.invalid")


def nobody_listens(sshd: Sshd) -> None:
    sshd.write_client("Host pve1", "  Port 1")


def bad_configuration(sshd: Sshd) -> None:
    sshd.write_client("NoSuchOption yes")


def no_shell(sshd: Sshd) -> None:
    sshd.log_in_with("echo This account is closed. >&2; exit 1")


def no_session(sshd: Sshd) -> None:
    sshd.allow("MaxSessions 0")


def a_shell_that_hangs(sshd: Sshd) -> None:
    sshd.log_in_with("sleep 60")


REFUSALS = [
    (unknown_host, "the host key of pve1 is not known here", "log in once by hand and compare the fingerprint"),
    (changed_host, "pve1 shows another host key than the one that is known", '/known_hosts" -R "[127.0.0.1]:'),
    (refused_key, "pve1 accepts none of your keys", "ssh-copy-id pve1"),
    (no_such_host, "pve1: there is no such host", "is the name spelled right?"),
    (nobody_listens, "pve1 refuses the connection", "does its SSH server run"),
    (bad_configuration, "your SSH configuration cannot be used", "mend ~/.ssh/config"),
    (no_session, "pve1 allows no session", "MaxSessions in /etc/ssh/sshd_config there"),
    (a_shell_that_hangs, "pve1 gives no answer: ", "does this say `fine`"),
    (no_shell, "pve1 does not answer as a shell does: This account is closed.", "ssh pve1 echo fine"),
]


@pytest.mark.parametrize(
    ("spoil", "message", "hint"),
    [
        pytest.param(*row, id=row[0].__name__, marks=[pytest.mark.slow] if row[0] is a_shell_that_hangs else [])
        for row in REFUSALS
    ],
)
def test_no_connection(sshd: Sshd, monkeypatch, spoil: Callable[[Sshd], None], message: str, hint: str) -> None:  # type: ignore[no-untyped-def]
    spoil(sshd)
    monkeypatch.setenv("PATH", f"{sshd.bin}:{os.environ['PATH']}")
    monkeypatch.setattr(ssh_connection, "PATIENCE", 60.0 if spoil is not a_shell_that_hangs else 1.0)
    node = SshNode("pve1")
    for _ in range(2):
        with pytest.raises(NodeError) as caught:
            node.run(["true"])
        assert message in caught.value.message
        assert hint in caught.value.hint
        assert "\n" not in caught.value.message + caught.value.hint
    node.close()
    assert len(sshd.calls()) == 1, "what failed is not tried again by every guest"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("ssh: connect to host pve1 port 22: Connection timed out\n", "pve1 does not answer"),
        ("ssh: connect to host pve1 port 22: No route to host\n", "there is no route to pve1"),
        ("ssh: connect to host pve1 port 22: Network is unreachable\n", "the network of pve1 cannot be reached"),
        ("Received disconnect from 192.0.2.1: Too many authentication failures", "pve1 was offered too many keys"),
        ("kex_exchange_identification: Connection reset by peer\n", "there is no connection to pve1: kex_exchange"),
        ("", "there is no connection to pve1: ssh said nothing"),
    ],
)
def test_what_ssh_says_is_understood(said: str, message: str) -> None:
    error = ssh_errors.not_connected("pve1", said)
    assert error.message.startswith(message)
    assert error.hint


def test_a_connection_that_breaks_says_what_was_going_on(sshd: Sshd, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("PATH", f"{sshd.bin}:{os.environ['PATH']}")
    node = SshNode("pve1")
    thread = cut_soon(sshd, tmp_path / "begun")
    with pytest.raises(NodeError, match="the connection to pve1 was lost during `sh -c touch"):
        node.run(["sh", "-c", f"touch {tmp_path}/begun; sleep 20"])
    thread.join()
    with pytest.raises(NodeError, match="the connection to pve1 was lost during `qm list`"):
        node.look(Questions((("qm", "list"),)))
    node.close()
    assert len([call for call in sshd.calls() if "ControlMaster=yes" in call]) == 1


def test_a_missing_tool_is_explained(node: SshNode) -> None:
    with pytest.raises(NodeError, match="there is no `qm` on pve1, so it is no Proxmox VE node"):
        node.run(["qm", "list"])


def test_whoever_is_not_root_is_told_so(node: SshNode, tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(NodeError, match="`sh` says: please run as root") as caught:
        node.run(["sh", "-c", "echo please run as root >&2; exit 255"])
    assert caught.value.hint == "log in as root: --host root@pve1"


def test_a_missing_ssh_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NodeError, match="there is no `ssh` on this machine"):
        SshNode("pve1").run(["true"])


EVIL = [
    "-oProxyCommand=evil",
    "-",
    "--",
    "root@-oProxyCommand=x",
    "ssh://-oProxyCommand=x",
    "ssh://root@-oProxyCommand=x",
]
NO_NAMES = [
    "",
    " ",
    "a b",
    "a\nb",
    "@pve1",
    "root@",
    "ssh://",
    "pve1/",
    "a/b",
    "$(id)",
    "a;b",
    "a`b`",
    "x'y",
    "a|b",
    "a\\b",
]


@pytest.mark.parametrize("host", [*EVIL, *NO_NAMES])
def test_a_host_that_ssh_would_take_for_something_else(host: str) -> None:
    with pytest.raises(UsageError, match="--host takes the name of a host"), ssh_node.opened(host, {}):
        pass


@pytest.mark.parametrize("host", ["root@pve1:22", "pve1:22", "pve1:", "[::1]", "root@[::1]:22"])
def test_a_port_is_written_as_ssh_reads_it(host: str) -> None:
    with pytest.raises(UsageError, match="takes a port in another form") as caught:
        ssh_node.checked_host(host)
    assert caught.value.hint == f"write --host ssh://{host}"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("pve1", "pve1"),
        ("root@pve1", "pve1"),
        ("ssh://root@pve1:2222", "pve1"),
        ("ssh://pve1", "pve1"),
        ("::1", "::1"),
        ("root@fe80::1%eth0", "fe80::1%eth0"),
        ("ssh://root@[2001:db8::1]:22", "2001:db8::1"),
    ],
)
def test_the_name_of_a_host(host: str, name: str) -> None:
    assert ssh_node.checked_host(host) == host
    assert ssh_errors.name_of(host) == name


def test_an_empty_option_is_no_wish_for_this_machine() -> None:
    with pytest.raises(UsageError), ssh_node.opened("", {"PHOENIX_HOST": "pve1"}):
        pass
    with ssh_node.opened(None, {"PHOENIX_HOST": ""}) as here:
        assert isinstance(here, LocalNode)


def test_what_has_to_be_forgotten_is_what_ssh_says() -> None:
    said = "REMOTE HOST IDENTIFICATION HAS CHANGED!\n  remove with:\n  ssh-keygen -f '/h/known_hosts' -R '[::1]:22'\n"
    assert "then: ssh-keygen -f '/h/known_hosts' -R '[::1]:22'; otherwise" in ssh_errors.not_connected("a", said).hint
    assert "then: ssh-keygen -R a; otherwise" in ssh_errors.not_connected("a", said[:40]).hint
