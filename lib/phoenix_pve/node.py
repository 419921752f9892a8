"""The only place where phoenix starts processes and touches a node's files.

A Node runs commands and reads and writes whole files. LocalNode is the machine that phoenix runs on, SshNode (ssh_node)
another one. A QueryOnly node wraps either and can only look: dry runs and plans are handed one, so they cannot change
anything.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from phoenix_pve import call_limits, folders, local_process, lock_files
from phoenix_pve.address import is_question
from phoenix_pve.errors import NodeError, PhoenixError, of_file
from phoenix_pve.local_locks import LocalLocks
from phoenix_pve.notes import FOLDER as NOTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

QUERIES = frozenset({"status", "config", "pending", "list", "path"})
QUESTION_GRACE = 1.0
"""Seconds to clean up for a question that somebody waits for."""

WHOLE = 1 << 24
"""The most bytes that phoenix reads of one file."""


@dataclass(frozen=True)
class Completed:
    """A command that ended."""

    argv: tuple[str, ...]
    exit: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class File:
    """A file of the node: its whole size, and its bytes up to the limit asked for."""

    size: int
    data: bytes


@dataclass(frozen=True)
class Questions:
    """What to find out about a node in one go.

    commands  commands that only query, by their words
    files     files to read, each with the most bytes that are wanted of it
    folders   folders of which every file is to be read, whole
    times     files, and folders with what is in them, of which only the time of the last change is wanted
    mounts    folders of which is asked whether something is mounted there
    patterns  paths with `*` for a name in them: every file that fits is to be read, whole
    """

    commands: tuple[tuple[str, ...], ...] = ()
    files: Mapping[str, int] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answers:
    """How each command ended, in the order of the questions, and the files by path; what does not exist is left out.

    times    by path, when a file or folder was last changed: seconds since 1970 by the node's clock
    odd      paths of `files` where something else is: a folder, a pipe, a device, a socket
    mounted  those of `mounts` where something is mounted
    """

    commands: tuple[Completed, ...]
    files: Mapping[str, File]
    times: Mapping[str, float] = field(default_factory=dict)
    odd: frozenset[str] = frozenset()
    mounted: frozenset[str] = frozenset()


class Node(Protocol):
    """What phoenix can do on a node. Paths are the node's own, such as /etc/pve/storage.cfg."""

    def run(
        self, argv: Sequence[str], stdin: str | None = None, seconds: float | None = None, *, log: str = ""
    ) -> Completed:
        """Run a command to its end; of what a guest prints, so much as call_limits.answer says is read.

        Raises NodeError when it cannot be started, TooSlowError after its deadline; `seconds` may name an earlier one.
        The file `log` gets a line when a command that changes a held guest begins, and when it ends.
        """

    def look(self, questions: Questions) -> Answers:
        """Run commands that only query and read files, all in one round trip to a node that is elsewhere."""

    def write(self, path: str, text: str) -> None:
        """Write a file that only its owner may read, in one step: either the old or the new text is there."""

    def remove(self, path: str) -> None:
        """Remove a file; one that is not there is no error."""

    def hold(self, vmids: Sequence[int], who: str) -> str | None:
        """Take the locks of guests for `who`, all or none; return nothing, or who else has one. See lock_files."""

    def release(self, vmid: int) -> None:
        """Give the lock of a guest back; one that is not held is no error."""


