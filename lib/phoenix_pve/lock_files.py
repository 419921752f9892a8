"""Where the locks of guests are and which command runs under which. PURE.

A run of phoenix holds a flock on /run/phoenix/ID on the node that it drives, as long as it works on a guest. The
kernel drops it when its holder ends, however that comes: there are no stale locks. Commands that change the guest hold
a shared flock on ID.busy as long as they run. So a phoenix that comes after one that was killed waits until the last
command of that one is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_pve import foreign
from phoenix_pve.call_limits import QUERIES

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDER = "/run/phoenix"
"""Not below /run/lock, where everybody may write: a link laid there would lead root astray."""


TOO_MANY = "this run itself: so many locks are more open files than it may have, and each is taken in its turn"
"""Who else has one of many guests, when nobody has, and they cannot be locked all at once."""


def lock_path(vmid: int) -> str:
    """Return the file that a run of phoenix locks; it says who does."""
    return f"{FOLDER}/{vmid}"


def busy_path(vmid: int) -> str:
    """Return the file that commands lock while they run."""
    return f"{FOLDER}/{vmid}.busy"


def guest_of(argv: Sequence[str]) -> int | None:
    """Return whom a command changes: `qm clone 8004 8005` -> 8005, `qm status 8001` -> None."""
    if argv[1:2] and argv[1] in QUERIES:
        return None
    return next(filter(None, map(foreign.number, reversed(argv[2:4]))), None)


LOGGED = 'date "+begin %s.%N" >>"$0"; "$@"; status=$?; date "+end %s.%N" >>"$0"; exit $status'
"""Runs a command and adds when it begins and ends, by the node's clock, to the file named before it."""


def guarded(argv: Sequence[str], root: str, log: str = "") -> list[str]:
    """Return the command that runs `argv` and holds the guest's busy lock meanwhile.

    It is flock(1) that holds it, not what it starts (--close): a virtual machine that comes up must not inherit it. The
    lines in `log` come under the same lock, and also when phoenix is gone: they show what the command can have made.
    """
    vmid = guest_of(argv)
    if vmid is None:
        return list(argv)
    logged = ["sh", "-c", LOGGED, root + log] if log else []
    return ["flock", "--shared", "--close", root + busy_path(vmid), *logged, *argv]


def left_over(who: str) -> str:
    """Return who holds a guest whose lock is free and which is busy."""
    return f"a command of {who or 'an interrupted run'}, which is gone; the command still runs"
