"""The VM state machine: a specification and a state give Changes; a name that is a sentence, and its "already" twin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from phoenix_pve.guest import Gone, Kind, Power
from phoenix_pve.image import Image
from phoenix_pve.plan import Goal, LookAgain, Plan, SetOptions, Start
from phoenix_pve.planner import Options, plan
from phoenix_pve.readiness import Wait
from phoenix_pve.whereabouts import Elsewhere
from samples import USER_DATA, commands, seen, spec, state


def planned(goal: Goal = Goal.CREATE, *, want: dict[str, Any] | None = None, node: Any = None, **options: Any) -> Plan:
    return plan(goal, spec(**(want or {})), node or seen(state()), USER_DATA, Options(**options))


CREATE = (
    "qm create 8001 --ostype l26 --agent enabled=1 --scsihw virtio-scsi-single"
    " --scsi0 local:0,import-from=/var/lib/vz/template/iso/noble.img,discard=on,iothread=1"
    " --boot order=scsi0 --serial0 socket --vga serial0"
    " --name ubuntu-2404 --cores 2 --memory 2048 --tags phoenix --description 'managed by phoenix'"
    " --cpu x86-64-v2-AES --net0 virtio,bridge=vmbr0 --ipconfig0 ip=dhcp"
    " --ide2 local:cloudinit --cicustom user=local:snippets/phoenix-8001-user.yaml"
)
SNIPPET = "install -D -m 600 /dev/stdin /var/lib/vz/snippets/phoenix-8001-user.yaml   # the rendered user-data"
PING = "until qm agent 8001 ping; do sleep 1; done"


def test_an_absent_vm_is_created_grown_and_started() -> None:
    assert commands(planned(node=seen())) == [SNIPPET, CREATE, "qm disk resize 8001 scsi0 32G", "qm start 8001", PING]


def test_an_image_of_the_wanted_size_is_not_grown() -> None:
    assert "resize" not in "".join(commands(planned(node=seen(image=Image("raw", 32 << 30)))))


def test_a_snippet_that_is_there_already_is_not_written_again() -> None:
    assert commands(planned(node=seen(snippet=USER_DATA)))[0] == CREATE


def test_every_stated_option_goes_into_the_one_create() -> None:
    want = {
        "cpu_type": "host",
        "onboot": True,
        "boot_order": 3,
        "boot_delay": 20,
        "tags": ("web",),
        "description": "notes",
        "protection": True,
        "network": {"mac": "BC:24:11:00:80:01", "vlan_tag": 7, "ip": "10.0.0.5/24", "gw": "10.0.0.1", "nameserver": "10.0.0.1", "searchdomain": "example.com"},
    }  # fmt: skip
    line = commands(planned(want=want, node=seen()))[1]
    for part in (
        "--cpu host",
        "--onboot 1",
        "--startup order=3,up=20",
        "--tags 'phoenix;web'",
        "--description notes",
        "--protection 1",
        "--net0 virtio=BC:24:11:00:80:01,bridge=vmbr0,tag=7",
        "--ipconfig0 ip=10.0.0.5/24,gw=10.0.0.1",
        "--nameserver 10.0.0.1",
        "--searchdomain example.com",
    ):
        assert part in line


def test_a_vm_that_is_as_written_is_left_alone() -> None:
    assert commands(planned()) == []


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        ({"tags": "extra;phoenix"}, "tags that someone added stay when none are stated"),
        (
            {"net0": "bridge=vmbr0,firewall=1,virtio=bc:24:11:00:80:01"},
            "order, case and further keys of a card do not matter",
        ),
        ({"memory": "current=2048"}, "memory as a property string"),
        ({"cpu": "host,flags=+aes"}, "a CPU type that is not stated is not compared"),
        ({"ipconfig0": "ip6=auto,ip=dhcp"}, "IPv6 is not phoenix's"),
        (
            {"cicustom": "user=local:snippets/phoenix-8001-user.yaml,vendor=local:snippets/v.yaml"},
            "further snippets stay",
        ),
        (
            {"onboot": "1", "startup": "order=1", "protection": "0", "nameserver": "1.1.1.1"},
            "what is not stated is left",
        ),
        ({"description": "x"}, "notes that are not stated are left"),
    ],
)
def test_what_means_the_same_is_no_difference(now: dict[str, str], reason: str) -> None:
    assert commands(planned(node=seen(state(**now)))) == [], reason


@pytest.mark.parametrize(
    ("want", "now", "option"),
    [
        ({"cores": 4}, {}, "--cores 4"),
        ({"cores": 1}, {}, "--cores 1"),
        ({"memory_mb": 4096}, {}, "--memory 4096"),
        ({"cpu_type": "host"}, {}, "--cpu host"),
        ({"cpu_type": "host"}, {"cpu": "kvm64,flags=+aes"}, "--cpu host,flags=+aes"),
        ({"onboot": True}, {}, "--onboot 1"),
        ({"onboot": False}, {"onboot": "1"}, "--onboot 0"),
        ({"boot_order": 2}, {"startup": "order=1,up=5"}, "--startup order=2,up=5"),
        ({"tags": ("web",)}, {"tags": "phoenix;old"}, "--tags 'phoenix;web'"),
        ({"description": "new"}, {}, "--description new"),
        ({"protection": True}, {}, "--protection 1"),
        ({"network": {"bridge": "vmbr1"}}, {}, "--net0 virtio=BC:24:11:00:80:01,bridge=vmbr1"),
        ({"network": {"vlan_tag": 7}}, {}, "--net0 virtio=BC:24:11:00:80:01,bridge=vmbr0,tag=7"),
        ({"network": {"ip": "10.0.0.5/24"}}, {"ipconfig0": "ip=10.0.0.6/24,gw=10.0.0.1,ip6=auto"}, "--ipconfig0 ip=10.0.0.5/24,gw=10.0.0.1,ip6=auto"),
        ({"network": {"ip": "10.0.0.5/24", "gw": Gone.NULL}}, {"ipconfig0": "ip=10.0.0.5/24,gw=10.0.0.1,ip6=auto"}, "--ipconfig0 ip=10.0.0.5/24,ip6=auto"),
        ({"network": {"gw": "10.0.0.2"}}, {"ipconfig0": "ip=10.0.0.5/24,gw=10.0.0.1,ip6=auto"}, "--ipconfig0 ip=10.0.0.5/24,gw=10.0.0.2,ip6=auto"),
        ({"network": {"gw": Gone.NULL}}, {"ipconfig0": "ip=10.0.0.5/24,gw=10.0.0.1"}, "--ipconfig0 ip=10.0.0.5/24"),
        ({"network": {"ip": Gone.NULL}}, {"ipconfig0": "ip=10.0.0.5/24,gw=10.0.0.1,ip6=auto"}, "--ipconfig0 ip6=auto"),
        ({"network": {"ip": Gone.NULL}}, {"ipconfig0": "ip=10.0.0.5/24,gw=10.0.0.1"}, "--delete ipconfig0"),
        ({"network": {"ip": "dhcp"}}, {"ipconfig0": "ip=10.0.0.5/24,gw=10.0.0.1"}, "--ipconfig0 ip=dhcp"),
        ({"network": {"vlan_tag": Gone.NULL}}, {"net0": "virtio=BC:24:11:00:80:01,bridge=vmbr0,tag=30"}, "--net0 virtio=BC:24:11:00:80:01,bridge=vmbr0"),
        ({"network": {"nameserver": Gone.NULL, "searchdomain": Gone.NULL}}, {"nameserver": "1.1.1.1", "searchdomain": "a.b"}, "--delete nameserver,searchdomain"),
        ({"boot_order": Gone.NULL}, {"startup": "order=1,up=5"}, "--startup up=5"),
        ({"boot_order": Gone.NULL, "boot_delay": Gone.NULL}, {"startup": "1,up=5"}, "--delete startup"),
        ({"tags": Gone.NULL}, {"tags": "phoenix;old"}, "--tags phoenix"),
        ({"cores": 4, "network": {"nameserver": Gone.EMPTY_LIST}}, {"nameserver": "1.1.1.1"}, "--cores 4 --delete nameserver"),
        ({"network": {"nameserver": "1.1.1.1"}}, {}, "--nameserver 1.1.1.1"),
        ({"network": {"searchdomain": "a.b"}}, {}, "--searchdomain a.b"),
        ({}, {"ide2": None}, "--ide2 local:cloudinit"),
        ({}, {"cicustom": None}, "--cicustom user=local:snippets/phoenix-8001-user.yaml"),
    ],
)  # fmt: skip
def test_a_difference_is_set_and_nothing_else(want: dict[str, Any], now: dict[str, Any], option: str) -> None:
    assert commands(planned(want=want, node=seen(state(**now)))) == [f"qm set 8001 {option} --digest d1"]


def test_all_differences_go_into_one_call() -> None:
    assert commands(planned(want={"cores": 4, "memory_mb": 4096, "onboot": True})) == [
        "qm set 8001 --cores 4 --memory 4096 --onboot 1 --digest d1"
    ]


def test_a_disk_grows() -> None:
    assert commands(planned(want={"disk_gb": 64})) == ["qm disk resize 8001 scsi0 64G"]


def test_new_user_data_is_stored_and_the_drive_of_a_running_vm_written_anew() -> None:
    assert commands(planned(node=seen(state(), snippet="old"))) == [SNIPPET, "qm cloudinit update 8001"]


def test_a_stopped_vm_gets_new_user_data_by_its_start() -> None:
    assert commands(planned(node=seen(state(Power.STOPPED), snippet="old"))) == [SNIPPET, "qm start 8001", PING]


def test_a_paused_vm_goes_on() -> None:
    assert commands(planned(node=seen(state(Power.PAUSED)))) == ["qm resume 8001"]


def test_no_wait_does_not_wait() -> None:
    assert commands(planned(node=seen(state(Power.STOPPED)), wait=Wait.NONE)) == ["qm start 8001"]


def test_pending_options_are_told_and_not_set_again() -> None:
    made = planned(node=seen(state(pending=("cores",))))
    assert commands(made) == []
    assert made.waiting == ("cores",)


RESTART = ["qm shutdown 8001 --timeout 60 --forceStop 1", "qm start 8001", PING]


def test_restart_performs_what_waits() -> None:
    assert commands(planned(node=seen(state(pending=("cores",))), restart=True)) == RESTART


def test_restart_of_a_vm_where_nothing_waits_does_nothing() -> None:
    assert commands(planned(restart=True)) == []


REFUSED = [
    ({}, {"tags": None}, "that phoenix did not make", "phoenix adopt 8001"),
    ({}, {"tags": None, "name": None}, "without a name", "phoenix adopt 8001"),
    ({}, {"name": "other"}, "the configuration calls it `ubuntu-2404`", "phoenix adopt 8001"),
    ({"disk_gb": 16}, {}, "the root disk scsi0 has 32 GiB, and no disk is shrunk to 16 GiB", "at least 32"),
    ({"storage": "local-lvm"}, {}, "the root disk scsi0 is on `local`", "qm disk move 8001 scsi0 local-lvm --delete 1"),
    ({}, {"scsi0": None}, "VM 8001 has no hard disk to boot from", "qm set 8001 --boot order=<slot>"),
    (
        {},
        {"boot": "order=net0", "scsi1": "local:8001/vm-8001-disk-1.raw,size=4G"},
        "VM 8001 has several hard disks (scsi0, scsi1)",
        "qm set 8001 --boot",
    ),
    (
        {},
        {"scsi0": "/dev/disk/by-id/ata-1,size=3907018584K"},
        "the root disk scsi0 is /dev/disk/by-id/ata-1, passed through from the node",
        "`disk_size_gb` to 3727",
    ),
    (
        {"network": {"gw": "10.0.0.1"}},
        {},
        "network_config.gw: a gateway needs a static ip; with dhcp",
        "`ip` is not stated, and the guest keeps what it has (ip=dhcp)",
    ),
    (
        {"network": {"gw": "10.9.0.1"}},
        {"ipconfig0": "ip=10.0.0.5/24"},
        "network_config.gw: 10.9.0.1 is outside of 10.0.0.0/24",
        "(ip=10.0.0.5/24): state it",
    ),
    (
        {"network": {"ip": "10.9.0.5/24"}},
        {"ipconfig0": "ip=10.0.0.5/24,gw=10.0.0.1"},
        "network_config.gw: 10.0.0.1 is outside of 10.9.0.0/24",
        "`gw` is not stated",
    ),
    ({}, {"template": "1"}, "is a template", "clone the template"),
    ({"cores": 4}, {"lock": "backup"}, "is locked (backup)", "qm unlock 8001"),
    ({}, {"lock": "create"}, "is locked (create)", "qm unlock 8001"),
    ({"snippet_storage": "local-lvm"}, {}, "has no folder, so it cannot hold snippets", "isos, local, off"),
    ({}, {"ide2": "local:iso/x.iso,media=cdrom"}, "ide2 holds local:iso/x.iso", "qm set 8001 --delete ide2"),
]


@pytest.mark.parametrize(("want", "now", "message", "hint"), REFUSED)
def test_refused_before_anything_is_touched(want: dict[str, Any], now: dict[str, Any], message: str, hint: str) -> None:
    made = planned(want=want, node=seen(state(**now)))
    assert made.changes == ()
    assert [r for r in made.refusals if message in r.message and hint in r.hint], made.refusals


def test_a_lock_does_not_matter_where_nothing_is_to_do() -> None:
    made = planned(node=seen(state(lock="backup")))
    assert (made.changes, made.refusals) == ((), ())


@pytest.mark.parametrize(
    ("want", "node", "message", "hint"),
    [
        (
            {"storage": "nope"},
            {},
            "storage_pool: the node has no storage `nope`; it has: isos, local, local-lvm, off",
            "name one of these",
        ),
        ({"storage": "isos"}, {}, "does not allow the content type `images`", "pvesm set isos --content iso,images"),
        ({"storage": "off"}, {}, "is disabled", "pvesm set off --disable 0"),
        (
            {"snippet_storage": "isos"},
            {},
            "does not allow the content type `snippets`",
            "pvesm set isos --content iso,snippets",
        ),
        ({}, {"image": None}, "the node has no file /var/lib/vz/template/iso/noble.img", "download the cloud image"),
        ({"disk_gb": 3}, {}, "3 GiB is smaller than the image", "at least 4"),
        (
            {},
            {"bridges": frozenset({"vmbr1"})},
            "the node has no bridge `vmbr0`; it has: vmbr1",
            "define the bridge",
        ),
        (
            {},
            {"elsewhere": Elsewhere(Kind.CONTAINER, "", None)},
            "8001 is a container here, the configuration defines a VM",
            "another ID",
        ),
    ],
)
def test_refused_before_anything_is_made(want: dict[str, Any], node: dict[str, Any], message: str, hint: str) -> None:
    made = planned(want=want, node=seen(**node))
    assert made.changes == ()
    assert [r for r in made.refusals if message in r.message and hint in r.hint], made.refusals


def test_an_image_that_is_none_is_refused_before_anything_is_made() -> None:
    made = planned(node=seen(image=Image("qcow2", 4 << 30, "is cut off")))
    assert (made.changes, [r.message for r in made.refusals]) == (
        (),
        ["template_image: /var/lib/vz/template/iso/noble.img is cut off"],
    )


def test_one_command_allows_all_that_a_storage_is_to_hold() -> None:
    made = planned(want={"storage": "isos", "snippet_storage": "isos"}, node=seen())
    assert {r.hint for r in made.refusals} == {"allow it: pvesm set isos --content iso,images,snippets"}


@pytest.mark.parametrize(
    ("storage", "message", "hint"),
    [
        ("local-lvm", "the root disk scsi0 is on `local`", "qm disk move 8001 scsi0 local-lvm --delete 1"),
        ("nowhere", "the node has no storage `nowhere`", "name one of these"),
        ("off", "the storage `off` is disabled", "pvesm set off --disable 0"),
        ("isos", "the storage `isos` does not allow the content type `images`", "pvesm set isos --content"),
    ],
)
def test_a_root_disk_is_only_to_be_moved_to_where_it_can_be(storage: str, message: str, hint: str) -> None:
    refusals = planned(want={"storage": storage}, node=seen(state())).refusals
    assert [(message in r.message, hint in r.hint) for r in refusals] == [(True, True)]


def test_a_cloud_init_drive_that_is_about_to_go_is_not_made_beside_the_old_one() -> None:
    refusal = planned(node=seen(state(ide2=None, pending=("ide2",)))).refusals[0]
    assert "ide2 is to be removed at the next start" in refusal.message
    assert "qm set 8001 --revert ide2" in refusal.hint


def test_of_a_foreign_vm_nothing_more_is_said() -> None:
    made = planned(want={"disk_gb": 1}, node=seen(state(tags="theirs", scsi0=None)))
    assert [refusal.message.partition(" that ")[2] for refusal in made.refusals] == [
        "phoenix did not make (it has no tag `phoenix`)"
    ]


def test_adopt_marks_and_renames_a_foreign_vm() -> None:
    made = planned(node=seen(state(tags="theirs", name="other")), adopt=True)
    assert commands(made) == ["qm set 8001 --name ubuntu-2404 --tags 'phoenix;theirs' --digest d1"]


def test_adopt_of_nothing_is_refused() -> None:
    assert "nothing to adopt" in planned(node=seen(), adopt=True).refusals[0].message


CLONE = "qm clone 9000 8001 --name ubuntu-2404 --full 1 --storage local --description 'managed by phoenix'"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({}, []),
        ({"tags": "phoenix;base", "agent": "0"}, []),
        ({"tags": None}, ["qm set 8001 --tags phoenix"]),
        ({"tags": "base", "agent": None}, ["qm set 8001 --tags 'base;phoenix' --agent enabled=1"]),
        ({"tags": None, "agent": "1,fstrim_cloned_disks=1"}, ["qm set 8001 --tags phoenix"]),
        ({"cores": "8"}, ["qm set 8001 --cores 2"]),
        ({"scsi0": "local:9000/base-9000-disk-0.raw,size=8G", "template": "1"}, ["qm disk resize 8001 scsi0 32G"]),
    ],
)
def test_a_clone_is_made_and_then_brought_in_line(source: dict[str, Any], expected: list[str]) -> None:
    node = seen(None, source=replace(state(Power.STOPPED, **source), vmid=9000), snippet=USER_DATA)
    made = commands(planned(want={"clone_from": 9000, "image": ""}, node=node))
    assert made == [CLONE, *expected, "qm start 8001", PING]


@pytest.mark.parametrize(
    ("want", "node", "expected"),
    [
        ({"cores": 4}, seen(state(Power.STOPPED)), [SetOptions, LookAgain, Start]),
        ({}, seen(state(Power.STOPPED)), [Start]),
        ({"cores": 4}, seen(state()), [SetOptions]),
    ],
)
def test_what_is_set_is_read_back_before_a_boot(want: dict[str, Any], node: Any, expected: list[type]) -> None:
    changes = [type(change) for change in planned(want=want, node=node, wait=Wait.NONE).changes]
    assert changes == expected


def test_the_agent_of_a_vm_that_is_no_fresh_clone_is_left_alone() -> None:
    assert commands(planned(want={"clone_from": 9000}, node=seen(state(agent="0")))) == []
    assert commands(planned(node=seen(state(agent=None)))) == []


DELETE = ["qm stop 8001", "qm destroy 8001 --purge 1", "rm -f /var/lib/vz/snippets/phoenix-8001-user.yaml"]


def test_delete_stops_destroys_and_removes_the_snippet() -> None:
    made = planned(Goal.DELETE)
    assert commands(made) == DELETE
    assert made.changes[1].volumes == ("local:8001/vm-8001-cloudinit.qcow2", "local:8001/vm-8001-disk-0.raw")  # type: ignore[union-attr]


def test_a_stopped_vm_is_not_stopped_again() -> None:
    assert commands(planned(Goal.DELETE, node=seen(state(Power.STOPPED)))) == DELETE[1:]


def test_delete_of_nothing_does_nothing() -> None:
    assert commands(planned(Goal.DELETE, node=seen())) == []


def test_a_snippet_that_outlived_its_vm_goes() -> None:
    assert commands(planned(Goal.DELETE, node=seen(snippet=USER_DATA))) == DELETE[2:]


@pytest.mark.parametrize(
    ("now", "message", "force_helps"),
    [
        ({"tags": None}, "did not make", True),
        ({"name": "other"}, "calls it", True),
        ({"protection": "1"}, "is protected", False),
        ({"lock": "backup"}, "is locked (backup)", False),
    ],
)
def test_delete_refuses(now: dict[str, Any], message: str, force_helps: bool) -> None:
    assert message in planned(Goal.DELETE, node=seen(state(**now))).refusals[0].message
    assert bool(planned(Goal.DELETE, node=seen(state(**now)), force=True).changes) is force_helps


@pytest.mark.parametrize(
    ("goal", "power", "expected"),
    [
        (Goal.START, Power.STOPPED, ["qm start 8001", PING]),
        (Goal.START, Power.RUNNING, []),
        (Goal.STOP, Power.RUNNING, ["qm shutdown 8001 --timeout 60"]),
        (Goal.STOP, Power.STOPPED, []),
        (Goal.RESTART, Power.RUNNING, RESTART),
        (Goal.RESTART, Power.STOPPED, ["qm start 8001", PING]),
    ],
)
def test_power(goal: Goal, power: Power, expected: list[str]) -> None:
    assert commands(planned(goal, node=seen(state(power)))) == expected


def test_stop_by_force_pulls_the_plug() -> None:
    assert commands(planned(Goal.STOP, force=True)) == ["qm stop 8001"]


@pytest.mark.parametrize("goal", [Goal.START, Goal.STOP, Goal.RESTART])
def test_power_of_a_vm_that_does_not_exist_is_refused(goal: Goal) -> None:
    assert "does not exist on the node" in planned(goal, node=seen()).refusals[0].message


@pytest.mark.parametrize("goal", [Goal.START, Goal.STOP, Goal.RESTART])
def test_power_of_a_foreign_vm_is_refused(goal: Goal) -> None:
    assert "did not make" in planned(goal, node=seen(state(tags=None))).refusals[0].message


def cloned(source: dict[str, Any], **want: Any) -> Plan:
    template = replace(state(Power.STOPPED, template="1", **source), vmid=9000)
    return planned(want={"clone_from": 9000, "image": "", **want}, node=seen(source=template, snippet=USER_DATA))


@pytest.mark.parametrize("slot", ["scsi0", "scsi5", "virtio0", "sata0", "ide0"])
def test_the_root_disk_of_a_clone_is_that_of_its_source(slot: str) -> None:
    disks = {"scsi0": None, slot: "local-lvm:base-9000-disk-0,size=8G", "boot": f"order=ide2;{slot};net0"}
    made = cloned(disks)
    assert f"qm disk resize 8001 {slot} 32G" in commands(made)
    assert "--scsi0" not in "".join(commands(made))


@pytest.mark.parametrize("slot", ["scsi0", "scsi5", "virtio0", "sata0", "ide0"])
def test_the_root_disk_grows_where_it_is_and_a_data_disk_does_not(slot: str) -> None:
    disks = {
        "scsi0": "local:8001/vm-8001-disk-1.raw,size=4G",
        slot: "local:8001/vm-8001-disk-0.raw,size=8G",
        "boot": f"order={slot}",
    }
    assert commands(planned(node=seen(state(**disks)))) == [f"qm disk resize 8001 {slot} 32G"]
    refused = planned(want={"storage": "local-lvm", "disk_gb": 8}, node=seen(state(**disks))).refusals
    assert [r.hint for r in refused] == [
        f"move it with `qm disk move 8001 {slot} local-lvm --delete 1`, or set `storage_pool` back"
    ]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (
            {"boot": "order=net0", "scsi1": "local:b,size=1G"},
            "VM 9000, which 8001 is cloned from, has several hard disks (scsi0, scsi1)",
        ),
        ({"scsi0": None}, "VM 9000, which 8001 is cloned from, has no hard disk to boot from"),
        (
            {"scsi0": "/dev/sdb,size=32G"},
            "VM 9000, which 8001 is cloned from, boots from /dev/sdb, which is passed through",
        ),
    ],
)
def test_a_source_without_a_root_disk_that_is_known_is_not_cloned(source: dict[str, Any], says: str) -> None:
    made = cloned(source)
    assert made.changes == ()
    assert [says in refusal.message for refusal in made.refusals] == [True]
    assert "delete" not in made.refusals[0].hint


@pytest.mark.parametrize("size", ["size=32G", "size=33285996544", ""])
def test_a_disk_that_is_passed_through_is_neither_grown_nor_moved(size: str) -> None:
    disks = {"scsi0": f"/dev/disk/by-id/ata-1,{size}".rstrip(",")}
    assert commands(planned(want={"storage": "local-lvm"}, node=seen(state(**disks)))) == []


def test_a_clone_gets_no_address_of_its_source() -> None:
    assert "qm set 8001 --ipconfig0 ip=dhcp" in commands(cloned({"ipconfig0": "ip=10.0.0.5/24,gw=10.0.0.1"}))[1:2]
    made = cloned({"ipconfig0": "ip=10.0.0.5/24,gw=10.0.0.1"}, network={"gw": "10.0.0.1"})
    assert "a gateway needs a static ip" in made.refusals[0].message
    assert "a new guest gets dhcp" in made.refusals[0].hint


def test_the_iso_image_in_a_drive_of_the_source_stays_there() -> None:
    made = cloned({"ide0": "isos:iso/x.iso,media=cdrom", "ide2": "none,media=cdrom"})
    assert "--ide2 local:cloudinit" in commands(made)[1]


def test_volumes_of_others_do_not_go() -> None:
    others = {
        "scsi1": "local-lvm:vm-998-disk-1,size=9G",
        "ide0": "isos:iso/x.iso,media=cdrom",
        "scsi2": "/dev/sdb",
        "unused0": "local:998/vm-998-disk-0.raw",
    }
    made = planned(
        Goal.DELETE, node=seen(state(**others, scsi3="local:900/base-900-disk-0.qcow2/8001/vm-8001-disk-7.qcow2"))
    )
    assert made.changes[1].volumes == (  # type: ignore[union-attr]
        "local:8001/vm-8001-cloudinit.qcow2", "local:8001/vm-8001-disk-0.raw", "local:900/base-900-disk-0.qcow2/8001/vm-8001-disk-7.qcow2",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "ignored"),
    [
        ("#cloud-config\n", False),
        ("\n#Cloud-Config\nhostname: web\n", False),
        ("## template: jinja\n#cloud-config\n", False),
        ("#!/bin/sh\nid\n", False),
        ("Content-Type: multipart/mixed; boundary=x\nMIME-Version: 1.0\n", False),
        ("", True),
        ("hostname: web\n", True),
        ("# mine\n#cloud-config\n", True),
    ],
)
def test_user_data_that_cloud_init_would_ignore_is_noted_when_it_is_stored(text: str, *, ignored: bool) -> None:
    made = plan(Goal.CREATE, spec(), seen(None), text, Options())
    assert any("cloud-init will ignore" in note for note in made.notes) == ignored
    assert made.changes
    assert not made.refusals
