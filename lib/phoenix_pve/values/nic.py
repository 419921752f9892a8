"""Network cards: `virtio=BC:24:11:00:80:01,bridge=vmbr0` of a VM, `name=eth0,hwaddr=…,ip=dhcp` of a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_pve.values import ipconfig, props

if TYPE_CHECKING:
    from collections.abc import Mapping

    from phoenix_pve.guest import Network

MODELS = frozenset(
    {"e1000", "e1000-82540em", "e1000-82544gc", "e1000-82545em", "e1000e", "i82551", "i82557b", "i82559er"}
    | {"ne2k_isa", "ne2k_pci", "pcnet", "rtl8139", "virtio", "vmxnet3"}
)
"""Every model that `qm set --net0` takes (qm(1)), each also as the key of the card's MAC address."""


def parse_vm(text: str) -> dict[str, str]:
    """`virtio=MAC,bridge=vmbr0` or `model=virtio,macaddr=MAC,…` -> {"model": "virtio", "macaddr": "MAC", …}."""
    values = props.parse(text, default_key="model")
    for key in [k for k in values if k in MODELS]:
        values = {"model": key, "macaddr": values[key], **{k: v for k, v in values.items() if k != key}}
    return {**values, **({"macaddr": values["macaddr"].upper()} if "macaddr" in values else {})}


def format_vm(values: Mapping[str, str]) -> str:
    """Undo parse_vm; without a MAC address Proxmox draws one."""
    model, mac = values.get("model", "virtio"), values.get("macaddr")
    rest = {key: value for key, value in values.items() if key not in {"model", "macaddr"}}
    return props.format_props({**({model: mac} if mac else {"": model}), **rest})


def wanted_vm(network: Network, current: Mapping[str, str]) -> dict[str, str]:
    """Return the card as it should be: what is stated, over what is there (its MAC, firewall, queues… stay)."""
    card = {**(current or {"model": "virtio"}), "bridge": network.bridge}
    return props.laid_over(card, {"macaddr": network.mac, "tag": network.vlan_tag})


def wanted_container(network: Network, interface: str, current: Mapping[str, str]) -> dict[str, str]:
    """Return a container's card as it should be: what is stated, over what is there; see ipconfig for the address."""
    address = ipconfig.address(network, current)
    card = {key: value for key, value in current.items() if key not in {"ip", "gw"} or key in address}
    stated = {"gw": address.get("gw"), "hwaddr": network.mac, "ip": address.get("ip"), "tag": network.vlan_tag}
    return props.laid_over({**card, "name": interface, "bridge": network.bridge}, stated)


def parse_container(text: str) -> dict[str, str]:
    """`name=eth0,hwaddr=…` -> a dict, the MAC in capitals."""
    values = props.parse(text)
    return {**values, **({"hwaddr": values["hwaddr"].upper()} if "hwaddr" in values else {})}
