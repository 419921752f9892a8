"""`pct status`: running or stopped; with `--verbose` all that is known of the container's state."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve import runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.node import Node

CPUS = 8  # of the node
MIB = 1024 * 1024


def run(call: Call) -> None:
    """`status: running`, or with `--verbose` one line a value, sorted (pct-status-001)."""
    vmid = call.params["vmid"]
    options = conf_files.load(call.node, "lxc", vmid).options
    if not call.flag("verbose"):
        call.out("status: " + ("running" if runtime.running(call.node, "lxc", vmid) else "stopped"))
        return
    state = values(call.node, vmid, options)
    for key in sorted(state):
        call.out(f"{key}: {state[key]}")


def values(node: Node, vmid: str, options: dict[str, str]) -> dict[str, object]:
    """What a container's state consists of; sizes are bytes."""
    from fake_pve import sizes
    from fake_pve.lxc import mountpoint  # only the long answer needs them

    size = mountpoint.parse("rootfs", options.get("rootfs", "none")).get("size", "")
    state: dict[str, object] = dict.fromkeys(
        ("disk", "diskread", "diskwrite", "mem", "netin", "netout", "swap", "uptime"), 0
    )
    state |= {
        "cpus": cpus(options),
        "maxdisk": sizes.parse(size) or 0,
        "maxmem": int(options.get("memory", "512")) * MIB,
        "maxswap": int(options.get("swap", "0")) * MIB,
        "name": options.get("hostname", f"CT{vmid}"),
        "status": "stopped",
        "type": "lxc",
        "vmid": vmid,
    }
    state |= {key: options[key] for key in ("lock", "tags", "template") if options.get(key, "0") != "0"}
    if runtime.running(node, "lxc", vmid):
        state |= {"status": "running", "cpu": 0, "pid": runtime.pid(node, "lxc", vmid)}
    return state


def cpus(options: dict[str, str]) -> str:
    """What the container may use, at most what the node has."""
    wanted = options.get("cores") or options.get("cpulimit") or "0"
    return wanted if 0 < float(wanted) <= CPUS else str(CPUS)
