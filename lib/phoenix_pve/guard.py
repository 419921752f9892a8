"""A plan is for the guest that was seen: is it still that one, right before a step? PURE.

Between the look and a step there may be a question to the user, the work on other guests, other steps. Whatever
stops, starts, grows, clears away, clones or destroys is preceded by a look at the guest's configuration file, and does
not happen when that shows another guest, or one that was locked or protected meanwhile. A `set` carries the digest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phoenix_pve import cluster, identity, pve_conf, unfinished
from phoenix_pve.guest import GuestState, Kind, Power
from phoenix_pve.kinds import FACTS, conf_path
from phoenix_pve.ownership import MADE_BY, MARK, volumes
from phoenix_pve.plan import (
    Clone,
    Destroy,
    Goal,
    Grow,
    Mend,
    RefreshCloudInit,
    Remember,
    RemoveSnippet,
    Resume,
    SetOptions,
    SetPassword,
    Shutdown,
    Start,
    Stop,
    WriteSnippet,
)
from phoenix_pve.values import props

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from phoenix_pve.identity import Identity
    from phoenix_pve.node import Answers, File
    from phoenix_pve.plan import Change

GUARDED = (
    Clone,
    Destroy,
    Grow,
    Mend,
    RefreshCloudInit,
    Remember,
    RemoveSnippet,
    Resume,
    SetPassword,
    Shutdown,
    Start,
    Stop,
    WriteSnippet,
)
"""Changes before which is looked."""


@dataclass(frozen=True)
class Expected:
    """What a guest must still be.

    identity  its own, None for one that is to be made
    names     those that it may have: what it is called, and what it is to be called
    marked    whether it must carry phoenix's mark
    lock      the lock that it had when it was planned for
    source    whom it is cloned from
    claimed   when the half-made configuration that is to be cleared away was written
    """

    goal: Goal
    kind: Kind
    vmid: int
    identity: Identity | None = None
    names: frozenset[str] = frozenset()
    marked: bool = True
    lock: str = ""
    source: tuple[int, Identity] | None = None
    claimed: float | None = None

    @property
    def path(self) -> str:
        """Where the guest's configuration is."""
        return conf_path(self.kind, self.vmid)


def is_guarded(expected: Expected, change: Change) -> bool:
    """Return whether it is looked before a change; user-data of a guest that is to be made overwrites nobody's."""
    made = isinstance(change, WriteSnippet) and expected.identity is None
    return isinstance(change, GUARDED) and not made


def files(expected: Expected, change: Change) -> tuple[str, ...]:
    """Return the files that show whether a change may still be made."""
    source = [conf_path(expected.kind, change.source)] if isinstance(change, Clone) else []
    return (expected.path, cluster.VMLIST, *source)


def problem(expected: Expected, change: Change, seen: Answers, *, first: bool = True) -> str:
    """Return why a change must not be made any more, in words that go on `…, because `; "" when all is as expected.

    `first` is whether it is looked before the first of the change's steps.
    """
    match change:
        case Mend():
            return _mend_problem(expected, change, seen, first=first)
        case Clone():
            return _source_problem(expected, change, seen.files)
        case RemoveSnippet():
            return _snippet_problem(expected, change, seen.files)
        case _:
            return next(_problems(expected, change, seen.files), "")


def learned(expected: Expected, change: Change, seen: Answers) -> Expected:
    """Return what to expect from now on: of a guest that was just made, its identity; what is cleared away has none."""
    state = None if isinstance(change, Mend) else _state(expected, seen.files)
    return replace(expected, identity=identity.of(state)) if state and expected.identity is None else expected


def known(expected: Expected | None, change: Change) -> Change:
    """Return a change with the identity of the guest, which was not known yet when it was planned."""
    if not isinstance(change, Remember) or expected is None:
        return change
    return replace(change, record=replace(change.record, guest=expected.identity))


