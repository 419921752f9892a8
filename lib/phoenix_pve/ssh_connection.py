"""The one connection of a run to a node elsewhere, and how many commands go over it at a time.

What holds it open is a small program on the node that waits for the end of its standard input, which is the end of this
process, however that comes; so a connection never outlives its run. The same program holds the locks of guests
(ssh_keeper): it is asked a line at a time.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import select
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, Lock
from typing import TYPE_CHECKING

from phoenix_pve import folders, local_process, ssh_errors
from phoenix_pve.errors import NodeError
from phoenix_pve.ssh_keeper import HOLD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONGEST_FOLDER = 70
"""A socket's path has at most 107 bytes, and ssh puts some letters behind it."""

PLAIN = re.compile(r"/[A-Za-z0-9/._+,=@-]*")
"""A path that ssh takes as it is: in that of a socket it expands `%h`, `${HOME}` and more."""

PLACES = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108 - for a folder of ours with a name by lot
"""Where the socket's folder is, when not in $TMPDIR."""

PATIENCE = 120.0
"""Seconds for a connection to come about, once there is a way: a touch of a security key takes a while."""

ANSWER_SECONDS = 60.0
"""How long the answer to a line may take."""

QUIET = ("-T", "-x", "-a", "-o", "BatchMode=yes", "-o", "ControlPersist=no", "-o", "RemoteCommand=none")
TIDY = 'ssh "$@"; status=$?; rm -rf -- "$0"; exit $status'
"""Runs ssh here and removes the folder of its socket, which phoenix cannot do when it is killed."""

OPENING = (
    *QUIET,
    *("-o", "ControlMaster=yes", "-o", "ClearAllForwardings=yes", "-o", "PermitLocalCommand=no", "-o", "Tunnel=no"),
    *("-o", "ExitOnForwardFailure=no", "-o", "EscapeChar=none", "-o", "LogLevel=INFO", "-o", "VisualHostKey=no"),
    *("-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4"),
)
"""What stands in the user's own configuration counts, but for what would take the session from phoenix."""

SINCE_8_7 = {"stdinnull": "StdinNull=no", "forkafterauthentication": "ForkAfterAuthentication=no",
             "sessiontype": "SessionType=default"}  # fmt: skip
"""The same, for an OpenSSH that knows these options. They are left out when it says that it does not: IgnoreUnknown
would take the place of the user's own, which ssh needs for what stands in his configuration."""


