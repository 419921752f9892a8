"""A node elsewhere, over OpenSSH: the user's own configuration, agent, known hosts and jump hosts apply.

One connection serves a whole run and all its threads. It is held by a `cat` on the node that waits for the end of its
standard input, which is the end of this process, however that comes; so a connection never outlives its run.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING

from phoenix_pve import call_limits, lock_files, ssh_errors, ssh_script
from phoenix_pve.errors import NodeError, UsageError
from phoenix_pve.journal import Journal
from phoenix_pve.node import Answers, Completed, LocalNode
from phoenix_pve.ssh_keeper import COMMAND, SshKeeper

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from phoenix_pve.node import Node, Questions
    from phoenix_pve.ssh_script import Reply

SESSIONS = 8
"""Commands at the same time over the one connection; sshd allows ten sessions (MaxSessions), and one holds it open."""

LONGEST_FOLDER = 70
"""A socket's path has at most 107 bytes, and ssh puts some letters behind it."""

QUIET = ("-T", "-x", "-a", "-o", "BatchMode=yes", "-o", "ControlPersist=no", "-o", "RemoteCommand=none")
OPENING = (
    *QUIET,
    *("-o", "ControlMaster=yes", "-o", "ClearAllForwardings=yes", "-o", "PermitLocalCommand=no"),
    *("-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4"),
)
# Without a connection to share, ssh would quietly open one more; a proxy that does nothing keeps it from that.
SHARING = (*QUIET, "-F", "none", "-o", "ControlMaster=no", "-o", "ProxyCommand=false")
HOLD = "exec sh -c 'echo \"$0\"; exec cat >/dev/null'"


@contextmanager
def opened(option: str | None, environ: Mapping[str, str], longest_call: float = call_limits.DEFAULT) -> Iterator[Node]:
    """Give the node that `--host` or $PHOENIX_HOST names, else this machine. Raises UsageError.

    $PHOENIX_NODE_ROOT stands before every path there, $PHOENIX_JOURNAL is a file that gets a line for all that is done.
    """
    host, root = option or environ.get("PHOENIX_HOST", ""), environ.get("PHOENIX_NODE_ROOT", "")
    node = SshNode(checked_host(host), root, longest_call) if host else LocalNode(root, longest_call)
    journal = environ.get("PHOENIX_JOURNAL")
    try:
        yield Journal(node, journal, host or "localhost") if journal else node
    finally:
        if isinstance(node, SshNode):
            node.close()


def checked_host(host: str) -> str:
    """Return the host. Raises UsageError for what ssh would take for something else."""
    if host.startswith("-") or not host.isprintable() or " " in host:
        raise UsageError(f"--host takes the name of a host, not {host[:80]!r}", "for example: --host root@pve1")
    return host


