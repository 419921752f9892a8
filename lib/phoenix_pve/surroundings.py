"""What a look asks beside a guest itself: its node's cluster, HA, and the files that its start needs. PURE.

All of it travels in the two looks that there are anyway: files of the node as a whole in the first one, of the guest in
the second.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phoenix_pve import cluster, pve_conf, start_needs, storage_cfg, whereabouts
from phoenix_pve.cluster import VMLIST
from phoenix_pve.errors import NodeError
from phoenix_pve.guest import GuestState, Kind, Power
from phoenix_pve.kinds import FACTS, conf_path
from phoenix_pve.node import WHOLE
from phoenix_pve.values.text import lines
from phoenix_pve.whereabouts import Elsewhere

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from phoenix_pve.cluster import Here, Place
    from phoenix_pve.guest import GuestSpec
    from phoenix_pve.node import File
    from phoenix_pve.observe import Seen
    from phoenix_pve.storage_cfg import Storage

STORAGE_CFG = "/etc/pve/storage.cfg"
INTERFACES = "/etc/network/interfaces"
MEMBERS = "/etc/pve/.members"
HOSTNAME = "/etc/hostname"
ONLINE = "/sys/devices/system/cpu/online"
CPUINFO = "/proc/cpuinfo"
RESOURCES = "/etc/pve/ha/resources.cfg"
MANAGER = "/etc/pve/ha/manager_status"

FILES = {
    **dict.fromkeys([STORAGE_CFG, INTERFACES, MEMBERS, VMLIST, HOSTNAME, ONLINE, RESOURCES], WHOLE),
    CPUINFO: cluster.CPUINFO_BYTES,
}
"""The files of the node as a whole, with the most bytes that are wanted of each."""

CONF = re.compile(r"/etc/pve/nodes/([^/]+)/(qemu-server|lxc)/([0-9]{1,9})\.conf")

FOLDERS = (f"{INTERFACES}.d",)
"""The folders of the node as a whole."""


@dataclass(frozen=True)
class Surroundings:
    """What the files of the node as a whole tell, read once for all guests.

    storages   the storages by name
    bridges    the network interfaces that the node defines, or None when that cannot be told
    places     where every guest of the cluster is, by ID; None when nothing tells
    resources  what is requested of HA, by service
    """

    here: Here
    storages: Mapping[str, Storage]
    bridges: frozenset[str] | None
    places: Mapping[int, Place] | None
    resources: Mapping[str, str]


def read(files: Mapping[str, File]) -> Surroundings:
    """Return what the files of a first look tell. Raises NodeError where there are no storages."""
    if STORAGE_CFG not in files:
        raise NodeError(f"there is no {STORAGE_CFG} here", "run phoenix on a Proxmox VE host as root")
    data = {path: files[path].data if path in files else b"" for path in FILES}
    here = cluster.here(data[MEMBERS], data[HOSTNAME], data[ONLINE], data[CPUINFO])
    return Surroundings(
        here,
        storage_cfg.parse(data[STORAGE_CFG].decode("utf-8", "replace"), here.name),
        _bridges(files),
        cluster.places(data[VMLIST]),
        cluster.resources(data[RESOURCES]),
    )


def _bridges(files: Mapping[str, File]) -> frozenset[str] | None:
    """Read interfaces(5): every `iface` that is a bridge; the SDN of Proxmox writes its own into interfaces.d."""
    if INTERFACES not in files:
        return None
    texts = [file.data for path, file in files.items() if path == INTERFACES or path.startswith(f"{INTERFACES}.d/")]
    found, name = set(), ""
    for line in (line for text in texts for line in lines(text.decode("utf-8", "replace"))):
        words = line.split() or [""]
        name = words[1] if words[0] == "iface" and len(words) > 1 else name
        if name.startswith("vmbr") or words[0].startswith(("bridge-", "bridge_")) or words[1:] == ["OVSBridge"]:
            found.add(name)
    return frozenset(found - {""})


def wanted(spec: GuestSpec, states: Sequence[GuestState | None], around: Surroundings) -> dict[str, int]:
    """Return the files that a second look reads of a guest; `states` are its own and that of what it is cloned from."""
    path = None if states[0] else listed_path(spec.vmid, around.here, around.places)
    found = {path: WHOLE} if path else {}
    if cluster.service(spec.kind, spec.vmid) in around.resources:
        found[MANAGER] = WHOLE
    for state in states:
        found |= start_needs.files(state, around) if state else {}
    return found


def patterns(spec: GuestSpec, state: GuestState | None, around: Surroundings) -> tuple[str, ...]:
    """Return the pattern of files that a second look reads beside those of wanted()."""
    return () if state or around.places is not None else (pattern(spec.vmid),)


def seen(
    spec: GuestSpec,
    states: tuple[GuestState | None, GuestState | None],
    around: Surroundings,
    first: Mapping[str, File],
    files: Mapping[str, File],
    away: Mapping[int, str],
) -> dict[str, Any]:
    """Return the fields of Seen that the `first` look's files and those of the second tell; `away` is on_nodes()."""
    status = files[MANAGER].data if MANAGER in files else b""
    lacking = [start_needs.lacking(state, around, files) for state in states if state]
    path = listed_path(spec.vmid, around.here, around.places) or away.get(spec.vmid)
    return {
        "elsewhere": None if states[0] else elsewhere(spec.kind, spec.vmid, first, files, path),
        "here": around.here,
        "ha": cluster.managed(around.resources, status, spec.kind, spec.vmid),
        "lacking": frozenset().union(*lacking),
        "source_node": _source_node(spec, around),
    }


