"""`pvesm path <volume>`: where a volume is; it need not exist (pvesm-path-001)."""

from __future__ import annotations

from fake_pve.storage import volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Print the path, with the fake node's root in front so that a caller can open it."""
    call.out(volume.path(call.node, call.params["volume"]))
