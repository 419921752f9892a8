"""Guests that the HA manager looks after: /etc/pve/ha/resources.cfg, entries such as `vm: 8001` (qm-destroy-014)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.node import Node

RESOURCES = "/etc/pve/ha/resources.cfg"
TYPE = {"qemu": "vm", "lxc": "ct"}


def is_managed(node: Node, kind: str, vmid: str | int) -> bool:
    """Whether the guest is an HA resource: starting and stopping it is then a request to a manager that is not here."""
    try:
        with open(node.root + RESOURCES, encoding="utf-8", errors="replace") as file:
            return f"{TYPE[kind]}: {vmid}" in [line.rstrip() for line in file]
    except OSError:
        return False