def listed_path(vmid: int, here: Here, places: Mapping[int, Place] | None) -> str | None:
    """Return the configuration of a guest that .vmlist places on another node."""
    place = (places or {}).get(vmid)
    if place is None or place.node == here.name:
        return None
    return f"/etc/pve/nodes/{place.node}/{FACTS[place.kind].folder}/{vmid}.conf"


def pattern(vmid: int) -> str:
    """Return what finds a guest's configuration on whichever node, where no .vmlist says which."""
    return f"/etc/pve/nodes/*/*/{vmid}.conf"


def on_nodes(files: Iterable[str]) -> dict[int, str]:
    """Return, by ID, the configurations below /etc/pve/nodes."""
    return {int(found[3]): path for path in files if (found := CONF.fullmatch(path))}


def elsewhere(
    kind: Kind, vmid: int, first: Mapping[str, File], more: Mapping[str, File], path: str | None
) -> Elsewhere | None:
    """Return who else has the ID of a guest that this node's own tool does not know.

    `path` is its configuration on another node, which `more` holds unless it cannot be read.
    """
    other = Kind.CONTAINER if kind is Kind.VM else Kind.VM
    if (own := conf_path(other, vmid)) in first:
        return Elsewhere(other, "", _state(other, vmid, first[own].data))
    found = CONF.fullmatch(path or "")
    if found is None:
        return None
    there = Kind.VM if found[2] == FACTS[Kind.VM].folder else Kind.CONTAINER
    return Elsewhere(there, found[1], _state(there, vmid, more[found[0]].data) if found[0] in more else None)


def is_somewhere(spec: GuestSpec, seen: Seen) -> bool:
    """Return whether the guest exists, here or on another node."""
    return seen.state is not None or bool(seen.elsewhere and whereabouts.may_be_the_one(spec, seen.elsewhere))


def _source_node(spec: GuestSpec, around: Surroundings) -> str:
    place = (around.places or {}).get(spec.clone_from or 0)
    return place.node if place and place.node != around.here.name else ""


def _state(kind: Kind, vmid: int, data: bytes) -> GuestState:
    """Return a guest of which only the configuration can be seen from here."""
    conf = pve_conf.parse(data)
    return GuestState(kind, vmid, Power.STOPPED, conf.options, conf.description)
