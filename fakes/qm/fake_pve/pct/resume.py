"""`pct resume`: wake a suspended container; as none can be suspended here (see `pct suspend`), there is never one."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve.errors import CommandFailed
from fake_pve.lxc import power
from fake_pve.pct.suspend import DUMP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """A running container is refused; that there is none only LXC notices (pct-life-040)."""
    vmid = call.params["vmid"]
    if power.is_running(call.node, vmid):
        raise CommandFailed(f"CT {vmid} already running")
    if conf_files.exists(call.node, "lxc", vmid):
        power.check_lock(conf_files.load(call.node, "lxc", vmid))
    call.out(f"lxc-checkpoint: {vmid}: ../src/lxc/tools/lxc_checkpoint.c: main: 298 {vmid} is not defined")
    raise CommandFailed(f"command 'lxc-checkpoint -n {vmid} -r --foreground -D {DUMP}' failed: exit code 1")
