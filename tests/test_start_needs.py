"""What a start checks is checked before: no guest is shut down, and none is made, that would not start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phoenix_pve import start_needs
from phoenix_pve.cluster import Here
from phoenix_pve.guest import Kind, Power
from phoenix_pve.image import Image
from phoenix_pve.node import Completed, LocalNode
from phoenix_pve.observe import observe, observe_many
from phoenix_pve.plan import Goal, Plan, Refusal, Shutdown, Start
from phoenix_pve.planner import Options, plan
from phoenix_pve.start_needs import processor_problems
from phoenix_pve.storage_cfg import Storage
from samples import OPTIONS, STORAGES, USER_DATA, seen, spec, state

HERE = Here("pve1", processors=8)
FAR = Storage("far", "dir", "/far", frozenset({"images"}), False, frozenset({"pve2", "pve3"}), elsewhere=True)
KNOWN = {**STORAGES, "far": FAR}
BRIDGES = frozenset({"vmbr0"})

WILL_NOT_START: dict[str, tuple[dict[str, str], set[str], str, str]] = {
    # options beside the usual ones, what the node lacks, what is said, what to do
    "processors": ({"cores": "9"}, set(), "cores: 9 is more than the node has, 8 processors", "`cores` to at most 8"),
    "sockets": ({"sockets": "5"}, set(), "cores × sockets: 2 × 5 = 10 is more than", "`cores` to at most 1"),
    "many sockets": ({"sockets": "9"}, set(), "2 × 9 = 18", "qm set <ID> --sockets 1"),
    "balloon": (
        {"balloon": "4096"},
        set(),
        "memory: 2048 MiB is less than what the balloon leaves the VM at least, 4096",
        "`memory_mb` to at least 4096",
    ),
    "bridge of a further card": (
        {"net1": "e1000=BC:24:11:00:80:02,bridge=vmbr7,firewall=1"},
        {"vmbr7"},
        "net1: the node has no bridge `vmbr7`",
        "/etc/network/interfaces",
    ),
    "ISO": (
        {"ide3": "local:iso/x.iso,media=cdrom"},
        {"local:iso/x.iso"},
        "ide3: the volume local:iso/x.iso does not exist",
        "qm set 8001 --ide3 none,media=cdrom",
    ),
    "second disk": (
        {"scsi1": "local:8001/vm-8001-disk-1.raw,size=1G"},
        {"local:8001/vm-8001-disk-1.raw"},
        "scsi1: the volume local:8001/vm-8001-disk-1.raw does not exist",
        "qm set 8001 --delete scsi1",
    ),
    "storage gone": ({"scsi1": "gone:vm-8001-disk-1"}, set(), "scsi1: the storage `gone`", "bring it back"),
    "storage disabled": ({"scsi1": "off:8001/x.raw"}, set(), "`off` of off:8001/x.raw is disabled", "--disable 0"),
    "storage of others": (
        {"scsi1": "far:8001/x.raw"},
        set(),
        "scsi1: the storage `far` of far:8001/x.raw is not for this node, only for pve2,pve3",
        "pvesm set far --nodes pve1,pve2,pve3",
    ),
    "snippet of others": (
        {"cicustom": f"{OPTIONS['cicustom']},vendor=local:snippets/v.yaml"},
        {"local:snippets/v.yaml"},
        "cicustom: the volume local:snippets/v.yaml does not exist",
        "bring it back",
    ),
    "hook script": (
        {"hookscript": "local:snippets/hook.pl"},
        {"local:snippets/hook.pl"},
        "hookscript: the volume local:snippets/hook.pl does not exist",
        "qm set 8001 --delete hookscript",
    ),
    "mapping of a card": (
        {"hostpci0": "mapping=gpu1"},
        {"pci gpu1"},
        "hostpci0: there is no pci mapping `gpu1`",
        "--delete",
    ),
    "mapping of a stick": (
        {"usb1": "mapping=key,usb3=1"},
        {"usb key"},
        "usb1: there is no usb mapping `key`",
        "--delete",
    ),
    "mapping of a folder": ({"virtiofs0": "share"}, {"directory share"}, "no directory mapping `share`", "--delete"),
    "device": ({"hostpci0": "01:00.0,pcie=1"}, {"01:00.0"}, "hostpci0: the node has no PCI device 01:00.0", "--delete"),
}


def node(options: dict[str, str], lacking: set[str], power: Power) -> Any:
    return seen(
        state(power, **options),
        here=HERE,
        lacking=frozenset(lacking),
        storages=KNOWN,
        bridges=BRIDGES,
        snippet=USER_DATA,
    )


def planned(goal: Goal, what: Any, *, restart: bool = False, **want: Any) -> Plan:
    return plan(goal, spec(**want), what, USER_DATA, Options(restart=restart))


@pytest.mark.parametrize("case", WILL_NOT_START)
def test_it_is_not_begun(case: str) -> None:
    options, lacking, said, hint = WILL_NOT_START[case]
    want = {"cores": int(options.get("cores", "2"))}
    plans = {
        "start": planned(Goal.START, node(options, lacking, Power.STOPPED)),
        "restart": planned(Goal.RESTART, node(options, lacking, Power.RUNNING)),
        "create": planned(Goal.CREATE, node(options, lacking, Power.STOPPED), **want),
        "create --restart": planned(
            Goal.CREATE, node(options, lacking, Power.RUNNING), restart=True, **want, onboot=True
        ),
    }
    for made in plans.values():
        assert [(said in r.message, hint in r.hint) for r in made.refusals] == [(True, True)], made
        assert made.changes == ()


@pytest.mark.parametrize("case", WILL_NOT_START)
def test_what_does_not_start_is_left_alone(case: str) -> None:
    options, lacking, _, _ = WILL_NOT_START[case]
    want = {"cores": int(options.get("cores", "2"))}
    unchanged = planned(Goal.CREATE, node(options, lacking, Power.RUNNING), **want)
    other = planned(Goal.CREATE, node(options, lacking, Power.RUNNING), onboot=True, **want)
    stop, delete = (planned(goal, node(options, lacking, Power.RUNNING)) for goal in (Goal.STOP, Goal.DELETE))
    assert [made.refusals for made in (unchanged, other, stop, delete)] == [()] * 4
    assert unchanged.changes == ()
    assert other.changes


@pytest.mark.parametrize("power", [Power.RUNNING, Power.STOPPED])
def test_a_change_that_would_hinder_the_next_start_is_not_made(power: Power) -> None:
    """A VM with a balloon of 4096 MiB is given 2048 MiB, one on a small node more cores than that has."""
    small = node({"balloon": "4096", "memory": "8192"}, set(), power)
    many = node({}, set(), power)
    assert [r.message for r in planned(Goal.CREATE, small).refusals] == [
        "memory: 2048 MiB is less than what the balloon leaves the VM at least, 4096 MiB, and Proxmox starts no such VM"
    ]
    assert [r.message for r in planned(Goal.CREATE, many, cores=9).refusals] == [
        "cores: 9 is more than the node has, 8 processors, and Proxmox starts no such VM"
    ]


def test_no_vm_is_made_that_cannot_start() -> None:
    absent = seen(here=HERE)
    source = replace(state(Power.STOPPED, hookscript="local:snippets/h.pl", balloon="4096"), vmid=9000)
    clone = seen(source=source, here=HERE, lacking=frozenset({"local:snippets/h.pl"}))
    assert "cores: 9 is more" in planned(Goal.CREATE, absent, cores=9).refusals[0].message
    told = [r.message.partition(":")[0] for r in planned(Goal.CREATE, clone, cores=9, clone_from=9000).refusals]
    assert sorted(told) == ["cores", "hookscript", "memory"]


@pytest.mark.parametrize("key", ["storage", "snippet_storage"])
def test_a_storage_that_is_not_for_this_node(key: str) -> None:
    made = planned(Goal.CREATE, seen(storages=KNOWN, image=Image("raw", 1 << 30)), **{key: "far"})
    word = "storage_pool" if key == "storage" else key
    assert [r.message for r in made.refusals] == [
        f"{word}: the storage `far` is not for this node, only for pve2, pve3"
    ]
    assert "phoenix --host pve2" in made.refusals[0].hint


def test_user_data_of_its_own_that_is_gone_is_written_anew_by_create_only() -> None:
    lacking = {"local:snippets/phoenix-8001-user.yaml"}
    gone = replace(node({}, lacking, Power.STOPPED), snippet=None)
    assert "phoenix create 8001" in planned(Goal.START, gone).refusals[0].hint
    assert planned(Goal.CREATE, gone).refusals == ()


@pytest.mark.parametrize(
    "options",
    [
        {"balloon": "0"},
        {"balloon": "2048"},
        {"balloon": "9" * 5000},
        {"memory": "9" * 5000, "balloon": "1024"},
        {"cores": "9" * 5000},
        {"balloon": "1024", "memory": "current=2048"},
        {"cores": "8"},
        {"net1": "virtio=BC:24:11:00:80:02"},
        {"scsi1": "/dev/disk/by-id/x,size=1G"},
        {"ide3": "none,media=cdrom"},
        {"unused0": "gone:vm-8001-disk-9"},
        {"hostpci0": "odd"},
        {"usb0": "host=1234:5678"},
    ],
)
def test_what_starts(options: dict[str, str]) -> None:
    assert list(start_needs.problems(spec(), node(options, set(), Power.STOPPED), {**OPTIONS, **options})) == []


def test_without_a_number_nothing_is_said_of_processors() -> None:
    assert list(processor_problems({"cores": "999"}, Here("pve1"))) == []


class Lab(LocalNode):
    """A node in a folder with one stopped VM."""

    def run(self, argv, stdin=None):  # type: ignore[no-untyped-def]
        row = "VMID NAME STATUS\n8001 ubuntu-2404 stopped 2048 32 0\n"
        return Completed(tuple(argv), 0, row if argv[1] == "list" else "status: stopped\n", "")


CONF = """name: ubuntu-2404
tags: phoenix
ide2: local:8001/vm-8001-cloudinit.qcow2,media=cdrom
ide3: local:iso/x.iso,media=cdrom
ide0: moved:iso/y.iso,media=cdrom
scsi0: local:9000/base-9000-disk-0.qcow2/8001/vm-8001-disk-0.qcow2,size=32G
scsi1: nfs:8001/vm-8001-disk-1.raw
scsi2: local-lvm:vm-8001-disk-2
cicustom: user=local:snippets/u.yaml,network=local:snippets/n.yaml
hookscript: local:snippets/h.pl
hostpci0: mapping=gpu1
hostpci1: 0000:01:00.0;02:00
usb0: mapping=key
net0: virtio=BC:24:11:00:80:01,bridge=vmbr0
net1: virtio=BC:24:11:00:80:02,bridge=docker0
"""
STORAGE_CFG = """dir: local
\tpath /var/lib/vz
\tcontent images,iso,snippets

