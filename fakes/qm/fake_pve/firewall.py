"""A guest's firewall rules, /etc/pve/firewall/<vmid>.fw: they go with it, and a clone gets a copy (pve-firewall(8))."""

from __future__ import annotations

import os

from fake_pve import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.node import Node


def path(node: Node, vmid: str) -> str:
    """Where the rules are."""
    return f"{node.root}/etc/pve/firewall/{vmid}.fw"


def remove(node: Node, vmid: str) -> None:
    """Forget the rules, if there are any."""
    try:
        os.unlink(path(node, vmid))
    except FileNotFoundError:
        pass


def copy(node: Node, vmid: str, newid: str) -> None:
    """Give another guest the same rules, if there are any."""
    try:
        with open(path(node, vmid), "rb") as file:
            rules = file.read()
    except FileNotFoundError:
        return
    files.replace(path(node, newid), rules)
