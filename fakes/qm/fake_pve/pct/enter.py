"""`pct enter`: a shell in a running container."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve.errors import CommandFailed
from fake_pve.lxc import guest, power

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """The shell's exit status is passed on."""
    check_running(call)
    shell = ["/bin/bash", "--login"] if guest.is_real(call.node) else ["/bin/sh"]
    raise SystemExit(guest.guest_exec(call, call.params["vmid"], shell, terminal=True))


def check_running(call: Call) -> None:
    """The container exists and runs (pct-exec-001)."""
    vmid = call.params["vmid"]
    conf_files.load(call.node, "lxc", vmid)
    if not power.is_running(call.node, vmid):
        raise CommandFailed(f"container '{vmid}' not running!")
