"""Network cards: `virtio=BC:24:11:…,bridge=vmbr0,tag=5`."""

from __future__ import annotations

from fake_pve import dice
from fake_pve.conf_keys import MODELS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from fake_pve.node import Node

BOOLEANS = ("firewall", "host-tunnel", "link_down")


def is_name(key: str) -> bool:
    """net0 … net31."""
    return key.startswith("net") and key[3:].isdecimal()


def parse(text: str) -> dict[str, str]:
    """The card's properties; "model" and "macaddr" also from `virtio=MAC`. Validity was checked before."""
    found: dict[str, str] = {}
    for part in text.split(","):
        if not part or part.isspace():
            continue
        key, equals, value = part.partition("=")
        if not equals:
            found["model"] = part
        elif key in MODELS:
            found["model"], found["macaddr"] = key, value
        else:
            found[key] = _boolean(value) if key in BOOLEANS else value
    return found


def _boolean(text: str) -> str:
    return {"on": "1", "yes": "1", "true": "1", "off": "0", "no": "0", "false": "0"}.get(text.lower(), text)


def print_(card: Mapping[str, str]) -> str:
    """The value as it is stored: model and address first, the rest sorted (qm-create-069)."""
    rest = [f"{key}={card[key]}" for key in sorted(card) if key not in ("model", "macaddr")]
    return ",".join((f"{card['model']}={card['macaddr']}", *rest))


def with_mac(node: Node, text: str) -> str:
    """The value with a new MAC address if it names none, in the stored form (qm-set-038: every time a new one)."""
    card = parse(text)
    if not card.get("macaddr"):
        card["macaddr"] = dice.mac(node)
    return print_(card)
