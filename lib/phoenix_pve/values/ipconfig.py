"""Addresses: a VM's `ip=10.0.0.5/24,gw=10.0.0.1` for cloud-init, and the same two properties of a container's card."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from phoenix_pve.guest import Gone
from phoenix_pve.values import props

if TYPE_CHECKING:
    from collections.abc import Mapping

    from phoenix_pve.guest import Network

WITHOUT_GATEWAY = frozenset({"", "dhcp", "manual"})
"""What stands for `ip` where a gateway has no meaning: Proxmox drops an address that has both (qm.conf(5))."""


def address(network: Network, current: Mapping[str, str], *, new: bool = False) -> dict[str, str]:
    """Return `ip` and `gw` as they should be: what is stated, over what is there.

    new  the guest is being made: what is not stated gets its default, and nothing of a clone's source is kept
    """
    now = {key: current[key] for key in ("ip", "gw") if key in current}
    if network.ip is None and network.gw is None and not new:
        return now
    if isinstance(network.ip, Gone) and now.get("ip") == "manual":
        return {"ip": "manual"}
    made = props.laid_over({"ip": "dhcp"} if new else now, {"ip": network.ip, "gw": network.gw})
    return {key: value for key, value in made.items() if key == "ip" or made.get("ip", "") not in WITHOUT_GATEWAY}


def conflicts(network: Network, current: Mapping[str, str], *, new: bool = False) -> list[str]:
    """Return what is wrong with a stated address over a gateway that is there, or the other way round."""
    if (network.ip is None) is (network.gw is None):
        return []
    made = address(network, current, new=new)
    try:
        found = problems(made.get("ip", ""), str(network.gw or made.get("gw", "")))
    except ValueError:  # nobody checks what somebody wrote into the file by hand
        return []
    return [problem for problem in found if problem.startswith("gw:")]


def wanted(network: Network, current: str, *, new: bool = False) -> str:
    """Return ipconfig0 as it should be, "" for none; what is set for IPv6 stays."""
    now = props.parse(current)
    rest = {key: value for key, value in now.items() if key not in {"ip", "gw"}}
    return props.format_props({**address(network, now, new=new), **rest})


def same(one: str, other: str) -> bool:
    """Return whether two texts mean the same address."""
    return props.parse(one) == props.parse(other)


def problems(ip: str, gw: str) -> list[str]:
    """Return what is wrong with an address and its gateway ("" for none), each beginning with the key it is about.

    A gateway outside of the subnet is reached on-link where the address is alone in it (/32): routed setups have that.
    """
    if ip in WITHOUT_GATEWAY:
        why = "; with dhcp it comes from the server" if ip == "dhcp" else ""
        return [f"gw: a gateway needs a static ip{why}"] if gw else []
    interface = ipaddress.ip_interface(ip)
    network = interface.network
    own = (network.network_address, network.broadcast_address) if network.prefixlen < network.max_prefixlen - 1 else ()
    gateway = ipaddress.ip_address(gw) if gw else None
    found = [f"ip: {ip} is the network's own address, not a guest's"] if interface.ip in own else []
    if gateway == interface.ip:
        found.append(f"gw: {gw} is the guest's own address")
    elif gateway and gateway not in network and network.prefixlen < network.max_prefixlen:
        found.append(f"gw: {gw} is outside of {network}, so the guest cannot reach it")
    elif gateway in own:
        found.append(f"gw: {gw} is the network's own address, not a gateway's")
    return found
