"""`pct pull`: copy a file from a running container to the node."""

from __future__ import annotations

from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.lxc import guest, power
from fake_pve.pct.push import mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

REFUSED = ("group", "user")  # nobody owns a file here


def run(call: Call) -> None:
    """Wording of the refusal from pct-exec-001; a missing file is only told on stderr."""
    vmid = call.params["vmid"]
    if not power.is_running(call.node, vmid):
        raise CommandFailed("can only pull files from a running VM at /usr/share/perl5/PVE/CLI/pct.pm line 664.")
    try:
        guest.pull(call, vmid, call.params["path"], call.params["destination"], mode(call))
    except NotModelled:
        raise
    except CommandFailed as problem:
        call.err(problem.message)
