"""Whose guest is it? What phoenix will not touch, and why. PURE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_pve import unfinished
from phoenix_pve.guest import Kind
from phoenix_pve.kinds import FACTS
from phoenix_pve.plan import Refusal
from phoenix_pve.values import disk, props

if TYPE_CHECKING:
    from collections.abc import Iterator

    from phoenix_pve.guest import GuestSpec, GuestState
    from phoenix_pve.observe import Seen

MARK = "phoenix"
"""The tag on every guest that phoenix made or adopted."""

MADE_BY = "managed by phoenix"
"""The description of a guest whose configuration states none; a clone has it before it can have a tag."""


SUSPENDED, HIBERNATED = "suspended", "hibernated (suspended to disk)"
"""The lock of a VM whose memory was written to a disk, and what that is."""


def is_ours(spec: GuestSpec, state: GuestState) -> bool:
    """Return whether a guest carries the mark and the configured name. A copy carries the mark but another name."""
    return is_marked(state) and state.name == spec.name


def is_marked(state: GuestState) -> bool:
    """Return whether phoenix made or adopted the guest: it carries the tag. Anybody may copy a description."""
    return MARK in state.tags


def volumes(state: GuestState) -> Iterator[str]:
    """Yield the volumes that go with a guest, as `qm destroy` and `pct destroy` have it: its own.

    ISO images, folders that are only mounted and others' disks stay.
    """
    drives = [disk.parse(state.options[key]) for key in sorted(state.options) if disk.is_slot(key)]
    yield from (drive.volume for drive in drives if drive.owner == state.vmid and (drive.cloud_init or not drive.cdrom))
    if "vmstate" in state.options:
        yield state.options["vmstate"]


def is_known_clone(spec: GuestSpec, seen: Seen) -> bool:
    """Return whether the guest is a clone that an interrupted run provably made and could not tag any more."""
    described = seen.state is not None and seen.state.description.strip() == MADE_BY
    return described and unfinished.is_noted_clone(spec, seen)


def stranger(spec: GuestSpec, state: GuestState, *, known: bool) -> str:
    """Return in a few words whose the ID is on the node, when it is not the configured guest's; else nothing."""
    if not known and not is_marked(state):
        return "not made by phoenix"
    return "" if state.name == spec.name else f"called `{state.name}` here"


def _foreign(spec: GuestSpec, state: GuestState, advice: str, *, known: bool) -> Iterator[Refusal]:
    word = FACTS[spec.kind].word
    named = f"`{state.name}`" if state.name else "without a name"
    if not known and not is_marked(state):
        yield Refusal(f"{spec.vmid} is a {word} {named} that phoenix did not make (it has no tag `{MARK}`)", advice)
    elif state.name != spec.name:
        yield Refusal(f"{spec.vmid} is a {word} {named} here, but the configuration calls it `{spec.name}`", advice)


def is_hibernated(state: GuestState) -> bool:
    """Return whether a VM was suspended to disk: its start resumes it, and nothing in it can change before."""
    return state.kind is Kind.VM and state.lock == SUSPENDED


def refusals_while_locked(spec: GuestSpec, state: GuestState) -> Iterator[Refusal]:
    """Yield that something holds the guest; one that was half made (lock `create`) is never as it should be."""
    if is_hibernated(state):
        yield Refusal(
            f"{spec.vmid} is {HIBERNATED}, and Proxmox changes nothing in it until it goes on",
            f"let it go on as it was: phoenix start {spec.vmid}; then run the same command again",
        )
    elif state.lock:
        tool = FACTS[spec.kind].tool
        yield Refusal(
            f"{spec.vmid} is locked ({state.lock}): Proxmox is working on it, or was interrupted",
            f"wait until it is done; a lock that is left over goes with `{tool} unlock {spec.vmid}`",
        )


def refusals_to_touch(spec: GuestSpec, state: GuestState, *, foreign_too: bool, known: bool = False) -> list[Refusal]:
    """Return why an existing guest must not be changed at all, beside a lock; `known` is is_known_clone."""
    advice = f"choose another ID, or let `phoenix adopt {spec.vmid}` take this guest over and configure it as written"
    foreign = [] if foreign_too else list(_foreign(spec, state, advice, known=known))
    return [*foreign, *_template(spec, state)]


def _template(spec: GuestSpec, state: GuestState) -> Iterator[Refusal]:
    if props.is_true(state.options.get("template")):
        yield Refusal(
            f"{spec.vmid} is a template, which cannot run", "give the guest another ID and clone the template"
        )


def refusals_to_delete(spec: GuestSpec, state: GuestState, *, force: bool, known: bool = False) -> list[Refusal]:
    """Return why a guest must not be destroyed; `force` overrides ownership, never locks and protection."""
    advice = f"look at it with `{FACTS[spec.kind].tool} config {spec.vmid}`; `--force` deletes it all the same"
    foreign = [] if force else list(_foreign(spec, state, advice, known=known))
    locked = [] if is_hibernated(state) else refusals_while_locked(spec, state)
    return [*foreign, *locked, *_protected(spec, state)]


def _protected(spec: GuestSpec, state: GuestState) -> Iterator[Refusal]:
    if props.is_true(state.options.get("protection")):
        yield Refusal(
            f"{spec.vmid} is protected against removal",
            f'set "protection": false in the configuration and run `phoenix create {spec.vmid}` first',
        )
