"""`pct unmount`: undo `pct mount`."""

from __future__ import annotations

from fake_pve.pct import unlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Fails for a container that is not mounted."""
    unlock.remove(call, call.params["vmid"], "mounted")
