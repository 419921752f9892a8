"""A container's network interfaces, `net0` … `net31`, and the bridges they need."""

from __future__ import annotations

from fake_pve import bridges, dice, propstring, schema
from fake_pve.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.node import Node


def is_key(key: str) -> bool:
    """Whether a configuration key is a network interface."""
    return key.startswith("net") and key[3:].isdecimal()


def parse(text: str) -> dict[str, str]:
    """The properties of an interface; CommandFailed for a damaged text."""
    try:
        return propstring.parse(schema.option_format("pct", "net0"), text, check=False)
    except propstring.PropertyError as problem:
        raise CommandFailed(problem.message.rstrip("\n")) from None


def completed(node: Node, text: str) -> str:
    """The property string as it is stored: with a MAC address and a type, `name` first, the rest sorted."""
    values = parse(text) | {"type": "veth"}
    if not values.get("hwaddr"):
        values["hwaddr"] = dice.mac(node)
    return propstring.print_(schema.option_format("pct", "net0"), values)


def with_new_mac(node: Node, text: str) -> str:
    """The same interface for another container (pct-clone-008)."""
    values = parse(text) | {"type": "veth", "hwaddr": dice.mac(node)}
    return propstring.print_(schema.option_format("pct", "net0"), values)


def bridge(text: str) -> str:
    """The bridge of a property string, "" for none."""
    return next((word[7:] for word in text.split(",") if word.startswith("bridge=")), "")


def check_bridges(node: Node, options: dict[str, str]) -> None:
    """The set-up of a container's interfaces fails at the first bridge that the node does not have (pct-start-003)."""
    for key in sorted(options):
        if is_key(key) and bridge(options[key]):
            check_bridge(node, bridge(options[key]))
            check_mtu(node, key, options[key])


def check_mtu(node: Node, key: str, text: str, status: int = 255) -> None:
    """An interface cannot have larger packets than its bridge; `status` is that of this refusal."""
    mtu = next((word[4:] for word in text.split(",") if word.startswith("mtu=")), "")
    if mtu.isdecimal():
        check_bridge(node, bridge(text))
        most = bridges.mtu(node, bridge(text))
        if int(mtu) > most:
            raise CommandFailed(f"{key}: MTU size '{mtu}' is bigger than bridge MTU '{most}'", status)


def check_names(vmid: str, options: dict[str, str]) -> None:
    """LXC cannot start a container that has two interfaces of one name."""
    names = [interface(options[key]) for key in options if is_key(key)]
    if len(set(names)) < len(names):
        raise CommandFailed(f"startup for container '{vmid}' failed")


def interface(text: str) -> str:
    """The name that the interface has inside the container."""
    return next((word[5:] for word in text.split(",") if word.startswith("name=")), "")


def check_bridge(node: Node, name: str) -> None:
    """Refuse a bridge that is not there; status 2 is what the look into /sys leaves in errno (pct-start-003)."""
    if not bridges.exists(node, name):
        raise CommandFailed(f"bridge '{name}' does not exist", 2)
