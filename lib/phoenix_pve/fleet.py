"""Several guests: who needs whom, and in which order they come up and go. PURE."""

from __future__ import annotations

import heapq
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from phoenix_pve.guest import Kind
from phoenix_pve.kinds import FACTS

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from phoenix_pve.guest import GuestSpec

CLONE_KEYS = {Kind.VM: "clone_from_vmid", Kind.CONTAINER: "clone_from_ctid"}

LAST = 1 << 30
"""The boot order of a guest that states none: after all that do."""


def problems(specs: Sequence[GuestSpec]) -> Iterator[str]:
    """Yield what is wrong with the dependencies of a configuration: unknown guests, and one cycle."""
    known = {spec.vmid: spec for spec in specs}
    for spec in specs:
        for needed in spec.dependencies:
            if needed not in known:
                yield f"{spec.origin}.dependencies: {needed} is not defined"
        source = known.get(spec.clone_from or 0)
        if source and source.kind is not spec.kind:
            mine, other = FACTS[spec.kind].word, FACTS[source.kind].word
            yield f"{spec.origin}.{CLONE_KEYS[spec.kind]}: {source.vmid} is a {other}, of which no {mine} is cloned"
    cycle = find_cycle({spec.vmid: [needed for needed in spec.needs if needed in known] for spec in specs})
    if cycle:
        yield f"{known[cycle[0]].origin}.dependencies: a cycle: {' → '.join(map(str, cycle))}"


def notes(specs: Sequence[GuestSpec], about: Container[int]) -> Iterator[str]:
    """Yield what is allowed and yet probably a mistake in the guests that it is about."""
    lacking: dict[str, list[int]] = {}
    for spec in specs:
        if (lacks := _lack_of_login(spec)) and spec.vmid in about:
            lacking.setdefault(lacks, []).append(spec.vmid)
    for lacks, ids in lacking.items():
        yield f"`admin` {lacks}, so nobody can log into {_few(ids)}"
    owners = {name: spec.vmid for spec in specs for name in (str(spec.vmid), f"phoenix-{spec.vmid}")}
    for spec in specs:
        if (owner := owners.get(spec.name.lower(), spec.vmid)) != spec.vmid and spec.vmid in about:
            yield f"{spec.origin}: the name {spec.name} stands for the guest {owner}, and `ssh {spec.name}` leads there"
    first: dict[tuple[str, str], int] = {}
    for spec in specs:
        for what, value in _unique(spec):
            if first.setdefault((what, value), spec.vmid) != spec.vmid and spec.vmid in about:
                yield f"{spec.origin}: the {what} {value} is also that of {first[what, value]}"


def shares_its_name(spec: GuestSpec, specs: Iterable[GuestSpec]) -> bool:
    """Return whether a guest's name is the ID, the alias or the name of another one: ssh knows no capitals."""
    name = spec.name.lower()
    others = (other for other in specs if other.vmid != spec.vmid)
    return any(name in {str(other.vmid), f"phoenix-{other.vmid}", other.name.lower()} for other in others)


def _lack_of_login(spec: GuestSpec) -> str:
    if spec.kind is not Kind.VM or (spec.admin and (spec.admin.ssh_authorized_keys or spec.admin.password_hash)):
        return ""
    return "has neither a key nor a password" if spec.admin else "is not set"


def _few(ids: Sequence[int]) -> str:
    rest = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
    return ", ".join(map(str, ids[:5])) + rest


def _unique(spec: GuestSpec) -> Iterator[tuple[str, str]]:
    """Yield what no two guests should have alike."""
    yield "name", spec.name
    if spec.network.static:
        yield "address", spec.network.static.partition("/")[0]
    if spec.network.mac:
        yield "MAC address", spec.network.mac


