"""Several guests in few lines: what is unchanged, what failed, sums, and the live line. PURE."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from phoenix_pve import render
from phoenix_pve.apply import Failed, Finished
from phoenix_pve.foreign import admit
from phoenix_pve.plan import Goal
from phoenix_pve.render import OUTCOMES, differences, headline, outcome
from phoenix_pve.wrapping import columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from phoenix_pve.plan import Plan

TO_COME = {
    Goal.DELETE: ("to delete", "not there"),
    Goal.START: ("to start", "running already"),
    Goal.STOP: ("to stop", "stopped already"),
    Goal.RESTART: ("to restart", "unchanged"),
}
ORDER = ("to create", "to change", "to delete", "to start", "to stop", "to restart", "refused")
"""In which order a sum says these; what is left comes last."""


def named(line: str, vmid: int, name: str, *, several: bool) -> str:
    """Return a line about a guest with its ID and name before it; of one guest alone the ID is enough."""
    whole = f"{vmid} {name}"
    if line.startswith((f"{whole}:", f"{whole} ")):
        return line
    rest = line.removeprefix(f"{vmid}: ").removeprefix(f"{vmid} ({name}) ")
    if rest != line:
        return f"{whole}: {rest}"
    if line.startswith(f"{vmid} "):
        return f"{whole}: {line.removeprefix(f'{vmid} ')}" if several else line
    return f"{whole}: {line}"


def all_named(text: str, vmid: int, name: str, *, several: bool) -> str:
    """Return an error's message with ID and name on every line but on indented ones, which belong to that before."""
    lines = text.split("\n")
    return "\n".join(line if line.startswith(" ") else named(line, vmid, name, several=several) for line in lines)


def is_told_by_the_sum(goal: Goal, *, alters: bool, waits: bool) -> bool:
    """Return whether a guest of a fleet needs no line of its own: nothing changes, and there is nothing to know."""
    return not alters and not waits and goal in {Goal.CREATE, Goal.START, Goal.STOP}


def plan_line(plan: Plan) -> str:
    """Return a plan in one line: `8001 web (VM): will be changed: memory, network card net0`."""
    shown = [d for change in plan.changes for d in differences(change)] if plan.exists else []
    details = ", ".join(dict.fromkeys(render.CALLED.get(d.what, d.what) for d in shown))
    told = f": {details}" if details and plan.alters and plan.goal is Goal.CREATE else ""
    waiting = f"; waiting for a restart since earlier: {', '.join(plan.waiting)}" if plan.waiting else ""
    return headline(plan) + told + waiting


def to_come(plan: Plan) -> str:
    """Return what will become of a guest, in a word for a sum."""
    if plan.refusals:
        return "refused"
    if plan.goal is Goal.CREATE:
        return ("to change" if plan.exists else "to create") if plan.alters else "unchanged"
    return TO_COME[plan.goal][0 if plan.alters else 1]


def sum_of_plans(plans: Sequence[Plan]) -> str:
    """Return the last line of the plans of several guests: `100 guests: 50 to create, 1 refused, 49 unchanged`."""
    words = Counter(map(to_come, plans))
    ordered = sorted(words, key=lambda word: (ORDER.index(word) if word in ORDER else len(ORDER), word))
    return f"{len(plans)} guests: {', '.join(f'{words[word]} {word}' for word in ordered)}"


FAILED = "failed"
IN_SUMS = {before: TO_COME[goal][1] for goal, (_, before) in OUTCOMES.items() if goal is not Goal.RESTART}
"""What became of guests that were left alone, in words that go with a number."""


def sum_of_ends(ends: Sequence[Finished | Failed]) -> str:
    """Return the last line of a run over several guests: `8 guests: 5 created, 2 no changes, 1 failed`.

    What was done comes first, what was not last.
    """
    words = Counter(outcome(end.plan) if isinstance(end, Finished) else FAILED for end in ends)
    ordered = sorted(words, key=lambda word: (word == FAILED, word == "no changes" or word in IN_SUMS, word))
    return f"{len(ends)} guests: {', '.join(f'{words[word]} {IN_SUMS.get(word, word)}' for word in ordered)}"


def failed_lines(ends: Iterable[Finished | Failed]) -> Iterator[str]:
    """Yield who failed, each with its reason in one line."""
    for end in ends:
        if isinstance(end, Failed):
            whole = f"{end.vmid} {end.name}: "
            lines = all_named(end.error.message, end.vmid, end.name, several=True).split("\n")
            reasons = [line.removeprefix(whole) for line in lines if not line.startswith(" ")]
            yield f"{whole}failed: {admit('; '.join(reasons))}"


def live_line(ended: int, expected: int, doing: Sequence[tuple[int, str, str]], width: int) -> str:
    """Return what is being done, (ID, name, words) each, in one line of less than `width` columns; IDs come first."""
    head = f"[{ended}/{expected}] "
    whole, short = (
        head + " · ".join(f"{vmid}{' ' + name if with_names else ''} {what}" for vmid, name, what in doing)
        for with_names in (True, False)
    )
    line = whole if columns(whole) < width else short
    while columns(line) >= max(width, 2):
        line = line[:-1]
    return line
