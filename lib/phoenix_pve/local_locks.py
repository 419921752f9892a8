"""The locks of guests on this machine; see lock_files for what they are."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from phoenix_pve import folders, local_process
from phoenix_pve.errors import NodeError, of_file
from phoenix_pve.lock_files import FOLDER, TOO_MANY, busy_path, left_over, lock_path

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_NAME = 500

SPARE, COMFORT = 100, 1000
"""Open files that everything but locks needs (streams, modules, seven for each command under way): with few jobs, and
with a hundred and more."""


class LocalLocks:
    """Locks that this process holds, by guest; `root` stands before every path."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._held: dict[int, int] = {}
        self._mutex = Lock()

    def holds(self, vmid: int | None) -> bool:
        """Return whether this process holds the guest."""
        return vmid in self._held

    def hold(self, vmids: Sequence[int], who: str) -> str | None:
        """Take guests' locks for `who`, all or none; return nothing, or who else has one. Raises NodeError."""
        if len(vmids) > 1 and not _is_room_for(len(vmids)):
            return TOO_MANY
        taken: list[int] = []
        for vmid in vmids:
            if vmid in self._held:
                continue
            if other := self._try(vmid, who):
                for before in taken:
                    self.release(before)
                return other
            taken.append(vmid)
        return None

    def _try(self, vmid: int, who: str) -> str | None:
        with self._mutex:
            try:
                return self._take(vmid, who)
            except OSError as error:
                raise _unlockable(vmid, error) from None

    def _take(self, vmid: int, who: str) -> str | None:
        folders.make(Path(self._root + FOLDER), folders.PRIVATE)
        file = _open(self._root + lock_path(vmid))
        before = os.pread(file, LONGEST_NAME, 0).decode("utf-8", "replace").strip()
        if not _locked(file):
            os.close(file)
            return before or "another run of phoenix"
        if self._is_busy(vmid):
            os.close(file)
            return left_over(before)
        os.ftruncate(file, 0)
        os.pwrite(file, who.encode()[:LONGEST_NAME], 0)
        self._held[vmid] = file
        return None

    def _is_busy(self, vmid: int) -> bool:
        file = _open(self._root + busy_path(vmid))
        try:
            return not _locked(file)
        finally:
            os.close(file)

    def release(self, vmid: int) -> None:
        """Give a guest's lock back; one that is not held is no error."""
        with self._mutex:
            file = self._held.pop(vmid, None)
        if file is not None:
            os.close(file)


def _is_room_for(locks: int) -> bool:
    """Return whether this process may have so many more files open, of which every lock is one."""
    wanted = len(os.listdir("/proc/self/fd")) + locks  # noqa: PTH208 - names, not paths
    return local_process.raise_open_files(wanted + COMFORT) >= wanted + SPARE


def _open(path: str) -> int:
    """Open a lock file, which has the mode 0600 whatever the umask was."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if stat.S_IMODE(os.fstat(file).st_mode) != 0o600:
        os.fchmod(file, 0o600)
    return file


def _unlockable(vmid: int, error: OSError) -> NodeError:
    what = f"{FOLDER}: guest {vmid} cannot be locked"
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        return NodeError(
            f"{what}: {error.strerror}", "allow more open files: ulimit -n 1024; or work with fewer --jobs"
        )
    return of_file(what, error)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
