"""`qm terminal <vmid>`: only as far as its checks (qm-misc-001, -002)."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve import runtime
from fake_pve.errors import CommandFailed, NotModelled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Find a serial interface that is a socket, on a machine with power."""
    vmid = call.params["vmid"]
    conf = confs.load(call.node, "qemu", vmid)
    wanted = call.params.get("iface")
    if wanted is not None and conf.options.get(wanted) != "socket":
        raise CommandFailed(f"serial interface '{wanted}' is not configured")
    if not any(conf.options.get(f"serial{index}") == "socket" for index in range(4)):
        raise CommandFailed("unable to find a serial interface")
    if not runtime.running(call.node, "qemu", vmid):
        raise CommandFailed(f"VM {vmid} not running")
    raise NotModelled("qm terminal on a running machine")
