"""Goals -> Plans, for both kinds. PURE: everything is decided here, nothing is done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phoenix_pve import (
    address,
    ha_needs,
    identity,
    lxc_manager,
    node_needs,
    notes,
    records,
    start_needs,
    unfinished,
    vm_manager,
    whereabouts,
)
from phoenix_pve.guard import Expected
from phoenix_pve.guest import GuestState, Kind, Power
from phoenix_pve.instance import renewing
from phoenix_pve.kinds import FACTS, conf_path
from phoenix_pve.observe import snippet_name
from phoenix_pve.ownership import (
    MADE_BY,
    is_hibernated,
    is_known_clone,
    refusals_to_delete,
    refusals_to_touch,
    refusals_while_locked,
)
from phoenix_pve.plan import (
    Goal,
    Grow,
    LookAgain,
    Note,
    Plan,
    RefreshCloudInit,
    Refusal,
    Remember,
    SetOptions,
    Shutdown,
    Start,
    Stop,
    Tidy,
    WaitFor,
    WaitForAgent,
    WaitForPower,
    first_start,
    unseen,
)
from phoenix_pve.readiness import Stage, Wait, stages
from phoenix_pve.records import Record
from phoenix_pve.ssh_config import NOWHERE, Access, proxy_command
from phoenix_pve.values import disk, nic, props

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from phoenix_pve.guest import GuestSpec
    from phoenix_pve.observe import Seen
    from phoenix_pve.plan import Change

SHUTDOWN_SECONDS = 60
"""How long a guest may take to shut down, as `qm shutdown` has it."""


@dataclass(frozen=True)
class Options:
    """What the command line says about carrying out a goal.

    wait    how far a guest must be after its start
    insist  whether that was said, so that one that runs already is waited for as well
    access  the ways to the guests' SSH ports
    """

    wait: Wait = Wait.AGENT
    insist: bool = False
    access: Access = NOWHERE
    restart: bool = False
    force: bool = False
    adopt: bool = False


def plan(goal: Goal, spec: GuestSpec, seen: Seen, user_data: str, options: Options) -> Plan:
    """Return what has to happen to one guest; one of phoenix's own that is half made counts as absent."""
    if seen.elsewhere:
        command = "adopt" if options.adopt else goal.value
        away = whereabouts.refusal(spec, seen.elsewhere, seen.here, command)
        return Plan(goal, spec.kind, spec.vmid, spec.name, refusals=(away,), exists=False)
    seen = replace(seen, state=unfinished.unlocked(seen.state)) if seen.freed and seen.state else seen
    rest = list(unfinished.mending(spec, seen, force=options.force)) if goal in {Goal.CREATE, Goal.DELETE} else []
    stuck = _stuck(goal, spec, seen, options)
    before, seen = seen, replace(seen, state=None) if unfinished.is_half_made(seen.state) else seen
    match goal:
        case Goal.CREATE:
            refusals, changes = _create(spec, seen, user_data, options)
        case Goal.DELETE:
            refusals, changes = _delete(spec, seen, options)
        case _:
            refusals, changes = _power(goal, spec, seen, options)
    state = seen.state
    refusals.extend(stuck)
    changes = list(ha_needs.waited_for(_framed(goal, spec, before, [*rest, *changes]), seen.ha))
    refusals.extend(ha_needs.refusals(spec, changes, seen.ha))
    if state is not None and goal is not Goal.DELETE and (changes or state.lock == "create"):
        refusals.extend([] if _goes_on(state, changes) else refusals_while_locked(spec, state))
    if changes:
        refusals[:0] = node_needs.quorum_problems(seen.here)
    if goal not in {Goal.DELETE, Goal.STOP}:
        changes.extend(_waits(spec, state, changes, options))
    return Plan(
        goal=goal,
        kind=spec.kind,
        vmid=spec.vmid,
        name=spec.name,
        changes=() if refusals else tuple(changes),
        refusals=tuple(refusals),
        waiting=tuple(sorted({*state.pending, *records.due(seen)})) if state and goal is not Goal.DELETE else (),
        notes=tuple(_notes(goal, spec, before, changes)),
        exists=state is not None,
        running=state is not None and state.power is not Power.STOPPED,
        digest=state.digest if state else "",
        renewing=renewing(state, changes),
        expected=_expected(goal, spec, before, options),
        log=notes.path(spec.vmid) if unfinished.is_noted(spec, before) else "",
    )


