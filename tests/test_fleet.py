"""Order and company: who needs whom, what runs beside what, and what a failure stops."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_pve import fleet
from phoenix_pve.apply import Event, Failed, Planned
from phoenix_pve.errors import RefusedError
from phoenix_pve.guest import GuestSpec, Kind
from phoenix_pve.plan import Goal, Plan
from phoenix_pve.workers import work_on
from samples import spec


def guests(**needs: tuple[int, ...]) -> dict[int, GuestSpec]:
    return {int(name[1:]): spec(vmid=int(name[1:]), dependencies=needed, origin=name) for name, needed in needs.items()}


def test_a_guest_comes_after_all_it_needs() -> None:
    assert fleet.in_order(guests(g1=(2,), g2=(3,), g3=()), [1, 2, 3]) == [3, 2, 1]


def test_what_is_free_goes_by_boot_order_and_then_by_id() -> None:
    found = guests(g1=(), g2=(), g3=(), g4=(3,))
    found[3] = replace(found[3], boot_order=1)
    assert fleet.in_order(found, [1, 2, 3, 4]) == [3, 1, 2, 4]


@given(st.dictionaries(st.integers(1, 30), st.sets(st.integers(1, 30), max_size=4), max_size=30))
def test_every_order_respects_every_need(wanted: dict[int, set[int]]) -> None:
    needs = {vmid: tuple(n for n in needed if n < vmid and n in wanted) for vmid, needed in wanted.items()}
    found = {vmid: spec(vmid=vmid, dependencies=needed) for vmid, needed in needs.items()}
    ordered = fleet.in_order(found, found)
    assert sorted(ordered) == sorted(found)
    assert all(ordered.index(needed) < ordered.index(vmid) for vmid in found for needed in needs[vmid])


@pytest.mark.parametrize(
    ("needs", "cycle"), [({1: [2], 2: [3], 3: [1]}, {1, 2, 3}), ({1: [1]}, {1}), ({1: [2], 2: []}, set())]
)
def test_a_cycle_is_named(needs: dict[int, list[int]], cycle: set[int]) -> None:
    assert set(fleet.find_cycle(needs)) == cycle


def test_problems_of_a_configuration() -> None:
    assert list(fleet.problems(list(guests(g1=(9,)).values()))) == ["g1.dependencies: 9 is not defined"]
    assert "a cycle: " in next(fleet.problems(list(guests(g1=(2,), g2=(1,)).values())))


def test_needs_are_followed_to_their_end_and_unknown_sources_left_out() -> None:
    found = guests(g1=(2,), g2=(3,), g3=(), g4=())
    found[3] = replace(found[3], clone_from=9000)
    assert fleet.with_needs(found, [1]) == {1, 2, 3}


def test_dependants_outside_of_those_that_go() -> None:
    found = guests(g1=(), g2=(1,), g3=(1,))
    assert fleet.dependants(found, {1}) == {1: [2, 3]}
    assert fleet.dependants(found, {1, 2, 3}) == {}


def test_a_container_that_is_cloned_in_the_same_run_starts_after_its_clone() -> None:
    source = spec(vmid=1, kind=Kind.CONTAINER)
    found = {1: source, 2: replace(source, vmid=2, clone_from=1), 3: replace(source, vmid=3, dependencies=(1,))}
    held = fleet.held_sources(found, {1, 2, 3}, set())
    assert held == {1}
    assert fleet.with_starts(found, fleet.needs_within(found, {1, 2, 3}), held) == {
        1: set(),
        2: {1},
        3: {-1},
        -1: {1, 2},
    }


def test_a_source_that_exists_is_not_brought_up_for_a_clone() -> None:
    found = {1: spec(vmid=1), 2: spec(vmid=2, clone_from=1), 3: spec(vmid=3, dependencies=(2,))}
    assert fleet.mere_sources(found, {1, 2, 3}, {3}, {1, 2}) == {1}


def ended(vmid: int) -> Failed:
    return Failed(vmid, "x", RefusedError("no"))


def run(needs: dict[int, set[int]], jobs: int, failing: set[int] = frozenset()) -> list[int]:  # type: ignore[assignment]
    begun: list[int] = []

    def work(key: int) -> Iterator[Event]:
        begun.append(key)
        yield Planned(Plan(Goal.CREATE, Kind.VM, key, "x"))
        if key in failing:
            yield ended(key)

    events = list(work_on(needs, lambda key: (0, key), jobs, work, lambda key, _missing: ended(key)))
    skipped = {e.vmid for e in events if isinstance(e, Failed)} - failing
    assert skipped.isdisjoint(begun)
    return begun


@pytest.mark.parametrize("jobs", [1, 3])
def test_work_waits_for_its_needs(jobs: int) -> None:
    begun = run({1: {2}, 2: {3}, 3: set(), 4: set()}, jobs)
    assert sorted(begun) == [1, 2, 3, 4]
    assert begun.index(3) < begun.index(2) < begun.index(1)


def test_a_failure_stops_what_needs_it_and_nothing_else() -> None:
    assert sorted(run({1: set(), 2: {1}, 3: {2}, 4: set()}, 2, {1})) == [1, 4]


def test_what_needs_the_same_for_itself_is_done_one_after_the_other() -> None:
    at_work: set[int] = set()
    seen: list[set[int]] = []

    def work(key: int) -> Iterator[Event]:
        at_work.add(key)
        seen.append({*at_work})
        time.sleep(0.02)
        at_work.discard(key)
        yield Planned(Plan(Goal.CREATE, Kind.CONTAINER, key, "x"))

    sources = {2: 1, 3: 1, 4: 1}
    keys: dict[int, set[int]] = {key: set() for key in range(2, 7)}
    done = list(work_on(keys, lambda key: (0, key), 3, work, lambda key, _missing: ended(key), sources.get))
    assert len(done) == 5
    assert all(len(together & sources.keys()) < 2 for together in seen), "clones of one source"
    assert any(len(together) > 1 for together in seen), "others beside them"


def test_no_more_jobs_than_allowed_run_at_a_time() -> None:
    meeting = threading.Barrier(2, timeout=5)

    def work(key: int) -> Iterator[Event]:
        meeting.wait()  # both jobs have to be here together
        yield Planned(Plan(Goal.CREATE, Kind.VM, key, "x"))

    assert (
        len(list(work_on({k: set() for k in range(6)}, lambda key: (0, key), 2, work, lambda key, _m: ended(key)))) == 6
    )


def test_a_bug_in_a_thread_is_seen() -> None:
    def work(key: int) -> Iterator[Event]:
        yield Planned(Plan(Goal.CREATE, Kind.VM, key, "x"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(work_on({1: set()}, lambda key: (0, key), 1, work, lambda key, _m: ended(key)))


def test_a_guest_that_is_not_there_keeps_none_from_being_stopped() -> None:
    found = {1: spec(vmid=1), 2: spec(vmid=2, clone_from=1)}
    assert fleet.needs_within(found, {1, 2}, reverse=True) == {1: {2}, 2: set()}
    assert fleet.needs_within(found, {1, 2}, reverse=True, idle={2}) == {1: set(), 2: set()}


@pytest.mark.parametrize(
    ("name", "shared", "noted"),
    [("8002", True, True), ("phoenix-8002", True, True), ("WEB2", True, False), ("8001", False, False), ("web1", False, False)],
)  # fmt: skip
def test_a_name_that_stands_for_another_guest(name: str, shared: bool, noted: bool) -> None:
    one, other = spec(vmid=8001, name=name, origin="f: vms[0]"), spec(vmid=8002, name="web2")
    assert fleet.shares_its_name(one, [one, other]) is shared
    said = [note for note in fleet.notes([one, other], {8001}) if "stands for the guest 8002" in note]
    assert bool(said) is noted
    assert list(fleet.notes([one, other], {8002})) == []
