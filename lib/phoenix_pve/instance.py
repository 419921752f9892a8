"""What makes cloud-init take a VM for another one. PURE.

On the cloud-init drive of Proxmox the identity of the instance is a digest of the user-data and the network
configuration (qm-cloudinit-*): another address, gateway, name server, search domain or MAC address is another instance.
cloud-init then runs from the beginning at the next boot, and makes other host keys.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from phoenix_pve.guest import Kind
from phoenix_pve.plan import RefreshCloudInit, SetOptions, WriteSnippet
from phoenix_pve.values import disk, nic, props

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from phoenix_pve.guest import GuestState
    from phoenix_pve.plan import Change

RENEWING = frozenset({"user-data", "ipconfig0", "nameserver", "searchdomain", "cicustom"})
"""What waits for a restart that is such a change; a card may wait for something else."""

_OPTION = re.compile(r"ipconfig[0-9]+|nameserver|searchdomain|cicustom|citype")
_CARD = re.compile(r"net[0-9]+")


def renewing(state: GuestState | None, changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes of a VM that exists which make it another instance."""
    if state is None or state.kind is not Kind.VM:
        return ()
    current = state.in_force or state.options
    return tuple(change for change in changes if _renews(current, change))


def _renews(current: Mapping[str, str], change: Change) -> bool:
    match change:
        case WriteSnippet() | RefreshCloudInit():
            return True
        case SetOptions():
            return any(_matters(current, name, value) for name, value in [*change.options, *_gone(change)])
        case _:
            return False


def _gone(change: SetOptions) -> list[tuple[str, str]]:
    return [(name, "") for name in change.removed]


def _matters(current: Mapping[str, str], name: str, value: str) -> bool:
    """Return whether cloud-init sees an option; of a card it sees the MAC address."""
    if _CARD.fullmatch(name):
        return nic.parse_vm(current.get(name, "")).get("macaddr") != nic.parse_vm(value).get("macaddr")
    if disk.is_slot(name):
        return disk.parse(value).volume.endswith(":cloudinit")
    return bool(_OPTION.fullmatch(name)) and props.parse(current.get(name, "")) != props.parse(value)