def _notes(goal: Goal, spec: GuestSpec, seen: Seen, changes: Sequence[Change]) -> Iterator[str]:
    """Yield what to know of the guest, although nothing stands against the plan."""
    yield from unfinished.notes_of_old(spec.vmid, seen)
    if goal is Goal.DELETE:
        yield from vm_manager.kept_snippets(spec, seen)
    if goal is Goal.CREATE:
        yield from records.differences(spec, seen)
        yield from vm_manager.ignored_user_data(spec, changes)


def _expected(goal: Goal, spec: GuestSpec, seen: Seen, options: Options) -> Expected:
    """Return what the guest must still be before each change."""
    half = unfinished.is_half_made(seen.state)
    state = None if half else seen.state
    foreign_too = options.force or (options.adopt and goal is Goal.CREATE)
    return Expected(
        goal,
        spec.kind,
        spec.vmid,
        identity=identity.of(state) if state else None,
        names=frozenset([spec.name, *([state.name] if state else [])]),
        marked=not foreign_too,
        lock=state.lock if state else "",
        source=(seen.source.vmid, identity.of(seen.source)) if seen.source else None,
        claimed=seen.times.get(conf_path(spec.kind, spec.vmid)) if half else None,
    )


def _create(spec: GuestSpec, seen: Seen, user_data: str, options: Options) -> tuple[list[Refusal], list[Change]]:
    state = seen.state
    if state is None:
        refusals = _refusals_to_create(spec, seen, options)
        settled = _configure_clone(spec, seen, user_data, refusals)
        looks = _look_again(settled)
        return refusals, [*_ensure_defined(spec, seen, user_data), *looks, *settled, *looks, *_start(spec, seen)]
    refusals = refusals_to_touch(
        spec, state, foreign_too=options.adopt or options.force, known=is_known_clone(spec, seen)
    )
    touched, refusals = not refusals, refusals or _refusals_to_apply(spec, seen)
    settled = [*_ensure_defined(spec, seen, user_data), *_configure(spec, seen, user_data)]
    waits = bool(settled or state.pending or records.due(seen))
    restarts = options.restart and state.power is not Power.STOPPED and waits
    if touched:
        starts = restarts or state.power is Power.STOPPED
        refusals.extend(_refusals_to_start(spec, seen, state, settled, starts=starts))
    if restarts:
        return refusals, [*settled, *_restart()]
    looks = _look_again(settled) if state.power is Power.STOPPED else []
    return refusals, [*settled, *looks, *_start(spec, seen)]


def _refusals_to_start(
    spec: GuestSpec, seen: Seen, state: GuestState, changes: Sequence[Change], *, starts: bool
) -> list[Refusal]:
    """Return why the guest could not start as it will be; if it is not to start now, only what the changes bring about.

    Its user-data is written before, and volumes of its own that are gone are told of already.
    """
    own = f"{spec.snippet_storage}:snippets/{snippet_name(spec.vmid)}"
    seen = replace(seen, lacking=seen.lacking - {own, *seen.missing})
    known = [] if starts else list(start_needs.problems(spec, seen, state.options))
    if not (starts or changes):
        return []
    return [p for p in start_needs.problems(spec, seen, start_needs.after(state, changes)) if p not in known]


def _goes_on(state: GuestState, changes: Sequence[Change]) -> bool:
    """Return whether nothing happens to a hibernated guest but that it goes on: its lock is no obstacle to that."""
    return is_hibernated(state) and all(isinstance(change, Start | WaitForPower | Tidy) for change in changes)


