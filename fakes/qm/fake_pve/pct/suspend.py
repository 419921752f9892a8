"""`pct suspend`: freeze a running container to disk, which fails: the node has no CRIU, as most real ones."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve.errors import CommandFailed
from fake_pve.lxc import power

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

DUMP = "/var/lib/vz/dump"


def run(call: Call) -> None:
    """A stopped container is refused as recorded in pct-unknown-ct-008."""
    vmid = call.params["vmid"]
    power.check_running(call.node, vmid)
    power.check_lock(conf_files.load(call.node, "lxc", vmid))
    raise CommandFailed(f"command 'lxc-checkpoint -n {vmid} -s -D {DUMP}' failed: exit code 1")
