"""Tags of scenarios that a real node leaves out, each with its reason."""

from __future__ import annotations

import os

from features import settings

ALWAYS = {
    "faults": "makes the node misbehave",
    "disposable-node": "changes the storages of the node, or what others have on it",
    "fake-node": "the answer tells what the fake node has",
    "guests": "looks at the guest's processes on this machine",
}
"""A real node cannot do these."""


def reason(tag: str) -> str:
    """Return why a scenario with this tag is left out in this run, or nothing."""
    if not os.environ.get("ACCEPTANCE_HOST"):
        return ""
    return ALWAYS.get(tag, "") or _lacking(tag)


def _lacking(tag: str) -> str:
    """Return which setting a scenario needs that config/acceptance.json lacks: `second-bridge` needs one."""
    key = tag.replace("-", "_")
    known = settings.OPTIONAL
    return f"config/acceptance.json names no `{key}`" if key in known and not settings.load().given(key) else ""