def _look_again(changes: Sequence[Change]) -> list[Change]:
    """Real tools may fail and still exit with 0: what was set is read back before a stopped guest boots.

    A new clone is looked at before as well: what is set in it carries its digest.
    """
    return [LookAgain()] if any(isinstance(change, SetOptions) for change in changes) else []


def _stuck(goal: Goal, spec: GuestSpec, seen: Seen, options: Options) -> list[Refusal]:
    """Return why something half made is left alone."""
    if goal is Goal.CREATE or unfinished.is_half_made(seen.state):
        return list(unfinished.refusals(spec, seen, force=options.force))
    return []


def _framed(goal: Goal, spec: GuestSpec, seen: Seen, changes: list[Change]) -> list[Change]:
    """Note what begins before what a later look could not see to be missing, and tidy up when that is done."""
    absent = seen.state is None or unfinished.is_half_made(seen.state)
    kept = [Remember(records.path(spec.vmid), record)] if (record := _record(goal, spec, seen, changes)) else []
    if goal is not Goal.CREATE or not (absent or any(map(_leaves_unseen, changes))):
        traces = seen.traces if goal in {Goal.CREATE, Goal.DELETE} else ()
        gone = (records.path(spec.vmid),) if goal is Goal.DELETE and seen.record else ()
        return [*changes, *kept, *([Tidy((*traces, *gone), found=bool(traces))] if traces or gone else [])]
    path = unfinished.note_path(spec.vmid)
    tidy = Tidy(tuple(dict.fromkeys([path, *seen.traces])), found=bool(seen.traces))
    end = first_start(changes) if spec.kind is Kind.VM else len(changes)
    note = (
        unfinished.note_of_making(spec, seen)
        if absent
        else unfinished.note_of_change(spec, seen, refreshed=_refreshes(changes), card=_card_set(changes))
    )
    return [Note(path, notes.text(note)), *changes[:end], *kept, tidy, *changes[end:]]


def _record(goal: Goal, spec: GuestSpec, seen: Seen, changes: Sequence[Change]) -> Record | None:
    """Return the record that is to be written: of a guest that is made, or when what its next start brings changes."""
    made = seen.state is None or unfinished.is_half_made(seen.state) or unfinished.is_noted_new(spec, seen)
    if goal is Goal.CREATE and made:
        return Record(spec.kind, spec.name, made_from=records.made_from(spec))
    old, before = records.of_guest(seen), records.due(seen)
    started = any(isinstance(change, Start) for change in changes)
    due = () if started else tuple(sorted({*before, *unseen(changes)}))
    if goal is Goal.DELETE or seen.state is None or due == before:
        return None
    made_from = old.made_from if old else ""
    return Record(spec.kind, seen.state.name, identity.of(seen.state), made_from, due, seen.boot)


def _card_set(changes: Sequence[Change]) -> str:
    """Return the text of the first network card that the changes set, "" where they leave it."""
    options = (pair for change in changes if isinstance(change, SetOptions) for pair in change.options)
    return dict(options).get("net0", "")


def _refreshes(changes: Sequence[Change]) -> bool:
    return any(isinstance(change, RefreshCloudInit) for change in changes)


def _leaves_unseen(change: Change) -> bool:
    """Return whether a later look could not see that a change of an existing guest broke off."""
    makes_volumes = isinstance(change, SetOptions) and change.makes_volumes
    return makes_volumes or isinstance(change, RefreshCloudInit | Grow)


def _ensure_defined(spec: GuestSpec, seen: Seen, user_data: str) -> list[Change]:
    match spec.kind:
        case Kind.VM:
            return [
                *vm_manager.user_data_changes(spec, seen, user_data),
                *vm_manager.ensure_vm_defined(spec, seen),
            ]
        case Kind.CONTAINER:
            return list(lxc_manager.ensure_container_defined(spec, seen))


