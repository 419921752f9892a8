"""How long a command may take, and how much it may print. PURE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_pve.foreign import ANSWER

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


def answer(argv: Sequence[str]) -> int | None:
    """Return the most bytes that are read of what a command prints, where a guest speaks through it; None for all."""
    through = list(argv[:2]) in [["qm", "guest"], ["pct", "exec"]] or list(argv[:1]) in [["ssh"], ["timeout"]]
    return ANSWER if through else None
