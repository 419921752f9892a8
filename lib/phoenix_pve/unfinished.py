"""What an interrupted run left of a guest, and what of it is provably phoenix's own. PURE.

Before phoenix makes a guest it writes a note on the node (see notes). When everything is done that a later look could
not see to be missing, or a run ends in order with an error that leaves nothing behind, the note goes. So a note says
that a run was interrupted; what Proxmox shows half made is phoenix's when it came into being while a command of that
run was at work, on a storage that the run used. Before volumes of a guest that exists are made or grown, or its
cloud-init drive is refreshed, there is a note as well, with the guest's identity: for any other guest it is worth
nothing.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from phoenix_pve import identity, notes
from phoenix_pve.guest import Kind
from phoenix_pve.kinds import FACTS, conf_path
from phoenix_pve.node import temporary_of
from phoenix_pve.notes import CHANGE, MAKE, REFRESH, Note
from phoenix_pve.plan import Mend, RefreshCloudInit, Refusal, Remember, SetPassword
from phoenix_pve.values import disk
from phoenix_pve.values.text import lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from phoenix_pve.guest import GuestSpec, GuestState
    from phoenix_pve.observe import Seen
    from phoenix_pve.plan import Change
    from phoenix_pve.storage_cfg import Storage

KEYS_PATH = "/run/phoenix-{vmid}-keys.pub"
"""Where a container's public keys are while `pct create` reads them."""

CLAIMS = frozenset({"create", "clone"})
"""The locks of a guest that is being made."""

VOLUME_FILE = re.compile(r"(?:vm-(\d+)-.+\.(?:raw|qcow2|vmdk)|subvol-(\d+)-.+\.subvol)")
"""A volume in the folder of a guest, which has its ID in its name; base volumes are never left half made."""

VOLUME = re.compile(r"[A-Za-z0-9][\w.-]*:[\w./+-]+", re.ASCII)
"""How Proxmox names volumes: a storage and what it calls them."""


def note_path(vmid: int) -> str:
    """Return where the note about a guest is."""
    return notes.path(vmid)


def note_of_making(spec: GuestSpec, seen: Seen) -> Note:
    """Return the note about a guest that is about to be made."""
    return _renewed(
        spec, seen, Note(spec.kind, spec.name, MAKE, spec.clone_from, used_storages(spec), _found(spec, seen))
    )


def note_of_change(spec: GuestSpec, seen: Seen, *, refreshed: bool, card: str) -> Note:
    """Return the note about a guest that exists; `card` is the text of its first network card, where that changes."""
    assert seen.state is not None, "a guest that does not exist is made"
    whose = identity.of(seen.state)
    whose = identity.with_card(whose, spec.kind, card) if card else whose
    doing = REFRESH if refreshed else CHANGE
    made = Note(spec.kind, seen.state.name, doing, None, used_storages(spec), _found(spec, seen), whose)
    return _renewed(spec, seen, made)


def _renewed(spec: GuestSpec, seen: Seen, note: Note) -> Note:
    """Return a note that also proves what the one of an interrupted run does."""
    return notes.merged(seen.note, note) if seen.note and is_noted(spec, seen) else note


def _found(spec: GuestSpec, seen: Seen) -> tuple[str, ...]:
    """Return the volumes that nobody names and that no interrupted run left."""
    left = _left(spec, seen)
    return tuple(volume for volume in seen.orphans if volume not in left)


def is_noted(spec: GuestSpec, seen: Seen) -> bool:
    """Return whether a run of phoenix that worked on this very guest was interrupted."""
    note, state = seen.note, seen.state
    if note is None or note.kind is not spec.kind or note.name not in {spec.name, state.name if state else spec.name}:
        return False
    if state is None or is_half_made(state):
        return note.doing == MAKE
    return identity.same(note.guest, identity.of(state)) if note.guest else note.name == state.name


def is_noted_new(spec: GuestSpec, seen: Seen) -> bool:
    """Return whether the run that was interrupted was making the guest."""
    return is_noted(spec, seen) and seen.note is not None and seen.note.doing == MAKE


def is_to_be_refreshed(spec: GuestSpec, seen: Seen) -> bool:
    """Return whether the run that was interrupted may not have come to the cloud-init drive."""
    return is_noted(spec, seen) and seen.note is not None and seen.note.doing != CHANGE


def is_noted_clone(spec: GuestSpec, seen: Seen) -> bool:
    """Return whether the guest is a clone that an interrupted run made and could not give its tags any more."""
    claimed = seen.note is not None and notes.covers_claim(seen.note, seen.times.get(conf_path(spec.kind, spec.vmid)))
    return claimed and is_noted_new(spec, seen) and seen.note is not None and seen.note.source is not None


def may_go(undone: Sequence[Change], *, died: bool) -> bool:
    """Return whether the note may go when a run ends with an error; `undone` begins with the change that failed.

    It must stay for what a look cannot see to be missing, and when a command may have died in its middle.
    """
    return not died and not any(isinstance(change, Mend | SetPassword | RefreshCloudInit) for change in undone)


