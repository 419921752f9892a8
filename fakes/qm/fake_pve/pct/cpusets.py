"""`pct cpusets`: which processors the running containers are bound to."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve.lxc import power
from fake_pve.pct.status import CPUS, cpus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """A table with a row a running container; `no running containers` else (pct-unknown-ct-035)."""
    running = [str(vmid) for vmid in conf_files.guests(call.node, "lxc") if power.is_running(call.node, str(vmid))]
    if not running:
        call.out("no running containers")
        return
    width = max(4, *(len(vmid) + 1 for vmid in running))
    rows = [f"{vmid + ':':<{width}}{bound(call, vmid)}".rstrip() for vmid in running]
    rule = "-" * (width + 3 * CPUS)
    for line in (rule, *rows, rule):
        call.out(line)


def bound(call: Call, vmid: str) -> str:
    """A column a processor: its number if the container may use it. The scheduler of the fake takes the first ones."""
    options = conf_files.load(call.node, "lxc", vmid).options
    count = int(float(cpus(options))) if "cores" in options else CPUS
    return "".join(f"{number if number < count else '':>3}" for number in range(CPUS))
