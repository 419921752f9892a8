"""Addresses for guests that ask by DHCP."""

from __future__ import annotations


def picked_address(vmid: int, index: int) -> tuple[str, str]:
    """(address with prefix, gateway) for a guest's card number `index`: the same for a VMID each time."""
    return f"10.{77 + index}.{1 + vmid // 254 % 254}.{1 + vmid % 254}/16", f"10.{77 + index}.0.1"
