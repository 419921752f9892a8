"""Which network bridges the node has: those of its /etc/network/interfaces; without that file, `vmbr0` alone."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.node import Node

DEFAULT = "vmbr0"


def exists(node: Node, name: str) -> bool:
    """Whether the node has a bridge (or another interface) of this name."""
    return name in names(node)


def names(node: Node) -> set[str]:
    """The interfaces that /etc/network/interfaces defines with `iface NAME …` or `auto NAME …`."""
    try:
        with open(f"{node.root}/etc/network/interfaces", encoding="utf-8", errors="replace") as file:
            lines = [line.split() for line in file]
    except OSError:
        return {DEFAULT}
    return {word for words in lines if words[:1] in (["iface"], ["auto"]) for word in _defined(words)}


def _defined(words: list[str]) -> list[str]:
    return words[1:2] if words[0] == "iface" else words[1:]
