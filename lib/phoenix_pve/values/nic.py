"""Network cards: `virtio=BC:24:11:00:80:01,bridge=vmbr0` of a VM, `name=eth0,hwaddr=…,ip=dhcp` of a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_pve.values import props

if TYPE_CHECKING:
    from phoenix_pve.guest import Network

MODELS = ("virtio", "e1000", "e1000e", "rtl8139", "vmxnet3")


def parse_vm(text: str) -> dict[str, str]:
    """`virtio=MAC,bridge=vmbr0` -> {"model": "virtio", "macaddr": "MAC", "bridge": "vmbr0"}."""
    values = props.parse(text, default_key="model")
    for key in [k for k in values if k in MODELS]:
        values = {"model": key, "macaddr": values[key].upper(), **{k: v for k, v in values.items() if k != key}}
    return values


def format_vm(values: dict[str, str]) -> str:
    """Undo parse_vm; without a MAC address Proxmox draws one."""
    model, mac = values.get("model", "virtio"), values.get("macaddr")
    rest = {key: value for key, value in values.items() if key not in {"model", "macaddr"}}
    return props.format_props({**({model: mac} if mac else {"": model}), **rest})


def wanted_vm(network: Network, current: dict[str, str]) -> dict[str, str]:
    """Return the card as it should be: what is stated, over what is there (its MAC, firewall, queues… stay)."""
    return {
        **(current or {"model": "virtio"}),
        "bridge": network.bridge,
        **({"macaddr": network.mac} if network.mac else {}),
        **({"tag": str(network.vlan_tag)} if network.vlan_tag else {}),
    }


def wanted_container(network: Network, interface: str, current: dict[str, str]) -> dict[str, str]:
    """Return a container's card as it should be; address and gateway are exactly what is stated."""
    stated = {
        "name": interface,
        "bridge": network.bridge,
        **({"gw": network.gw} if network.gw else {}),
        **({"hwaddr": network.mac} if network.mac else {}),
        "ip": network.ip,
        **({"tag": str(network.vlan_tag)} if network.vlan_tag else {}),
    }
    kept = {key: value for key, value in current.items() if key != "gw"}
    return {**kept, **stated} if kept else stated


def parse_container(text: str) -> dict[str, str]:
    """`name=eth0,hwaddr=…` -> a dict, the MAC in capitals."""
    values = props.parse(text)
    return {**values, **({"hwaddr": values["hwaddr"].upper()} if "hwaddr" in values else {})}
