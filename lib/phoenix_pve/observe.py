"""Look at the node: commands and files that only query, and what they say about one guest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phoenix_pve import cluster, image, pve_conf, surroundings, unfinished
from phoenix_pve.errors import CommandFailedError, ContradictionError
from phoenix_pve.guest import GuestState, Kind, Power
from phoenix_pve.kinds import FACTS, conf_path
from phoenix_pve.node import WHOLE, Questions
from phoenix_pve.values import disk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from phoenix_pve.cluster import Here, Managed
    from phoenix_pve.guest import GuestSpec
    from phoenix_pve.node import Completed, File, Node
    from phoenix_pve.storage_cfg import Storage
    from phoenix_pve.surroundings import Surroundings
    from phoenix_pve.whereabouts import Elsewhere


@dataclass(frozen=True)
class Seen:
    """What the node shows of a guest and of what it needs.

    state      the guest, or None when the node has none with this ID and kind
    storages   the storages by name
    snippet    the stored user-data, or None
    image      the base image, or None when there is no such file; only looked for when the guest is absent
    source     the guest that this one is to be cloned from, when it exists and this one does not, or not wholly
    bridges    the network interfaces that the node defines, or None when that cannot be told
    elsewhere  who else has the ID, on another node or as a guest of the other kind
    note       what an interrupted run noted about the guest; see unfinished
    traces     files that interrupted runs left, the note among them
    orphans    volumes of the guest that its configuration does not name, when it is absent, half made or lacks one, and
               nobody else has its ID
    freed      whether its lock is one that an interrupted clone of phoenix left
    missing    volumes that its configuration names and its storage does not have
    here       what the node tells of itself and of its cluster
    ha         how HA looks after the guest, if it does
    lacking    what a start of it needs and the node does not have; see start_needs
    source_node  the other node that has the guest which this one is to be cloned from
    """

    state: GuestState | None
    storages: Mapping[str, Storage]
    snippet: str | None = None
    image: image.Image | None = None
    source: GuestState | None = None
    bridges: frozenset[str] | None = None
    elsewhere: Elsewhere | None = None
    note: str | None = None
    traces: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    freed: bool = False
    here: Here = cluster.UNKNOWN
    ha: Managed | None = None
    lacking: frozenset[str] = frozenset()
    source_node: str = ""


def snippet_name(vmid: int) -> str:
    """Return the file name of a guest's user-data."""
    return f"phoenix-{vmid}-user.yaml"


def snippet_path(storages: Mapping[str, Storage], storage: str, vmid: int) -> str | None:
    """Return where a guest's user-data is on the node, or None for a storage without folder."""
    found = storages.get(storage)
    return f"{found.snippets_folder}/{snippet_name(vmid)}" if found and found.path else None


def observe(node: Node, spec: GuestSpec) -> Seen:
    """Look at one guest: one call of `qm status` or `pct status` with a handful of files, then the files they name."""
    paths = [conf_path(kind, spec.vmid) for kind in Kind]
    source = [conf_path(spec.kind, spec.clone_from)] if spec.clone_from else []
    first = node.look(
        Questions(
            (_status_of(spec.kind, spec.vmid),),
            surroundings.FILES | dict.fromkeys([*paths, *source], WHOLE),
            surroundings.FOLDERS,
        )
    )
    power = power_in(first.commands[0])
    _check_agreement([spec], {spec.vmid: power}, first.files)
    around = surroundings.read(first.files)
    cloned = spec.clone_from if power is None and source and source[0] in first.files else None
    status = () if cloned is None else (_status_of(spec.kind, cloned),)
    states = _states(spec, power, first.files)
    beside = surroundings.patterns(spec, states[0], around)
    more = node.look(Questions(status, _wanted_files(spec, states, around), patterns=beside))
    powers = {spec.vmid: power} | ({} if cloned is None else {cloned: power_in(more.commands[0])})
    away = surroundings.on_nodes(more.files)
    return _with_listed(node, spec, _seen(spec, powers, first.files, more.files, around, away), first.files)


def observe_many(node: Node, specs: Sequence[GuestSpec]) -> dict[int, Seen]:
    """Look at many guests at once: one listing per kind, and their configuration files by the folder."""
    kinds = [kind for kind in Kind if any(spec.kind is kind for spec in specs)]
    lists = tuple((FACTS[kind].tool, "list") for kind in kinds)
    folders = (*(f"/etc/pve/{FACTS[kind].folder}" for kind in Kind), *surroundings.FOLDERS)
    first = node.look(Questions(lists, surroundings.FILES, folders))
    powers = {kind: powers_in(kind, done) for kind, done in zip(kinds, first.commands, strict=True)}
    for kind in kinds:
        _check_agreement([spec for spec in specs if spec.kind is kind], powers[kind], first.files)
    around = surroundings.read(first.files)
    states = [_states(spec, powers[spec.kind].get(spec.vmid), first.files) for spec in specs]
    wanted = [_wanted_files(spec, each, around) for spec, each in zip(specs, states, strict=True)]
    most: dict[str, int] = {}
    for path, limit in (found for files in wanted for found in files.items()):
        most[path] = max(limit, most.get(path, 0))
    pairs = zip(specs, states, strict=True)
    beside = tuple(pattern for spec, each in pairs for pattern in surroundings.patterns(spec, each[0], around))
    more = node.look(Questions(files=most, patterns=beside))
    away = surroundings.on_nodes(more.files)
    return {
        spec.vmid: _with_listed(
            node, spec, _seen(spec, powers[spec.kind], first.files, more.files, around, away), first.files
        )
        for spec in specs
    }


