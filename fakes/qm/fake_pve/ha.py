"""Guests that the HA manager looks after: /etc/pve/ha/resources.cfg, entries such as `vm: 8001` (qm-destroy-014)."""

from __future__ import annotations

from fake_pve.vm import jobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.node import Node

TYPE = {"qemu": "vm", "lxc": "ct"}


def is_managed(node: Node, kind: str, vmid: str | int) -> bool:
    """Whether the guest is an HA resource: starting and stopping it is then a request to a manager that is not here.

    With state `ignored` the tools act directly (cluster-ha-005).
    """
    section = jobs.ha_resource(node, vmid, TYPE[kind])
    return section is not None and not any(line.split() == ["state", "ignored"] for line in section)


def request_start(node: Node, kind: str, vmid: str | int) -> None:
    """Ask for a start, as `ha-manager set --state started` does (ha-manager-ha-024); the CRM writes `stopped`."""
    jobs.set_ha_state(node, vmid, "started", TYPE[kind])
