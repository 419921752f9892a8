"""Run a command of this machine in a way that outlives phoenix.

The command gets a session of its own, so that the terminal's Ctrl-C does not reach it, and writes into memory instead
of a pipe, so that it is not killed by writing to a phoenix that is gone. What phoenix waits for has a deadline. Memory
for what a guest prints has an end: the kernel refuses to write more (F_SEAL_GROW). Whatever shell phoenix was started
from, the command finds the same surroundings; see `surroundings`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import select
import shlex
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING

from phoenix_pve.errors import TooSlowError
from phoenix_pve.foreign import last_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

GRACE_SECONDS = 10.0
"""How long a command that was asked to end may take to clean up, before it is killed."""

LATEST_BYTES = 4096
"""How much of what a command says is looked at while it runs."""

LOCALE = "C.UTF-8"
"""Every Debian has it. In a POSIX locale the real `qm set --description 'ä'` stores `%EF%BF%BD%EF%BF%BD`."""

TOOL_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where the tools are, which cron's PATH leaves out."""

USUAL_FOLDERS = ("/usr/bin", "/bin")
"""A PATH with one of these gets TOOL_FOLDERS as well; one that names neither is somebody's own making, and stays."""

OF_PYTHON = (b"PYTHONIOENCODING", b"PYTHONUTF8", b"PYTHONCOERCECLOCALE")
"""What tells a Python to speak in another way than its locale."""

MOST_ANSWER = 256 << 20
"""Bytes that a command may print; one that prints more prints without end."""

UMASK = 0o022
_soft_limit: list[int] = []
"""How many files this process might have open before `raise_open_files` raised that; the commands get it back."""


class CutShort(Exception):
    """A command that was ended: `why` is that it took too long or printed too much, `said` what it said until then."""

    def __init__(self, why: str, said: str) -> None:
        super().__init__(why)
        self.why, self.said = why, said


def run(
    argv: Sequence[str],
    stdin: str | None,
    seconds: float,
    limit: int | None = None,
    grace: float = GRACE_SECONDS,
    folder: str = "",
) -> tuple[int, str, str]:
    """Return (exit status, stdout, stderr), of both streams at most `limit` bytes.

    It runs in `folder`, else where phoenix does, and has `grace` seconds to clean up at the deadline.

    Raises TooSlowError after so many seconds, OSError if it cannot start.
    """
    try:
        status, out, err = run_bytes(
            argv, (stdin or "").encode("utf-8", "surrogateescape"), seconds, folder, limit, grace
        )
    except CutShort as cut:
        raise _cut_short(argv, cut) from None
    return status, _text(out), _text(err)


def run_bytes(
    argv: Sequence[str],
    stdin: bytes,
    seconds: float,
    folder: str = "",
    limit: int | None = None,
    grace: float = GRACE_SECONDS,
) -> tuple[int, bytes, bytes]:
    """Return (exit status, stdout, stderr) as they came. Raises CutShort, OSError."""
    words = [word.encode("utf-8", "surrogateescape") for word in argv]
    with memory(stdin) as asked, memory(limit=limit) as out, memory(limit=limit) as err, _seen(argv, out):
        child = subprocess.Popen(
            words,
            stdin=asked,
            stdout=out,
            stderr=err,
            start_new_session=True,
            env=surroundings(os.environb),
            cwd=folder or standing(),
            umask=UMASK,
        )
        limit_again(child.pid)
        if why := _wait_for_end(child, seconds, (out, err)):
            _end(child, grace)
            raise CutShort(why, _text(read(err) or read(out)))
        return child.returncode, read(out), read(err)


