"""`pct resume`: wake a suspended container; as none can be suspended here (see `pct suspend`), there is never one."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve.errors import CommandFailed
from fake_pve.lxc import power
from fake_pve.pct.snapshot import as_task
from fake_pve.pct.suspend import DUMP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """A running container is refused; so is one that does not exist, with a task's status."""
    vmid = call.params["vmid"]
    if power.is_running(call.node, vmid):
        raise CommandFailed(f"CT {vmid} already running")
    with as_task():
        power.check_lock(conf_files.load(call.node, "lxc", vmid))
    raise CommandFailed(f"command 'lxc-checkpoint -n {vmid} -r --foreground -D {DUMP}' failed: exit code 1")
