"""Goals -> Plans, for both kinds. PURE: everything is decided here, nothing is done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phoenix_pve import address, lxc_manager, unfinished, vm_manager
from phoenix_pve.guest import GuestState, Kind, Power
from phoenix_pve.kinds import FACTS
from phoenix_pve.ownership import MADE_BY, refusals_to_delete, refusals_to_touch, refusals_while_locked
from phoenix_pve.plan import (
    Goal,
    Grow,
    LookAgain,
    Note,
    Plan,
    RefreshCloudInit,
    Refusal,
    SetOptions,
    Shutdown,
    Start,
    Stop,
    Tidy,
    WaitFor,
    WaitForAgent,
    first_start,
)
from phoenix_pve.readiness import Stage, Wait, stages
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
    changes = _framed(goal, spec, before, [*rest, *changes])
    if state is not None and goal is not Goal.DELETE and (changes or state.lock == "create"):
        refusals.extend(refusals_while_locked(spec, state))
    if goal not in {Goal.DELETE, Goal.STOP}:
        changes.extend(_waits(spec, state, changes, options))
    return Plan(
        goal=goal,
        kind=spec.kind,
        vmid=spec.vmid,
        name=spec.name,
        changes=() if refusals else tuple(changes),
        refusals=tuple(refusals),
        waiting=tuple(sorted(state.pending)) if state else (),
        exists=state is not None,
        running=state is not None and state.power is not Power.STOPPED,
        digest=state.digest if state else "",
    )


def _create(spec: GuestSpec, seen: Seen, user_data: str, options: Options) -> tuple[list[Refusal], list[Change]]:
    state = seen.state
    if state is None:
        refusals = _refusals_to_create(spec, seen, options)
        settled = _configure_clone(spec, seen, user_data, refusals)
        looks = _look_again(settled)
        return refusals, [*_ensure_defined(spec, seen, user_data), *looks, *settled, *looks, *_start(spec, seen)]
    refusals = refusals_to_touch(spec, state, foreign_too=options.adopt or options.force)
    refusals = refusals or _refusals_to_apply(spec, seen)
    settled = [*_ensure_defined(spec, seen, user_data), *_configure(spec, seen, user_data)]
    if options.restart and state.power is not Power.STOPPED and (settled or state.pending):
        return refusals, [*settled, *_restart()]
    looks = _look_again(settled) if state.power is Power.STOPPED else []
    return refusals, [*settled, *looks, *_start(spec, seen)]


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
    if goal is not Goal.CREATE or not (absent or any(map(_leaves_unseen, changes))):
        return (
            [*changes, Tidy(seen.traces, found=True)] if seen.traces and goal in {Goal.CREATE, Goal.DELETE} else changes
        )
    path = unfinished.note_path(spec.vmid)
    tidy = Tidy(tuple(dict.fromkeys([path, *seen.traces])), found=bool(seen.traces))
    end = first_start(changes) if spec.kind is Kind.VM else len(changes)
    text = unfinished.note(spec) if absent else unfinished.note_of_change(spec, seen, refreshed=_refreshes(changes))
    note = [] if unfinished.is_noted(spec, seen) else [Note(path, text)]
    return [*note, *changes[:end], tidy, *changes[end:]]


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
    if seen.elsewhere:
        advice = "give the guest another ID in the configuration"
        found.append(Refusal(f"the ID {spec.vmid} is taken by {seen.elsewhere}", advice))
    manager = vm_manager if spec.kind is Kind.VM else lxc_manager
    found.extend(manager.refusals_to_create(spec, seen))
    if spec.clone_from is not None and seen.source is None:
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
    foreseen = replace(seen, state=clone_of(spec, seen.source), snippet=user_data)
    refusals.extend(_refusals_to_apply(spec, foreseen))
    return _configure(spec, foreseen, user_data)


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
    refusals = refusals_to_delete(spec, seen.state, force=options.force) if seen.state else []
    match spec.kind:
        case Kind.VM:
            return refusals, list(vm_manager.destroy_vm(spec, seen))
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
    refusals = refusals_to_touch(spec, state, foreign_too=options.force)
    stopped = state.power is Power.STOPPED
    match goal:
        case Goal.STOP if stopped:
            return refusals, []
        case Goal.STOP:
            return refusals, [Stop() if options.force else Shutdown(SHUTDOWN_SECONDS, force=False)]
        case Goal.RESTART if not stopped:
            return refusals, _restart()
        case _:
            return refusals, _start(spec, seen)