def _configure(spec: GuestSpec, seen: Seen, user_data: str) -> list[Change]:
    match spec.kind:
        case Kind.VM:
            return list(vm_manager.apply_vm_configurations(spec, seen, user_data))
        case Kind.CONTAINER:
            return list(lxc_manager.apply_container_configurations(spec, seen))


def _waits(spec: GuestSpec, state: GuestState | None, changes: list[Change], options: Options) -> Iterator[Change]:
    """Yield what to wait for: after a start, or for a running guest when the command line insists."""
    runs = state is not None and state.power is Power.RUNNING
    if not any(isinstance(change, Start) for change in changes) and not (options.insist and runs):
        return
    known, proxy = address.stated(spec), proxy_command(options.access, spec.vmid)
    for stage in stages(spec.kind, options.wait, stated_address=bool(known)):
        yield WaitForAgent() if stage is Stage.AGENT else WaitFor(stage, known, proxy)


def _start(spec: GuestSpec, seen: Seen) -> list[Change]:
    match spec.kind:
        case Kind.VM:
            return list(vm_manager.start_vm(seen.state))
        case Kind.CONTAINER:
            return list(lxc_manager.start_container(spec, seen))


def _refusals_to_create(spec: GuestSpec, seen: Seen, options: Options) -> list[Refusal]:
    found = []
    if options.adopt:
        create = f"make it with `phoenix create {spec.vmid}`"
        found.append(Refusal(f"{spec.vmid} does not exist, so there is nothing to adopt", create))
    manager = vm_manager if spec.kind is Kind.VM else lxc_manager
    found.extend(manager.refusals_to_create(spec, seen))
    if spec.kind is Kind.VM and spec.clone_from is None:
        found.extend(start_needs.processor_problems({"cores": str(spec.cores)}, seen.here))
    if spec.clone_from is not None and seen.source is None and seen.source_node:
        found.append(whereabouts.source_refusal(spec, seen.source_node, seen.here))
    elif spec.clone_from is not None and seen.source is None:
        word = FACTS[spec.kind].word
        found.append(
            Refusal(f"the {word} {spec.clone_from}, which {spec.vmid} is cloned from, does not exist", "make it first")
        )
    elif seen.source is not None and seen.source.lock and not unfinished.is_noted(spec, seen):
        found.extend(refusals_while_locked(replace(spec, vmid=seen.source.vmid), seen.source))
    elif seen.source is not None and spec.kind is Kind.CONTAINER and seen.source.power is Power.RUNNING:
        stop = f"stop it for that time: phoenix stop {spec.clone_from}; or turn it into a template"
        found.append(Refusal(f"container {spec.clone_from} is running, and Proxmox clones none that runs", stop))
    return found


def _refusals_to_apply(spec: GuestSpec, seen: Seen) -> list[Refusal]:
    manager = vm_manager if spec.kind is Kind.VM else lxc_manager
    return [*unfinished.refusals_without_volumes(spec, seen), *manager.refusals_to_apply(spec, seen)]


def _configure_clone(spec: GuestSpec, seen: Seen, user_data: str, refusals: list[Refusal]) -> list[Change]:
    """Foresee what a clone will look like, and what must be changed in it; the read-back shows if that was right."""
    if spec.clone_from is None or seen.source is None:
        return []
    manager = vm_manager if spec.kind is Kind.VM else lxc_manager
    if unclear := list(manager.refusals_to_clone(spec, seen.source)):
        refusals.extend(unclear)
        return []
    state = clone_of(spec, seen.source)
    foreseen = replace(seen, state=state, snippet=user_data)
    refusals.extend(_refusals_to_apply(spec, foreseen))
    settled = _configure(spec, foreseen, user_data)
    options = {key: text for key, text in start_needs.after(state, settled).items() if not disk.is_slot(key)}
    refusals.extend(start_needs.problems(spec, foreseen, options))  # its drives are copies that are not made yet
    return settled


