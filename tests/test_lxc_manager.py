"""The container state machine: the same tables as for VMs, in pct's words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from phoenix_pve.commands import Run, shell, steps
from phoenix_pve.guest import Admin, ContainerExtras, Gone, GuestSpec, GuestState, Kind, MountPoint, Network, Power
from phoenix_pve.image import Image
from phoenix_pve.observe import Seen
from phoenix_pve.plan import Goal, Plan
from phoenix_pve.planner import Options, foreseen, plan
from phoenix_pve.storage_cfg import Storage
from samples import HASH, KEY, commands

STORAGES = {
    name: Storage(name, "dir", f"/{name}", frozenset({"rootdir", "vztmpl"}), False, frozenset())
    for name in ("local", "fast")
}
CONF = {
    "arch": "amd64",
    "cores": "1",
    "hostname": "debian-12",
    "memory": "512",
    "net0": "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:01:01,ip=dhcp,type=veth",
    "ostype": "debian",
    "rootfs": "local:101/vm-101-disk-0.raw,size=8G",
    "swap": "512",
    "tags": "phoenix",
    "unprivileged": "1",
}


def spec(**changes: Any) -> GuestSpec:
    extras = ContainerExtras("eth0", **changes.pop("extras", {}))
    network = replace(Network("vmbr0", ip="dhcp"), **changes.pop("network", {}))
    made = GuestSpec(
        101, "debian-12", 1, 512, "local", 8, "local:vztmpl/debian-12.tar.zst", network,
        kind=Kind.CONTAINER, container=extras, admin=Admin("root"),
    )  # fmt: skip
    return replace(made, **changes)


def state(power: Power = Power.RUNNING, **options: str | None) -> GuestState:
    return GuestState(
        Kind.CONTAINER, 101, power, {k: v for k, v in {**CONF, **options}.items() if v is not None}, digest="d1"
    )


def planned(
    state: GuestState | None, goal: Goal = Goal.CREATE, *, source: GuestState | None = None, **want: Any
) -> Plan:
    options = Options(**{key: want.pop(key) for key in ("restart", "force") if key in want})
    return plan(goal, spec(**want), Seen(state, STORAGES, image=Image("raw", 1), source=source), "", options)


CREATE = (
    "pct create 101 local:vztmpl/debian-12.tar.zst --rootfs local:8 --unprivileged 1 --hostname debian-12 --cores 1 --memory 512"
    " --tags phoenix --description 'managed by phoenix' --net0 name=eth0,bridge=vmbr0,ip=dhcp"
)


def test_an_absent_container_is_created_and_started() -> None:
    assert commands(planned(None)) == [CREATE, "pct start 101"]


def test_keys_go_through_a_file_that_does_not_stay() -> None:
    made = commands(planned(None, admin=Admin("root", None, (KEY,))))
    assert made[1] == f"{CREATE} --ssh-public-keys /run/phoenix-101-keys.pub"
    assert made[0].startswith("install -D -m 600 /dev/stdin /run/phoenix-101-keys.pub")
    assert made[2] == "rm -f /run/phoenix-101-keys.pub"


def test_a_password_goes_through_standard_input() -> None:
    made = planned(None, admin=Admin("root", HASH))
    last = steps(made.kind, made.vmid, made.changes[-3])[0]
    assert last == Run(("pct", "exec", "101", "--", "chpasswd", "-e"), f"root:{HASH}\n")
    assert HASH not in repr(made) + repr(last) + shell(last)


def test_everything_stated_goes_into_the_one_create() -> None:
    made = planned(
        None,
        network={
            "ip": "10.0.0.6/24",
            "gw": "10.0.0.1",
            "mac": "BC:24:11:00:01:01",
            "vlan_tag": 7,
            "nameserver": "1.1.1.1",
            "searchdomain": "a.b",
        },
        extras={
            "swap_mb": 0,
            "features": (("fuse", False), ("nesting", True)),
            "mount_points": (MountPoint("mp0", "fast", 4, "/srv"),),
            "unprivileged": False,
        },
        onboot=True,
    )
    for part in (
        "--net0 name=eth0,bridge=vmbr0,gw=10.0.0.1,hwaddr=BC:24:11:00:01:01,ip=10.0.0.6/24,tag=7",
        "--nameserver 1.1.1.1",
        "--searchdomain a.b",
        "--swap 0",
        "--features fuse=0,nesting=1",
        "--mp0 fast:4,mp=/srv",
        "--unprivileged 0",
        "--onboot 1",
    ):
        assert part in commands(made)[0]


def test_a_container_that_is_as_written_is_left_alone() -> None:
    assert commands(planned(state())) == []


@pytest.mark.parametrize(
    ("want", "now", "expected"),
    [
        ({"cores": 2}, {}, "pct set 101 --cores 2"),
        ({"cores": 1}, {"cores": None}, "pct set 101 --cores 1"),
        ({"cores": 0}, {}, "pct set 101 --delete cores"),
        ({"cores": 0}, {"cores": None}, None),
        ({"memory_mb": 1024}, {}, "pct set 101 --memory 1024"),
        ({"extras": {"swap_mb": 512}}, {"swap": None}, None),
        ({"extras": {"swap_mb": 0}}, {}, "pct set 101 --swap 0"),
        ({"extras": {"features": (("nesting", True),)}}, {"features": "keyctl=1"}, "pct set 101 --features keyctl=1,nesting=1"),
        ({"extras": {"features": (("nesting", False),)}}, {}, None),
        ({"network": {"bridge": "vmbr1"}}, {}, "pct set 101 --net0 name=eth0,bridge=vmbr1,hwaddr=BC:24:11:00:01:01,ip=dhcp,type=veth"),
        ({"network": {"ip": Gone.NULL, "vlan_tag": Gone.NULL}}, {"net0": "name=eth0,bridge=vmbr0,gw=10.0.0.1,ip=10.0.0.5/24,ip6=auto,tag=3"},
         "pct set 101 --net0 name=eth0,bridge=vmbr0,ip6=auto"),
        ({"network": {"ip": Gone.NULL}}, {"net0": "name=eth0,bridge=vmbr0,ip=manual"}, None),
        ({"network": {"ip": "10.0.0.5/24"}}, {"net0": "name=eth0,bridge=vmbr0,gw=10.0.0.1,ip=10.0.0.6/24"}, "pct set 101 --net0 name=eth0,bridge=vmbr0,gw=10.0.0.1,ip=10.0.0.5/24"),
        ({"network": {"ip": "10.0.0.5/24", "gw": Gone.NULL}}, {"net0": "name=eth0,bridge=vmbr0,gw=10.0.0.1,ip=10.0.0.5/24"}, "pct set 101 --net0 name=eth0,bridge=vmbr0,ip=10.0.0.5/24"),
        ({"network": {"nameserver": Gone.EMPTY_LIST, "searchdomain": Gone.NULL}, "description": Gone.NULL}, {"nameserver": "1.1.1.1", "searchdomain": "a.b"},
         "pct set 101 --delete nameserver,searchdomain"),
        ({"extras": {"mount_points": (MountPoint("mp0", "fast", 4, "/srv"),)}}, {}, "pct set 101 --mp0 fast:4,mp=/srv"),
        ({"extras": {"mount_points": (MountPoint("mp0", "fast", 4, "/srv"),)}}, {"mp0": "fast:4,mp=/srv"}, "pct set 101 --mp0 fast:4,mp=/srv"),
        ({"extras": {"mount_points": (MountPoint("mp0", "fast", 4, "/new"),)}}, {"mp0": "fast:101/a.raw,mp=/srv,backup=1,size=4G"},
         "pct set 101 --mp0 fast:101/a.raw,mp=/new,backup=1,size=4G"),
    ],
)  # fmt: skip
def test_a_difference_is_set_and_nothing_else(want: dict[str, Any], now: dict[str, Any], expected: str | None) -> None:
    assert commands(planned(state(**now), **want)) == ([f"{expected} --digest d1"] if expected else [])


def test_protection_comes_after_the_volumes_that_it_would_forbid() -> None:
    points = (MountPoint("mp0", "fast", 4, "/srv"),)
    made = planned(state(), protection=True, cores=4, disk_gb=16, extras={"mount_points": points})
    assert commands(made) == [
        "pct set 101 --cores 4 --mp0 fast:4,mp=/srv --digest d1",
        "pct resize 101 rootfs 16G",
        "pct set 101 --protection 1",
    ]


def test_volumes_grow() -> None:
    points = (MountPoint("mp0", "fast", 8, "/srv"),)
    made = planned(state(mp0="fast:101/a.raw,mp=/srv,size=4G"), disk_gb=16, extras={"mount_points": points})
    assert commands(made) == ["pct resize 101 rootfs 16G", "pct resize 101 mp0 8G"]


@pytest.mark.parametrize(
    ("power", "old", "pending", "expected"),
    [
        (Power.RUNNING, "/srv", (), ["pct resize 101 mp0 8G", "pct set 101 --mp0 fast:101/a.raw,mp=/new,size=8G"]),
        (Power.RUNNING, "/new", ("mp0",), ["pct resize 101 mp0 8G", "pct set 101 --mp0 fast:101/a.raw,mp=/new,size=8G"]),
        (Power.RUNNING, "/new", (), ["pct resize 101 mp0 8G"]),
        (Power.STOPPED, "/srv", (), ["pct set 101 --mp0 fast:101/a.raw,mp=/new,size=8G --digest d1", "pct resize 101 mp0 8G"]),
    ],
)  # fmt: skip
def test_a_mount_point_that_moves_and_grows_waits_with_its_new_size(
    power: Power, old: str, pending: tuple[str, ...], expected: list[str]
) -> None:
    now = replace(state(power, mp0=f"fast:101/a.raw,mp={old},size=4G"), pending=frozenset(pending))
    made = commands(planned(now, extras={"mount_points": (MountPoint("mp0", "fast", 8, "/new"),)}))
    assert [line for line in made if line != "pct start 101"] == expected


@pytest.mark.parametrize(
    ("in_force", "later", "expected"),
    [
        ("fast:101/a.raw,mp=/srv,size=8G", "fast:101/a.raw,mp=/new,size=4G", ["pct set 101 --mp0 {} --digest d1"]),
        ("fast:101/a.raw,mp=/srv,size=4G", "fast:101/a.raw,mp=/new,size=8G", ["pct resize 101 mp0 8G"]),
        ("fast:101/b.raw,mp=/srv,size=4G", "fast:101/a.raw,mp=/new,size=8G", []),
    ],
)
def test_the_size_of_a_volume_is_the_one_in_force(in_force: str, later: str, expected: list[str]) -> None:
    now = replace(state(Power.RUNNING, mp0=later), pending=frozenset({"mp0"}), in_force={"mp0": in_force})
    made = commands(planned(now, extras={"mount_points": (MountPoint("mp0", "fast", 8, "/new"),)}))
    assert made == [line.format("fast:101/a.raw,mp=/new,size=8G") for line in expected]


MP0 = {"extras": {"mount_points": (MountPoint("mp0", "fast", 4, "/srv"),)}}


def test_a_volume_of_the_wanted_size_is_not_resized_since_pct_would_fail() -> None:
    assert commands(planned(state(), disk_gb=8)) == []


@pytest.mark.parametrize(
    ("want", "now", "message"),
    [
        ({"disk_gb": 4}, {}, "storage_size_gb: rootfs has 8 GiB, and no disk is shrunk to 4 GiB"),
        ({"extras": {"unprivileged": False}}, {}, "was not made privileged"),
        ({"extras": {"unprivileged": True}}, {"unprivileged": None}, "was not made unprivileged"),
        ({"image": "local:vztmpl/alpine-3.20.tar.zst"}, {}, "container 101 holds debian"),
        ({"storage": "fast"}, {}, "storage_pool: rootfs is on `local`"),
        ({"storage": "nowhere"}, {}, "storage_pool: the node has no storage `nowhere`"),
        (
            {"extras": {"mount_points": (MountPoint("mp0", "nowhere", 2, "/srv"),)}},
            {},
            "mount_points.mp0.storage_pool: the node has no storage `nowhere`",
        ),
        (
            {"extras": {"mount_points": (MountPoint("mp0", "local", 2, "/srv"),)}},
            {"mp0": "fast:a,mp=/srv,size=2G"},
            "mount_points.mp0.storage_pool: mp0 is on `fast`",
        ),
        (
            {"extras": {"mount_points": (MountPoint("mp0", "fast", 2, "/new"),)}},
            {"mp0": "fast:a,mp=/srv,size=2G", "protection": "1"},
            "container 101 is protected, so mp0 cannot be changed",
        ),
        (
            MP0,
            {"mp0": "/tank/media,mp=/srv"},
            "mount_points.mp0: mp0 is the folder /tank/media of the node, and the configuration wants a volume of 4 GiB on `fast` there",
        ),
        (MP0, {"mp0": "volume=/dev/sdb1,mp=/srv"}, "mp0 is the device /dev/sdb1 of the node"),
        (
            MP0,
            {"mp0": "fast:998/vm-998-disk-0.raw,mp=/srv,size=4G"},
            "mp0 is fast:998/vm-998-disk-0.raw, a volume of guest 998",
        ),
        (MP0, {"mp0": "fast:subvol-998-disk-0,mp=/srv,size=4G"}, "a volume of guest 998"),
        ({}, {"rootfs": "/data/ct,size=8G"}, "storage_pool: rootfs is the folder /data/ct of the node"),
        (
            {"network": {"ip": "10.1.0.5/24"}},
            {"net0": "name=eth0,bridge=vmbr0,gw=10.0.0.1,ip=10.0.0.6/24"},
            "network_config.gw: 10.0.0.1 is outside of 10.1.0.0/24",
        ),
        ({}, {"tags": None}, "did not make"),
        ({"cores": 2}, {"lock": "snapshot"}, "is locked (snapshot)"),
    ],
)
def test_conflicts_are_found_while_planning(want: dict[str, Any], now: dict[str, Any], message: str) -> None:
    made = planned(state(**now), **want)
    assert made.changes == ()
    assert message in "\n".join(refusal.message for refusal in made.refusals)


SOURCE = replace(state(Power.STOPPED, tags="phoenix;base"), vmid=100)


def test_a_clone_is_made_marked_and_then_brought_in_line() -> None:
    assert commands(planned(None, source=SOURCE, clone_from=100, image="", memory_mb=1024, disk_gb=16)) == [
        "pct clone 100 101 --hostname debian-12 --full 1 --storage local --description 'managed by phoenix'",
        "pct set 101 --memory 1024",
        "pct resize 101 rootfs 16G",
        "pct start 101",
    ]


def test_a_running_container_is_not_cloned() -> None:
    made = planned(None, source=replace(SOURCE, power=Power.RUNNING), clone_from=100, image="")
    assert "container 100 is running" in made.refusals[0].message


def test_a_source_that_does_not_exist() -> None:
    assert (
        "the container 100, which 101 is cloned from, does not exist"
        in planned(None, clone_from=100, image="").refusals[0].message
    )


def test_a_clone_whose_disk_would_have_to_shrink_is_not_even_made() -> None:
    made = planned(None, source=SOURCE, clone_from=100, image="", disk_gb=4)
    assert (made.changes, len(made.refusals)) == ((), 1)


def test_a_clone_that_mounts_a_volume_elsewhere_is_not_planned_by_the_name_of_its_sources_volume() -> None:
    source = replace(SOURCE, options={**SOURCE.options, "mp0": "fast:100/vm-100-disk-1.raw,mp=/data,size=4G"})
    made = planned(None, source=source, clone_from=100, image="", storage="fast", **MP0)
    assert (
        "mount_points.mp0.path: container 100, which 101 is cloned from, mounts it at /data" in made.refusals[0].message
    )


def test_delete() -> None:
    others = {
        "mp0": "/mnt/host,mp=/srv",
        "mp1": "local:998/vm-998-disk-0.raw,mp=/a",
        "mp2": "zfs:subvol-998-disk-0,mp=/b",
    }
    made = planned(state(**others), Goal.DELETE)
    assert commands(made) == ["pct stop 101", "pct destroy 101 --purge 1"]
    assert made.changes[1].volumes == ("local:101/vm-101-disk-0.raw",)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("goal", "power", "expected"),
    [
        (Goal.START, Power.STOPPED, ["pct start 101"]),
        (Goal.STOP, Power.RUNNING, ["pct shutdown 101 --timeout 60"]),
        (Goal.RESTART, Power.RUNNING, ["pct shutdown 101 --timeout 60 --forceStop 1", "pct start 101"]),
    ],
)
def test_power(goal: Goal, power: Power, expected: list[str]) -> None:
    assert commands(planned(state(power), goal)) == expected


def test_a_clone_of_what_is_only_foreseen_has_its_volumes_and_grows_them() -> None:
    source = foreseen(replace(spec(storage="fast", **MP0), vmid=100))
    points = (MountPoint("mp0", "fast", 8, "/srv"),)
    made = commands(
        planned(None, source=source, clone_from=100, image="", storage="fast", extras={"mount_points": points})
    )
    assert made[0].startswith("pct clone 100 101 ")
    assert [line for line in made if "resize" in line or "--mp0" in line] == ["pct resize 101 mp0 8G"]
