"""The processes of a simulated guest, as its first one sees them: start, signal, count."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import sys
import termios

from fake_pve.guests import units

TYPE_CHECKING = False  # typing costs each guest memory
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRON = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "TERM": "linux", "SHELL": "/bin/sh"}


def start(
    argv: list[str],
    fds: tuple[int, int, int],
    *,
    environ: Mapping[str, str],
    user: str = "",
    cwd: str = "/",
    keep: int | None = None,
    terminal: bool = False,
) -> int:
    """Start a program; its pid. -1 of `fds` is /dev/null, `keep` becomes file 3; `terminal`: file 0 is its terminal."""
    pid = os.fork()
    if pid:
        return pid
    try:
        _prepare_child(fds, keep, terminal=terminal)
        values = {**ENVIRON, **environ}
        if user:
            values.update(_become(user))
        os.chdir(cwd)
        _exec(argv, values)
    except FileNotFoundError:
        _complain(f"{argv[0]}: No such file or directory", 127)
    except BaseException as error:  # noqa: BLE001 - a child must not return into the loop
        _complain(f"{argv[0]}: {error}", 126)


def _become(user: str) -> dict[str, str]:
    """Be that user; what its environment says of it."""
    uid, gid, home = units.account(user)
    os.setgroups([gid])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    return {"HOME": home, "USER": user}


def _prepare_child(fds: tuple[int, int, int], keep: int | None, *, terminal: bool) -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    moved = [fcntl.fcntl(os.open("/dev/null", os.O_RDWR) if fd < 0 else fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in fds]
    kept = None if keep is None else fcntl.fcntl(keep, fcntl.F_DUPFD_CLOEXEC, 10)
    for target, fd in enumerate(moved):
        os.dup2(fd, target)
    if kept is not None:
        os.dup2(kept, 3)
    if terminal:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _exec(argv: list[str], environ: dict[str, str]) -> NoReturn:
    """Become a program, searched in PATH. The standard library's search would import a module that is out of reach."""
    folders = environ["PATH"].split(":") if "/" not in argv[0] else [""]
    for folder in folders:
        path = f"{folder}/{argv[0]}" if folder else argv[0]
        if os.path.exists(path):
            os.execve(path, argv, environ)  # noqa: S606 - a shell has no business here
    raise FileNotFoundError(argv[0])


def _complain(text: str, status: int) -> NoReturn:
    os.write(2, f"{text}\n".encode(errors="replace"))
    os._exit(status)


def signal_all(number: int) -> None:
    """Send a signal to every process of the guest but this one."""
    try:
        os.kill(-1, number)
    except OSError as error:
        if error.errno != errno.ESRCH:
            sys.stderr.write(f"kill: {error}\n")


def signal_group(pid: int) -> None:
    """Hang up on a process and those that it started."""
    try:
        os.killpg(pid, signal.SIGHUP)
    except ProcessLookupError:
        pass


def others() -> bool:
    """Whether the guest has processes besides this one; those that only wait to be reaped do not count."""
    for name in os.listdir("/proc"):
        if name.isdigit() and name != "1":
            try:
                with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as file:
                    if file.read().rpartition(")")[2].split()[0] != "Z":
                        return True
            except OSError:
                continue
    return False
