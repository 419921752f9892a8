"""`pct migrate`: the node is a cluster of one, so there is nowhere to go."""

from __future__ import annotations

from fake_pve.errors import CommandFailed, ParameterErrors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Refused before the container is looked at (pct-misc-004, pct-unknown-ct-033)."""
    target = call.params["target"]
    if target == call.node.name:
        raise ParameterErrors({"target": "target is local node."})
    raise CommandFailed(f"no such cluster node '{target}'")
