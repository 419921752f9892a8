"""`pct listsnapshot`: a container's snapshots as a tree; the same as that of `qm` (pct-snapshot-001)."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve.qm.listsnapshot import tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Ends with `current`, the state that is no snapshot."""
    for line in tree(conf_files.load(call.node, "lxc", call.params["vmid"])):
        call.out(line)