def leaves_something(spec: GuestSpec, seen: Seen, undone: Sequence[Change]) -> bool:
    """Return whether a run that ends with an error leaves what the next one has to clear away, or to complete.

    A guest that is there and not remembered yet is not complete: a clone may lack its tag.
    """
    incomplete = seen.state is not None and any(isinstance(change, Remember) for change in undone)
    half = is_half_made(seen.state) or bool(_left(spec, seen))
    return incomplete or half or (is_noted(spec, seen) and _holds_source(spec, seen))


def lacks_volumes(spec: GuestSpec, state: GuestState) -> bool:
    """Return whether a volume is to be made for a guest that exists, so that an interrupted run may have begun it."""
    points = [state.options.get(point.slot, "") for point in spec.container.mount_points] if spec.container else []
    drives = [disk.parse(text) for slot, text in state.options.items() if disk.is_slot(slot)]
    bare = spec.kind is Kind.VM and not any(drive.cloud_init for drive in drives)
    return bare or any(disk.is_asked_for(text) for text in points)


def unnamed(volumes: Iterable[str], conf: bytes) -> tuple[str, ...]:
    """Return the volumes that a configuration file names nowhere, its snapshots included."""
    words = set(re.findall(r"[^\s,=]+", conf.decode("utf-8", "replace")))
    return tuple(volume for volume in volumes if volume not in words)


def _left(spec: GuestSpec, seen: Seen) -> tuple[str, ...]:
    """Return the volumes that nobody names and that an interrupted run may have made, by its note."""
    note = seen.note
    if note is None or not is_noted(spec, seen):
        return ()
    ours = [volume for volume in seen.orphans if volume.partition(":")[0] in note.storages - {""}]
    made = [volume for volume in ours if "/" not in volume or notes.covers_volume(note, seen.times.get(volume))]
    return tuple(volume for volume in made if volume not in note.there)


def is_half_made(state: GuestState | None) -> bool:
    """Return whether a configuration holds nothing but the lock that claims its ID, or not even that any more.

    That is what `create_and_lock_config` writes at first, and what is left when the lock was taken off.
    """
    return state is not None and (not state.options or (state.lock in CLAIMS and set(state.options) == {"lock"}))


def traces(vmid: int, snippet: str | None) -> list[str]:
    """Return the files that a run which is over has removed: its note, and what it was about to write."""
    keys = KEYS_PATH.format(vmid=vmid)
    written = [note_path(vmid), keys, *([snippet] if snippet else [])]
    return [note_path(vmid), keys, *(temporary_of(path) for path in written)]


def used_storages(spec: GuestSpec) -> frozenset[str]:
    """Return the storages on which a guest has volumes by its configuration."""
    points = spec.container.mount_points if spec.container else ()
    return frozenset([spec.storage, *(point.storage for point in points)])


def volume_folders(spec: GuestSpec, storages: Mapping[str, Storage]) -> dict[str, str]:
    """Return the folders that hold the guest's volumes, with the storage of each."""
    used = [storages[name] for name in sorted(used_storages(spec)) if name in storages]
    return {f"{s.folder('images')}/{spec.vmid}": s.id for s in used if s.path and not s.disabled}


def volumes_in(folders: Mapping[str, str], vmid: int, times: Mapping[str, float]) -> dict[str, float]:
    """Return the guest's volumes, by name as in `local:8001/vm-8001-disk-0.raw`, with the time of their last change."""
    found = {}
    for path, time in times.items():
        folder, _, name = path.rpartition("/")
        match = VOLUME_FILE.fullmatch(name) if folder in folders else None
        if match and str(vmid) in match.groups():
            found[f"{folders[folder]}:{vmid}/{name}"] = time
    return found


def block_storages(spec: GuestSpec, storages: Mapping[str, Storage]) -> list[str]:
    """Return the storages without folder that the guest's volumes are on; only pvesm can list them."""
    used = sorted(used_storages(spec))
    return [name for name in used if name in storages and not storages[name].path and not storages[name].disabled]


def volumes_listed(vmid: int, text: str) -> list[str]:
    """Return the guest's volumes in what `pvesm list` printed; names as Proxmox gives them, `local-lvm:vm-8001-…`.

    They come into commands and into advice that somebody may paste into a shell, so that no other letters are taken.
    """
    words = [line.split()[0] for line in lines(text)[1:] if line.strip()]
    return [word for word in words if f"vm-{vmid}-" in word and VOLUME.fullmatch(word)]


