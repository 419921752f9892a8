"""How long a command on the node may take. PURE."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT = 14400.0
"""Seconds for a command that copies, grows or wipes disks, when --call-timeout says nothing: four hours."""

QUICK = 600.0
"""Seconds for a command that changes something else."""

QUERY = 60.0
"""Seconds for a command that only looks."""

QUERIES = frozenset({"status", "config", "pending", "list", "path", "agent"})
DISKS = frozenset({"create", "clone", "destroy", "disk", "resize", "free"})


def seconds(argv: Sequence[str], most: float = DEFAULT) -> float:
    """Return the deadline of a command; `most` is what --call-timeout says, which none exceeds."""
    verb = argv[1] if len(argv) > 1 else ""
    return most if verb in DISKS else min(most, QUERY if verb in QUERIES else QUICK)
