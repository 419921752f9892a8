"""User namespaces without helper programs but newuidmap: who becomes whom, and how to get in.

Inside, user 0 is the caller (or, for root, an unused high user, so that a guest's root is nobody on the machine) and
users 1 to 65535 are the caller's subordinate range. Nothing here needs root.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys

from fake_pve.guests import GuestFailed

TYPE_CHECKING = False  # typing costs each guest memory
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    Line = tuple[int, int, int]  # first id inside, first id outside, how many

CLONE_NEWTIME = 0x00000080
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH = 2
PR_SET_DUMPABLE = 4

ROOTS_RANGE = 0x70000000  # systemd's table of user ids marks 1879048192 and up as unused
IDS = 65536

libc = ctypes.CDLL(None, use_errno=True)


class Mapping:
    """The ids of a namespace: lines of (inside, outside, count), and whether newuidmap has to write them."""

    __slots__ = ("by_helper", "groups", "users")

    def __init__(self, users: list[Line], groups: list[Line], *, by_helper: bool) -> None:
        self.users = users
        self.groups = groups
        self.by_helper = by_helper

    @property
    def root(self) -> tuple[int, int]:
        """User and group outside that are 0 inside."""
        return self.users[0][1], self.groups[0][1]

    @property
    def key(self) -> str:
        """A name for trees of files that belong to this mapping."""
        return "-".join(str(outside) for _, outside, _ in self.users)


def mapping() -> Mapping:
    """The caller's mapping; GuestFailed names the command that gives an ordinary user a range of ids."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0 and sees_all_ids():
        whole = [(0, ROOTS_RANGE, IDS)]
        return Mapping(whole, whole, by_helper=False)
    return Mapping([(0, uid, 1), own_range("/etc/subuid")], [(0, gid, 1), own_range("/etc/subgid")], by_helper=True)


def sees_all_ids() -> bool:
    """Whether this process is in a namespace that has every id, as it is outside of rootless containers."""
    with open("/proc/self/uid_map", encoding="ascii") as file:
        return file.read().split() == ["0", "0", "4294967295"]


def own_range(path: str) -> Line:
    """The first subordinate range of the caller in /etc/subuid or /etc/subgid, as a line of the mapping."""
    import pwd  # here and below: what only the machine's side needs must not weigh on every guest

    name = pwd.getpwuid(os.geteuid()).pw_name
    try:
        with open(path, encoding="utf-8") as file:
            rows = [line.strip().split(":") for line in file]
    except FileNotFoundError:
        rows = []
    for row in rows:
        if len(row) == 3 and row[0] in {name, str(os.geteuid())}:
            return 1, int(row[1]), min(int(row[2]), IDS - 1)
    raise GuestFailed(
        f"{name} has no line in {path}, so that a guest can have no users of its own; as root: "
        f"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {name}"
    )


def write_maps(pid: int, ids: Mapping) -> None:
    """Give the namespace of process `pid` its ids, from outside of it."""
    for helper, name, lines in (("newuidmap", "uid_map", ids.users), ("newgidmap", "gid_map", ids.groups)):
        if ids.by_helper:
            _run_id_helper(helper, pid, lines)
        else:
            with open(f"/proc/{pid}/{name}", "w", encoding="ascii") as file:
                file.write("".join(f"{inside} {outside} {count}\n" for inside, outside, count in lines))