def _status_of(kind: Kind, vmid: int) -> tuple[str, ...]:
    return (FACTS[kind].tool, "status", str(vmid))


def _state(spec: GuestSpec, power: Power | None, files: Mapping[str, File]) -> GuestState | None:
    own = conf_path(spec.kind, spec.vmid)
    return state_of(spec.kind, spec.vmid, power, files[own].data) if power and own in files else None


def _states(
    spec: GuestSpec, power: Power | None, files: Mapping[str, File]
) -> tuple[GuestState | None, GuestState | None]:
    """Return the guest, and the one that it is to be cloned from, whatever its power."""
    return _state(spec, power, files), None if power else _source(spec, {}, files)


def _wanted_files(
    spec: GuestSpec, states: tuple[GuestState | None, GuestState | None], around: Surroundings
) -> dict[str, int]:
    """Return the files beyond configuration: what a guest has and needs to start, what an absent one is made from."""
    return surroundings.wanted(spec, states, around) | _own_files(spec, around.storages, states[0])


def _own_files(spec: GuestSpec, storages: Mapping[str, Storage], state: GuestState | None) -> dict[str, int]:
    """Return the files of user-data, traces and volumes, and what an absent guest is made from."""
    snippet = snippet_path(storages, spec.snippet_storage, spec.vmid) if spec.kind is Kind.VM else None
    found = dict.fromkeys(unfinished.traces(spec.vmid, snippet), 1) | {unfinished.note_path(spec.vmid): WHOLE}
    if snippet:
        found[snippet] = WHOLE
    if state is not None and not unfinished.is_half_made(state):
        more = unfinished.volume_files(storages, spec.vmid) if unfinished.lacks_volumes(spec, state) else {}
        return found | dict.fromkeys([*_own_volumes(state, storages), *more], 1)
    source = source_path(storages, spec)
    found |= dict.fromkeys(unfinished.volume_files(storages, spec.vmid), 1)
    return found | ({source: image.HEAD_BYTES} if source else {})


def _own_volumes(state: GuestState, storages: Mapping[str, Storage]) -> dict[str, str]:
    """Return, by path, the volumes with a file of their own that a configuration names."""
    names = [disk.parse(text).volume for key, text in state.options.items() if disk.is_slot(key)]
    parts = [(name, *name.partition(":")[::2]) for name in names if f":{state.vmid}/vm-{state.vmid}-" in name]
    return {
        f"{storages[storage].path}/images/{rest}": name
        for name, storage, rest in parts
        if storage in storages and storages[storage].path and not storages[storage].disabled
    }


def _with_listed(node: Node, spec: GuestSpec, seen: Seen, files: Mapping[str, File]) -> Seen:
    """Ask for the volumes on storages without a folder, when an interrupted run may have left some."""
    half = unfinished.is_half_made(seen.state)
    lacking = seen.state is None or half or unfinished.lacks_volumes(spec, seen.state)
    if seen.elsewhere or not (unfinished.is_noted(spec, seen) and lacking):
        return seen
    names = [name for name in unfinished.block_storages(spec, seen.storages) if seen.storages[name].usable]
    asked = tuple(("pvesm", "list", name, "--vmid", str(spec.vmid)) for name in names)
    answers = node.look(Questions(asked)).commands if asked else ()
    for done in answers:
        if done.exit != 0:
            raise _failed(done)
    found = [volume for done in answers for volume in unfinished.volumes_listed(spec.vmid, done.stdout)]
    return replace(seen, orphans=(*seen.orphans, *unfinished.unnamed(found, _conf(spec, files))))


def _conf(spec: GuestSpec, files: Mapping[str, File]) -> bytes:
    found = files.get(conf_path(spec.kind, spec.vmid))
    return found.data if found else b""


def source_path(storages: Mapping[str, Storage], spec: GuestSpec) -> str:
    """Return the path of the image or template; `local:vztmpl/a.tar.zst` is in template/cache of its storage."""
    if spec.image.startswith("/") or not spec.image:
        return spec.image
    name, _, volume = spec.image.partition(":vztmpl/")
    found = storages.get(name)
    return f"{found.path}/template/cache/{volume}" if found and found.path else ""


