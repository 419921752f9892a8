"""What is remembered of a guest on its node, beyond what Proxmox knows. PURE.

A record is the file /var/lib/phoenix/ID.record on the node, one JSON object:

    {"format": 1, "kind": "vm", "name": "web", "guest": {"uuid": "…"}, "made_from": "/var/lib/vz/…img",
     "due": ["user-data"], "boot": "1763877600.123"}

It is worth something only for the guest whose identity it names. `due` is what a running guest reads at its next start,
and `boot` tells the start after which that was changed: when the number of the VM's process was written.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phoenix_pve import foreign, identity, notes
from phoenix_pve.guest import Kind, Power
from phoenix_pve.kinds import FACTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phoenix_pve.guest import GuestSpec
    from phoenix_pve.identity import Identity
    from phoenix_pve.observe import Seen

FORMAT = 1
IMAGE_KEYS = {Kind.VM: ("template_image", "clone_from_vmid"), Kind.CONTAINER: ("template", "clone_from_ctid")}
"""The keys of the configuration that state what a guest is made from: an image, or another guest."""


@dataclass(frozen=True)
class Record:
    """What a record says; `guest` is None as long as the guest is not made, `made_from` "" where nobody knows."""

    kind: Kind
    name: str
    guest: Identity | None = None
    made_from: str = ""
    due: tuple[str, ...] = ()
    boot: str = ""


def path(vmid: int) -> str:
    """Return where the record of a guest is."""
    return f"{notes.FOLDER}/{vmid}.record"


def pid_path(vmid: int) -> str:
    """Return the file with the number of a running VM's process; a new one is written at every start."""
    return f"/run/qemu-server/{vmid}.pid"


def text(record: Record) -> str:
    """Return a record as the file has it."""
    document = {
        "format": FORMAT,
        "kind": record.kind.value,
        "name": record.name,
        "guest": identity.to_json(record.guest) if record.guest else None,
        "made_from": record.made_from,
        "due": list(record.due),
        "boot": record.boot,
    }
    return json.dumps(document) + "\n"


def parse(text: str) -> Record | None:
    """Return what a record says, None for what is none."""
    try:
        return _record(foreign.document(text))
    except (ValueError, KeyError, TypeError):
        return None


def _record(document: Any) -> Record:
    """Read a record. Raises ValueError, KeyError or TypeError for what is none."""
    if document["format"] != FORMAT:
        raise ValueError("a record of another format")
    return Record(
        Kind(document["kind"]),
        str(document["name"]),
        identity.from_json(document["guest"]),
        str(document["made_from"]),
        tuple(map(str, document["due"])),
        str(document["boot"]),
    )


def of_guest(seen: Seen) -> Record | None:
    """Return the record of the guest that is there; one of another guest is none."""
    record, state = seen.record, seen.state
    if record is None or state is None or record.guest is None or record.kind is not state.kind:
        return None
    return record if identity.same(record.guest, identity.of(state)) else None


def due(seen: Seen) -> tuple[str, ...]:
    """Return what a running guest reads at its next start and no other file shows."""
    record, state = of_guest(seen), seen.state
    started = record is not None and bool(record.boot and seen.boot and record.boot != seen.boot)
    running = state is not None and state.power is not Power.STOPPED
    return record.due if record and running and not started else ()


def made_from(spec: GuestSpec) -> str:
    """Return what a guest is made from by its configuration: the path of an image, or the ID of another guest."""
    return spec.image or str(spec.clone_from or "")


def differences(spec: GuestSpec, seen: Seen) -> Iterator[str]:
    """Yield that the guest was made from something else than its configuration states now."""
    record = of_guest(seen)
    if record and record.made_from and record.made_from != made_from(spec):
        key, word = IMAGE_KEYS[spec.kind][spec.clone_from is not None], FACTS[spec.kind].word
        yield (
            f"{spec.vmid} {spec.name}: `{key}` says {made_from(spec)}, and the {word} was made from "
            f"{record.made_from}; that has no effect on a {word} that exists"
        )