def _run_id_helper(helper: str, pid: int, lines: list[Line]) -> None:
    import shutil
    import subprocess

    if shutil.which(helper) is None:
        raise GuestFailed(f"{helper} is missing; as root: apt-get install --yes uidmap")
    words = [str(number) for line in lines for number in line]
    done = subprocess.run([helper, str(pid), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise GuestFailed(f"{helper} refused: {done.stderr.strip()}")


def check(result: int, what: str) -> None:
    """Raise OSError naming `what` if a C call returned -1."""
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def unshare(flags: int) -> None:
    """Leave namespaces for new ones; GuestFailed says what to do where that is forbidden."""
    try:
        check(libc.unshare(ctypes.c_int(flags)), "unshare")
    except OSError as error:
        if error.errno in {errno.EPERM, errno.ENOSPC, errno.EINVAL, errno.ENOSYS}:
            raise GuestFailed(f"{FORBIDDEN} ({error.strerror})") from error
        raise


FORBIDDEN = (
    "this machine forbids user namespaces, so simulated guests cannot run: allow them "
    "(sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1, "
    "kernel.apparmor_restrict_unprivileged_userns=0, "
    "in Docker --security-opt seccomp=unconfined --security-opt systempaths=unconfined), "
    "or choose FAKE_PVE_GUEST=virtual or FAKE_PVE_GUEST=none"
)


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Put `source`, or a new file system of that kind, at `target`."""
    texts = [os.fsencode(text) or None for text in (source, target, kind)]
    result = libc.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), os.fsencode(data) or None)
    check(result, f"mount {kind or source} on {target}")


def unmount(target: str) -> None:
    """Detach what is mounted at `target`."""
    check(libc.umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")


def pivot_root() -> None:
    """Make the current folder, a mount point, the root; the former root disappears."""
    check(libc.pivot_root(b".", b"."), "pivot_root")
    unmount(".")
    os.chdir("/")


def become_root() -> None:
    """Be user 0 of the namespace just entered."""
    os.setresgid(0, 0, 0)
    os.setgroups([])
    os.setresuid(0, 0, 0)
    set_dumpable(yes=True)  # else /proc/self belongs to nobody after the change of user


def set_dumpable(*, yes: bool) -> None:
    """Whether this process may be looked into by others of its user."""
    check(libc.prctl(PR_SET_DUMPABLE, int(yes), 0, 0, 0), "prctl")


def fork_into(flags: int, ids: Mapping, inside: Callable[[], NoReturn]) -> int:
    """Fork a child that runs `inside` as root of new namespaces; returns the child's pid. The caller waits for it."""
    ready_read, ready_write = os.pipe()
    go_read, go_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        never_return(lambda: _enter(flags, ready_write, go_read, go_write), inside)
    os.close(ready_write)
    os.close(go_read)
    try:
        problem = os.read(ready_read, 4096)
        if problem != b"ok":
            os.waitpid(pid, 0)
            raise GuestFailed(problem.decode(errors="replace") or "a process died before it entered its namespace")
        write_maps(pid, ids)
        os.write(go_write, b"go")
    finally:
        os.close(ready_read)
        os.close(go_write)
    return pid


def _enter(flags: int, ready: int, go_read: int, go_write: int) -> None:
    os.close(go_write)  # so that the parent's death is seen as end of file
    try:
        unshare(CLONE_NEWUSER | flags)
    except (GuestFailed, OSError) as error:
        os.write(ready, str(error).encode())
        os._exit(1)
    os.write(ready, b"ok")
    os.close(ready)
    if os.read(go_read, 2) != b"go":
        os._exit(1)
    os.close(go_read)
    become_root()


def never_return(*steps: Callable[[], object]) -> NoReturn:
    """Run the steps of a forked child, which must not unwind into its parent's code."""
    try:
        for step in steps:
            step()
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent's frames are not its place
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.stderr.flush()
    finally:
        os._exit(1)


def run_here(argv: list[str]) -> int:
    """Run a program in the current folder as root of a namespace with the caller's ids; its exit status."""
    import shutil

    program = shutil.which(argv[0])
    if program is None:
        raise GuestFailed(f"{argv[0]} is missing")
    found = program
    pid = fork_into(CLONE_NEWNS, mapping(), lambda: os.execv(found, argv))  # noqa: S606 - no shell
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run_mapped(argv: list[str], folder: str, stdin: int | None = None) -> None:
    """Run a program in `folder` as root of a namespace with the caller's ids; GuestFailed with its words.

    In a process of its own: a process with threads should not fork, and a working folder belongs to all threads.
    """
    import subprocess

    entry = os.path.join(os.path.dirname(__file__), "entry.py")
    done = subprocess.run(
        [sys.executable, "-I", "-S", entry, "mapped", *argv],
        cwd=folder,
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        said = done.stdout.decode(errors="replace").strip()[-2000:]
        raise GuestFailed(f"{argv[0]} ended with status {done.returncode}: {said}")


def remove_tree(path: str) -> None:
    """Remove a file, or a folder in which guests have made files of their own users."""
    import shutil

    if not os.path.isdir(path):
        if os.path.lexists(path):
            os.unlink(path)
        return
    try:
        shutil.rmtree(path)
    except PermissionError:
        parent, name = os.path.split(os.path.abspath(path))
        run_mapped(["rm", "-rf", "--", name], parent)
