"""The node's network bridges and their MTU: those of its /etc/network/interfaces; without that file, `vmbr0` alone."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.node import Node

DEFAULT = "vmbr0"
USUAL_MTU = 1500


def exists(node: Node, name: str) -> bool:
    """Whether the node has a bridge (or another interface) of this name."""
    return name in names(node)


def names(node: Node) -> set[str]:
    """The interfaces that /etc/network/interfaces defines with `iface NAME …` or `auto NAME …`."""
    lines = _lines(node)
    if lines is None:
        return {DEFAULT}
    return {word for words in lines if words[:1] in (["iface"], ["auto"]) for word in _defined(words)}


def mtu(node: Node, name: str) -> int:
    """The size of the bridge's packets: the `mtu` line of its stanza, else the usual one."""
    stanza = ""
    for words in _lines(node) or []:
        if words[:1] in (["iface"], ["auto"]):
            stanza = words[1] if words[0] == "iface" and words[1:] else ""
        elif stanza == name and words[:1] == ["mtu"] and words[1:] and words[1].isdecimal():
            return int(words[1])
    return USUAL_MTU


def _lines(node: Node) -> list[list[str]] | None:
    """The words of each line of the file; None without one."""
    try:
        with open(f"{node.root}/etc/network/interfaces", encoding="utf-8", errors="replace") as file:
            return [line.split() for line in file]
    except OSError:
        return None


def _defined(words: list[str]) -> list[str]:
    return words[1:2] if words[0] == "iface" else words[1:]
