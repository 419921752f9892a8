"""What the files of a cluster and of HA tell, and what odd ones do not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from phoenix_pve import cluster
from phoenix_pve.cluster import Here, Managed, Place
from phoenix_pve.guest import Kind

NODES = {"pve1": {"id": 1, "online": 1}, "pve2": {"id": 2, "online": 0}, "pve3": {"id": 3, "online": 0}}


def members(quorate: Any = 0, **changes: Any) -> bytes:
    whole = {"nodename": "pve1", "cluster": {"name": "lab", "nodes": 3, "quorate": quorate}, "nodelist": NODES}
    return json.dumps({**whole, **changes}).encode()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (members(0), Here("pve1", quorate=False, online=(1, 3))),
        (members("0"), Here("pve1", quorate=False, online=(1, 3))),
        (members(1), Here("pve1", online=(1, 3))),
        (members(0, nodelist=[]), Here("pve1", quorate=False, online=(0, 3))),
        (members(None), Here("pve1", online=(1, 3))),
        (members([0]), Here("pve1", online=(1, 3))),
        (members(cluster=7), Here("pve1", online=(1, 3))),
        (b'{\n"nodename": "pve1",\n"version": 0\n}\n', Here("pve1", online=(0, 0))),
        (members(1, nodename="../pve1\x1b"), Here("..?pve1?", online=(1, 3))),
        *((text, Here(online=(0, 0))) for text in (b"", b"{", b"[]", b"null", b"[" * 100_000, b"\xff")),
    ],
    ids=range(15),
)
def test_what_a_node_says_of_its_cluster(text: bytes, wanted: Here) -> None:
    assert cluster.here(text) == wanted


def test_the_name_of_the_node_where_the_cluster_tells_none() -> None:
    assert cluster.here(b"", b"pve7.example.org\n").name == "pve7"
    assert cluster.here(members(), b"other\n").name == "pve1"


PROCESSOR = b"processor\t: 0\nmodel name\t: x\n\n"


@pytest.mark.parametrize(
    ("online", "cpuinfo", "wanted"),
    [
        (b"0-3\n", b"", 4),
        (b"0-3,8,10-11\n", b"", 7),
        (b"0\n", b"", 1),
        (b"0-" + b"9" * 5000, b"", None),
        (b"0-", b"", None),
        (b"", PROCESSOR * 2, 2),
        (b"0-7\n", PROCESSOR * 2, 2),
        (b"0-7\n", PROCESSOR * 1000, 8),
        (b"", PROCESSOR * 1000, None),
        (b"", b"", None),
        (b"all\n", b"", None),
        (b"0-1-2\n", b"", None),
    ],
)
def test_how_many_processors_the_node_has(online: bytes, cpuinfo: bytes, wanted: int | None) -> None:
    assert cluster.here(b"", b"", online, cpuinfo[: cluster.CPUINFO_BYTES]).processors == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (b'{\n"version": 138\n\n}\n', {}),
        (b'{"ids": {"100": { "node": "pve2", "type": "lxc", "version": 9 }}}', {100: Place(Kind.CONTAINER, "pve2")}),
        (b'{"ids": {"100": { "node": "pve2", "type": "qemu" }}}', {100: Place(Kind.VM, "pve2")}),
        (b'{"ids": {"100": {"type": "qemu"}, "x": {"node": "pve2"}, "101": 7, "102": {"node": 5}}}', {}),
        (b'{"ids": 7, "version": 1}', {}),
        (b"", None),
        (b"{", None),
    ],
)
def test_where_the_guests_of_the_cluster_are(text: bytes, wanted: dict[int, Place] | None) -> None:
    assert cluster.places(text) == wanted


RESOURCES = b"""# by hand
vm: 8001
\tstate started
\tcomment state ignored

ct:101
\tmax_restart 2
\tstate disabled

vm: 8002
\tstate ignored

vm: 8003
\tmax_relocate 0

vm: 8004
\tstate enabled
odd
\tstate stopped
"""


def test_what_is_requested_of_ha() -> None:
    assert cluster.resources(RESOURCES) == {
        "vm:8001": "started",
        "ct:101": "disabled",
        "vm:8002": "ignored",
        "vm:8003": "started",
        "vm:8004": "started",
    }


STATUS = json.dumps({"timestamp": 1_700_000_000, "service_status": {"vm:8001": {"node": "pve1", "state": "error"}}})


@pytest.mark.parametrize(
    ("kind", "vmid", "status", "wanted"),
    [
        (Kind.VM, 8001, STATUS, Managed("vm:8001", "started", "error", 1_700_000_000)),
        (Kind.VM, 8003, STATUS, Managed("vm:8003", "started", "", 1_700_000_000)),
        (Kind.VM, 8001, "[]", Managed("vm:8001", "started")),
        (Kind.VM, 8001, '{"service_status": [], "timestamp": "x"}', Managed("vm:8001", "started")),
        (Kind.CONTAINER, 101, "", Managed("ct:101", "disabled")),
        (Kind.VM, 8002, STATUS, None),
        (Kind.CONTAINER, 8001, STATUS, None),
    ],
)
def test_how_ha_looks_after_a_guest(kind: Kind, vmid: int, status: str, wanted: Managed | None) -> None:
    found = cluster.managed(cluster.resources(RESOURCES), status.encode(), kind, vmid)
    assert found == wanted
    assert not found or found.failed == (found.state == "error")
