"""Look at the node: commands and files that only query, and what they say about one guest."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from phoenix_pve import image, pve_conf, storage_cfg, unfinished
from phoenix_pve.complaints import reason
from phoenix_pve.errors import CommandFailedError, ContradictionError, NodeError
from phoenix_pve.guest import GuestState, Kind, Power
from phoenix_pve.kinds import FACTS, conf_path
from phoenix_pve.node import WHOLE, Questions
from phoenix_pve.values import disk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from phoenix_pve.guest import GuestSpec
    from phoenix_pve.node import Answers, Completed, File, Node
    from phoenix_pve.storage_cfg import Storage

STORAGE_CFG = "/etc/pve/storage.cfg"
VMLIST = "/etc/pve/.vmlist"
INTERFACES = "/etc/network/interfaces"


@dataclass(frozen=True)
class Seen:
    """What the node shows of a guest and of what it needs.

    state      the guest, or None when the node has none with this ID and kind
    storages   the storages by name
    snippet    the stored user-data, or None
    image      the base image, or None when there is no such file; only looked for when the guest is absent
    source     the guest that this one is to be cloned from, when it exists and this one does not, or not wholly
    bridges    the network interfaces that the node defines, or None when that cannot be told
    elsewhere  where else the ID is taken: "a container on this node", "node pve2"; or nothing
    note       what an interrupted run noted about the guest; see unfinished
    traces     files that interrupted runs left, the note among them
    orphans    volumes of the guest that its configuration does not name, when it is absent, half made or lacks one, and
               nobody else has its ID
    freed      whether its lock is one that an interrupted clone of phoenix left
    missing    volumes that its configuration names and its storage does not have
    """

    state: GuestState | None
    storages: Mapping[str, Storage]
    snippet: str | None = None
    image: image.Image | None = None
    source: GuestState | None = None
    bridges: frozenset[str] | None = None
    elsewhere: str = ""
    note: str | None = None
    traces: tuple[str, ...] = ()
    orphans: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    freed: bool = False


def snippet_name(vmid: int) -> str:
    """Return the file name of a guest's user-data."""
    return f"phoenix-{vmid}-user.yaml"


def snippet_path(storages: Mapping[str, Storage], storage: str, vmid: int) -> str | None:
    """Return where a guest's user-data is on the node, or None for a storage without folder."""
    found = storages.get(storage)
    return f"{found.snippets_folder}/{snippet_name(vmid)}" if found and found.path else None


def observe(node: Node, spec: GuestSpec) -> Seen:
    """Look at one guest: one call of `qm status` or `pct status` with a handful of files, then the files they name."""
    paths = [STORAGE_CFG, VMLIST, INTERFACES, *(conf_path(kind, spec.vmid) for kind in Kind)]
    source = [conf_path(spec.kind, spec.clone_from)] if spec.clone_from else []
    first = node.look(
        Questions((_status_of(spec.kind, spec.vmid),), dict.fromkeys([*paths, *source], WHOLE), (f"{INTERFACES}.d",))
    )
    power = power_in(first.commands[0])
    _check_agreement([spec], {spec.vmid: power}, first.files)
    storages = _storages(first.files)
    cloned = spec.clone_from if power is None and source and source[0] in first.files else None
    status = () if cloned is None else (_status_of(spec.kind, cloned),)
    wanted = _wanted_files(spec, storages, _state(spec, power, first.files))
    more = node.look(Questions(status, wanted, mounts=_mounts([spec], storages)))
    storages = _mounted(storages, more)
    powers = {spec.vmid: power} | ({} if cloned is None else {cloned: power_in(more.commands[0])})
    return _with_listed(node, spec, _seen(spec, powers, first.files, more, storages), first.files)


