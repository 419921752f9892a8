"""Plans, events and errors -> text and JSON. PURE."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, assert_never

from phoenix_pve import records, whereabouts
from phoenix_pve.apply import Blocked, Failed, Finished, Noted, Planned, StepDone, StepStarted, Waiting
from phoenix_pve.commands import shell, steps
from phoenix_pve.foreign import LINE, admit
from phoenix_pve.kinds import FACTS
from phoenix_pve.ownership import HIBERNATED, SUSPENDED, is_known_clone, stranger
from phoenix_pve.plan import (
    Clone,
    Create,
    Destroy,
    Difference,
    Goal,
    Grow,
    LookAgain,
    Mend,
    Note,
    Plan,
    RefreshCloudInit,
    Remember,
    RemoveSnippet,
    Resume,
    SetOptions,
    SetPassword,
    Shutdown,
    Start,
    Stop,
    Tidy,
    WaitFor,
    WaitForAgent,
    WaitForPower,
    WriteSnippet,
)
from phoenix_pve.step_words import is_internal, step_words
from phoenix_pve.values import props

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from phoenix_pve.apply import Event
    from phoenix_pve.errors import PhoenixError
    from phoenix_pve.guest import GuestSpec
    from phoenix_pve.observe import Seen
    from phoenix_pve.plan import Change

COLOURS = {"+": "32", "-": "31", "~": "33", "✓": "32", "✗": "31", "!": "33", "error": "1;31"}


def paint(text: str, colour: str, *, on: bool) -> str:
    """Return the text in a colour of COLOURS, when colours are on."""
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m" if on else text


_PAINTED = re.compile("(" + "|".join(re.escape(paint(text, text, on=True)) for text in COLOURS) + ")")


def clean(text: str, *, colour: bool) -> str:
    """Return a text that does nothing but show, whatever it is made of; with `colour` the words of COLOURS are painted.

    It is what stands before a terminal, so that nothing comes there that was forgotten elsewhere.
    """
    parts = _PAINTED.split(text) if colour else [text]
    return "".join(part if i % 2 else admit(part, None, lines=True) for i, part in enumerate(parts))


def differences(change: Change) -> tuple[Difference, ...]:
    """Return the lines of a plan that one change stands for."""
    match change:
        case Create() | SetOptions() | WriteSnippet():
            return change.differences
        case Clone():
            return (Difference("full clone", "", f"of {change.source}, on {change.storage}"),)
        case SetPassword():
            return (Difference(f"password of {change.user}", "", "***"),)
        case Grow():
            return (change.difference,) if change.difference else ()
        case Start() | Resume() | Stop() | Shutdown() | WaitForPower():
            return (_power(change),)
        case Destroy():
            return tuple(Difference("volume", volume, "") for volume in change.volumes)
        case RemoveSnippet():
            return (Difference("snippet", change.volume, ""),)
        case Mend():
            what = (Difference("half-made guest", "cleared away", ""),) if change.configuration else ()
            return (*what, *(Difference("volume", volume, "") for volume in change.volumes))
        case Tidy() if change.found:
            return (Difference("rest of an interrupted run", ", ".join(change.paths), ""),)
        case RefreshCloudInit() | LookAgain() | WaitForAgent() | WaitFor() | Note() | Tidy() | Remember():
            return ()
        case _:
            assert_never(change)


def _power(change: Start | Resume | Stop | Shutdown | WaitForPower) -> Difference:
    match change:
        case WaitForPower():
            return Difference("managed by HA", "", f"asked, and waited for until it is {change.power.value}")
        case Stop() | Shutdown():
            return Difference("power", "running", "stopped")
        case _:
            return Difference("power", "stopped" if isinstance(change, Start) else "paused", "running")


def glyph(plan: Plan, difference: Difference) -> str:
    """Return terraform's sign for a line: made, gone, or changed."""
    if not difference.new:
        return "-"
    return "~" if plan.exists and difference.old not in {"", "none"} else "+"


CALLED = {"onboot": "start at boot (onboot)", "startup": "boot order (startup)"}
"""What the configuration calls otherwise than Proxmox does, whose word stands beside it."""

FREE_TEXT = frozenset({"name", "description"})