def after(expected: Expected, change: Change) -> Expected:
    """Return what to expect after a change: a network card may have got another MAC address."""
    card = dict(change.options).get("net0", "") if isinstance(change, SetOptions) else ""
    if not card or expected.identity is None:
        return expected
    return replace(expected, identity=identity.with_card(expected.identity, expected.kind, card))


def _state(expected: Expected, found: Mapping[str, File]) -> GuestState | None:
    return _state_in(expected.kind, expected.vmid, found)


def _state_in(kind: Kind, vmid: int, found: Mapping[str, File]) -> GuestState | None:
    file = found.get(conf_path(kind, vmid))
    if file is None:
        return None
    conf = pve_conf.parse(file.data)
    return GuestState(kind, vmid, Power.STOPPED, conf.options, conf.description, in_force=conf.current)


def _problems(expected: Expected, change: Change, found: Mapping[str, File]) -> Iterator[str]:
    """Yield what speaks against a change of the guest itself."""
    word, state = FACTS[expected.kind].word, _state(expected, found)
    if state is None:
        yield _gone(expected, found)
        return
    called = f"is called `{state.name}` now" if state.name else "has no name now"
    if expected.identity is not None and not identity.same(expected.identity, identity.of(state)):
        yield f"the ID was given to another {word} meanwhile, which {called}"
    if state.name not in expected.names:
        yield f"the {word} {called}"
    if expected.marked and MARK not in state.tags and not _is_fresh_clone(expected, state):
        yield f"the {word} does not carry the tag `{MARK}` any more"
    if state.lock and state.lock != expected.lock:
        yield f"it was locked meanwhile ({state.lock})"
    if expected.goal is Goal.DELETE and props.is_true(state.options.get("protection")):
        yield "it was protected against removal meanwhile"
    if isinstance(change, Destroy) and (more := sorted({*volumes(state)} - {*change.volumes})):
        yield f"it got more volumes meanwhile: {', '.join(more)}"


def _is_fresh_clone(expected: Expected, state: GuestState) -> bool:
    return expected.source is not None and state.description.strip() == MADE_BY


def _gone(expected: Expected, found: Mapping[str, File]) -> str:
    word = FACTS[expected.kind].word
    file = found.get(cluster.VMLIST)
    place = (cluster.places(file.data) or {}).get(expected.vmid) if file else None
    return f"the {word} is on node {place.node} now" if place else f"the {word} is not on this node any more"


def _source_problem(expected: Expected, change: Clone, found: Mapping[str, File]) -> str:
    if expected.path in found:
        return "somebody else made a guest with this ID meanwhile"
    source = _state_in(expected.kind, change.source, found)
    if source is None:
        return f"{change.source}, which it is cloned from, is not on this node any more"
    if expected.source and not identity.same(expected.source[1], identity.of(source)):
        return f"{change.source}, which it is cloned from, was replaced by another guest meanwhile"
    waits = expected.kind is Kind.CONTAINER and source.lock == "disk"  # for another clone, which ends
    locked = source.lock and not waits
    return f"{change.source}, which it is cloned from, was locked meanwhile ({source.lock})" if locked else ""


def _mend_problem(expected: Expected, change: Mend, seen: Answers, *, first: bool) -> str:
    """What is half made must be what was seen; once its lock is off it says nothing, and then it is gone."""
    state = _state(expected, seen.files)
    half = unfinished.is_half_made(state)
    same = half and seen.times.get(expected.path) == expected.claimed
    if change.configuration and not (same if first else half or state is None):
        return "what was half made is not what it was any more"
    named = [volume for volume in change.volumes if state and _names(seen.files[expected.path], volume)]
    return f"{', '.join(named)} belongs to the guest now" if named else ""


def _names(file: File, volume: str) -> bool:
    return volume.encode() in file.data


def _snippet_problem(expected: Expected, change: RemoveSnippet, found: Mapping[str, File]) -> str:
    """A guest that came meanwhile may refer to the user-data; a container never does."""
    file = found.get(expected.path)
    return f"a guest names {change.volume}" if file and _names(file, change.volume) else ""