def find_cycle(needs: Mapping[int, Iterable[int]]) -> list[int]:
    """Return one cycle as IDs, the first of which is the last as well; nothing when there is none."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def with_needs(guests: Mapping[int, GuestSpec], ids: Iterable[int]) -> set[int]:
    """Return the IDs, and those of all defined guests that they need, directly or not."""
    found: set[int] = set()
    waiting = list(ids)
    while waiting:
        vmid = waiting.pop()
        if vmid not in found and vmid in guests:
            found.add(vmid)
            waiting.extend(guests[vmid].needs)
    return found


def in_order(guests: Mapping[int, GuestSpec], ids: Iterable[int]) -> list[int]:
    """Return the IDs, each after all it needs; among those that are free to go, by boot order, then by ID."""
    sorter = TopologicalSorter(needs_within(guests, set(ids)))
    sorter.prepare()
    free: list[tuple[int, int]] = []
    ordered: list[int] = []
    while sorter.is_active():
        for vmid in sorter.get_ready():
            heapq.heappush(free, rank(guests[vmid]))
        vmid = heapq.heappop(free)[1]
        ordered.append(vmid)
        sorter.done(vmid)
    return ordered


def needs_within(
    guests: Mapping[int, GuestSpec], ids: set[int], *, reverse: bool = False, idle: AbstractSet[int] = frozenset()
) -> dict[int, set[int]]:
    """Return, by ID, which of the other IDs have to be done first.

    In reverse, a guest waits for those that need it, but for `idle` ones, which are not there.
    """
    forward = {vmid: ids.intersection(guests[vmid].needs) for vmid in sorted(ids)}
    if not reverse:
        return forward
    return {vmid: {other for other in ids - idle if vmid in forward[other]} for vmid in sorted(ids)}


def rank(spec: GuestSpec) -> tuple[int, int]:
    """Return what sorts guests that are free to go: boot order, then ID."""
    return (spec.boot_order if isinstance(spec.boot_order, int) else LAST, spec.vmid)


def mere_sources(guests: Mapping[int, GuestSpec], chosen: set[int], asked: set[int], existing: set[int]) -> set[int]:
    """Return the chosen guests that nobody asked for and that only have to exist, as they do: what others cloned."""
    depended = {needed for vmid in chosen for needed in guests[vmid].dependencies}
    return (chosen & existing) - asked - depended


def held_sources(guests: Mapping[int, GuestSpec], absent: set[int], running: set[int]) -> set[int]:
    """Return the containers of one run that are cloned in it and do not run: pct clones none that does (pct-clone-*).

    They are started only after their clones are made.
    """
    sources = {guests[vmid].clone_from for vmid in absent}
    return {vmid for vmid in guests if vmid in sources - running and guests[vmid].kind is Kind.CONTAINER}


def cloned_alone(guests: Mapping[int, GuestSpec], absent: AbstractSet[int]) -> dict[int, int]:
    """Return the containers that are to be cloned, with their sources: `pct clone` locks its source (pct-clone-*)."""
    sources = {vmid: guests[vmid].clone_from for vmid in absent if guests[vmid].kind is Kind.CONTAINER}
    return {vmid: source for vmid, source in sources.items() if source is not None}


def with_starts(guests: Mapping[int, GuestSpec], needs: Mapping[int, set[int]], held: set[int]) -> dict[int, set[int]]:
    """Return `needs` with a second key `-ID` for each held guest, which stands for its start.

    Its clones come before that start; whoever depends on the guest itself waits for the start.
    """
    made: dict[int, set[int]] = {}
    for vmid, before in needs.items():
        up = {-other if other in held and guests[vmid].clone_from != other else other for other in before}
        made[vmid] = up
    for vmid in held:
        made[-vmid] = {vmid, *(other for other in needs if guests[other].clone_from == vmid)}
    return made


def dependants(guests: Mapping[int, GuestSpec], ids: set[int]) -> dict[int, list[int]]:
    """Return, by ID, the guests outside of `ids` that need it."""
    found = {vmid: sorted(s.vmid for s in guests.values() if vmid in s.needs and s.vmid not in ids) for vmid in ids}
    return {vmid: needing for vmid, needing in found.items() if needing}
