"""Is it still the guest that was seen? What tells one guest from another that has the same ID. PURE.

A VM has a UUID, a generation ID and the time of its creation in its configuration (qm.conf(5): smbios1, vmgenid, meta).
A container has none of these: its root volume and the MAC addresses of its cards stand for it (pct.conf(5)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phoenix_pve.guest import Kind
from phoenix_pve.values import disk, nic, props

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from phoenix_pve.guest import GuestState


@dataclass(frozen=True)
class Identity:
    """What stays the same as long as a guest is the same one; "" or nothing where its configuration says nothing.

    uuid        of a VM, from `smbios1`
    made        seconds since 1970 at which a VM was made, from `meta`
    generation  of a VM, from `vmgenid`; a rollback changes it
    root        the root volume of a container
    cards       the MAC addresses of its network cards, in capitals
    """

    uuid: str = ""
    made: str = ""
    generation: str = ""
    root: str = ""
    cards: frozenset[str] = frozenset()


def of(state: GuestState) -> Identity:
    """Return the identity of a guest by its configuration in force."""
    options = state.in_force or state.options
    cards = frozenset(_cards(state.kind, options))
    if state.kind is Kind.CONTAINER:
        return Identity(root=disk.parse(options.get("rootfs", "")).volume, cards=cards)
    return Identity(
        uuid=props.parse(options.get("smbios1", "")).get("uuid", "").lower(),
        made=props.parse(options.get("meta", "")).get("ctime", ""),
        generation=options.get("vmgenid", "").lower(),
        cards=cards,
    )


def _cards(kind: Kind, options: Mapping[str, str]) -> Iterator[str]:
    for key, text in options.items():
        if key.startswith("net") and key[3:].isascii() and key[3:].isdigit():
            card = nic.parse_vm(text) if kind is Kind.VM else nic.parse_container(text)
            yield from filter(None, [card.get("macaddr", "") or card.get("hwaddr", "")])


def same(one: Identity, other: Identity) -> bool:
    """Return whether two identities may be those of one guest: by the first thing that both of them say."""
    for mine, its in ((one.uuid, other.uuid), (one.made, other.made), (one.generation, other.generation)):
        if mine and its:
            return mine == its
    cards = not (one.cards and other.cards) or bool(one.cards & other.cards)
    return cards and (not (one.root and other.root) or one.root == other.root)


def with_card(identity: Identity, kind: Kind, text: str) -> Identity:
    """Return an identity of which a network card may also be the one that `text` states: phoenix gives it that one."""
    return Identity(**{**vars(identity), "cards": identity.cards | frozenset(_cards(kind, {"net0": text}))})


def to_json(identity: Identity) -> dict[str, Any]:
    """Return an identity as a JSON object, without what it does not say."""
    return {key: sorted(value) if key == "cards" else value for key, value in vars(identity).items() if value}


def from_json(document: Any) -> Identity | None:
    """Return the identity that a JSON object is, None for anything else."""
    if not isinstance(document, dict) or not document or not document.keys() <= vars(Identity()).keys():
        return None
    cards = document.get("cards", [])
    rest = {key: value for key, value in document.items() if key != "cards"}
    whole = isinstance(cards, list) and all(isinstance(text, str) for text in [*cards, *rest.values()])
    return Identity(**rest, cards=frozenset(cards)) if whole else None
