"""Which node has a guest: pmxcfs' list of all guests of the cluster. PURE. Source: the manual page pmxcfs(8)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phoenix_pve.node import File

VMLIST = "/etc/pve/.vmlist"


def nodes(file: File | None) -> frozenset[str]:
    """Return the nodes that have guests."""
    try:
        entries = json.loads(file.data)["ids"].values() if file else ()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return frozenset()
    return frozenset(str(entry["node"]) for entry in entries if isinstance(entry, dict) and "node" in entry)


def node_of(vmid: int, file: File | None) -> str:
    """Return the node that has a guest, "" when the list does not say; without guests it has no `ids`."""
    try:
        entry = json.loads(file.data)["ids"].get(str(vmid)) if file else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    return str(entry["node"]) if isinstance(entry, dict) and "node" in entry else ""
