"""The note about a guest that is being worked on: what it says, as text and read again. PURE.

A note is the file /var/lib/phoenix/ID.unfinished on the node. Its first line is a JSON object:

    {"format": 2, "kind": "vm", "name": "web", "doing": "make", "source": 101, "storages": ["local"],
     "there": ["local:8001/vm-8001-disk-7.raw"], "guest": {"uuid": "…"}, "spans": [[1763877600.1, 1763877601.2]]}

After it comes a line for every command that began or ended, by the node's clock (see lock_files):

    begin 1763877600.123456789
    end 1763877601.234567890

So a note is proof of no more than it names: of this guest, on these storages, of what was not there before and came
into being while one of its commands ran. Notes of format 1 (`vm web 101`) named neither, and prove nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from phoenix_pve import foreign, identity
from phoenix_pve.guest import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from phoenix_pve.identity import Identity

FOLDER = "/var/lib/phoenix"
FORMAT = 2
MAKE, REFRESH, CHANGE = "make", "refresh", "change"
"""What is being done: a guest is made; volumes of one that exists are made or grown, and its cloud-init drive written
anew; only volumes are made or grown. Each includes those after it."""

DOING = (MAKE, REFRESH, CHANGE)
COARSE = 1.0
"""Seconds by which a file may seem older than it is: the cluster's file system counts whole seconds."""

CLAIM = 60.0
"""Seconds within which a command that never ended has made the configuration that claims its ID."""

Span = tuple[float, float | None]
"""When a command began and ended, in seconds since 1970; one that was killed with all around it has no end."""


@dataclass(frozen=True)
class Note:
    """What a note says.

    source    what the guest is cloned from
    storages  those on which volumes are made
    there     the volumes that nobody named before
    guest     whose note it is; None for one that is made
    spans     when commands ran
    """

    kind: Kind
    name: str
    doing: str = MAKE
    source: int | None = None
    storages: frozenset[str] = frozenset()
    there: tuple[str, ...] = ()
    guest: Identity | None = None
    spans: tuple[Span, ...] = ()


def path(vmid: int) -> str:
    """Return where the note about a guest is."""
    return f"{FOLDER}/{vmid}.unfinished"


def text(note: Note) -> str:
    """Return a note as the file has it."""
    document = {
        "format": FORMAT,
        "kind": note.kind.value,
        "name": note.name,
        "doing": note.doing,
        "source": note.source,
        "storages": sorted(note.storages),
        "there": list(note.there),
        "guest": identity.to_json(note.guest) if note.guest else None,
        "spans": [list(span) for span in note.spans],
    }
    return json.dumps(document) + "\n"


def parse(text: str) -> Note | None:
    """Return what a note says, None for one of another format or a broken one."""
    first, *lines = text.split("\n")
    try:
        found = _note(foreign.document(first))
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
    return replace(found, spans=(*found.spans, *_spans(lines)))


def _note(document: Any) -> Note:
    """Read the first line. Raises ValueError, KeyError, TypeError or OverflowError for one that is no note."""
    if document["format"] != FORMAT or document["doing"] not in DOING:
        raise ValueError("a note of another format")
    return Note(
        Kind(document["kind"]),
        str(document["name"]),
        document["doing"],
        document["source"],
        frozenset(map(str, document["storages"])),
        tuple(map(str, document["there"])),
        identity.from_json(document["guest"]),
        tuple((float(begin), None if end is None else float(end)) for begin, end in document["spans"]),
    )


def _spans(lines: Iterable[str]) -> Iterator[Span]:
    """Yield what the lines of commands say; a line that was cut off says nothing."""
    begun: float | None = None
    for word, number in (line.partition(" ")[::2] for line in lines):
        try:
            time = float(number)
        except ValueError:
            continue
        if word == "end" and begun is not None:
            yield begun, time
            begun = None
        elif word == "begin":
            if begun is not None:
                yield begun, None
            begun = time
    if begun is not None:
        yield begun, None


def merged(old: Note, new: Note) -> Note:
    """Return a note that proves what either does; what is being done is the more of both."""
    doing = min(old.doing, new.doing, key=DOING.index)
    return replace(
        new,
        doing=doing,
        storages=old.storages | new.storages,
        there=tuple(dict.fromkeys([*old.there, *new.there])),
        guest=new.guest if doing != MAKE else old.guest,
        spans=old.spans,
    )


def covers_volume(note: Note, time: float | None) -> bool:
    """Return whether what was changed at this time may come from one of the note's commands."""
    return time is not None and any(
        begin - COARSE <= time and (end is None or time <= end) for begin, end in note.spans
    )


def covers_claim(note: Note, time: float | None) -> bool:
    """Return whether a configuration of this time, which only claims an ID, was written by one of the note's commands.

    One that never ended wrote it soon after it began, or not at all.
    """
    return time is not None and any(
        begin - COARSE <= time <= (begin + CLAIM if end is None else end) for begin, end in note.spans
    )