def observe_many(node: Node, specs: Sequence[GuestSpec]) -> dict[int, Seen]:
    """Look at many guests at once: one listing per kind, and their configuration files by the folder."""
    kinds = [kind for kind in Kind if any(spec.kind is kind for spec in specs)]
    lists = tuple((FACTS[kind].tool, "list") for kind in kinds)
    folders = (*(f"/etc/pve/{FACTS[kind].folder}" for kind in Kind), f"{INTERFACES}.d")
    first = node.look(Questions(lists, dict.fromkeys([STORAGE_CFG, VMLIST, INTERFACES], WHOLE), folders))
    powers = {kind: powers_in(kind, done) for kind, done in zip(kinds, first.commands, strict=True)}
    for kind in kinds:
        _check_agreement([spec for spec in specs if spec.kind is kind], powers[kind], first.files)
    storages = _storages(first.files)
    states = [_state(spec, powers[spec.kind].get(spec.vmid), first.files) for spec in specs]
    wanted = [_wanted_files(spec, storages, state) for spec, state in zip(specs, states, strict=True)]
    files = {path: limit for paths in wanted for path, limit in paths.items()}
    more = node.look(Questions(files=files, mounts=_mounts(specs, storages)))
    storages = _mounted(storages, more)
    return {
        spec.vmid: _with_listed(node, spec, _seen(spec, powers[spec.kind], first.files, more, storages), first.files)
        for spec in specs
    }


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


def _wanted_files(spec: GuestSpec, storages: Mapping[str, Storage], state: GuestState | None) -> dict[str, int]:
    """Return the files beyond configuration: user-data, traces, volumes, and what an absent guest is made from."""
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
    names = unfinished.block_storages(spec, seen.storages)
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
    answers: Answers,
    storages: Mapping[str, Storage],
) -> Seen:
    """Put together what was read; `powers` is by ID, of the guest's own kind."""
    more = answers.files
    power = powers.get(spec.vmid)
    state = _state(spec, power, files)
    absent = state is None or unfinished.is_half_made(state)
    elsewhere = _elsewhere(spec, power, files)
    place = snippet_path(storages, spec.snippet_storage, spec.vmid) or ""
    snippet, note = more.get(place), more.get(unfinished.note_path(spec.vmid))
    head = more.get(source_path(storages, spec))
    inspect = image.inspect if spec.kind is Kind.VM else image.inspect_archive
    volumes = unfinished.volume_files(storages, spec.vmid)
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
        bridges=_bridges(files),
        elsewhere=elsewhere,
        note=note.data.decode("utf-8", "replace") if note else None,
        traces=tuple(path for path in unfinished.traces(spec.vmid, place) if path in more),
        orphans=()
        if elsewhere
        else unfinished.unnamed([v for p, v in volumes.items() if p in more], _conf(spec, files)),
        missing=tuple(v for path, v in _own_volumes(state, storages).items() if path not in more) if state else (),
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


def _storages(files: Mapping[str, File]) -> dict[str, Storage]:
    if STORAGE_CFG not in files:
        raise NodeError(f"there is no {STORAGE_CFG} here", "run phoenix on a Proxmox VE host as root")
    return storage_cfg.parse(files[STORAGE_CFG].data.decode("utf-8", "replace"))


def _elsewhere(spec: GuestSpec, power: Power | None, files: Mapping[str, File]) -> str:
    """Return where an ID is taken that this node's own tool does not know."""
    other = Kind.CONTAINER if spec.kind is Kind.VM else Kind.VM
    if conf_path(other, spec.vmid) in files:
        return f"a {FACTS[other].word} on this node"
    if power is None and VMLIST in files:
        return _other_node(spec.vmid, files[VMLIST].data)
    return ""


def _other_node(vmid: int, data: bytes) -> str:
    """Read pmxcfs' list of all guests of the cluster (manual page pmxcfs(8))."""
    try:
        entry = json.loads(data)["ids"].get(str(vmid))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return f"on node {entry['node']}" if isinstance(entry, dict) and "node" in entry else ""


def _bridges(files: Mapping[str, File]) -> frozenset[str] | None:
    """Read interfaces(5): every `iface` that is a bridge; the SDN of Proxmox writes its own into interfaces.d."""
    if INTERFACES not in files:
        return None
    texts = [file.data for path, file in files.items() if path == INTERFACES or path.startswith(f"{INTERFACES}.d/")]
    found, name = set(), ""
    for line in (line for text in texts for line in text.decode("utf-8", "replace").splitlines()):
        words = line.split() or [""]
        name = words[1] if words[0] == "iface" and len(words) > 1 else name
        if name.startswith("vmbr") or words[0].startswith(("bridge-", "bridge_")) or words[1:] == ["OVSBridge"]:
            found.add(name)
    return frozenset(found - {""})
