"""Which address a guest is reached at. PURE.

A guest has many addresses: bridges of docker, link-local ones, IPv6 before IPv4. The right one stands on the network
card that Proxmox gave it, which is known by its MAC address.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any

from phoenix_pve import foreign
from phoenix_pve.guest import Kind
from phoenix_pve.values import nic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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
    vmids = [vmid for word in argv if (vmid := foreign.number(word)) is not None]
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
    read = _agent_card if kind is Kind.VM else _ip_card
    cards = [read(entry) for entry in foreign.mappings(foreign.document(answer))]
    return best(pair for card in cards if card.mac == mac.lower() for pair in card.addresses)


def best(addresses: Iterable[tuple[str, int]]) -> str:
    """Return the address of `(text, prefix)` pairs that is to be used, "" if none is."""
    usable = [(address, prefix) for text, prefix in addresses if (address := _parsed(text)) and _is_usable(address)]
    return str(min(usable, key=_rank)[0]) if usable else ""


def plain(text: str) -> str:
    """Return an address in the one way to write it, "" for anything else.

    A zone (`fe80::1%eth0`) is none: Python takes whatever stands behind the sign for its name, and such an address is
    good for nothing on another machine.
    """
    found = _parsed(text)
    return str(found) if found else ""


def _rank(pair: tuple[Address, int]) -> tuple[int, bool, bool]:
    address, prefix = pair
    return (address.version, address.version == 6 and not address.is_global, prefix >= address.max_prefixlen)


def _is_usable(address: Address) -> bool:
    """Return whether it can be the guest's own: `::ffff:127.0.0.1` is the machine's that tries it."""
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    special = address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified
    return not (special or address.is_reserved or inner)


def _parsed(text: str) -> Address | None:
    try:
        return None if "%" in text else ip_address(text)
    except ValueError:
        return None


def _agent_card(entry: Mapping[str, Any]) -> Card:
    """Read an entry of QEMU's guest-network-get-interfaces; a card without address lacks the key."""
    addresses = _pairs(entry.get("ip-addresses"), "ip-address", "prefix")
    return Card(foreign.word(entry.get("hardware-address")).lower(), addresses)


def _ip_card(entry: Mapping[str, Any]) -> Card:
    """Read an entry of `ip -j addr`; a deprecated address is not for new connections."""
    found = [item for item in foreign.mappings(entry.get("addr_info")) if not item.get("deprecated")]
    return Card(foreign.word(entry.get("address")).lower(), _pairs(found, "local", "prefixlen"))


def _pairs(entries: Any, text: str, prefix: str) -> tuple[tuple[str, int], ...]:
    """Return the addresses of a card; one whose length makes no sense does not count."""
    found = [(foreign.word(a.get(text)), foreign.whole(a.get(prefix, 0), 0, 128)) for a in foreign.mappings(entries)]
    return tuple((address, length) for address, length in found if length is not None)
