"""`pct list`: one line a container; nothing at all when there is none (pct-list-001)."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve import runtime
from fake_pve.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.node import Node


def run(call: Call) -> None:
    """`VMID Status Lock Name`, in columns."""
    rows = [row for vmid in conf_files.guests(call.node, "lxc") if (row := of(call.node, str(vmid)))]
    if rows:
        call.out(line("VMID", "Status", "Lock", "Name"))
    for row in rows:
        call.out(line(*row))


def of(node: Node, vmid: str) -> tuple[str, str, str, str] | None:
    """The cells of a container; None for one that was removed just now."""
    try:
        options = conf_files.load(node, "lxc", vmid).options
    except CommandFailed:
        return None
    status = "running" if runtime.running(node, "lxc", vmid) else "stopped"
    return vmid, status, options.get("lock", ""), options.get("hostname", f"CT{vmid}")


def line(vmid: str, status: str, lock: str, name: str) -> str:
    """A row in its columns."""
    return f"{vmid:<10} {status:<10} {lock:<12} {name:<20}"
