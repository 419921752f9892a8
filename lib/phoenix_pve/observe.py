"""Look at the node: commands and files that only query, and what they say about one guest."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from phoenix_pve import cluster, foreign, image, notes, pve_conf, records, surroundings, unfinished
from phoenix_pve.complaints import reason
from phoenix_pve.errors import CommandFailedError, ContradictionError
from phoenix_pve.guest import GuestState, Kind, Power
from phoenix_pve.kinds import FACTS, conf_path
from phoenix_pve.node import WHOLE, Questions
from phoenix_pve.values import disk
from phoenix_pve.values.text import lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from phoenix_pve.cluster import Here, Managed
    from phoenix_pve.guest import GuestSpec
    from phoenix_pve.node import Answers, Completed, File, Node
    from phoenix_pve.notes import Note
    from phoenix_pve.records import Record
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
    note       what an interrupted run noted about the guest; see notes
    odd_note   whether there is a note that cannot be read: one of an older version
    traces     files that interrupted runs left, the note among them
    orphans    volumes of the guest, on storages that it uses, which its configuration does not name, when nobody else
               has its ID; those on storages without a folder only after an interrupted run
    times      when its configuration file (by path) and its volumes with a file (by name) were last changed
    freed      whether its lock is one that an interrupted clone of phoenix left
    record     what is remembered of it; see records
    boot       what tells this start of a VM from its others; "" where nothing tells
    snippets   where its user-data is stored, by volume; only looked for when it is to be deleted
    snippet_users  which other guests of the cluster name them, by volume
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
    note: Note | None = None
    odd_note: bool = False
    traces: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    freed: bool = False
    record: Record | None = None
    boot: str = ""
    snippets: Mapping[str, str] = field(default_factory=dict)
    snippet_users: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    times: Mapping[str, float] = field(default_factory=dict)
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
    storages, beside = around.storages, surroundings.patterns(spec, states[0], around)
    more = node.look(
        Questions(
            status,
            _wanted_files(spec, states, around),
            patterns=beside,
            times=_wanted_times(spec, storages),
            mounts=_mounts([spec], storages),
        )
    )
    around = replace(around, storages=_mounted(storages, more))
    powers = {spec.vmid: power} | ({} if cloned is None else {cloned: power_in(more.commands[0])})
    away = surroundings.on_nodes(more.files)
    return _with_listed(node, spec, _seen(spec, powers, first.files, more, around, away), first.files)


def glance(node: Node, spec: GuestSpec) -> Seen:
    """Look at the files alone, without a call of a tool: all but the power of the guest and what it is cloned from."""
    paths = [conf_path(kind, spec.vmid) for kind in Kind]
    first = node.look(Questions(files=surroundings.FILES | dict.fromkeys(paths, WHOLE)))
    power = Power.STOPPED if conf_path(spec.kind, spec.vmid) in first.files else None
    around, states = surroundings.read(first.files), _states(spec, power, first.files)
    wanted = _wanted_files(spec, states, around)
    more = node.look(Questions(files=wanted, times=_wanted_times(spec, around.storages)))
    return _seen(spec, {spec.vmid: power}, first.files, more, around, {})


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
    storages = around.storages
    states = [_states(spec, powers[spec.kind].get(spec.vmid), first.files) for spec in specs]
    wanted = [_wanted_files(spec, each, around) for spec, each in zip(specs, states, strict=True)]
    most: dict[str, int] = {}
    for path, limit in (found for files in wanted for found in files.items()):
        most[path] = max(limit, most.get(path, 0))
    pairs = zip(specs, states, strict=True)
    beside = tuple(pattern for spec, each in pairs for pattern in surroundings.patterns(spec, each[0], around))
    times = tuple(path for spec in specs for path in _wanted_times(spec, storages))
    more = node.look(Questions(files=most, patterns=beside, times=times, mounts=_mounts(specs, storages)))
    around = replace(around, storages=_mounted(storages, more))
    away = surroundings.on_nodes(more.files)
    return {
        spec.vmid: _with_listed(
            node, spec, _seen(spec, powers[spec.kind], first.files, more, around, away), first.files
        )
        for spec in specs
    }


def _wanted_times(spec: GuestSpec, storages: Mapping[str, Storage]) -> tuple[str, ...]:
    pid = [records.pid_path(spec.vmid)] if spec.kind is Kind.VM else []
    return (conf_path(spec.kind, spec.vmid), *pid, *unfinished.volume_folders(spec, storages))


def _mounts(specs: Sequence[GuestSpec], storages: Mapping[str, Storage]) -> tuple[str, ...]:
    """Return the mount points of the storages that guests are to be on."""
    points = (point for spec in specs if spec.container for point in spec.container.mount_points)
    names = {name for spec in specs for name in (spec.storage, spec.snippet_storage)} | {p.storage for p in points}
    return tuple(sorted({storages[name].mountpoint for name in names if name in storages} - {""}))


def _mounted(storages: Mapping[str, Storage], answers: Answers) -> dict[str, Storage]:
    """Return the storages with what a look showed of their mount points."""
    there = answers.mounted
    return {n: replace(s, mounted=not s.mountpoint or s.mountpoint in there) for n, s in storages.items()}


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
    found = dict.fromkeys(unfinished.traces(spec.vmid, snippet), 1)
    found |= {unfinished.note_path(spec.vmid): WHOLE, records.path(spec.vmid): WHOLE}
    if snippet:
        found[snippet] = WHOLE
    if state is not None and not unfinished.is_half_made(state):
        return found | dict.fromkeys(_own_volumes(state, storages), 1)
    source = source_path(storages, spec)
    return found | ({source: image.HEAD_BYTES} if source else {})


def _own_volumes(state: GuestState, storages: Mapping[str, Storage]) -> dict[str, str]:
    """Return, by path, the volumes with a file of their own that a configuration names."""
    names = [disk.parse(text).volume for key, text in state.options.items() if disk.is_slot(key)]
    parts = [(name, *name.partition(":")[::2]) for name in names if f":{state.vmid}/vm-{state.vmid}-" in name]
    return {
        f"{storages[storage].folder('images')}/{rest}": name
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
    found = volumes_in(spec.vmid, node.look(Questions(listings(spec.vmid, names))).commands) if names else []
    return replace(seen, orphans=(*seen.orphans, *unfinished.unnamed(found, _conf(spec, files))))


def listings(vmid: int, names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Return the commands that list a guest's volumes on storages without a folder."""
    return tuple(("pvesm", "list", name, "--vmid", str(vmid)) for name in names)


