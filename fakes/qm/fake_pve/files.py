"""Files of the node: replaced in one step, and what is said where that is not possible.

A node whose disk is full or cannot be written to fails as the real tools do, with a line on stderr and status 255, and
leaves no half of a file (the words are PVE::Tools' own: cluster-quorum-002 for what cannot be opened, qm-clone-008 for
what cannot be renamed).
"""

from __future__ import annotations

import errno
import os

from fake_pve.errors import CommandFailed

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
WRITING = FULL | {errno.EROFS, errno.EIO, errno.EFBIG}
OPENING = frozenset(
    {errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.EMFILE, errno.ENFILE, errno.ELOOP, errno.ENOMEM,
     errno.EBUSY, errno.ENAMETOOLONG, errno.ENXIO, errno.ETXTBSY}
)  # fmt: skip
"""What is the fault of the node's files or of whoever wrote them; any other error of the system is the fake's own."""


def replace(path: str, data: str | bytes, mode: int = 0o666) -> None:
    """Write a file so that a reader sees the old contents or the new, never a part. Raises CommandFailed."""
    temporary = f"{path}.tmp.{os.getpid()}"
    try:
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    except OSError as problem:
        if problem.errno in FULL:
            raise _not_renamed(path, problem) from None
        raise CommandFailed(f"unable to open file '{temporary}' - {problem.strerror}") from None
    try:
        _fill(file, data)
        os.replace(temporary, path)
    except OSError as problem:
        remove(temporary)
        raise _not_renamed(path, problem) from None


def _not_renamed(path: str, problem: OSError) -> CommandFailed:
    return CommandFailed(f"close (rename) atomic file '{path}' failed: {problem.strerror}")


def _fill(file: int, data: str | bytes) -> None:
    left = memoryview(data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data)
    try:
        while left:
            left = left[os.write(file, left) :]
    finally:
        os.close(file)


def remove(path: str) -> None:
    """Remove what may not be there."""
    try:
        os.unlink(path)
    except OSError:
        pass


def blame(problem: OSError) -> str:
    """What the node says of a file that cannot be read or written; "" for what is no trouble of the node's."""
    name = f" '{problem.filename}'" if problem.filename is not None else ""
    if problem.errno in WRITING:
        return f"unable to write{name} - {problem.strerror}"
    return f"can't open{name} - {problem.strerror}" if problem.errno in OPENING else ""
