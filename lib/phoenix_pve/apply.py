"""Carry out a Plan on a node, step by step, and tell what happens as events. No decision is made here."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phoenix_pve import interrupts, waiting
from phoenix_pve.commands import Await, AwaitAgent, RemoveFile, Run, Step, WriteFile, run_command, shell, steps
from phoenix_pve.errors import NotConvergedError, PhoenixError, StoppedError, WaitTimeoutError
from phoenix_pve.plan import LookAgain, WaitFor, WaitForAgent, guarded, overtaken, undone
from phoenix_pve.step_words import is_internal, step_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from phoenix_pve.node import Node
    from phoenix_pve.plan import Change, Plan
    from phoenix_pve.readiness import Proof

POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Planned:
    """The plan that is about to be carried out."""

    plan: Plan


@dataclass(frozen=True)
class StepStarted:
    """A step begins; `line` is the command as a shell would understand it, without secrets."""

    vmid: int
    change: Change
    line: str


@dataclass(frozen=True)
class StepDone:
    """A step ended well."""

    vmid: int
    change: Change
    seconds: float


@dataclass(frozen=True)
class Waiting:
    """Nothing to do but wait: `for_what`, since so many seconds of at most so many."""

    vmid: int
    for_what: str
    seconds: float
    deadline: float


@dataclass(frozen=True)
class Blocked:
    """Somebody else works on the guest: `who`."""

    vmid: int
    who: str


@dataclass(frozen=True)
class Noted:
    """Something to know of the guest, although nothing failed."""

    vmid: int
    text: str


@dataclass(frozen=True)
class Finished:
    """The goal is reached and the node shows it; `proof` is what a login showed, if that was asked for."""

    plan: Plan
    waiting: tuple[str, ...]
    seconds: float
    proof: Proof | None = None


@dataclass(frozen=True)
class Failed:
    """The goal is not reached."""

    vmid: int
    name: str
    error: PhoenixError


Event = Planned | StepStarted | StepDone | Waiting | Blocked | Noted | Finished | Failed


@dataclass(frozen=True)
class Clock:
    """Time, which tests replace."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = interrupts.sleep
    check: Callable[[], None] = interrupts.check


def apply(
    plan: Plan, node: Node, timeout: float, replan: Callable[[], Plan], clock: Clock | None = None
) -> Iterator[Event]:
    """Carry out every change, then look again: the plan of what is then left must be empty.

    Raises PhoenixError; what was done until then stays, and the next run goes on from there.
    """
    clock = clock or Clock()
    started = clock.now()
    yield Planned(plan)
    digest = ""
    for number, change in enumerate(plan.changes):
        try:
            if isinstance(change, LookAgain):
                digest = _looked(plan, number, replan())
            for step in steps(plan.kind, plan.vmid, guarded(change, digest)):
                clock.check()
                begun = clock.now()
                yield StepStarted(plan.vmid, change, shell(step))
                yield from _perform(plan, node, step, timeout, clock)
                yield StepDone(plan.vmid, change, clock.now() - begun)
        except StoppedError as stop:
            raise StoppedError(stop.who, stop.status, _stopped(plan, stop.who, number)) from None
    pending = plan.waiting
    if plan.alters:
        left = replan()
        _check(plan, left)
        pending = tuple(sorted({*left.waiting, *plan.unseen}))
    yield Finished(plan, pending, clock.now() - started)


def _perform(plan: Plan, node: Node, step: Step, timeout: float, clock: Clock) -> Iterator[Event]:
    match step:
        case Run():
            run_command(
                node, step.argv, step.stdin or None, patience=timeout, sleep=clock.sleep, needless=step.needless
            )
        case WriteFile():
            node.write(step.path, step.text)
        case RemoveFile():
            node.remove(step.path)
        case AwaitAgent():
            yield from _await(plan, node, step, timeout, clock)
        case Await():
            for told in waiting.wait(node, step, plan.name, timeout, clock.now, clock.sleep):
                yield _told(plan.vmid, step, told, timeout)


def _told(vmid: int, step: Await, told: float | str, timeout: float) -> Event:
    return Noted(vmid, told) if isinstance(told, str) else Waiting(vmid, step.what.stage.value, told, timeout)


def _await(plan: Plan, node: Node, step: AwaitAgent, timeout: float, clock: Clock) -> Iterator[Event]:
    started = clock.now()
    while (done := node.run(step.argv)).exit != 0:
        waiting.check_agent(plan.kind, plan.vmid, plan.name, done)
        waited = clock.now() - started
        if waited >= timeout:
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise WaitTimeoutError(
                f"{plan.vmid} {plan.name}: the guest agent did not answer within {timeout:g} s: {said}",
                "the guest is left running; is qemu-guest-agent in its image? "
                "--timeout S waits longer, --no-wait not at all",
            )
        yield Waiting(plan.vmid, "guest agent", waited, timeout)
        clock.sleep(min(POLL_SECONDS, max(0.0, timeout - waited)))


def _stopped(plan: Plan, who: str, number: int) -> str:
    """Return what is done and what is not, a line for each; `number` changes were complete."""
    lines = [
        f"  {'done' if place < number else 'not done'}: {step_words(change)}"
        for place, change in enumerate(plan.changes)
        if not is_internal(change)
    ]
    return "\n".join([f"{plan.vmid} {plan.name}: stopped by {who}", *lines])


def _looked(plan: Plan, number: int, left: Plan) -> str:
    """Compare the first `number` changes with what the node shows; return the digest of the configuration now.

    What lies ahead was planned from an earlier look: where someone changed the same options since, it is not done. A
    clone is not known before it is made, so that its options are foreseen and may turn out to be others.
    """
    _check(plan, replace(left, changes=undone(plan.changes[:number], left.changes)))
    if plan.exists and (names := overtaken(plan.changes[number:], left.changes)):
        raise NotConvergedError(
            f"{plan.vmid} {plan.name}: someone else changed {', '.join(names)} in the meantime; that was left alone",
            f"see `phoenix plan {plan.vmid}`, and run the same command again",
        )
    return left.digest


def _check(plan: Plan, left: Plan) -> None:
    """Compare what was asked for with what the node shows now."""
    remains = [step_words(change) for change in left.changes if not isinstance(change, WaitForAgent | WaitFor)]
    reasons = [refusal.message for refusal in left.refusals]
    if remains or reasons:
        raise NotConvergedError(
            f"{plan.vmid} {plan.name}: every command succeeded, yet the node still differs; left: "
            + "; ".join([*remains, *reasons]),
            f"`phoenix plan {plan.vmid}` shows what is left; was the guest changed by someone else?",
        )
