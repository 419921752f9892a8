"""`pct console`: a terminal of a running container."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.lxc import guest, power

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """lxc-console itself refuses a stopped container, with status 1 (pct-exec-001)."""
    vmid = call.params["vmid"]
    conf_files.load(call.node, "lxc", vmid)
    if not power.is_running(call.node, vmid):
        raise CommandFailed(f"lxc-console: {vmid}: ../src/lxc/tools/lxc_console.c: main: 129 {vmid} is not running", 1)
    if not guest.is_real(call.node):
        raise NotModelled("a console of a running container")
    raise SystemExit(guest.guest_exec(call, vmid, ["/bin/login"], terminal=True))
