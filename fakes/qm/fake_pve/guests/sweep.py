"""Remove guests that nobody looks after any more: their processes, with these mounts and ports, and their files.

A guest of this user is known by its folder, or, if that is gone, by its first process. Fixtures name the node,
`make clean` calls it with --here:

    python3 -m fake_pve.guests.sweep ROOT…     the guests of these nodes
    python3 -m fake_pve.guests.sweep --here    every guest that this copy of the fake has started
    python3 -m fake_pve.guests.sweep --all     every guest that this user has on this machine
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time

from fake_pve.cli.program import parser
from fake_pve.guests import state, userns

SECONDS = 10.0
ENTRY = f"{os.path.dirname(os.path.realpath(__file__))}/entry.py"


def guest_of(argv: list[str]) -> str:
    """The guest's folder if these are the words of a guest's first process, else ""."""
    if len(argv) > 2 and argv[-2] == "launch" and argv[-3].endswith("/guests/entry.py"):
        return argv[-1]
    if argv and os.path.basename(argv[0]).startswith("qemu-system-"):
        for word in argv:
            if word.endswith("/qemu.pid") and "/var/lib/fake-pve/guests/" in word:
                return os.path.dirname(word)
    return ""


def mark() -> str:
    """What a virtual guest's command line has to tell which copy of the fake started it."""
    return f"fake-pve-{hashlib.sha256(ENTRY.encode()).hexdigest()[:12]}"


def is_ours(argv: list[str]) -> bool:
    """Whether these words of a guest's first process are of this copy of the fake."""
    return f"null,id={mark()}" in argv or os.path.realpath(argv[-3]) == ENTRY


def processes(*, here: bool = False) -> dict[int, str]:
    """The first processes of this user's guests, or only of those that this copy started, and their folders."""
    found = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                argv = os.fsdecode(file.read()).rstrip("\0").split("\0")
        except OSError:
            continue
        guest = guest_of(argv)
        if guest and may_end(name) and (is_ours(argv) or not here):
            found[int(name)] = guest
    return found


def may_end(pid: str) -> bool:
    """Whether a process is this user's: root's guests run as another user, but root may end them all."""
    lines = state.read(f"/proc/{pid}/status").splitlines()  # the owner of /proc/PID is not always the process's
    owner = next((line.split()[1] for line in lines if line.startswith("Uid:")), "")
    return os.geteuid() == 0 or owner == str(os.geteuid())


def end(pids: list[int]) -> None:
    """Kill processes and wait until they are gone."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    deadline = time.monotonic() + SECONDS
    while any(state.start_time(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.01)


def sweep(root: str | None = None, *, here: bool = False) -> list[str]:
    """End and remove the guests of one node's root, or all of this user's; the folders of those that were there.

    With `here`, all that this copy of the fake started.
    """
    running = processes(here=here)
    if root is None:
        folders = set(running.values())
    else:
        base = state.base(os.path.realpath(root))
        folders = {guest for guest in running.values() if guest.startswith(f"{base}/")}
        if os.path.isdir(base):
            folders |= {f"{base}/{name}" for name in os.listdir(base)}
    end([pid for pid, guest in running.items() if guest in folders])
    for guest in folders:
        userns.remove_tree(guest)
    return sorted(folders)


def main(argv: list[str]) -> int:
    """Sweep what the command line names."""
    words = parser("fake_pve.guests.sweep", __doc__)
    words.add_argument("roots", metavar="ROOT", nargs="*", help="the node's /")
    which = words.add_mutually_exclusive_group()
    which.add_argument("--here", action="store_true", help="every guest that this copy of the fake has started")
    which.add_argument("--all", action="store_true", help="every guest that this user has on this machine")
    wanted = words.parse_args(argv)
    if bool(wanted.roots) == (wanted.here or wanted.all):
        words.error("name nodes, or one of --here and --all")
    for root in wanted.roots or [None]:
        for folder in sweep(root, here=wanted.here):
            sys.stdout.write(f"removed {folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
