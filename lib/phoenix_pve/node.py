"""The only place where phoenix starts processes and touches a node's files.

A Node runs commands and reads and writes whole files. LocalNode is the machine that phoenix runs on, SshNode (ssh_node)
another one. A QueryOnly node wraps either and can only look: dry runs and plans are handed one, so they cannot change
anything.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from phoenix_pve import call_limits, local_process, lock_files
from phoenix_pve.address import is_question
from phoenix_pve.errors import NodeError, PhoenixError, of_file
from phoenix_pve.local_locks import LocalLocks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

QUERIES = frozenset({"status", "config", "pending", "list", "path"})
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
    patterns  paths with `*` for a name in them: every file that fits is to be read, whole
    """

    commands: tuple[tuple[str, ...], ...] = ()
    files: Mapping[str, int] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answers:
    """How each command ended, in the order of the questions, and the files by path; what does not exist is left out."""

    commands: tuple[Completed, ...]
    files: Mapping[str, File]


class Node(Protocol):
    """What phoenix can do on a node. Paths are the node's own, such as /etc/pve/storage.cfg."""

    def run(self, argv: Sequence[str], stdin: str | None = None) -> Completed:
        """Run a command to its end. Raises NodeError when it cannot be started."""

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
    """The machine that phoenix runs on; `root` stands before every path, for tests on a fake node."""

    def __init__(self, root: str = "", longest_call: float = call_limits.DEFAULT) -> None:
        self.root = root.rstrip("/")
        self._longest_call = longest_call
        self._locks = LocalLocks(self.root)

    def run(self, argv: Sequence[str], stdin: str | None = None) -> Completed:
        """Run a command to its end, under the busy lock of the guest that it changes when this run holds that."""
        guarded = self._locks.holds(lock_files.guest_of(argv))
        words = lock_files.guarded(argv, self.root) if guarded else list(argv)
        try:
            done = local_process.run(words, stdin, call_limits.seconds(argv, self._longest_call))
        except FileNotFoundError:
            raise NodeError(
                f"there is no `{argv[0]}` on this machine, so it is no Proxmox VE node",
                "run phoenix on a Proxmox VE host as root, or name one with --host HOST, or try a fake one: make demo",
            ) from None
        except OSError as error:
            raise of_file(f"`{argv[0]}` cannot be started", error) from None
        return Completed(tuple(argv), *done)

    def look(self, questions: Questions) -> Answers:
        """Run queries, then read files."""
        done = tuple(self.run(argv) for argv in questions.commands)
        files = self.read(questions.files)
        for folder in questions.folders:
            files |= self.read_folder(folder)
        for pattern in questions.patterns:
            found = sorted(map(str, Path(self.root or "/").glob(pattern.lstrip("/"))))
            files |= self.read({path[len(self.root) :]: WHOLE for path in found})
        return Answers(done, files)

    def read(self, limits: Mapping[str, int]) -> dict[str, File]:
        """Read the files named by the keys, each up to so many bytes; what does not exist is left out."""
        found: dict[str, File] = {}
        for path, limit in limits.items():
            try:
                with Path(self.root + path).open("rb") as file:
                    found[path] = File(os.fstat(file.fileno()).st_size, file.read(limit))
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                continue
            except OSError as error:
                raise of_file(f"{path} cannot be read", error) from None
        return found

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
            target.parent.mkdir(parents=True, exist_ok=True)
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


def _write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet and flush it to disk; a link in its place is an error."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


class QueryOnly:
    """A node that can be looked at and not changed; handed to everything that plans."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def run(self, argv: Sequence[str], stdin: str | None = None) -> Completed:
        """Run a command that only queries. Raises PhoenixError for any other, which would be a bug of phoenix."""
        _check_query(argv)
        return self._node.run(argv, stdin)

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