dir: moved
\tpath /moved
\tcontent iso
\tcontent-dirs iso=my/isos

nfs: nfs
\tpath /mnt/pve/nfs
\tcontent images

lvmthin: local-lvm
\tcontent images
"""
THERE = {
    "local:8001/vm-8001-cloudinit.qcow2": "var/lib/vz/images/8001/vm-8001-cloudinit.qcow2",
    "local:iso/x.iso": "var/lib/vz/template/iso/x.iso",
    "moved:iso/y.iso": "moved/my/isos/y.iso",
    "local:9000/base-9000-disk-0.qcow2/8001/vm-8001-disk-0.qcow2": "var/lib/vz/images/8001/vm-8001-disk-0.qcow2",
    "local:snippets/u.yaml": "var/lib/vz/snippets/u.yaml",
    "local:snippets/n.yaml": "var/lib/vz/snippets/n.yaml",
    "local:snippets/h.pl": "var/lib/vz/snippets/h.pl",
    "docker0": "sys/class/net/docker0/ifindex",
    "0000:01:00.0": "sys/bus/pci/devices/0000:01:00.0/vendor",
    "02:00": "sys/bus/pci/devices/0000:02:00.0/vendor",
    "pci gpu1": "etc/pve/mapping/pci.cfg",
    "usb key": "etc/pve/mapping/usb.cfg",
}
MAPPING = "other\n\tmap id=1,node=pve1\n\nNAME\n\tcomment x\n\tmap id=1,node=pve2\n\tmap id=1,node=pve1\n"


def written(root: Path, files: dict[str, str]) -> Lab:
    for path, text in files.items():
        root.joinpath(path).parent.mkdir(parents=True, exist_ok=True)
        root.joinpath(path).write_text(text)
    return Lab(str(root))


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, str]:
    named = {path: MAPPING.replace("NAME", what.partition(" ")[2]) for what, path in THERE.items()}
    return {
        **named,
        "etc/pve/storage.cfg": STORAGE_CFG,
        "etc/pve/qemu-server/8001.conf": CONF,
        "etc/network/interfaces": "auto vmbr0\niface vmbr0 inet manual\n",
        "etc/hostname": "pve1\n",
    }


def test_the_look_sees_what_is_there(tmp_path: Path, whole: dict[str, str]) -> None:
    assert observe(written(tmp_path, whole), spec()).lacking == frozenset()


@pytest.mark.parametrize("what", THERE)
def test_the_look_sees_what_is_not(tmp_path: Path, whole: dict[str, str], what: str) -> None:
    lab = written(tmp_path, {path: text for path, text in whole.items() if path != THERE[what]})
    assert observe(lab, spec()).lacking == {what}
    assert observe_many(lab, [spec()])[8001].lacking == {what}


@pytest.mark.parametrize(
    "text", ["", "key\n", "key\n\tmap id=1,node=pve2\n", "other\n\tmap node=pve1\n", "key\n\tmap\n"]
)
def test_a_mapping_that_this_node_has_not(tmp_path: Path, whole: dict[str, str], text: str) -> None:
    assert observe(written(tmp_path, {**whole, "etc/pve/mapping/usb.cfg": text}), spec()).lacking == {"usb key"}


def test_an_image_that_is_another_guests_disc_is_read_as_far_as_its_own_guest_needs(
    tmp_path: Path, whole: dict[str, str]
) -> None:
    image = "/var/lib/vz/template/iso/x.iso"
    lab = written(tmp_path, {**whole, image[1:]: "x" * 1000})
    found = observe_many(lab, [spec(vmid=8002, image=image), spec()])
    assert found[8002].image == Image(
        "raw", 1000, "is no disk image: neither qcow2 nor vmdk, nor a raw disk with a boot sector"
    )


def test_a_container_needs_its_bridges_and_volumes() -> None:
    options = {"net0": "name=eth0,bridge=vmbr7", "rootfs": "local:101/vm-101-disk-0.raw,size=8G", "cores": "99"}
    there = seen(lacking=frozenset({"vmbr7", "local:101/vm-101-disk-0.raw"}), here=HERE, bridges=BRIDGES)
    told = list(start_needs.problems(spec(kind=Kind.CONTAINER, vmid=101), there, options))
    assert [refusal.message.partition(",")[0] for refusal in told] == [
        "rootfs: the volume local:101/vm-101-disk-0.raw does not exist",
        "net0: the node has no bridge `vmbr7`",
    ]
    assert all("pct set 101" in refusal.hint for refusal in told)


def test_a_restart_without_obstacles_is_one() -> None:
    changes = planned(Goal.RESTART, node({}, set(), Power.RUNNING)).changes
    assert [type(change) for change in changes][:2] == [Shutdown, Start]


def test_a_refusal_is_told_once() -> None:
    """Volumes of its own that are gone are told of by what knows how to get rid of the rest of a guest."""
    volume = "local:8001/vm-8001-disk-0.raw"
    half = replace(node({}, {volume}, Power.STOPPED), missing=(volume,))
    found: tuple[Refusal, ...] = planned(Goal.CREATE, half).refusals
    assert len(found) == 1
