"""Addresses for cloud-init: `ip=10.0.0.5/24,gw=10.0.0.1`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_pve.values import props

if TYPE_CHECKING:
    from phoenix_pve.guest import Network


def wanted(network: Network, current: str) -> str:
    """Return ipconfig0 as it should be: IPv4 exactly as stated, what is set for IPv6 stays."""
    kept = {key: value for key, value in props.parse(current).items() if key in {"ip6", "gw6"}}
    return props.format_props({"ip": network.ip, **({"gw": network.gw} if network.gw else {}), **kept})


def same(one: str, other: str) -> bool:
    """Return whether two texts mean the same address."""
    return props.parse(one) == props.parse(other)