class SshNode:
    """The node that `ssh HOST` leads to; `root` stands before every path, for tests on a fake node."""

    def __init__(self, host: str, root: str = "", longest_call: float = call_limits.DEFAULT) -> None:
        self.host, self.root, self._longest_call = host, root.rstrip("/"), longest_call
        self._lock, self._sessions = Lock(), BoundedSemaphore(SESSIONS)
        self._folder: Path | None = None
        self._master: subprocess.Popen[bytes] | None = None
        self._failure: NodeError | None = None
        self._keeping: subprocess.Popen[bytes] | None = None
        self._keeper = SshKeeper(host, self.root, self._start_keeper)

    def run(self, argv: Sequence[str], stdin: str | None = None) -> Completed:
        """Run a command to its end, under the busy lock of the guest that it changes when this run holds that."""
        guarded = self._keeper.holds(lock_files.guest_of(argv))
        words = lock_files.guarded(argv, self.root) if guarded else argv
        seconds = call_limits.seconds(argv, self._longest_call)
        reply = self._ask([ssh_script.run_line(words, stdin)], _short(argv), seconds)
        return self._commands(reply, [argv])[0]

    def look(self, questions: Questions) -> Answers:
        """Run queries and read files in one round trip."""
        doing = _short(questions.commands[0]) if questions.commands else "reading files"
        reply = self._ask(list(ssh_script.look_lines(questions, self.root)), doing)
        done = self._commands(reply, questions.commands)
        if denied := ssh_script.denied_in(reply):
            raise ssh_errors.not_root(self.host, f"{denied} may not be read by the user you log in as")
        return Answers(done, ssh_script.files_in(reply, self.root))

    def write(self, path: str, text: str) -> None:
        """Write a file with mode 0600 beside its place, flush it to disk, and move it there."""
        reply = self._ask([ssh_script.write_line(self.root + path, text)], f"write {path}")
        self._check_file(reply, f"{path} cannot be written")

    def remove(self, path: str) -> None:
        """Remove a file."""
        reply = self._ask([ssh_script.run_line(["rm", "-f", "--", self.root + path])], f"remove {path}")
        self._check_file(reply, f"{path} cannot be removed")

    def hold(self, vmid: int, who: str) -> str | None:
        """Take the lock of a guest."""
        return self._keeper.hold(vmid, who)

    def release(self, vmid: int) -> None:
        """Give the lock of a guest back."""
        self._keeper.release(vmid)

    def _start_keeper(self) -> subprocess.Popen[bytes]:
        """Start what holds the locks on the node."""
        argv = ["ssh", *SHARING, "-S", f"{self._connected('lock')}/s", "--", self.host, COMMAND]
        null = subprocess.DEVNULL
        self._keeping = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=null, bufsize=0, start_new_session=True
        )
        return self._keeping

    def close(self) -> None:
        """Close the connection and remove what belonged to it."""
        with self._lock:
            if self._keeping:
                _end(self._keeping)
                self._keeping = None
            if self._master:
                _end(self._master)
            if self._folder:
                shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _commands(self, reply: Reply, argvs: Sequence[Sequence[str]]) -> tuple[Completed, ...]:
        if tool := ssh_script.missing_in(reply, argvs):
            raise ssh_errors.missing(self.host, tool)
        done = ssh_script.commands_in(reply, argvs)
        if any(one.exit and one.stderr.startswith("please run as root") for one in done):
            raise ssh_errors.not_root(self.host, f"`{done[0].argv[0]}` says: please run as root")
        return done

    def _check_file(self, reply: Reply, what: str) -> None:
        done = ssh_script.commands_in(reply, [["file"]])[0]
        if done.exit:
            raise ssh_errors.no_file(self.host, what, done.stderr)

    def _ask(self, lines: list[str], doing: str, seconds: float = call_limits.QUICK) -> Reply:
        """Send a script, wait for the answer. Raises NodeError, CommandFailedError after so many seconds."""
        mark = secrets.token_hex(16)
        with self._sessions:
            folder = self._connected(doing)
            argv = ["ssh", *SHARING, "-S", f"{folder}/s", "--", self.host, ssh_script.BOOT]
            script = ssh_script.script(mark, lines)
            try:
                done = subprocess.run(argv, input=script, capture_output=True, check=False, timeout=seconds)
            except subprocess.TimeoutExpired:
                raise ssh_errors.too_slow(self.host, doing, seconds) from None
        reply = ssh_script.reply(mark, done.stdout, done.stderr)
        if reply.whole:
            return reply
        if done.returncode == 255 or (self._master and self._master.poll() is not None):
            raise ssh_errors.lost(self.host, doing)
        raise ssh_errors.unreadable(self.host, reply.noise)

    def _connected(self, doing: str) -> Path:
        """Return the folder of the connection's socket; the first who asks opens it. Raises NodeError."""
        with self._lock:
            if self._failure:
                raise self._failure
            if self._folder is None:
                self._folder = _private_folder()
                self._master = self._open(self._folder)
            elif self._master and self._master.poll() is not None:
                raise ssh_errors.lost(self.host, doing)
            return self._folder

    def _open(self, folder: Path) -> subprocess.Popen[bytes]:
        """Open the connection and wait until it is there. Raises NodeError."""
        mark = secrets.token_hex(16)
        argv = ["ssh", *OPENING, "-S", f"{folder}/s", "--", self.host, f"{HOLD} {mark}"]
        said = folder / "said"
        try:
            with said.open("wb") as errors:
                master = subprocess.Popen(
                    argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
                )
        except FileNotFoundError:
            raise NodeError("there is no `ssh` on this machine", "install it: apt-get install openssh-client") from None
        assert master.stdout
        if any(line.strip() == mark.encode() for line in master.stdout):
            return master
        _end(master)
        self._failure = self._refused(master.returncode, said.read_text("utf-8", "replace"))
        raise self._failure

    def _refused(self, status: int, said: str) -> NodeError:
        """255 is ssh's own status; any other is that of the login shell on the node."""
        return ssh_errors.not_connected(self.host, said) if status == 255 else ssh_errors.unreadable(self.host, said)


def _private_folder() -> Path:
    """Make a folder that only its owner may enter, with a path that is short enough for a socket."""
    folder = tempfile.mkdtemp(prefix="phoenix-")
    if len(os.fsencode(folder)) <= LONGEST_FOLDER:
        return Path(folder)
    Path(folder).rmdir()
    return Path(tempfile.mkdtemp(prefix="phoenix-", dir="/tmp"))


def _end(master: subprocess.Popen[bytes]) -> None:
    """End a connection or what goes over it: the other side sees the end of its input, and ssh goes with it."""
    for stream in (master.stdin, master.stdout):
        if stream:
            stream.close()
    try:
        master.wait(3)
    except subprocess.TimeoutExpired:
        master.kill()
        master.wait()


def _short(argv: Sequence[str]) -> str:
    """Return enough of a command to know it; what follows may be long."""
    return " ".join(argv[:3])
