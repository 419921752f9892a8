"""The commands of phoenix: from a parsed command line to an exit status."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from phoenix_pve import (
    call_limits,
    fleet,
    interrupts,
    inventory,
    login,
    render,
    ssh_config,
)
from phoenix_pve.apply import Failed, Finished, apply
from phoenix_pve.errors import (
    INTERRUPTED,
    PENDING_CHANGES,
    TERMINATED,
    NodeError,
    PhoenixError,
    RefusedError,
    StoppedError,
    UsageError,
)
from phoenix_pve.explain import suggestion
from phoenix_pve.locks import Locks, myself
from phoenix_pve.node import QueryOnly
from phoenix_pve.observe import observe
from phoenix_pve.plan import Goal, Refusal
from phoenix_pve.planner import Options
from phoenix_pve.readiness import Wait
from phoenix_pve.screen import Screen
from phoenix_pve.session import DEFAULT_JOBS, Session, left_of, look, look_for, plan, plan_all, settle
from phoenix_pve.ssh_node import opened
from phoenix_pve.surroundings import is_somewhere
from phoenix_pve.workers import work_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from phoenix_pve.apply import Event
    from phoenix_pve.guest import GuestSpec
    from phoenix_pve.node import Node
    from phoenix_pve.plan import Difference, Plan
    from phoenix_pve.ssh_config import Target

DEFAULT_TIMEOUT = 300.0
"""Seconds to wait for a guest, when --timeout says nothing."""

NEEDED_HINT = "delete them as well, or use --force"


def run(words: Mapping[str, Any], environ: Mapping[str, str], here: Path) -> int:
    """Carry out the command line `words`, as docopt returns it; `here` is the folder of the launcher."""
    screen = Screen(
        sys.stdout,
        sys.stderr,
        environ,
        json=words["--json"],
        quiet=words["--quiet"],
        verbose=words["--verbose"],
        colour=words["--color"] or "auto",
    )
    try:
        try:
            with interrupts.terminable():
                status = _run(words, environ, here, screen)
            return screen.lost(status)
        except PhoenixError as error:
            return screen.fail(error)
    except interrupts.Terminated:
        return screen.stopped("stopped by SIGTERM; nothing was being changed", TERMINATED)
    except KeyboardInterrupt:
        return screen.stopped("interrupted; nothing was being changed", INTERRUPTED)


def _run(words: Mapping[str, Any], environ: Mapping[str, str], here: Path, screen: Screen) -> int:
    command = COMMANDS[next((name for name in COMMANDS if words.get(name)), "create")]
    ids = _ids(words)
    longest = _number("--call-timeout", words["--call-timeout"], call_limits.DEFAULT, 0, "seconds")
    with opened(words["--host"], environ, longest) as node:
        session = _session(words, environ, here, screen, node)
        status = command(session, list(session.inventory.guests) if words["--all"] else ids)
    return login.become(session.successor) if session.successor else status


def _ids(words: Mapping[str, Any]) -> list[int]:
    """Return the IDs of the command line, each once. Raises UsageError."""
    given = words["<ID>"]
    if given[:1] and given[0] in COMMANDS:
        raise UsageError(f"`{given[0]}` needs at least one guest ID", f"for example: phoenix {given[0]} 8001")
    wrong = [word for word in given if not (word.isascii() and word.isdigit() and len(word) < 20)]
    if wrong:
        raise UsageError(
            f"`{wrong[0][:80]}` is neither a command nor a guest's ID{suggestion(wrong[0], COMMANDS)}",
            "see `phoenix --help`",
        )
    return list(dict.fromkeys(map(int, given)))


def _number(option: str, text: str | None, default: float, low: float, what: str) -> float:
    """Return the number that an option of the command line takes. Raises UsageError."""
    try:
        value = default if text is None else float(text)
    except ValueError:
        value = -1.0
    if not low <= value < 1e6:
        raise UsageError(f"{option} takes a number of {what}, not `{text}`", f"for example: {option} {default:g}")
    return value


def _session(words: Mapping[str, Any], environ: Mapping[str, str], here: Path, screen: Screen, node: Node) -> Session:
    timeout = _number("--timeout", words["--timeout"], DEFAULT_TIMEOUT, 0, "seconds")
    jobs = _number("--jobs", words["--jobs"], DEFAULT_JOBS, 1, "guests")
    dry_run = bool(words["--dry-run"] or words["plan"])
    return Session(
        inventory=inventory.load(inventory.config_folder(words["--config"], environ, here)),
        node=QueryOnly(node) if dry_run else node,
        options=Options(
            *login.wait_of(words),
            access=ssh_config.access(words["--host"], login.with_home(environ)),
            restart=words["--restart"],
            force=words["--force"],
            adopt=words["adopt"],
        ),
        screen=screen,
        timeout=timeout,
        jobs=int(jobs),
        dry_run=dry_run,
        assume_yes=words["--yes"],
        exit_code=words["--exit-code"],
        verify=words["--verify"],
        guest_command=tuple(words["<COMMAND>"]),
    )


def _reach(goal: Goal) -> Callable[[Session, list[int]], int]:
    """Return the command that brings guests to a goal, or shows how in a dry run."""

    def command(session: Session, ids: list[int]) -> int:
        specs = _chosen(session, goal, ids)
        if not session.dry_run and goal in {Goal.CREATE, Goal.DELETE, Goal.RESTART}:
            login.check_state(session.options.access)
        session.screen.about({spec.vmid: spec.name for spec in specs}, fleet=len(ids) > 1)
        with Locks(session.node, myself(f"{goal} {' '.join(map(str, ids))}"[:60]), session.timeout) as locks:
            return _reached(session, goal, specs, ids, locks)

    return command


def _reached(session: Session, goal: Goal, specs: list[GuestSpec], ids: list[int], locks: Locks) -> int:
    """Look at the guests and bring them to the goal; when others hold one, each is locked and looked at by itself."""
    if not session.dry_run and not locks.try_all(spec.vmid for spec in specs) and len(specs) == 1:
        for event in locks.take(specs[0]):
            session.screen.event(event)
    plans = plan_all(session, goal, specs)
    if goal is Goal.CREATE:
        existing = {vmid for vmid, made in plans.items() if made.exists}
        idle = fleet.mere_sources(session.inventory.guests, set(plans), set(ids), existing)
        specs = [spec for spec in specs if spec.vmid not in idle]
        plans = {spec.vmid: plans[spec.vmid] for spec in specs}
        for vmid in idle:
            locks.drop(vmid)
        _tell_needs(session, specs, set(ids))
        for note in session.inventory.notes(plans.keys() - existing):
            session.screen.say(f"note: {note}")
    if goal is Goal.DELETE:
        plans = _keep_what_is_needed(session, plans)
    if session.dry_run:
        return _show(session, list(plans.values()))
    return _carry_out(session, goal, specs, plans, locks)


def _chosen(session: Session, goal: Goal, ids: Iterable[int]) -> list[GuestSpec]:
    """Return the guests in the order of work; creating one brings up first what it needs."""
    guests = session.inventory.guests
    asked = {session.inventory.find(vmid).vmid for vmid in ids}
    wanted = fleet.with_needs(guests, asked) if goal is Goal.CREATE else asked
    ordered = [guests[vmid] for vmid in fleet.in_order(guests, wanted)]
    return ordered[::-1] if goal in {Goal.DELETE, Goal.STOP} else ordered


def _tell_needs(session: Session, specs: list[GuestSpec], asked: set[int]) -> None:
    for spec in specs:
        if spec.vmid not in asked:
            session.screen.say(f"{spec.vmid} {spec.name} is needed as well")


def _keep_what_is_needed(session: Session, plans: dict[int, Plan]) -> dict[int, Plan]:
    """Refuse to delete what another defined, existing guest needs, unless that goes as well or is forced."""
    needed = {} if session.options.force else fleet.dependants(session.inventory.guests, set(plans))
    others = [session.inventory.guests[vmid] for vmid in sorted({o for found in needed.values() for o in found})]
    sight = look(session, others) if others else {}
    existing = {spec.vmid for spec in others if is_somewhere(spec, sight[spec.vmid])}
    return {vmid: _kept(plan, [o for o in needed.get(vmid, ()) if o in existing]) for vmid, plan in plans.items()}


def _kept(plan: Plan, needing: list[int]) -> Plan:
    if not needing or not plan.changes:
        return plan
    message = f"{plan.vmid} {plan.name} is needed by {', '.join(map(str, needing))}"
    return replace(plan, changes=(), refusals=(*plan.refusals, Refusal(message, NEEDED_HINT)))


def _show(session: Session, plans: list[Plan]) -> int:
    session.screen.plans(plans)
    session.screen.refusals(plans)
    if refused := [refusal for made in plans for refusal in made.refusals]:
        return _error_of(refused).status
    return PENDING_CHANGES if session.exit_code and any(made.changes for made in plans) else 0


def _carry_out(session: Session, goal: Goal, specs: list[GuestSpec], plans: dict[int, Plan], locks: Locks) -> int:
    if goal is Goal.DELETE and not _agreed(session, list(plans.values())):
        raise RefusedError("nothing was deleted", "answer `yes`, or add --yes")
    guests = {spec.vmid: spec for spec in specs}
    absent = {vmid for vmid, made in plans.items() if not made.exists}
    running = {vmid for vmid, made in plans.items() if made.running}
    held = fleet.held_sources(guests, absent, running) if goal is Goal.CREATE else set()
    idle = absent if goal is Goal.STOP else set()
    needs = fleet.needs_within(guests, set(guests), reverse=goal in {Goal.DELETE, Goal.STOP}, idle=idle)
    ends: list[Finished | Failed] = []
    session.screen.expect(len(specs))
    with interrupts.heard(), session.screen.working():
        for event in work_on(
            fleet.with_starts(guests, needs, held),
            lambda key: fleet.rank(guests[abs(key)]),
            session.jobs,
            lambda key: _work(session, goal, guests[abs(key)], plans, held, locks, last=key not in held),
            lambda key, missing: _skipped(guests[abs(key)], missing),
            fleet.cloned_alone(guests, absent).get,
        ):
            session.screen.event(event)
            if isinstance(event, Finished | Failed):
                ends.append(event)
        session.screen.results(ends)
    return _status_of([end.error for end in ends if isinstance(end, Failed)])


def _status_of(errors: list[PhoenixError]) -> int:
    """Return the exit status of a run with these errors: that of being stopped, else that of the first."""
    stopped = [error for error in errors if isinstance(error, StoppedError)]
    return next((error.status for error in [*stopped, *errors]), 0)


def _skipped(spec: GuestSpec, missing: list[int]) -> Failed:
    word = "guest" if len(missing) == 1 else "guests"
    message = f"{spec.vmid} {spec.name}: not touched, because {word} {', '.join(str(abs(i)) for i in missing)} failed"
    return Failed(spec.vmid, spec.name, RefusedError(message, "mend that first; the next run goes on from here"))


def _work(
    session: Session, goal: Goal, spec: GuestSpec, plans: dict[int, Plan], held: set[int], locks: Locks, *, last: bool
) -> Iterator[Event]:
    """Work on one guest, and let others have it when that is over."""
    taken = locks.holds(spec.vmid)
    try:
        interrupts.check()
        if not taken:
            yield from locks.take(spec)
        made = plans[spec.vmid] if taken else _planned_again(session, goal, spec, plans[spec.vmid])
        yield from _bring(session, goal, spec, plans | {spec.vmid: made}, held, last=last)
    except StoppedError as stop:
        text = stop.message if spec.name in stop.message else f"{spec.vmid} {spec.name}: not touched, {stop.message}"
        yield Failed(spec.vmid, spec.name, StoppedError(stop.who, stop.status, text))
    except PhoenixError as error:
        yield Failed(spec.vmid, spec.name, error)
    finally:
        if last or not taken:
            locks.drop(spec.vmid)


def _planned_again(session: Session, goal: Goal, spec: GuestSpec, before: Plan) -> Plan:
    """Plan anew what was planned while somebody else worked on the guest; who needs it is still what it was."""
    _refuse(replace(before, refusals=tuple(r for r in before.refusals if r.hint == NEEDED_HINT)))
    made = plan(session, goal, spec, look_for(session, goal, [spec])[spec.vmid])
    if goal is Goal.DELETE and not session.assume_yes and not _what_goes(made) <= _what_goes(before):
        raise RefusedError(
            f"{spec.vmid} {spec.name}: more would go now than you were asked about: someone worked on it",
            "run the same command again",
        )
    return made


def _what_goes(made: Plan) -> set[Difference]:
    return {difference for change in made.changes for difference in render.differences(change)}


def _refuse(made: Plan) -> None:
    """Raise RefusedError, or NodeError, with all that stands against a plan."""
    if made.refusals:
        hints = "; ".join(dict.fromkeys(refusal.hint for refusal in made.refusals))
        raise _error_of(made.refusals)("\n".join(refusal.message for refusal in made.refusals), hints)


def _error_of(refusals: Iterable[Refusal]) -> type[PhoenixError]:
    return NodeError if any(refusal.of_node for refusal in refusals) else RefusedError


def _bring(
    session: Session, goal: Goal, spec: GuestSpec, plans: dict[int, Plan], held: set[int], *, last: bool
) -> Iterator[Event]:
    """Carry out the plan of one guest, of a held one first all before its start, then the rest; yield what happens."""
    made = plans[spec.vmid]
    node = QueryOnly(session.node)
    access = session.options.access
    after = Options(wait=Wait.NONE, force=session.options.force)
    verify = Goal.START if goal is Goal.RESTART else goal
    if spec.clone_from in plans and not made.exists and goal is Goal.CREATE:
        made = plan(session, goal, spec, observe(node, spec))
    _refuse(made)
    settling = partial(settle, session, spec)
    if not last:
        part, left = made.before_start, lambda: plan(session, goal, spec, observe(node, spec), after).before_start
        done = apply(part, session.node, session.timeout, left, settle=settling)
        yield from (event for event in login.forgetting(access, done) if not isinstance(event, Finished))
        return
    rest = made.from_start if spec.vmid in held else made
    left = partial(left_of, session, verify, spec, rest, after)
    done = apply(rest, session.node, session.timeout, left, settle=settling)
    for event in login.forgetting(access, done):
        if isinstance(event, Finished) and session.verify and goal is Goal.CREATE:
            yield replace(event, proof=login.prove(session.node, spec, access, session.timeout))
        else:
            yield event


def _agreed(session: Session, plans: list[Plan]) -> bool:
    """Ask once, on a terminal, before anything is deleted; list what goes. Raises RefusedError without a terminal."""
    going = [made for made in plans if made.alters]
    return not going or session.assume_yes or session.screen.confirm(going)


def _status(session: Session, ids: list[int]) -> int:
    guests = session.inventory.guests
    specs = [session.inventory.find(vmid) for vmid in ids or sorted(guests)]
    sight = look(session, specs) if specs else {}
    session.screen.table([render.status_row(spec, sight[spec.vmid]) for spec in specs])
    return 0


def _goal(session: Session, vmid: int) -> Target:
    """Return a guest as a place to log into, and whether its name leads there."""
    spec = session.inventory.find(vmid)
    goal = login.target(session.node, spec, session.options.access, session.timeout)
    return replace(goal, shared=fleet.shares_its_name(spec, session.inventory.guests.values()))


def _ssh(session: Session, ids: list[int]) -> int:
    """Find out which ssh leads into a guest; phoenix becomes it when its connection to the node is closed."""
    access = session.options.access
    if not session.dry_run:
        login.check_state(access)
    goal = _goal(session, ids[0])
    argv = ssh_config.command(access, goal, session.guest_command)
    if session.dry_run:
        session.screen.login(goal, ssh_config.shell_line(argv))
        return 0
    session.successor.extend(argv)
    return 0


def _ssh_config(session: Session, ids: list[int]) -> int:
    access = session.options.access
    if not session.dry_run:
        login.check_state(access)
    goals = [_goal(session, vmid) for vmid in ids]
    session.screen.ssh_config(access, goals)
    return 0


def _validate(session: Session, _ids: list[int]) -> int:
    session.screen.validated(session.inventory)
    return 0


COMMANDS: dict[str, Callable[[Session, list[int]], int]] = {
    "create": _reach(Goal.CREATE),
    "adopt": _reach(Goal.CREATE),
    "plan": _reach(Goal.CREATE),
    "delete": _reach(Goal.DELETE),
    "start": _reach(Goal.START),
    "stop": _reach(Goal.STOP),
    "restart": _reach(Goal.RESTART),
    "status": _status,
    "list": _status,
    "ssh": _ssh,
    "ssh-config": _ssh_config,
    "validate": _validate,
}
