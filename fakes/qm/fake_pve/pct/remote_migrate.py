"""`pct remote-migrate`: there is no other cluster."""

from __future__ import annotations

from fake_pve.errors import NotModelled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Refused."""
    raise NotModelled(f"pct {call.command}")
