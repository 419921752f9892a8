"""Which address a guest is reached at. PURE.

A guest has many addresses: bridges of docker, link-local ones, IPv6 before IPv4. The right one stands on the network
card that Proxmox gave it, which is known by its MAC address.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

from phoenix_pve.guest import Kind
from phoenix_pve.values import nic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from phoenix_pve.guest import GuestSpec

Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Card:
    """A network card as it is seen inside: its MAC address in small letters, and its addresses as `(text, prefix)`."""

    mac: str
    addresses: tuple[tuple[str, int], ...]


def stated(spec: GuestSpec) -> str:
    """Return the address that the configuration states, "" for DHCP."""
    return spec.network.static.partition("/")[0]


def question(kind: Kind, vmid: int) -> tuple[str, ...]:
    """Return the command that lists a running guest's addresses; it changes nothing."""
    match kind:
        case Kind.VM:
            return ("qm", "guest", "cmd", str(vmid), "network-get-interfaces")
        case Kind.CONTAINER:
            return ("pct", "exec", str(vmid), "--", "ip", "-j", "addr")


def is_question(argv: Sequence[str]) -> bool:
    """Return whether a command is one of `question`."""
    vmids = [int(word) for word in argv if word.isascii() and word.isdigit()]
    return any(tuple(argv) == question(kind, vmid) for kind in Kind for vmid in vmids)


def mac_of(kind: Kind, options: Mapping[str, str]) -> str:
    """Return the MAC address of a guest's first network card by its configuration, "" if it has none."""
    text = options.get("net0", "")
    card = nic.parse_vm(text) if kind is Kind.VM else nic.parse_container(text)
    return card.get("macaddr" if kind is Kind.VM else "hwaddr", "").lower()


def choose(kind: Kind, answer: str, mac: str) -> str:
    """Return the best address on the card with this MAC address out of what `question` answered, "" while it has none.

    IPv4 comes before global IPv6, that before unique local IPv6; an address of the card's own network before one that
    floats between guests (/32, /128). Link-local ones are never chosen.
    """
    read = _agent_cards if kind is Kind.VM else _ip_cards
    found = [pair for card in read(_document(answer)) if card.mac == mac.lower() for pair in card.addresses]
    return best(found)


def best(addresses: Iterable[tuple[str, int]]) -> str:
    """Return the address of `(text, prefix)` pairs that is to be used, "" if none is."""
    usable = [(address, prefix) for text, prefix in addresses if (address := _parsed(text)) and _is_usable(address)]
    return str(min(usable, key=_rank)[0]) if usable else ""


def _rank(pair: tuple[Address, int]) -> tuple[int, bool, bool]:
    address, prefix = pair
    return (address.version, address.version == 6 and not address.is_global, prefix >= address.max_prefixlen)


def _is_usable(address: Address) -> bool:
    return not (address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified)


def _parsed(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _document(answer: str) -> list[Mapping[str, Any]]:
    """Return the list of objects that JSON text holds; nothing when it is anything else."""
    try:
        found = json.loads(answer)
    except ValueError:
        return []
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _agent_cards(entries: Iterable[Mapping[str, Any]]) -> Iterator[Card]:
    """Read QEMU's guest-network-get-interfaces; a card without address lacks the key."""
    for entry in entries:
        pairs = [(str(a.get("ip-address")), int(a.get("prefix", 0))) for a in entry.get("ip-addresses") or ()]
        yield Card(str(entry.get("hardware-address", "")).lower(), tuple(pairs))


def _ip_cards(entries: Iterable[Mapping[str, Any]]) -> Iterator[Card]:
    """Read `ip -j addr`; a deprecated address is not for new connections."""
    for entry in entries:
        pairs = [
            (str(a.get("local")), int(a.get("prefixlen", 0)))
            for a in entry.get("addr_info") or ()
            if not a.get("deprecated")
        ]
        yield Card(str(entry.get("address", "")).lower(), tuple(pairs))