def _seen(
    spec: GuestSpec,
    powers: Mapping[int, Power | None],
    files: Mapping[str, File],
    more: Mapping[str, File],
    around: Surroundings,
    away: Mapping[int, str],
) -> Seen:
    """Put together what was read; `powers` is by ID, of the guest's own kind."""
    storages = around.storages
    states = _states(spec, powers.get(spec.vmid), files)
    state = states[0]
    absent = state is None or unfinished.is_half_made(state)
    beside = surroundings.seen(spec, states, around, files, more, away)
    place = snippet_path(storages, spec.snippet_storage, spec.vmid) or ""
    snippet, note = more.get(place), more.get(unfinished.note_path(spec.vmid))
    head = more.get(source_path(storages, spec))
    inspect = image.inspect if spec.kind is Kind.VM else image.inspect_archive
    volumes = unfinished.volume_files(storages, spec.vmid)
    found = Seen(
        state=state,
        storages=storages,
        snippet=snippet.data.decode("utf-8", "replace") if snippet else None,
        image=inspect(head.size, head.data) if head else None,
        source=_source(spec, powers, files),
        bridges=around.bridges,
        note=note.data.decode("utf-8", "replace") if note else None,
        traces=tuple(path for path in unfinished.traces(spec.vmid, place) if path in more),
        orphans=()
        if beside["elsewhere"]
        else unfinished.unnamed([v for p, v in volumes.items() if p in more], _conf(spec, files)),
        missing=tuple(v for path, v in _own_volumes(state, storages).items() if path not in more) if state else (),
        **beside,
    )
    return found if absent or unfinished.is_noted_new(spec, found) else replace(found, source=None)


def _source(spec: GuestSpec, powers: Mapping[int, Power | None], files: Mapping[str, File]) -> GuestState | None:
    """Return the guest that this one is cloned from."""
    path = conf_path(spec.kind, spec.clone_from or 0)
    if spec.clone_from is None or path not in files:
        return None
    return state_of(spec.kind, spec.clone_from, powers.get(spec.clone_from) or Power.STOPPED, files[path].data)


def power_in(done: Completed) -> Power | None:
    """Read what `qm status` or `pct status` said; None means that there is no such guest. Raises CommandFailedError."""
    if done.exit != 0 and "does not exist" in done.stderr:
        return None
    if done.exit == 0 and done.stdout.startswith("status: "):
        word = done.stdout.removeprefix("status: ").split()[0]
        if word in set(Power):
            return Power(word)
    raise _failed(done)


def _failed(done: Completed) -> CommandFailedError:
    said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
    return CommandFailedError(
        f"`{' '.join(done.argv)}` failed (exit status {done.exit}): {said[-1][:200]}",
        "run the command by hand to see more; phoenix has changed nothing",
    )


def state_of(kind: Kind, vmid: int, power: Power, data: bytes) -> GuestState:
    """Return a guest's state from its power and its configuration file."""
    conf = pve_conf.parse(data)
    return GuestState(
        kind=kind,
        vmid=vmid,
        power=power,
        options=conf.options,
        description=conf.description,
        pending=frozenset(conf.pending) | conf.deleted | (frozenset() if power is Power.STOPPED else conf.stale),
        digest=conf.digest,
        stuck=conf.waiting_needlessly(FACTS[kind].at_once) if power is Power.RUNNING else frozenset(),
        in_force=conf.current,
    )


def powers_in(kind: Kind, done: Completed) -> dict[int, Power]:
    """Read the power of every guest from what `qm list` or `pct list` said. Raises CommandFailedError."""
    if done.exit != 0:
        raise _failed(done)
    rows = [line.split() for line in done.stdout.splitlines()]
    return {int(row[0]): power for row in rows if row and row[0].isdigit() if (power := _power_in(kind, row))}


def _power_in(kind: Kind, row: list[str]) -> Power | None:
    """Find the status in a row: `VMID NAME STATUS …` of qm, `VMID STATUS …` of pct.

    A VM without a name is called `VM 8003`, in two words.
    """
    words = row[1:2] if kind is Kind.CONTAINER else [*row[2:4], *row[1:2]]
    return next((Power(word) for word in words if word in _WORDS), None)


_WORDS = frozenset(Power)


def _check_agreement(specs: Sequence[GuestSpec], powers: Mapping[int, Power | None], files: Mapping[str, File]) -> None:
    """Compare what the tools say with the configuration files. Raises ContradictionError."""
    for spec in specs:
        path, word = conf_path(spec.kind, spec.vmid), FACTS[spec.kind].word
        if powers.get(spec.vmid) and path not in files:
            raise ContradictionError(
                f"{word} {spec.vmid} exists, yet {path} cannot be found", "run phoenix as root on the node"
            )
        if not powers.get(spec.vmid) and path in files:
            raise ContradictionError(
                f"`{FACTS[spec.kind].tool}` shows no {word} {spec.vmid}, yet there is {path}",
                "was it made just now? run the same command again; otherwise look at what the tool says by hand",
            )
