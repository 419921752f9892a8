"""`pct push`: copy a file from the node into a running container."""

from __future__ import annotations

from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.lxc import guest, power

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

REFUSED = ("group", "user")  # nobody owns a file here


def run(call: Call) -> None:
    """A file that cannot be copied is told on stderr, and the exit status is 0 all the same."""
    vmid = call.params["vmid"]
    if not power.is_running(call.node, vmid):
        raise CommandFailed("can only push files to a running CT")
    try:
        guest.push(call, vmid, call.params["file"], call.params["destination"], mode(call))
    except NotModelled:
        raise
    except CommandFailed as problem:
        call.err(problem.message)


def mode(call: Call) -> int | None:
    """`--perms` as a number; an octal number with or without a leading 0."""
    perms = call.params.get("perms")
    if perms is None:
        return None
    if not perms or not set(perms) <= set("01234567"):
        raise CommandFailed(f"invalid permissions '{perms}'")
    return int(perms, 8)