def mending(spec: GuestSpec, seen: Seen, *, force: bool) -> Iterator[Mend]:
    """Yield what clears away a half-made guest that is phoenix's own, so that it can be made anew.

    A lock on the source without a half-made clone may be somebody else's: it goes by force only.
    """
    half, left = is_claimed(spec, seen), _left(spec, seen)
    if seen.freed:
        yield Mend(configuration=False, volumes=(), source=spec.vmid)
    if is_noted(spec, seen) and (half or left):
        yield Mend(half, left, spec.clone_from if half and _holds_source(spec, seen) else None)
    elif is_noted_new(spec, seen) and force and _holds_source(spec, seen):
        yield Mend(configuration=False, volumes=(), source=spec.clone_from)


def is_claimed(spec: GuestSpec, seen: Seen) -> bool:
    """Return whether a guest is half made, and a command of the interrupted run provably did it.

    A restore, or a guest that somebody else makes, looks the same; but it was not begun while that command ran.
    """
    if not is_half_made(seen.state) or seen.note is None or not is_noted(spec, seen):
        return False
    return notes.covers_claim(seen.note, seen.times.get(conf_path(spec.kind, spec.vmid)))


def notes_of_old(vmid: int, seen: Seen) -> Iterator[str]:
    """Yield that there is a note which proves nothing: one of an older version, or a broken one."""
    if seen.odd_note:
        place = notes.path(vmid)
        yield (
            f"{vmid}: {place} is a note of an older version, or a broken one: it names neither the guest it is about "
            f"nor what was there before, so nothing is cleared away by it; when all is well: rm {place}"
        )


def left_locked(specs: Iterable[GuestSpec], sight: Mapping[int, Seen]) -> set[int]:
    """Return the guests whose lock an interrupted clone of one of `specs` provably left."""
    return {
        spec.clone_from
        for spec in specs
        if spec.clone_from and is_claimed(spec, sight[spec.vmid]) and _holds_source(spec, sight[spec.vmid])
    }


def unlocked(state: GuestState) -> GuestState:
    """Return a guest without its lock."""
    return replace(state, options={key: value for key, value in state.options.items() if key != "lock"})


def _holds_source(spec: GuestSpec, seen: Seen) -> bool:
    """Return whether the interrupted `pct clone` left its lock on the source.

    It locks the source first and unlocks it last (pct-clone-*), so while the clone is half made the lock is its own.
    """
    return spec.kind is Kind.CONTAINER and seen.source is not None and seen.source.lock == "disk"


def refusals(spec: GuestSpec, seen: Seen, *, force: bool) -> Iterator[Refusal]:
    """Yield what looks half made and is not provably phoenix's own, with the commands that mend it."""
    half, noted, left = is_half_made(seen.state), is_noted(spec, seen), _left(spec, seen)
    others = [volume for volume in seen.orphans if volume not in left]
    if half and not is_claimed(spec, seen):
        yield _half_made(spec, seen)
    elif others and seen.state is None:
        yield _orphans(spec.vmid, others, "no guest has this ID, yet there are")
    blocks = [volume for volume in left if "/" not in volume]
    if noted and blocks and not force:
        yield _orphans(spec.vmid, blocks, "an interrupted run may have left, or may have found,")
    if noted and not half and _holds_source(spec, seen) and not force:
        yield _locked_source(spec)


def refusals_without_volumes(spec: GuestSpec, seen: Seen) -> Iterator[Refusal]:
    """Yield that the configuration names volumes which are gone, as after half a `qm destroy`."""
    if seen.missing:
        yield Refusal(
            f"{spec.vmid} names volumes that its storage does not have: {', '.join(seen.missing)} does not exist",
            f"bring them back, or remove the rest of the guest and make it anew: phoenix delete {spec.vmid}",
        )


def _locked_source(spec: GuestSpec) -> Refusal:
    return Refusal(
        f"container {spec.clone_from}, which {spec.vmid} is cloned from, is locked (disk): an interrupted run may have "
        "left that, or something works on it",
        f"is a `pct clone` or `pct move-volume` at work? if not: pct unlock {spec.clone_from}",
    )


def _half_made(spec: GuestSpec, seen: Seen) -> Refusal:
    tool = FACTS[spec.kind].tool
    lock = seen.state.lock if seen.state else ""
    return Refusal(
        f"{spec.vmid} is half made: its configuration holds nothing but the lock `{lock}`, and phoenix did not do it",
        f"is a `{tool} {lock}` at work? if not: {_commands(tool, spec.vmid, seen.orphans)}",
    )


def _commands(tool: str, vmid: int, volumes: Sequence[str]) -> str:
    clear = [f"{tool} unlock {vmid}", f"{tool} destroy {vmid} --purge 1"]
    return " && ".join([*clear, *(f"pvesm free {volume}" for volume in volumes)])


def _orphans(vmid: int, volumes: Sequence[str], what: str) -> Refusal:
    free = " && ".join(f"pvesm free {volume}" for volume in volumes)
    return Refusal(
        f"{vmid}: {what} volumes of it: {', '.join(volumes)}",
        f"if nobody needs them: {free}; otherwise give the guest another ID",
    )
