"""Carry out a Plan on a node, step by step, and tell what happens as events. No decision is made here."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phoenix_pve import guard, ha_waiting, interrupts, waiting
from phoenix_pve.commands import (
    Await,
    AwaitAgent,
    AwaitPower,
    RemoveFile,
    Run,
    Step,
    WriteFile,
    run_command,
    shell,
    steps,
    warnings,
)
from phoenix_pve.errors import (
    NotConvergedError,
    PhoenixError,
    RefusedError,
    StoppedError,
    TooSlowError,
    WaitTimeoutError,
)
from phoenix_pve.node import WHOLE, Questions
from phoenix_pve.plan import (
    LookAgain,
    Note,
    Remember,
    Tidy,
    WaitFor,
    WaitForAgent,
    WaitForPower,
    guarded,
    overtaken,
    undone,
)
from phoenix_pve.step_words import is_internal, step_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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
    plan: Plan,
    node: Node,
    timeout: float,
    replan: Callable[[], Plan],
    clock: Clock | None = None,
    settle: Callable[[Sequence[Change], PhoenixError], None] = lambda undone, error: None,  # noqa: ARG005
) -> Iterator[Event]:
    """Carry out every change, then look again: the plan of what is then left must be empty.

    Raises PhoenixError; what was done until then stays, and the next run goes on from there. Before that, `settle` gets
    the changes that are not done, from the one that failed on, where there is a note about what is unfinished.
    """
    clock = clock or Clock()
    started = clock.now()
    yield Planned(plan)
    watch = _Watch(node, plan)
    digest = ""
    for number, change in enumerate(plan.changes):
        try:
            if isinstance(change, LookAgain):
                digest = _looked(plan, number, replan())
            for place, planned in enumerate(steps(plan.kind, plan.vmid, guarded(change, digest))):
                clock.check()
                watch.check(number, first=place == 0)
                step = watch.known(change, planned)
                begun = clock.now()
                yield StepStarted(plan.vmid, change, shell(step))
                yield from _perform(plan, node, step, timeout, clock, watch.log)
                yield StepDone(plan.vmid, change, clock.now() - begun)
            watch.done(change)
        except PhoenixError as error:
            if watch.log:
                settle(plan.changes[number:], error)
            if isinstance(error, StoppedError):
                raise StoppedError(error.who, error.status, _stopped(plan, error.who, number)) from None
            raise
    pending = plan.waiting
    if plan.alters:
        left = replan()
        _check(plan, left)
        pending = tuple(sorted({*left.waiting, *plan.unseen}))
    yield Finished(plan, pending, clock.now() - started)


class _Watch:
    """Sees that the guest is still the one that was planned for, and remembers whether there is a note about it."""

    def __init__(self, node: Node, plan: Plan) -> None:
        self._node, self._plan, self._expected = node, plan, plan.expected
        self.log = plan.log

    def check(self, number: int, *, first: bool) -> None:
        """Look at the guest before a step, maybe the first, of change `number`. Raises RefusedError."""
        change = self._plan.changes[number]
        if self._expected is None or not guard.is_guarded(self._expected, change):
            return
        files = dict.fromkeys(guard.files(self._expected, change), WHOLE)
        seen = self._node.look(Questions(files=files, times=(self._expected.path,)))
        if reason := guard.problem(self._expected, change, seen, first=first):
            raise RefusedError(
                f"{self._plan.vmid} {self._plan.name}: not {step_words(change)}, because {reason}"
                + _account(self._plan, number),
                f"see `phoenix plan {self._plan.vmid}`: the next run goes by what is there then",
            )
        self._expected = guard.learned(self._expected, change, seen)

    def known(self, change: Change, step: Step) -> Step:
        """Return a step with what was not known when it was planned: the identity of the guest."""
        return (
            steps(self._plan.kind, self._plan.vmid, guard.known(self._expected, change))[0]
            if isinstance(change, Remember)
            else step
        )

    def done(self, change: Change) -> None:
        """Take in what a change has changed."""
        if self._expected is not None:
            self._expected = guard.after(self._expected, change)
        if isinstance(change, Note | Tidy):
            self.log = change.path if isinstance(change, Note) else ""


def _account(plan: Plan, number: int) -> str:
    """Return what was done until then, where anything was."""
    done = [step_words(change) for change in plan.changes[:number] if not is_internal(change)]
    return f"; done until then: {'; '.join(done)}" if done else ""


def _perform(plan: Plan, node: Node, step: Step, timeout: float, clock: Clock, log: str) -> Iterator[Event]:
    match step:
        case Run():
            done = run_command(
                node,
                step.argv,
                step.stdin or None,
                patience=timeout,
                sleep=clock.sleep,
                needless=step.needless,
                log=log,
            )
            yield from (Noted(plan.vmid, f"{plan.vmid} {plan.name}: {line}") for line in warnings(done))
        case WriteFile():
            node.write(step.path, step.text)
        case RemoveFile():
            node.remove(step.path)
        case AwaitAgent():
            yield from _await(plan, node, step, timeout, clock)
        case Await():
            for told in waiting.wait(node, step, plan.name, timeout, clock.now, clock.sleep):
                yield _told(plan.vmid, step, told, timeout)
        case AwaitPower():
            for what, waited, limit in ha_waiting.wait(node, step, plan.name, timeout, clock.now, clock.sleep):
                yield Waiting(plan.vmid, what, waited, limit)


def _told(vmid: int, step: Await, told: float | str, timeout: float) -> Event:
    return Noted(vmid, told) if isinstance(told, str) else Waiting(vmid, step.what.stage.value, told, timeout)


def _await(plan: Plan, node: Node, step: AwaitAgent, timeout: float, clock: Clock) -> Iterator[Event]:
    started = clock.now()
    while said := _unanswered(plan, node, step, started + timeout - clock.now()):
        waited = clock.now() - started
        if waited >= timeout:
            raise WaitTimeoutError(
                f"{plan.vmid} {plan.name}: the guest agent did not answer within {timeout:g} s: {said}",
                "the guest is left running; is qemu-guest-agent in its image? "
                "--timeout S waits longer, --no-wait not at all",
            )
        yield Waiting(plan.vmid, "guest agent", waited, timeout)
        clock.sleep(min(POLL_SECONDS, max(0.0, timeout - waited)))


def _unanswered(plan: Plan, node: Node, step: AwaitAgent, left: float) -> str:
    """Ask the agent once, for no longer than is left to wait; return nothing when it answers, else what is said."""
    seconds = waiting.question_seconds(left)
    try:
        done = node.run(step.argv, seconds=seconds)
    except TooSlowError:
        return f"the node's question to the guest hung for {seconds:.0f} s"
    if done.exit == 0:
        return ""
    waiting.check_agent(plan.kind, plan.vmid, plan.name, done)
    return waiting.said(done, "it said nothing")


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
    waits = (WaitForAgent, WaitFor, WaitForPower)
    remains = [step_words(change) for change in left.changes if not isinstance(change, waits)]
    reasons = [refusal.message for refusal in left.refusals]
    if remains or reasons:
        raise NotConvergedError(
            f"{plan.vmid} {plan.name}: every command succeeded, yet the node still differs; left: "
            + "; ".join([*remains, *reasons]),
            f"`phoenix plan {plan.vmid}` shows what is left; was the guest changed by someone else?",
        )
