"""`qm enroll-efi-keys <vmid>`: only as far as finding the machine (qm-unknown-vm-049)."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve.errors import NotModelled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Firmware variables have no contents here."""
    confs.load(call.node, "qemu", call.params["vmid"])
    raise NotModelled("qm enroll-efi-keys")
