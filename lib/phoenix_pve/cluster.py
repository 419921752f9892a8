"""What a node's files tell of its cluster and of HA. PURE.

Files: the manual page pmxcfs(8) for /etc/pve/.members and .vmlist, ha-manager(1) for /etc/pve/ha/resources.cfg. A file
that is missing or odd makes no statement: a single node has no `cluster` in .members.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from phoenix_pve import foreign
from phoenix_pve.guest import Kind
from phoenix_pve.kinds import FACTS

if TYPE_CHECKING:
    from collections.abc import Mapping

VMLIST = "/etc/pve/.vmlist"
"""pmxcfs' list of all guests of the cluster."""

TYPES = {"qemu": Kind.VM, "lxc": Kind.CONTAINER}
"""The words of .vmlist for the kinds."""

IGNORED = "ignored"
"""The state in which the tools act directly, as without HA (recordings of ha-manager, group ha)."""

NOT_RUNNING = frozenset({"stopped", "disabled"})
"""What is requested of HA for a guest that shall not run."""


@dataclass(frozen=True)
class Here:
    """The node itself.

    name        its name in the cluster, "" when nothing tells
    quorate     whether it may change anything; what makes no statement counts as a yes
    online      how many nodes of the cluster it sees, of how many
    processors  how many it has, None when nothing tells
    """

    name: str = ""
    quorate: bool = True
    online: tuple[int, int] = (1, 1)
    processors: int | None = None


UNKNOWN = Here()


@dataclass(frozen=True)
class Place:
    """Where a guest of the cluster is."""

    kind: Kind
    node: str


@dataclass(frozen=True)
class Managed:
    """A guest that HA looks after.

    service    its name for HA: `vm:8001`
    requested  the state that it shall have: started, stopped or disabled
    state      what the CRM says of it: started, stopped, error, …; "" when nothing tells
    beat       when the CRM wrote that, in seconds of the epoch; 0 when nothing tells. A CRM that is alive writes anew
               about every ten seconds
    """

    service: str
    requested: str
    state: str = ""
    beat: int = 0

    @property
    def failed(self) -> bool:
        """Whether HA has given it up: every request ends with an error until somebody disables it (cluster-ha-007)."""
        return "error" in {self.state, self.requested}


def here(members: bytes, hostname: bytes = b"", online: bytes = b"", cpuinfo: bytes = b"") -> Here:
    """Read /etc/pve/.members, /etc/hostname, /sys/devices/system/cpu/online and (the beginning of) /proc/cpuinfo."""
    found = foreign.mapping(foreign.document(members))
    cluster, nodes = foreign.mapping(found.get("cluster")), foreign.mapping(found.get("nodelist"))
    name = _word(found.get("nodename")) or _word(hostname.decode("utf-8", "replace").strip().partition(".")[0])
    total = cluster.get("nodes")
    return Here(
        name,
        quorate=cluster.get("quorate") not in {0, "0"} if _is_plain(cluster.get("quorate")) else True,
        online=(
            sum(foreign.mapping(node).get("online") in (1, "1") for node in nodes.values()),
            total if isinstance(total, int) else len(nodes),
        ),
        processors=min(filter(None, (_online(online), _listed(cpuinfo))), default=None),
    )


def places(vmlist: bytes) -> dict[int, Place] | None:
    """Read /etc/pve/.vmlist; None when it tells nothing. The list of a cluster without guests has no `ids`."""
    found = foreign.mapping(foreign.document(vmlist))
    if not found:
        return None
    entries = [
        (foreign.number(vmid), foreign.mapping(entry)) for vmid, entry in foreign.mapping(found.get("ids")).items()
    ]
    return {
        vmid: Place(TYPES.get(str(entry.get("type")), Kind.VM), _word(entry["node"]))
        for vmid, entry in entries
        if vmid is not None and _word(entry.get("node"))
    }


def service(kind: Kind, vmid: int) -> str:
    """Return what HA calls a guest."""
    return f"{FACTS[kind].short}:{vmid}"


def resources(text: bytes) -> dict[str, str]:
    """Read /etc/pve/ha/resources.cfg: `vm: 8001` with indented options -> {"vm:8001": "started"}.

    Without a state, `started` is meant; `enabled` is an older word for it.
    """
    found: dict[str, str] = {}
    name = ""
    for line in text.decode("utf-8", "replace").split("\n"):
        if line[:1].strip():
            kind, colon, vmid = line.partition(":")
            name = f"{kind.strip()}:{vmid.strip()}" if colon and not line.startswith("#") else ""
            found |= {name: "started"} if name else {}
        elif name and line.split()[:1] == ["state"]:
            found[name] = " ".join(line.split()[1:2]).replace("enabled", "started")
    return found


def managed(asked: Mapping[str, str], status: bytes, kind: Kind, vmid: int) -> Managed | None:
    """Return how HA looks after a guest: `asked` is what resources() found, `status` /etc/pve/ha/manager_status."""
    name = service(kind, vmid)
    if name not in asked or asked[name] == IGNORED:
        return None
    document = foreign.mapping(foreign.document(status))
    state = foreign.mapping(foreign.mapping(document.get("service_status")).get(name)).get("state")
    beat = document.get("timestamp")
    return Managed(name, asked[name], _word(state), beat if isinstance(beat, int) else 0)


def _is_plain(value: object) -> bool:
    return isinstance(value, int | str)


def _word(value: object) -> str:
    """Return the name of a node or a state as a word that may stand in a path and in a message."""
    return re.sub(r"[^A-Za-z0-9._-]", "?", value)[:64] if isinstance(value, str) else ""


def _online(text: bytes) -> int | None:
    """`0-3,8` -> 5, as the kernel's documentation of sysfs-devices-system-cpu has it."""
    count = 0
    for first, dash, last in (part.partition("-") for part in text.decode("ascii", "replace").strip().split(",")):
        low, high = foreign.number(first), foreign.number(last if dash else first)
        if low is None or high is None:
            return None
        count += high - low + 1
    return count


def _listed(cpuinfo: bytes) -> int | None:
    """Count the processors of a /proc/cpuinfo that was read to its end, which is what Proxmox itself counts."""
    return None if len(cpuinfo) >= CPUINFO_BYTES else len(re.findall(rb"^processor\s*:", cpuinfo, re.MULTILINE)) or None


CPUINFO_BYTES = 1 << 14
"""How much of /proc/cpuinfo is read: of a node with many processors it is not worth its way."""
