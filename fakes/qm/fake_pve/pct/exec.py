"""`pct exec`: run a program in a running container; its exit status is passed on."""

from __future__ import annotations

from fake_pve.errors import CommandFailed
from fake_pve.lxc import guest
from fake_pve.pct.enter import check_running

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """See fake_pve.lxc.guest for what can be run."""
    check_running(call)
    if not call.extra:
        raise CommandFailed("missing command")
    raise SystemExit(guest.guest_exec(call, call.params["vmid"], call.extra))