class Connection:
    """The connection to `host`; the first who wants it opens it, and all threads share it."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._lock = Lock()
        self._folder: Path | None = None
        self._master: subprocess.Popen[bytes] | None = None
        self._failure: NodeError | None = None
        self._said = b""
        self._complaint = ""

    def socket(self, doing: str) -> str:
        """Return the path of the socket that leads into the connection. Raises NodeError."""
        with self._lock:
            return f"{self._reached(doing)}/s"

    def ask(self, lines: Sequence[str], answers: int, doing: str) -> list[str]:
        """Send lines to the program that holds the connection, return what it answers. Raises NodeError."""
        text = "".join(lines).encode()
        with self._lock:
            if self._reached(doing, text):
                self._send(text)
            deadline = time.monotonic() + ANSWER_SECONDS
            found = [self._line(deadline) for _ in range(answers)]
        if None in found:
            raise ssh_errors.lost(self._host, doing)
        return [line.decode("utf-8", "replace") for line in found if line is not None]

    def is_lost(self) -> bool:
        """Return whether it was there and is no more."""
        return bool(self._master and self._master.poll() is not None)

    def close(self) -> None:
        """Close the connection and remove what belonged to it."""
        with self._lock:
            if self._master:
                _end(self._master)
            if self._folder:
                shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _reached(self, doing: str, first: bytes = b"") -> Path | None:
        """Return the folder of the socket; nothing when `first` went along with the opening. Raises NodeError."""
        if self._failure:
            raise self._failure
        if self._folder is None:
            self._open(first)
            return None if first else self._folder
        if self.is_lost():
            raise ssh_errors.lost(self._host, doing)
        return self._folder

    def _open(self, first: bytes) -> None:
        """Open the connection, wait until it is there. Raises NodeError, which holds for this run."""
        newer = dict(SINCE_8_7)
        while error := self._tried(first, [word for option in newer.values() for word in ("-o", option)]):
            if not newer.pop(ssh_errors.unknown_option(self._complaint), ""):
                self._failure = error
                raise error

    def _tried(self, first: bytes, newer: Sequence[str]) -> NodeError | None:
        """Try to open the connection; return why that failed. Raises NodeError when ssh cannot even be started."""
        if not local_process.which("ssh"):
            raise NodeError("there is no `ssh` on this machine", "install it: apt-get install openssh-client")
        folder, mark = _private_folder(), secrets.token_hex(16)
        self._folder = folder
        words = [*OPENING, *newer, "-S", f"{folder}/s", "--", self._host, HOLD.replace("MARK", mark)]
        with local_process.memory() as said:
            self._master = subprocess.Popen(
                [word.encode("utf-8", "surrogateescape") for word in ("sh", "-c", TIDY, str(folder), *words)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                bufsize=0,
                start_new_session=True,
                env=local_process.surroundings(os.environb),
                cwd=local_process.standing(),
            )
            local_process.limit_again(self._master.pid)
            return self._await(mark, first, said)

    def _await(self, mark: str, first: bytes, said: int) -> NodeError | None:
        """Send what goes along with the opening, wait for the mark; `said` is the file in which ssh complains."""
        assert self._master
        self._send(first)
        deadline = time.monotonic() + PATIENCE
        while (line := self._line(deadline)) is not None:
            if line.endswith(mark.encode()):
                return None
        hangs = self._master.poll() is None and time.monotonic() >= deadline
        _end(self._master)
        self._complaint = local_process.read(said).decode("utf-8", "replace")
        return ssh_errors.no_answer(self._host, self._complaint) if hangs else self._refused(self._complaint)

    def _refused(self, said: str) -> NodeError:
        """255 is ssh's own status; any other is that of the login shell on the node."""
        away = self._master and self._master.returncode == 255
        return ssh_errors.not_connected(self._host, said) if away else ssh_errors.unreadable(self._host, said)

    def _send(self, text: bytes) -> None:
        """Send what is asked; when nobody is there any more, no answer comes."""
        assert self._master
        assert self._master.stdin
        with contextlib.suppress(OSError):
            while text:
                text = text[os.write(self._master.stdin.fileno(), text) :]

    def _line(self, deadline: float) -> bytes | None:
        """Return the next line that comes; nothing when there is none in time, or never again."""
        assert self._master
        assert self._master.stdout
        while b"\n" not in self._said:
            seconds = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([self._master.stdout], [], [], seconds)
            more = os.read(self._master.stdout.fileno(), 1 << 16) if ready else b""
            if not more:
                return None
            self._said += more
        line, _, self._said = self._said.partition(b"\n")
        return line


class Sessions:
    """So many commands at a time; a server that allows fewer than `limit` is heeded."""

    def __init__(self, limit: int) -> None:
        self._limit, self._running = limit, 0
        self._changed = Condition()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Wait until there is room for one more."""
        with self._changed:
            self._changed.wait_for(lambda: self._running < self._limit)
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def fewer(self) -> None:
        """Allow one less than run now, though always one. Called by one of those that run."""
        with self._changed:
            self._limit = max(1, min(self._limit, self._running - 1))


def _private_folder() -> Path:
    """Make a folder that only its owner may enter, with a path that is short and plain. Raises NodeError."""
    for place in filter(PLAIN.fullmatch, [os.environ.get("TMPDIR", ""), *PLACES]):
        if len(place) + len("/phoenix-01234567") <= LONGEST_FOLDER:
            with contextlib.suppress(OSError):
                folder = Path(tempfile.mkdtemp(prefix="phoenix-", dir=place))
                folder.chmod(folders.PRIVATE)
                return folder
    raise NodeError(
        f"no folder for the socket of the connection can be made in {', '.join(PLACES)}",
        "let $TMPDIR name a folder of yours with a short, plain name",
    )


def _end(master: subprocess.Popen[bytes]) -> None:
    """End a connection: the other side sees the end of its input, and ssh goes with it."""
    for stream in (master.stdin, master.stdout):
        if stream:
            stream.close()
    try:
        master.wait(3)
    except subprocess.TimeoutExpired:
        os.killpg(master.pid, signal.SIGKILL)
        master.wait()
