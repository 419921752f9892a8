"""`pvesm apiinfo`: the storage plugins' interface version (pvesm-cli-008)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

API = {"APIVER": 15, "APIAGE": 6}


def run(call: Call) -> None:
    """Two lines."""
    for name, number in API.items():
        call.out(f"{name} {number}")