def clone_of(spec: GuestSpec, source: GuestState) -> GuestState:
    """Return the state of a full clone: its own name, new MAC addresses, disks on the storage named (qm-clone-*)."""
    facts = FACTS[spec.kind]
    dropped = {"template", "lock", "parent", "vmgenid", "smbios1"}
    options = {key: value for key, value in source.options.items() if key not in dropped}
    options[facts.name_option] = spec.name
    for key in [k for k in options if disk.is_slot(k)]:
        options[key] = _copied(spec, key, options[key])
    if "net0" in options:
        options["net0"] = _without_mac(spec.kind, options["net0"])
    return GuestState(spec.kind, spec.vmid, Power.STOPPED, options, MADE_BY)


def _copied(spec: GuestSpec, slot: str, text: str) -> str:
    """Return a drive as a full clone has it: its own volumes are copied, ISO images and the node's folders are not."""
    found = disk.parse(text)
    if not found.storage or (found.cdrom and not found.cloud_init):
        return text
    name = "cloudinit" if found.cloud_init else f"of-{slot}"
    return text.replace(found.volume, f"{spec.storage}:vm-{spec.vmid}-{name}", 1)


def foreseen(spec: GuestSpec) -> GuestState:
    """Return the state that a guest will have when it is made: for plans of what is to be cloned from it."""
    manager = vm_manager if spec.kind is Kind.VM else lxc_manager
    options = {setting.option: setting.value for setting in manager.settings(spec, None) if setting.value}
    drives = {"ide2": f"{spec.storage}:cloudinit,media=cdrom"} if spec.kind is Kind.VM else {}
    unprivileged = {"unprivileged": str(int(spec.container.unprivileged is not False))} if spec.container else {}
    volumes = {FACTS[spec.kind].root_slot: f"{spec.storage}:disk,size={spec.disk_gb}G"}
    for point in spec.container.mount_points if spec.container else ():
        volumes[point.slot] = f"{point.storage}:disk-{point.slot},mp={point.path},size={point.gib}G"
    return GuestState(spec.kind, spec.vmid, Power.STOPPED, {**options, **drives, **unprivileged, **volumes}, MADE_BY)


def _without_mac(kind: Kind, card: str) -> str:
    if kind is Kind.VM:
        return nic.format_vm({key: value for key, value in nic.parse_vm(card).items() if key != "macaddr"})
    return props.format_props({key: value for key, value in props.parse(card).items() if key != "hwaddr"})


def _delete(spec: GuestSpec, seen: Seen, options: Options) -> tuple[list[Refusal], list[Change]]:
    refusals = (
        refusals_to_delete(spec, seen.state, force=options.force, known=is_known_clone(spec, seen))
        if seen.state
        else []
    )
    match spec.kind:
        case Kind.VM:
            return refusals, list(vm_manager.destroy_vm(seen))
        case Kind.CONTAINER:
            return refusals, list(lxc_manager.destroy_container(seen))


def _restart() -> list[Change]:
    """Shut the guest down, at the latest by force, and start it: pending options take effect."""
    return [Shutdown(SHUTDOWN_SECONDS, force=True), Start()]


def _power(goal: Goal, spec: GuestSpec, seen: Seen, options: Options) -> tuple[list[Refusal], list[Change]]:
    state = seen.state
    if state is None:
        create = f"make it with `phoenix create {spec.vmid}`"
        return [Refusal(f"{spec.vmid} ({spec.name}) does not exist on the node", create)], []
    refusals = refusals_to_touch(spec, state, foreign_too=options.force, known=is_known_clone(spec, seen))
    stopped = state.power is Power.STOPPED
    match goal:
        case Goal.STOP if stopped:
            return refusals, []
        case Goal.STOP:
            return refusals, [Stop() if options.force else Shutdown(SHUTDOWN_SECONDS, force=False)]
        case Goal.RESTART if not stopped:
            return [*refusals, *start_needs.problems(spec, seen, state.options)], _restart()
        case _:
            will_not = start_needs.problems(spec, seen, state.options) if stopped else ()
            return [*refusals, *will_not], _start(spec, seen)
