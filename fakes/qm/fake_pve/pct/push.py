"""`pct push`: copy a file from the node into a running container."""

from __future__ import annotations

from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.lxc import guest, power

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """A file that cannot be copied is told on stderr, and the exit status is 0 all the same."""
    vmid = call.params["vmid"]
    if not power.is_running(call.node, vmid):
        raise CommandFailed("can only push files to a running CT")
    try:
        guest.push(call, vmid, call.params["file"], call.params["destination"], mode(call), owner(call))
    except NotModelled:
        raise
    except CommandFailed as problem:
        call.err(problem.message)


def mode(call: Call) -> int | None:
    """`--perms` as a number; octal with or without a leading 0, hexadecimal with `0x`."""
    perms = call.params.get("perms")
    if perms is None:
        return None
    digits, base = (perms[2:].lower(), 16) if perms.startswith("0x") else (perms, 8)
    if not digits or not set(digits) <= set("0123456789abcdef"[:base]):
        raise CommandFailed(f"invalid permissions '{perms}'")
    return int(digits, base)


def owner(call: Call) -> str:
    """`--user` and `--group` as chown(1) takes them, `0:0`, `0` or `:0`; "" for neither."""
    group = call.params.get("group")
    return call.params.get("user", "") + (f":{group}" if group else "")