def surroundings(environ: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the environment of a command: UTF-8 wherever phoenix runs, and the folders of the tools on PATH."""
    kept = {name: value for name, value in environ.items() if name not in OF_PYTHON and name != b"LANGUAGE"}
    return {**kept, b"LC_ALL": LOCALE.encode(), b"LANG": LOCALE.encode(), b"PATH": _path(environ.get(b"PATH", b""))}


def _path(path: bytes) -> bytes:
    """Return PATH with the folders of the tools behind it; an empty part, which is the working folder, goes."""
    given = [absolute(part) for part in os.fsdecode(path).split(":") if part] or list(USUAL_FOLDERS)
    more = TOOL_FOLDERS if set(given) & set(USUAL_FOLDERS) else ()
    return os.fsencode(":".join(dict.fromkeys([*given, *more])))


def absolute(path: str) -> str:
    """Return a path as it is for a command that runs in another folder; unchanged when the working folder is gone."""
    try:
        return os.path.abspath(path)  # noqa: PTH100 - which would keep `..`
    except OSError:
        return path


def standing() -> str | None:
    """Return where a command of this workstation runs: nothing for the working folder, / when that is gone."""
    try:
        os.getcwd()  # noqa: PTH109 - only asks whether there is one
    except OSError:
        return "/"
    return None


def which(name: str) -> str:
    """Return where a command of this machine is, as `run` finds it; "" for nowhere."""
    for folder in os.fsdecode(_path(os.environb.get(b"PATH", b""))).split(":"):
        place = os.path.join(folder, name)  # noqa: PTH118 - never raises
        if os.access(place, os.X_OK) and not os.path.isdir(place):  # noqa: PTH112 - never raises
            return place
    return ""


def raise_open_files(wanted: int) -> int:
    """Allow this process `wanted` open files, as far as it may be; return how many it may have then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or wanted <= soft:
        return wanted if soft == resource.RLIM_INFINITY else soft
    allowed = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        _soft_limit[:] = _soft_limit or [soft]
        return allowed
    return soft


def limit_again(pid: int) -> None:
    """Give a command the limit back that phoenix began with: what uses select(2) breaks beyond 1024 files."""
    if _soft_limit:
        with contextlib.suppress(OSError, ValueError):
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (_soft_limit[0], hard))


_under_way: dict[int, tuple[str, ...]] = {}
_watch = threading.Lock()


@contextlib.contextmanager
def _seen(argv: Sequence[str], out: int) -> Iterator[None]:
    """Let `latest` see what a command has said, as long as the file is open."""
    with _watch:
        _under_way[out] = tuple(argv)
    try:
        yield
    finally:
        with _watch:
            del _under_way[out]


def latest(argv: Sequence[str]) -> str:
    """Return the last that a command which ends with these words has said on stdout, while it runs; else nothing."""
    words = tuple(argv)
    with _watch:
        file = next((file for file, running in _under_way.items() if words and running[-len(words) :] == words), None)
        if file is None:
            return ""
        size = os.fstat(file).st_size
        return os.pread(file, LATEST_BYTES, max(0, size - LATEST_BYTES)).decode("utf-8", "replace")


@contextlib.contextmanager
def memory(content: bytes = b"", limit: int | None = None) -> Iterator[int]:
    """Give a file that exists in memory only; nothing of it is left, however phoenix ends."""
    file = os.memfd_create("phoenix", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        if limit is not None:
            os.ftruncate(file, limit)
            fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
        left = content
        while left:
            left = left[os.write(file, left) :]
        os.lseek(file, 0, os.SEEK_SET)
        yield file
    finally:
        os.close(file)


def read(file: int) -> bytes:
    """Return what is in a file of `memory`, up to MOST_ANSWER bytes; one of a fixed size ends in zeros."""
    size, parts = min(os.fstat(file).st_size, MOST_ANSWER), list[bytes]()
    while size and (part := os.pread(file, size, sum(map(len, parts)))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts).rstrip(b"\0")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def _wait_for_end(child: subprocess.Popen[bytes], seconds: float, outputs: tuple[int, int]) -> str:
    """Wait for the end; return "" when it came, else why it is not waited for any longer."""
    deadline = time.monotonic() + seconds
    while not _wait(child, min(1.0, max(0.0, deadline - time.monotonic()))):
        if any(os.fstat(file).st_size > MOST_ANSWER for file in outputs):
            return f"printed more than {MOST_ANSWER >> 20} MiB"
        if time.monotonic() >= deadline:
            return f"did not end within {seconds:g} s"
    return ""


def _wait(child: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for the end without polling; return whether it came in time."""
    try:
        handle = os.pidfd_open(child.pid)
    except OSError:  # a kernel before 5.3, or it ended
        return _wait_by_polling(child, seconds)
    try:
        waiter = select.poll()
        waiter.register(handle, select.POLLIN)
        ended = bool(waiter.poll(seconds * 1000))
    finally:
        os.close(handle)
    if ended:
        child.wait()
    return ended


def _wait_by_polling(child: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(child: subprocess.Popen[bytes], grace: float) -> None:
    """Ask a command and all it started to end, as Proxmox does when a task is stopped; then kill them."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, sign)
        if _wait(child, grace):
            return


def _cut_short(argv: Sequence[str], cut: CutShort) -> TooSlowError:
    return TooSlowError(
        f"`{shlex.join(argv[:3])}` {cut.why} and was ended: {last_line(cut.said, 'it said nothing')}",
        "is a storage or the cluster stuck? run the same command again: it goes on from what is there; "
        "--call-timeout S waits longer",
        died=True,
    )