def _difference_text(plan: Plan, difference: Difference) -> str:
    why = f" ({difference.why})" if difference.why else ""
    when = f"   ({difference.when})" if difference.when else ""
    called = CALLED.get(difference.what, difference.what)
    return f"{called}: {_value(plan, difference)}{why}{when}"


def _value(plan: Plan, difference: Difference) -> str:
    """Return what goes, what comes, or `old → new`; of a guest to be made there is no old.

    Of two property strings it is what differs.
    """
    old, new = (admit(value, LINE) for value in (difference.old, difference.new))
    if not new:
        return old
    if not plan.exists or not old:
        return new
    parts = [] if difference.what in FREE_TEXT else props.differing(old, new)
    return ", ".join(parts) or f"{old} → {new}"


def headline(plan: Plan) -> str:
    """Return "8001 ubuntu-2404 (VM): will be created"."""
    words = {
        Goal.CREATE: "will be changed" if plan.exists else "will be created",
        Goal.DELETE: "will be deleted",
        Goal.START: "will be started",
        Goal.STOP: "will be stopped",
        Goal.RESTART: "will be restarted",
    }
    what = "cannot go on" if plan.refusals else words[plan.goal] if plan.alters else "no changes"
    return f"{plan.vmid} {plan.name} ({FACTS[plan.kind].word}): {what}"


def plan_lines(plan: Plan, *, colour: bool = False, reasons: bool = False) -> Iterator[str]:
    """Yield a plan as a person reads it, with the `reasons` why it is refused or without."""
    yield headline(plan)
    if reasons:
        yield from (f"  {paint('✗', '✗', on=colour)} {refusal.message}" for refusal in plan.refusals)
    for change in plan.changes:
        for difference in differences(change):
            sign = glyph(plan, difference)
            yield f"  {paint(sign, sign, on=colour)} {_difference_text(plan, difference)}"
    if plan.waiting:
        yield f"  {paint('!', '!', on=colour)} waiting for a restart since earlier: {_listed(plan.waiting)}"
    yield from (f"  {paint('!', '!', on=colour)} {admit(note, LINE)}" for note in plan.notes)


def _listed(options: Iterable[str]) -> str:
    """Return names of options, which stand in a file of the node, as a part of a line."""
    return admit(", ".join(options), LINE)


def command_lines(plan: Plan) -> Iterator[str]:
    """Yield the exact commands of a plan, secrets apart."""
    for change in plan.changes:
        for step in steps(plan.kind, plan.vmid, change):
            yield shell(step)


OUTCOMES = {
    Goal.DELETE: ("deleted", "does not exist, nothing to delete"),
    Goal.START: ("started", "runs already"),
    Goal.STOP: ("stopped", "is stopped already"),
    Goal.RESTART: ("restarted", "restarted"),
}


def outcome(plan: Plan) -> str:
    """Return what became of the guest in one word or two."""
    if plan.goal is Goal.CREATE:
        return "created" if not plan.exists else "changed" if plan.alters else "no changes"
    return OUTCOMES[plan.goal][0 if plan.alters else 1]


def finished_line(event: Finished) -> str:
    """Return the one line about a guest that stdout gets."""
    line = f"{event.plan.vmid} {event.plan.name}: {outcome(event.plan)}"
    if event.plan.changes:
        line += f" ({event.seconds:.1f} s)"
    if event.waiting and event.plan.goal is not Goal.DELETE:
        line += f"; waiting for a restart: {_listed(event.waiting)} (--restart performs it)"
    return line


def proof_lines(event: Finished) -> Iterator[str]:
    """Yield what a login into the guest showed, with --verify."""
    if event.proof:
        proof = event.proof
        yield (
            f"  logged in as {proof.user or 'you'}: hostname {proof.hostname}, kernel {proof.kernel}, "
            f"address {proof.address}, cloud-init {proof.cloud_init}"
        )


