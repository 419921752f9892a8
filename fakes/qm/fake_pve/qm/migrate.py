"""`qm migrate <vmid> <target>`: this node is a cluster of one, so there is nowhere to go (qm-misc-001)."""

from __future__ import annotations

from fake_pve.errors import CommandFailed, NotModelled, ParameterErrors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Refuse this node and nodes that are not there; another one would have to be modelled."""
    target = call.params["target"]
    if target == call.node.name:
        raise ParameterErrors({"target": "target is local node."})
    if not call.node.has_member(target):
        raise CommandFailed(f"no such cluster node '{target}'")
    raise NotModelled("qm migrate to another node")
