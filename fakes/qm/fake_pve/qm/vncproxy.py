"""`qm vncproxy <vmid>`: only as far as its checks (qm-misc-001, qm-unknown-vm-042)."""

from __future__ import annotations

from fake_pve import power
from fake_pve.errors import CommandFailed, NotModelled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Refuse a call without the ticket that only the web interface has."""
    power.must_exist(call.node, call.params["vmid"])
    if not call.node.environ.get("LC_PVE_TICKET"):
        raise CommandFailed("LC_PVE_TICKET not set, VNC proxy without password is forbidden")
    raise NotModelled("qm vncproxy")