def event_lines(event: Event, whom: str, *, verbose: bool, colour: bool) -> Iterator[str]:
    """Yield the story, for stderr; `whom` is the guest, `8001 ubuntu-2404`."""
    match event:
        case Planned():
            if event.plan.alters or event.plan.waiting:
                yield from plan_lines(event.plan, colour=colour)
            else:
                yield from (f"note: {note}" for note in event.plan.notes)
        case StepStarted() if is_internal(event.change) and not verbose:
            pass
        case StepStarted():
            yield f"{whom}: {step_words(event.change)} …"
            if verbose:
                yield f"    $ {event.line}"
        case StepDone():
            if verbose:
                yield f"{whom}: {step_words(event.change)}: done in {event.seconds:.1f} s"
        case Blocked():
            yield f"{whom}: waiting for {admit(event.who, LINE)}"
        case Noted():
            yield admit(event.text)
        case Waiting() | Finished() | Failed():
            pass
        case _:
            assert_never(event)


def error_lines(error: PhoenixError, *, colour: bool = False) -> Iterator[str]:
    """Yield what is wrong, a line for each problem (details of it are indented), and what to do."""
    for line in error.message.split("\n") or [""]:
        yield line if line.startswith("  ") else f"{paint('error', 'error', on=colour)}: {line}"
    if error.hint:
        yield f"  hint: {error.hint}"


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON; no secret stands in it."""
    return {
        **_guest(plan),
        "exists": plan.exists,
        "changes": [
            {
                "what": d.what,
                "old": admit(d.old) or None,
                "new": admit(d.new) or None,
                "when": d.when.value or "now",
                "why": d.why or None,
            }
            for change in plan.changes
            for d in differences(change)
        ],
        "commands": list(command_lines(plan)),
        "refusals": [{"message": r.message, "hint": r.hint} for r in plan.refusals],
        "waiting_for_restart": list(map(admit, plan.waiting)),
        "notes": list(plan.notes),
    }


def _guest(plan: Plan) -> dict[str, Any]:
    return {"id": plan.vmid, "name": plan.name, "kind": plan.kind.value}


def result_json(event: Finished | Failed) -> dict[str, Any]:
    """Return the end of one guest's run as JSON."""
    if isinstance(event, Failed):
        return {"id": event.vmid, "name": event.name, "outcome": "failed", "error": error_json(event.error)}
    return {
        **_guest(event.plan),
        "outcome": outcome(event.plan),
        "changed": event.plan.alters,
        "seconds": round(event.seconds, 3),
        "waiting_for_restart": list(map(admit, event.waiting)),
        **({"login": asdict(event.proof)} if event.proof else {}),
    }


def error_json(error: PhoenixError) -> dict[str, Any]:
    """Return an error as JSON."""
    return {"message": error.message, "hint": error.hint, "status": error.status}


def status_row(spec: GuestSpec, seen: Seen) -> dict[str, Any]:
    """Return what `status` and `list` say of a guest, as JSON; `stranger` says whose it is when it is not ours."""
    state = seen.state
    away = whereabouts.short(spec, seen.elsewhere) if seen.elsewhere else ("absent", "")
    return {
        "id": spec.vmid,
        "name": spec.name,
        "kind": spec.kind.value,
        "status": state.power.value if state else away[0],
        "lock": (admit(state.lock) or None) if state else None,
        "stranger": admit(stranger(spec, state, known=is_known_clone(spec, seen)) if state else away[1]) or None,
        "waiting_for_restart": sorted(map(admit, {*state.pending, *records.due(seen)})) if state else [],
    }


def table(rows: list[dict[str, Any]]) -> tuple[list[str], int]:
    """Return rows of status_row as columns, and where the last column, the longest, begins."""
    cells = [("ID", "NAME", "KIND", "STATUS", "NOTES")]
    for row in rows:
        notes = [admit(row["stranger"], LINE)] if row["stranger"] else []
        locked = f"locked ({admit(row['lock'], LINE)})" if row["lock"] else ""
        notes += [HIBERNATED if row["lock"] == SUSPENDED else locked] if row["lock"] else []
        if row["waiting_for_restart"]:
            notes.append(f"waiting for a restart: {_listed(row['waiting_for_restart'])}")
        name, kind, status = (admit(row[key], LINE) for key in ("name", "kind", "status"))
        cells.append((str(row["id"]), name, kind, status, "; ".join(notes)))
    widths = [max(len(line[i]) for line in cells) for i in range(5)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return lines, sum(widths[:4]) + 8