def temporary_of(path: str) -> str:
    """Return where a file is written before it is moved to `path`: a known place, so that a later run finds it."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/.{name}.phoenix-new"


class LocalNode:
    """The machine that phoenix runs on; `root` stands before every path, for tests on a fake node.

    Commands run in `folder`, else where phoenix does: what runs on a node must not depend on that, a login may.
    """

    def __init__(self, root: str = "", longest_call: float = call_limits.DEFAULT, folder: str = "") -> None:
        self.root = root.rstrip("/")
        self._longest_call, self._folder = longest_call, folder
        self._locks = LocalLocks(self.root)

    def run(
        self, argv: Sequence[str], stdin: str | None = None, seconds: float | None = None, *, log: str = ""
    ) -> Completed:
        """Run a command to its end, under the busy lock of the guest that it changes when this run holds that."""
        guarded = self._locks.holds(lock_files.guest_of(argv))
        words = lock_files.guarded(argv, self.root, log) if guarded else list(argv)
        longest = call_limits.seconds(argv, self._longest_call)
        limit = call_limits.answer(argv)
        try:
            if seconds is None:
                done = local_process.run(words, stdin, longest, limit, folder=self._folder)
            else:
                done = local_process.run(
                    words, stdin, min(seconds, longest), limit, QUESTION_GRACE, folder=self._folder
                )
        except FileNotFoundError:
            raise _missing(words[0], argv[0]) from None
        except OSError as error:
            raise of_file(f"`{argv[0]}` cannot be started", error) from None
        return Completed(tuple(argv), *done)

    def look(self, questions: Questions) -> Answers:
        """Run queries, then read files."""
        done = tuple(self.run(argv) for argv in questions.commands)
        files, odd = self._read(questions.files)
        for folder in questions.folders:
            files |= self.read_folder(folder)
        for pattern in questions.patterns:
            found = sorted(map(str, Path(self.root or "/").glob(pattern.lstrip("/"))))
            files |= self.read({path[len(self.root) :]: WHOLE for path in found})
        times = {path: time for asked in questions.times for path, time in self._times(asked)}
        mounts = _mounts() if questions.mounts else frozenset()
        mounted = frozenset(path for path in questions.mounts if os.path.realpath(self.root + path) in mounts)
        return Answers(done, files, times, odd, mounted)

    def _times(self, path: str) -> Iterator[tuple[str, float]]:
        """Yield a file or folder, and what is in it, with the time of the last change; nothing for what is absent."""
        place = self.root + path
        with contextlib.suppress(OSError):
            yield path, os.lstat(place).st_mtime
            with os.scandir(place) as entries:
                for entry in entries:
                    yield f"{path}/{entry.name}", entry.stat(follow_symlinks=False).st_mtime

    def read(self, limits: Mapping[str, int]) -> dict[str, File]:
        """Read the files named by the keys, each up to so many bytes; what does not exist is left out."""
        return self._read(limits)[0]

    def _read(self, limits: Mapping[str, int]) -> tuple[dict[str, File], frozenset[str]]:
        """Return the files, and the paths where something else is, which is not opened: a pipe could hang."""
        found: dict[str, File] = {}
        odd = set()
        for path, limit in limits.items():
            try:
                if stat.S_ISREG(os.stat(self.root + path).st_mode):  # noqa: PTH116 - thousands of them
                    found[path] = _file(self.root + path, limit)
                else:
                    odd.add(path)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                if error.errno == errno.ENAMETOOLONG:  # some odd line made a path of it
                    continue
                raise of_file(f"{path} cannot be read", error) from None
        return found, frozenset(odd)

    def read_folder(self, folder: str) -> dict[str, File]:
        """Read every file of a folder, by path; nothing for a folder that does not exist."""
        try:
            names = sorted(os.listdir(self.root + folder))  # noqa: PTH208 - names, not paths
        except OSError:
            return {}
        return self.read({f"{folder}/{name}": WHOLE for name in names})

    def write(self, path: str, text: str) -> None:
        """Write a file with mode 0600 beside its place, flush it to disk, and move it there."""
        target = Path(self.root + path)
        try:
            folders.make(target.parent, folders.PRIVATE if path.startswith(f"{NOTES}/") else None)
            temporary = Path(temporary_of(str(target)))
            temporary.unlink(missing_ok=True)
            try:
                _write_new(temporary, text)
                temporary.replace(target)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        except OSError as error:
            raise of_file(f"{path} cannot be written", error) from None

    def remove(self, path: str) -> None:
        """Remove a file."""
        try:
            Path(self.root + path).unlink(missing_ok=True)
        except OSError as error:
            raise of_file(f"{path} cannot be removed", error) from None

    def hold(self, vmids: Sequence[int], who: str) -> str | None:
        """Take the locks of guests, all or none."""
        return self._locks.hold(vmids, who)

    def release(self, vmid: int) -> None:
        """Give the lock of a guest back."""
        self._locks.release(vmid)


def _file(path: str, limit: int) -> File:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        return File(os.fstat(descriptor).st_size, file.read(limit))


def _mounts() -> frozenset[str]:
    """Return where something is mounted. Raises NodeError. Format: proc(5), /proc/PID/mountinfo."""
    try:
        lines = Path("/proc/self/mountinfo").read_bytes().split(b"\n")
    except OSError as error:
        raise of_file("/proc/self/mountinfo cannot be read", error) from None
    places = (os.fsdecode(line.split()[4]) for line in lines if line)
    return frozenset(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), place) for place in places)


def _missing(starts: str, tool: str) -> NodeError:
    """Return the error for a command that is not there: the tool, or what starts it."""
    if starts != tool:
        return NodeError(f"there is no `{starts}` on this machine", "install it: apt-get install util-linux")
    return NodeError(
        f"there is no `{tool}` on this machine, so it is no Proxmox VE node",
        "run phoenix on a Proxmox VE host as root, or name one with --host HOST, or try a fake one: make demo",
    )


def _write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet and flush it to disk; a link in its place is an error."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text.encode("utf-8", "surrogateescape"))
        file.flush()
        os.fsync(file.fileno())


class QueryOnly:
    """A node that can be looked at and not changed; handed to everything that plans."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def run(
        self,
        argv: Sequence[str],
        stdin: str | None = None,
        seconds: float | None = None,
        *,
        log: str = "",  # noqa: ARG002
    ) -> Completed:
        """Run a command that only queries. Raises PhoenixError for any other, which would be a bug of phoenix."""
        _check_query(argv)
        return self._node.run(argv, stdin, seconds)

    def look(self, questions: Questions) -> Answers:
        """Run queries and read files. Raises PhoenixError for a command that may change something."""
        for argv in questions.commands:
            _check_query(argv)
        return self._node.look(questions)

    def write(self, path: str, text: str) -> None:  # noqa: ARG002
        """Refuse."""
        raise PhoenixError(f"a file was about to be written while planning: {path}")

    def remove(self, path: str) -> None:
        """Refuse."""
        raise PhoenixError(f"a file was about to be removed while planning: {path}")

    def hold(self, vmids: Sequence[int], who: str) -> str | None:  # noqa: ARG002
        """Refuse."""
        raise PhoenixError(f"guests were about to be locked while planning: {vmids}")

    def release(self, vmid: int) -> None:
        """Refuse."""
        raise PhoenixError(f"the lock of guest {vmid} was about to be dropped while planning")


def _check_query(argv: Sequence[str]) -> None:
    if not is_question(argv) and (len(argv) < 2 or argv[1] not in QUERIES):
        raise PhoenixError(f"a changing command was about to run while planning: {' '.join(argv[:2])}")
