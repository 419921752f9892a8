"""`qm list`: a table of all virtual machines of the node; nothing at all without one (qm-list-001…004)."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve import runtime, vmstatus
from fake_pve.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

ROW = "{:>10} {:<20} {:<10} {:<10} {:>12} {:<10}"


def run(call: Call) -> None:
    """Print the table, sorted by ID; one whose configuration goes in this moment is left out."""
    rows = [row for vmid in confs.guests(call.node, "qemu") if (row := _row(call, vmid))]
    if rows:
        call.out(ROW.format("VMID", "NAME", "STATUS", "MEM(MB)", "BOOTDISK(GB)", "PID"))
    for row in rows:
        call.out(row)


def _row(call: Call, vmid: int) -> str:
    try:
        conf = confs.load(call.node, "qemu", vmid)
    except CommandFailed:
        return ""
    power = runtime.read(call.node, "qemu", vmid)
    disk = f"{vmstatus.bootdisk_bytes(conf) / 2**30:.2f}"
    state, pid = ("stopped", 0) if power is None else ("running", power.pid)
    return ROW.format(vmid, vmstatus.name(conf, vmid), state, vmstatus.memory_mib(conf), disk, pid)
