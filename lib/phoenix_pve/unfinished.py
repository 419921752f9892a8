"""What an interrupted run left of a guest, and what of it is provably phoenix's own. PURE.

Before phoenix makes a guest it writes a note, /var/lib/phoenix/ID.unfinished, on the node: kind, name, and what the
guest is cloned from. When everything is done that a later look could not see to be missing, the note goes. So a note
says that a run was interrupted, and that what Proxmox shows half made is phoenix's. Before volumes of a guest that
exists are made or grown, or its cloud-init drive is refreshed, there is a note as well, `container ct1 changed …`, with
the volumes that its configuration did not name even before.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from phoenix_pve.guest import Kind
from phoenix_pve.kinds import FACTS
from phoenix_pve.node import NOTES, temporary_of
from phoenix_pve.plan import Mend, Refusal
from phoenix_pve.values import disk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from phoenix_pve.guest import GuestSpec, GuestState
    from phoenix_pve.observe import Seen
    from phoenix_pve.storage_cfg import Storage

CHANGED, REFRESHED = "changed", "refreshed"
"""The third word of a note about a guest that existed: volumes were made or grown; its cloud-init drive as well."""

KEYS_PATH = "/run/phoenix-{vmid}-keys.pub"
"""Where a container's public keys are while `pct create` reads them."""

NUMBERS = range(16)
"""The disk numbers of a guest that are looked for; Proxmox gives out the lowest that is free."""


def note_path(vmid: int) -> str:
    """Return where the note about a guest is."""
    return f"{NOTES}/{vmid}.unfinished"


def note(spec: GuestSpec) -> str:
    """Return the note about a guest: `container ct2 101`, where 101 is what it is cloned from."""
    return f"{spec.kind.value} {spec.name} {spec.clone_from or ''}".rstrip() + "\n"


def is_noted(spec: GuestSpec, seen: Seen) -> bool:
    """Return whether a run of phoenix that worked on this very guest was interrupted."""
    return seen.note is not None and seen.note.split()[:2] == [spec.kind.value, spec.name]


def note_of_change(spec: GuestSpec, seen: Seen, *, refreshed: bool) -> str:
    """Return the note about a guest that exists: `container ct1 changed local:101/vm-101-disk-7.raw`."""
    return " ".join([spec.kind.value, spec.name, REFRESHED if refreshed else CHANGED, *seen.orphans]) + "\n"


def is_noted_new(spec: GuestSpec, seen: Seen) -> bool:
    """Return whether the run that was interrupted was making the guest."""
    return is_noted(spec, seen) and (seen.note or "").split()[2:3] not in ([CHANGED], [REFRESHED])


def is_to_be_refreshed(spec: GuestSpec, seen: Seen) -> bool:
    """Return whether the run that was interrupted may not have come to the cloud-init drive."""
    return is_noted(spec, seen) and (seen.note or "").split()[2:3] != [CHANGED]


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
    """Return the volumes that nobody names and that were not there before the interrupted run."""
    known = (seen.note or "").split()[3:] if is_noted(spec, seen) and not is_noted_new(spec, seen) else []
    return tuple(volume for volume in seen.orphans if volume not in known)


def is_half_made(state: GuestState | None) -> bool:
    """Return whether a configuration holds nothing but the lock that claims its ID (create_and_lock_config)."""
    return state is not None and state.lock in {"create", "clone"} and set(state.options) == {"lock"}


def traces(vmid: int, snippet: str | None) -> list[str]:
    """Return the files that a run which is over has removed: its note, and what it was about to write."""
    keys = KEYS_PATH.format(vmid=vmid)
    written = [note_path(vmid), keys, *([snippet] if snippet else [])]
    return [note_path(vmid), keys, *(temporary_of(path) for path in written)]


def volume_files(storages: Mapping[str, Storage], vmid: int) -> dict[str, str]:
    """Return, by path, every volume that the guest could have on storages with a folder; `path: local:8001/vm-…`."""
    names = [
        f"vm-{vmid}-{stem}.{suffix}"
        for stem in ("cloudinit", *(f"disk-{n}" for n in NUMBERS))
        for suffix in ("raw", "qcow2")
    ]
    return {
        f"{storage.path}/images/{vmid}/{name}": f"{storage.id}:{vmid}/{name}"
        for storage in storages.values()
        if storage.path and not storage.disabled and {"images", "rootdir"} & storage.content
        for name in names
    }


def block_storages(spec: GuestSpec, storages: Mapping[str, Storage]) -> list[str]:
    """Return the storages without folder that the guest's volumes are on; only pvesm can list them."""
    points = spec.container.mount_points if spec.container else ()
    named = dict.fromkeys([spec.storage, *(point.storage for point in points)])
    return [name for name in named if name in storages and not storages[name].path and not storages[name].disabled]


def volumes_listed(vmid: int, text: str) -> list[str]:
    """Return the guest's volumes in what `pvesm list` printed; names as Proxmox gives them, `local-lvm:vm-8001-…`."""
    words = [line.split()[0] for line in text.splitlines()[1:] if line.strip()]
    return [word for word in words if f"vm-{vmid}-" in word]


def mending(spec: GuestSpec, seen: Seen, *, force: bool) -> Iterator[Mend]:
    """Yield what clears away a half-made guest that is phoenix's own, so that it can be made anew.

    A lock on the source without a half-made clone may be somebody else's: it goes by force only.
    """
    half, left = is_half_made(seen.state), _left(spec, seen)
    if seen.freed:
        yield Mend(configuration=False, volumes=(), source=spec.vmid)
    if is_noted(spec, seen) and (half or left):
        yield Mend(half, left, spec.clone_from if half and _holds_source(spec, seen) else None)
    elif is_noted_new(spec, seen) and force and _holds_source(spec, seen):
        yield Mend(configuration=False, volumes=(), source=spec.clone_from)


def left_locked(specs: Iterable[GuestSpec], sight: Mapping[int, Seen]) -> set[int]:
    """Return the guests whose lock an interrupted clone of one of `specs` provably left."""
    return {
        spec.clone_from
        for spec in specs
        if spec.clone_from
        and is_noted(spec, sight[spec.vmid])
        and is_half_made(sight[spec.vmid].state)
        and _holds_source(spec, sight[spec.vmid])
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
    half, noted = is_half_made(seen.state), is_noted(spec, seen)
    if half and not noted:
        yield _half_made(spec, seen)
    elif not noted and seen.orphans and seen.state is None:
        yield _orphans(spec.vmid, seen.orphans, "no guest has this ID, yet there are")
    blocks = [volume for volume in _left(spec, seen) if "/" not in volume]
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
