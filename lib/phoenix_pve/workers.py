"""Work on several things at once: each as soon as all it needs are done, at most so many at a time."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from graphlib import TopologicalSorter
from queue import SimpleQueue
from typing import TYPE_CHECKING

from phoenix_pve.apply import Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from phoenix_pve.apply import Event


@dataclass(frozen=True)
class _Ended:
    """The work with this key is over."""

    key: int
    failed: bool
    bug: BaseException | None = None


def work_on(
    needs: Mapping[int, set[int]],
    rank: Callable[[int], tuple[int, int]],
    jobs: int,
    work: Callable[[int], Iterator[Event]],
    skip: Callable[[int, list[int]], Failed],
    alone: Callable[[int], int | None] = lambda key: None,  # noqa: ARG005
) -> Iterator[Event]:
    """Yield the events of all work as they happen.

    needs  by key, the keys that have to be done before
    rank   what is free to start is started in this order
    work   does one thing and yields its events; one that ends with Failed has failed
    skip   the event of a thing that is not started because what it needs (the keys) has failed
    alone  what a thing needs for itself, so that no other that needs the same is worked on meanwhile; None for nothing
    """
    from concurrent.futures import ThreadPoolExecutor  # which what only looks does not need

    sorter = TopologicalSorter(needs)
    sorter.prepare()
    happened: SimpleQueue[Event | _Ended] = SimpleQueue()
    free: list[tuple[tuple[int, int], int]] = []
    failed: set[int] = set()
    taken: set[int | None] = set()
    running = 0
    with ThreadPoolExecutor(jobs) as pool:
        while sorter.is_active():
            for key in sorter.get_ready():
                bisect.insort(free, (rank(key), key))
            while running < jobs and (place := _next(free, taken, alone)) is not None:
                key = free.pop(place)[1]
                if missing := sorted(needs[key] & failed):
                    failed.add(key)
                    sorter.done(key)
                    yield skip(key, missing)
                else:
                    running += 1
                    taken |= {alone(key)} - {None}
                    pool.submit(_collect, work, key, happened)
            if not running:
                continue
            event = happened.get()
            if not isinstance(event, _Ended):
                yield event
                continue
            if event.bug:
                raise event.bug
            running -= 1
            taken -= {alone(event.key)}
            sorter.done(event.key)
            failed |= {event.key} if event.failed else set()


def _next(
    free: Sequence[tuple[tuple[int, int], int]], taken: AbstractSet[int | None], alone: Callable[[int], int | None]
) -> int | None:
    """Return the place of the first free key that needs nothing which is taken; None when there is none."""
    return next((place for place, (_, key) in enumerate(free) if alone(key) not in taken), None)


def _collect(work: Callable[[int], Iterator[Event]], key: int, happened: SimpleQueue[Event | _Ended]) -> None:
    """Run in a thread: hand on every event; what nobody foresaw goes to the main thread as it is."""
    failed, bug = False, None
    try:
        for event in work(key):
            failed = isinstance(event, Failed)
            happened.put(event)
    except BaseException as error:  # noqa: BLE001 - raised again in the main thread
        bug = error
    happened.put(_Ended(key, failed, bug))
