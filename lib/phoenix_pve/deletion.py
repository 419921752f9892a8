"""What a deletion has to know beyond the guest itself, and what it must leave behind: nothing. Only looks."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from phoenix_pve import cluster
from phoenix_pve.guest import Kind
from phoenix_pve.kinds import FACTS
from phoenix_pve.node import WHOLE, Questions
from phoenix_pve.observe import listings, snippet_name, snippet_path, volumes_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from phoenix_pve.guest import GuestSpec
    from phoenix_pve.node import File, Node
    from phoenix_pve.observe import Seen
    from phoenix_pve.storage_cfg import Storage

CONF = re.compile(r"/etc/pve/(?:nodes/[^/]+/)?qemu-server/([0-9]{1,9})\.conf")


def with_snippets(node: Node, specs: Sequence[GuestSpec], sight: Mapping[int, Seen]) -> dict[int, Seen]:
    """Return what was seen with the user-data of VMs on every storage, and who else in the cluster refers to it."""
    stored = {spec.vmid: snippet_places(sight[spec.vmid].storages, spec) for spec in specs}
    paths = {path for found in stored.values() for path in found.values()}
    if not paths:
        return dict(sight)
    there = node.look(Questions(files={**dict.fromkeys(sorted(paths), 1), cluster.VMLIST: WHOLE})).files
    folders = _folders(there.get(cluster.VMLIST), sight[specs[0].vmid].here.name) if paths & there.keys() else ()
    confs = node.look(Questions(folders=folders)).files if folders else {}
    return {vmid: _with_places(vmid, seen, stored.get(vmid, {}), there, confs) for vmid, seen in sight.items()}


def _folders(vmlist: File | None, here: str) -> tuple[str, ...]:
    """Return where the configurations of VMs are: on this node, and on the others that .vmlist names."""
    places = (cluster.places(vmlist.data) or {}) if vmlist else {}
    nodes = sorted({place.node for place in places.values()} - {here})
    return tuple(f"/etc/pve/{below}{FACTS[Kind.VM].folder}" for below in ("", *(f"nodes/{name}/" for name in nodes)))


def _with_places(
    vmid: int, seen: Seen, places: Mapping[str, str], there: Mapping[str, File], confs: Mapping[str, File]
) -> Seen:
    found = {volume: path for volume, path in places.items() if path in there}
    return replace(seen, snippets=found, snippet_users={v: users(v, vmid, confs) for v in found})


def snippet_places(storages: Mapping[str, Storage], spec: GuestSpec) -> dict[str, str]:
    """Return where the user-data of a VM could be: on any storage that the configuration may have named earlier."""
    if spec.kind is not Kind.VM:
        return {}
    paths = {name: snippet_path(storages, name, spec.vmid) for name in storages}
    return {f"{name}:snippets/{snippet_name(spec.vmid)}": path for name, path in paths.items() if path}


def users(volume: str, vmid: int, files: Mapping[str, File]) -> tuple[int, ...]:
    """Return the other guests whose configuration, snapshots included, names a volume."""
    named = (CONF.fullmatch(path) for path, file in files.items() if volume.encode() in file.data)
    return tuple(sorted({int(match[1]) for match in named if match} - {vmid}))


def volumes_left(node: Node, storages: Mapping[str, Storage], vmid: int, volumes: Iterable[str]) -> list[str]:
    """Return the volumes that are still there. Raises CommandFailedError when a storage cannot be asked."""
    parts = [(volume, *volume.partition(":")[::2]) for volume in volumes]
    paths = {v: f"{storages[s].folder('images')}/{rest}" for v, s, rest in parts if s in storages and storages[s].path}
    blocks = sorted({s for _, s, _ in parts if s in storages and not storages[s].path})
    if not paths and not blocks:
        return []
    answers = node.look(Questions(listings(vmid, blocks), dict.fromkeys(paths.values(), 1)))
    listed = volumes_in(vmid, answers.commands)
    return [volume for volume, _, _ in parts if volume in listed or paths.get(volume) in answers.files]
