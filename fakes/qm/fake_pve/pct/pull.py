"""`pct pull`: copy a file from a running container to the node."""

from __future__ import annotations

from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.lxc import guest, power
from fake_pve.pct.push import mode, owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Refusal from pct-exec-001; a missing file is only told on stderr. Its owner is who runs the fake."""
    vmid = call.params["vmid"]
    if not power.is_running(call.node, vmid):
        raise CommandFailed("can only pull files from a running VM at /usr/share/perl5/PVE/CLI/pct.pm line 664.")
    try:
        guest.check_owner(owner(call))
        guest.pull(call, vmid, call.params["path"], call.params["destination"], mode(call))
    except NotModelled:
        raise
    except CommandFailed as problem:
        call.err(problem.message)
