"""What a deletion has to know beyond the guest itself, and what it must leave behind: nothing. Only looks."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from phoenix_pve import cluster, unfinished
from phoenix_pve.guest import Kind
from phoenix_pve.kinds import FACTS
from phoenix_pve.node import WHOLE, Questions
from phoenix_pve.observe import failed, snippet_name, snippet_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from phoenix_pve.guest import GuestSpec
    from phoenix_pve.node import File, Node
    from phoenix_pve.observe import Seen
    from phoenix_pve.storage_cfg import Storage

CONF = re.compile(r"/etc/pve/(?:nodes/[^/]+/)?qemu-server/(\d+)\.conf")


def with_snippets(node: Node, specs: Sequence[GuestSpec], sight: Mapping[int, Seen]) -> dict[int, Seen]:
    """Return what was seen with the user-data of VMs on every storage, and who else in the cluster refers to it."""
    stored = {spec.vmid: snippet_places(sight[spec.vmid].storages, spec) for spec in specs}
    paths = {path for found in stored.values() for path in found.values()}
    if not paths:
        return dict(sight)
    own = f"/etc/pve/{FACTS[Kind.VM].folder}"
    first = node.look(Questions(files=dict.fromkeys([*sorted(paths), cluster.VMLIST], WHOLE), folders=(own,)))
    listed = first.files.get(cluster.VMLIST)
    places = (cluster.places(listed.data) or {}) if listed else {}
    others = {place.node for place in places.values()}
    folders = tuple(f"/etc/pve/nodes/{name}/{FACTS[Kind.VM].folder}" for name in sorted(others))
    files = {**first.files, **(node.look(Questions(folders=folders)).files if folders else {})}
    return {vmid: _with_places(vmid, seen, stored.get(vmid, {}), files) for vmid, seen in sight.items()}


def _with_places(vmid: int, seen: Seen, places: Mapping[str, str], files: Mapping[str, File]) -> Seen:
    found = {volume: path for volume, path in places.items() if path in files}
    return replace(seen, snippets=found, snippet_users={v: users(v, vmid, files) for v in found})


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
    paths = {f"{storages[s].folder('images')}/{rest}": v for v, s, rest in parts if s in storages and storages[s].path}
    blocks = sorted({s for _, s, _ in parts if s in storages and not storages[s].path})
    asked = tuple(("pvesm", "list", name, "--vmid", str(vmid)) for name in blocks)
    if not paths and not asked:
        return []
    answers = node.look(Questions(asked, dict.fromkeys(paths, 1)))
    if wrong := next((done for done in answers.commands if done.exit), None):
        raise failed(wrong)
    listed = {name for done in answers.commands for name in unfinished.volumes_listed(vmid, done.stdout)}
    return [volume for volume, _, _ in parts if volume in listed or paths_of(paths, volume) & answers.files.keys()]


def paths_of(paths: Mapping[str, str], volume: str) -> set[str]:
    """Return the paths that stand for a volume."""
    return {path for path, name in paths.items() if name == volume}