def volumes_in(vmid: int, answers: Sequence[Completed]) -> list[str]:
    """Return the guest's volumes that `listings` showed. Raises CommandFailedError when a storage cannot be asked."""
    for done in answers:
        if done.exit != 0:
            raise failed(done)
    return [volume for done in answers for volume in unfinished.volumes_listed(vmid, done.stdout)]


def _conf(spec: GuestSpec, files: Mapping[str, File]) -> bytes:
    found = files.get(conf_path(spec.kind, spec.vmid))
    return found.data if found else b""


def source_path(storages: Mapping[str, Storage], spec: GuestSpec) -> str:
    """Return the path of the image or template; `local:vztmpl/a.tar.zst` is where its storage keeps templates."""
    if spec.image.startswith("/") or not spec.image:
        return spec.image
    name, _, volume = spec.image.partition(":vztmpl/")
    found = storages.get(name)
    return f"{found.folder('vztmpl')}/{volume}" if found and found.path else ""


def _seen(
    spec: GuestSpec,
    powers: Mapping[int, Power | None],
    files: Mapping[str, File],
    answers: Answers,
    around: Surroundings,
    away: Mapping[int, str],
) -> Seen:
    """Put together what was read; `powers` is by ID, of the guest's own kind."""
    more, storages = answers.files, around.storages
    states = _states(spec, powers.get(spec.vmid), files)
    state = states[0]
    absent = state is None or unfinished.is_half_made(state)
    beside = surroundings.seen(spec, states, around, files, more, away)
    place = snippet_path(storages, spec.snippet_storage, spec.vmid) or ""
    snippet, noted = more.get(place), more.get(unfinished.note_path(spec.vmid))
    note = notes.parse(noted.data.decode("utf-8", "replace")) if noted else None
    head, record = more.get(source_path(storages, spec)), more.get(records.path(spec.vmid))
    inspect = image.inspect if spec.kind is Kind.VM else image.inspect_archive
    volumes = unfinished.volumes_in(unfinished.volume_folders(spec, storages), spec.vmid, answers.times)
    own = conf_path(spec.kind, spec.vmid)
    odd = noted is not None and note is None
    traces = [p for p in unfinished.traces(spec.vmid, place) if p in more and not (odd and p == notes.path(spec.vmid))]
    found = Seen(
        state=state,
        storages=storages,
        snippet=snippet.data.decode("utf-8", "replace") if snippet else None,
        image=inspect(head.size, head.data)
        if head
        else image.NO_FILE
        if source_path(storages, spec) in answers.odd
        else None,
        source=_source(spec, powers, files),
        bridges=around.bridges,
        note=note,
        odd_note=odd,
        traces=tuple(traces),
        orphans=() if beside["elsewhere"] else unfinished.unnamed(volumes, _conf(spec, files)),
        record=records.parse(record.data.decode("utf-8", "replace")) if record else None,
        boot=boot_of(spec.vmid, answers.times),
        times=volumes | ({own: answers.times[own]} if own in answers.times else {}),
        missing=tuple(v for path, v in _own_volumes(state, storages).items() if path not in more) if state else (),
        **beside,
    )
    return found if absent or unfinished.is_noted_new(spec, found) else replace(found, source=None)


def boot_of(vmid: int, times: Mapping[str, float]) -> str:
    """Return what tells one start of a VM from another: when the file with the number of its process was written."""
    written = times.get(records.pid_path(vmid))
    return "" if written is None else f"{written:.3f}"


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
        word = done.stdout.removeprefix("status: ").partition("\n")[0].strip()
        if word in _WORDS:
            return Power(word)
    raise failed(done)


def failed(done: Completed) -> CommandFailedError:
    """Return the error for a command that was to look and did not end well."""
    return CommandFailedError(
        f"`{' '.join(done.argv)}` failed (exit status {done.exit}): {reason(done)}",
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
        raise failed(done)
    rows = [line.split() for line in lines(done.stdout)]
    found = [(foreign.number(row[0]), _power_in(kind, row)) for row in rows if row]
    return {vmid: power for vmid, power in found if vmid is not None and power is not None}


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
