"""What the recordings do not show of disks, clones and snapshots: neighbours of recorded cases, through the whole tool."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from fake_pve.conf import Conf, Section
from fake_pve.main import main
from fake_pve.qm import disk_resize, listsnapshot

STORAGES = """dir: local
\tpath /var/lib/vz
\tcontent images,rootdir

lvmthin: local-lvm
\tthinpool data
\tvgname pve
\tcontent rootdir,images
"""


class Machine:
    """A node and its `qm`: `out` and `err` are what the last call printed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.out = self.err = ""
        cfg = root / "etc/pve/storage.cfg"
        cfg.parent.mkdir(parents=True)
        cfg.write_text(STORAGES)

    def qm(self, line: str, tool: str = "qm") -> int:
        environ = {"FAKE_PVE_ROOT": str(self.root), "FAKE_PVE_GUEST": "recorded", "FAKE_PVE_TIME_SCALE": "0"}
        out, err = io.BytesIO(), io.BytesIO()
        status = main(tool, line.split(), environ, io.BytesIO(), out, err)
        self.out, self.err = out.getvalue().decode(), err.getvalue().decode()
        return status

    def conf(self, vmid: int = 8001) -> str:
        return (self.root / f"etc/pve/nodes/pve1/qemu-server/{vmid}.conf").read_text()


@pytest.fixture
def node(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [("4G", 1, 4 << 30), ("+1G", 1 << 30, 2 << 30), ("+1", 10, 11), ("3.5G", 0, 3584 << 20), ("+0.5K", 512, 1024)],
)
def test_sizes_asked_for(text, old, new):
    assert disk_resize.wanted_size(text, old) == new


def test_a_clone_onto_another_type_of_storage(node):
    node.qm("create 8001 --scsi0 local-lvm:2 --ide2 local-lvm:cloudinit --efidisk0 local-lvm:1,efitype=4m --bios ovmf")
    assert node.qm("clone 8001 8002 --full --storage local") == 0
    conf = node.conf(8002)
    assert "scsi0: local:8002/vm-8002-disk-1.raw,size=2G\n" in conf
    assert "ide2: local:8002/vm-8002-cloudinit.raw,media=cdrom,size=4M\n" in conf
    assert "efidisk0: local:8002/vm-8002-disk-0.raw,efitype=4m,size=528K\n" in conf


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "clone 8001 8002 --full 0",
            "Linked clone feature is not supported for 'local:8001/vm-8001-disk-0.raw' (scsi0)",
        ),
        ("clone 8001 8002 --full 0 --storage local", "parameter 'storage' not allowed for linked clones"),
        ("clone 8001 8002 --snapname s9", "snapshot 's9' does not exist"),
    ],
)
def test_clones_that_cannot_be(node, line, message):
    node.qm("create 8001 --scsi0 local:1")
    assert node.qm(line) == 2
    assert node.err == message + "\n"
    assert not (node.root / "etc/pve/nodes/pve1/qemu-server/8002.conf").exists()


def test_a_clone_that_fails_half_way_leaves_nothing(node):
    node.qm("create 8001 --scsi0 local:1 --scsi1 local:1")
    (node.root / "var/lib/vz/images/8001/vm-8001-disk-1.raw").unlink()
    assert node.qm("clone 8001 8002") == 255
    assert node.err.startswith("clone failed: ")
    assert not (node.root / "var/lib/vz/images/8002").exists()
    assert not (node.root / "etc/pve/nodes/pve1/qemu-server/8002.conf").exists()


def test_a_clone_of_a_snapshot_is_the_vm_as_it_was(node):
    node.qm("create 8001 --memory 512 --scsi0 local:1,format=qcow2 --description hello")
    node.qm("snapshot 8001 s1")
    node.qm("set 8001 --memory 1024")
    assert node.qm("clone 8001 8002 --snapname s1 --name old") == 0
    assert "memory: 512\n" in node.conf(8002)
    assert "parent" not in node.conf(8002)
    assert "snaptime" not in node.conf(8002)


def test_a_linked_clone_of_a_linked_clone(node):
    node.qm("create 8001 --scsi0 local:1,format=qcow2")
    node.qm("template 8001")
    node.qm("clone 8001 8002")
    node.qm("template 8002")
    assert "scsi0: local:8001/base-8001-disk-0.qcow2/8002/base-8002-disk-0.qcow2,size=1G" in node.conf(8002)
    assert node.qm("clone 8002 8003 --full") == 0
    assert "scsi0: local:8003/vm-8003-disk-0.qcow2,size=1G" in node.conf(8003)


def test_a_rollback_switches_off_and_gives_back_what_was_detached(node):
    node.qm("create 8001 --scsi0 local:1,format=qcow2 --description first")
    node.qm("snapshot 8001 s1")
    node.qm("set 8001 --delete scsi0")
    node.qm("set 8001 --scsi1 local:1,format=qcow2 --description second")
    node.qm("start 8001")
    assert node.qm("rollback 8001 s1") == 0
    node.qm("status 8001")
    assert node.out == "status: stopped\n"
    main_part = node.conf().split("\n\n")[0]
    assert main_part.startswith("#second\n")
    assert "scsi0: local:8001/vm-8001-disk-0.qcow2,size=1G" in main_part
    assert (
        "unused1: local:8001/vm-8001-disk-1.qcow2" in main_part
        or "unused0: local:8001/vm-8001-disk-1.qcow2" in main_part
    )


def test_what_only_a_snapshot_had_becomes_unused_when_it_goes(node):
    node.qm("create 8001 --scsi0 local:1,format=qcow2")
    node.qm("snapshot 8001 s1")
    node.qm("set 8001 --delete scsi0")
    assert node.qm("delsnapshot 8001 s1") == 0
    assert node.conf().count("vm-8001-disk-0") == 1
    assert "unused0: local:8001/vm-8001-disk-0.qcow2" in node.conf()


def test_a_moved_disk_takes_its_options_along(node):
    node.qm("create 8001 --scsi0 local:1,discard=on,ssd=1")
    assert node.qm("disk move 8001 scsi0 local-lvm --delete") == 0
    assert "scsi0: local-lvm:vm-8001-disk-0,discard=on,size=1G,ssd=1\n" in node.conf()
    assert not (node.root / "var/lib/vz/images/8001").exists()


def test_a_second_rescan_finds_nothing(node):
    node.qm("create 8001 --scsi0 local:1")
    node.qm("alloc local 8001 vm-8001-disk-7.qcow2 1G", "pvesm")
    node.qm("disk rescan --dryrun")
    assert "add unreferenced volume 'local:8001/vm-8001-disk-7.qcow2' as 'unused0'" in node.out
    assert "unused0" not in node.conf()
    node.qm("disk rescan")
    assert "unused0: local:8001/vm-8001-disk-7.qcow2\n" in node.conf()
    node.qm("disk rescan")
    assert node.out == "rescan volumes...\n"


def test_the_tree_of_snapshots_has_branches():
    conf = Conf({"parent": "b"})
    for name, parent, time in (("a", None, 30), ("b", "a", 20), ("c", "a", 10), ("lost", "gone", 5)):
        options = {"snaptime": str(time)} | ({"parent": parent} if parent else {})
        conf.snapshots[name] = Section(options, "x\ny" if name == "b" else None)
    lines = [line[:31].rstrip() + "|" + line[56:] for line in listsnapshot.tree(conf)]
    assert lines == [
        "`-> lost|no-description",
        "`-> a|no-description",
        " `-> c|no-description",
        " `-> b|x",
        "  `-> current|You are here!",
    ]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("mbps=5,mbps_rd=5", []),
        ("iops=5,iops_wr=5", []),
        ("bps=1024,mbps_wr=5", []),
        ("bps_wr_length=5", ["bps_wr_max_length requires mbps_wr_max"]),
        ("iops_max_length=5", ["iops_max_length requires iops_max"]),
        (
            "bps_max_length=5,iops_rd_max_length=5",
            ["bps_max_length requires mbps_max", "iops_rd_max_length requires iops_rd_max"],
        ),
    ],
)
def test_limits_that_do_not_go_together(node, value, told):
    wanted = [*told, "400 Parameter verification failed.", "scsi0: unable to parse drive options"]
    assert node.qm(f"create 8001 --scsi0 local:1,{value}") == 255
    assert node.err.splitlines()[: len(wanted)] == wanted
    assert not list((node.root / "var/lib/vz").rglob("*.raw"))


@pytest.mark.parametrize(
    "value", ["mbps=5,iops=5", "mbps_rd=5,mbps_wr=5", "iops_max=9,iops_max_length=5", "mbps_max=5"]
)
def test_limits_that_go_together(node, value):
    assert node.qm(f"create 8001 --scsi0 local:1,{value}") == 0


def test_new_disks_are_numbered_in_the_order_of_their_names(node):
    node.qm("create 8001 --virtio0 local:1 --scsi1 local:1 --scsi0 local:1 --efidisk0 local:1 --sata2 local:1")
    names = ["efidisk0", "sata2", "scsi0", "scsi1", "virtio0"]
    for number, name in enumerate(names):
        assert f"{name}: local:8001/vm-8001-disk-{number}.raw" in node.conf()


@pytest.mark.parametrize(
    ("prepare", "line", "message"),
    [
        ("", "8001 scsi0 --target-vmid 8001", "must be different than source VMID to reassign disk"),
        ("", "8001 scsi9 --target-vmid 8002", "Disk 'scsi9' for VM '8001' does not exist"),
        ("", "8001 scsi0 --target-vmid 8002", "Target disk key 'scsi0' is already in use for VM '8002'"),
        ("", "8001 scsi0 --target-vmid 8003", "could not find VM 8003"),
        ("set 8002 --template 1", "8001 scsi0 --target-vmid 8002", "Can't move disks from or to template VMs"),
        ("set 8001 --lock backup", "8001 scsi0 --target-vmid 8002 --target-disk sata0", "VM is locked (backup)"),
        ("set 8002 --lock backup", "8001 scsi0 --target-vmid 8002 --target-disk sata0", "VM is locked (backup)"),
        ("start 8001", "8001 scsi0 --target-vmid 8002 --target-disk sata0", "while the source VM is running"),
    ],
)
def test_disks_that_stay_with_their_machine(node, prepare, line, message):
    node.qm("create 8001 --scsi0 local:1")
    node.qm("create 8002 --scsi0 local:1")
    if prepare:
        assert node.qm(prepare) == 0
    before = (node.conf(8001), node.conf(8002))
    assert node.qm(f"disk move {line}") != 0
    assert message in node.err
    assert (node.conf(8001), node.conf(8002)) == before


@pytest.mark.parametrize(
    ("tool", "line", "message"),
    [
        ("qm", "create 8005", "unable to create VM 8005 - VM 8005 already exists on node 'pve2'"),
        ("qm", "create 8006", "unable to create VM 8006 - CT 8006 already exists on node 'pve2'"),
        ("pct", "create 8005 local:vztmpl/x.tar.gz", "VM 8005 already exists on node 'pve2'"),
        ("pct", "create 8006 local:vztmpl/x.tar.gz", "CT 8006 already exists on node 'pve2'"),
        ("qm", "clone 8005 8001", "unable to find configuration file for VM 8005 on node 'pve1'"),
        ("qm", "clone 8005 8001 --target pve2", "unable to find configuration file for VM 8005 on node 'pve1'"),
        ("qm", "clone 8005 8001 --target pve9", "no such cluster node 'pve9'"),
        ("qm", "status 8005", "Configuration file 'nodes/pve1/qemu-server/8005.conf' does not exist"),
    ],
)
def test_the_ids_of_another_nodes_guests_are_taken(node, tool, line, message):
    for kind, vmid in (("qemu-server", 8005), ("lxc", 8006)):
        file = node.root / f"etc/pve/nodes/pve2/{kind}/{vmid}.conf"
        file.parent.mkdir(parents=True)
        file.write_text("memory: 512\n")
    assert node.qm(line, tool) in (2, 255)
    assert node.err.splitlines()[0] == message
    assert not list((node.root / "etc/pve/nodes/pve1").rglob("*.conf"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("pc,viommu=intel", "to use Intel vIOMMU please set the machine type to q35"),
        ("viommu=intel", "to use Intel vIOMMU please set the machine type to q35"),
        ("q35,aw-bits=48", "cannot set aw-bits if no vIOMMU is configured"),
    ],
)
def test_machines_that_cannot_be(node, value, message):
    assert node.qm(f"create 8001 --machine {value}") == 255
    assert node.err == f"unable to create VM 8001 - {message}\n"
    node.qm("create 8001")
    assert node.qm(f"set 8001 --machine {value}") == 255
    assert node.err == f"{message}\n"
    assert "machine" not in node.conf()


def test_a_machine_is_stored_in_order_by_create_and_as_given_by_set(node):
    node.qm("create 8001 --machine viommu=virtio,type=q35,aw-bits=48")
    assert "machine: q35,aw-bits=48,viommu=virtio\n" in node.conf()
    node.qm("set 8001 --machine viommu=intel,type=q35")
    assert "machine: viommu=intel,type=q35\n" in node.conf()


@pytest.mark.parametrize(("vcpus", "status"), [("1", 0), ("4", 0), ("5", 255)])
def test_processors_are_plugged_up_to_what_the_machine_has_room_for(node, vcpus, status):
    node.qm("create 8001 --cores 2 --sockets 2 --vcpus 2 --hotplug cpu")
    node.qm("start 8001")
    assert node.qm(f"set 8001 --vcpus {vcpus}") == status
    assert (f"[PENDING]\nvcpus: {vcpus}" in node.conf()) == bool(status)


@pytest.mark.parametrize(("memory", "status"), [("1024", 0), ("4096", 0), ("1023", 255)])
def test_memory_is_not_unplugged_below_what_a_machine_starts_with(node, memory, status):
    node.qm("create 8001 --memory 2048 --numa 1 --hotplug memory")
    node.qm("start 8001")
    assert node.qm(f"set 8001 --memory {memory}") == status
    assert (f"[PENDING]\nmemory: {memory}" in node.conf()) == bool(status)


def test_a_clone_does_not_go_where_its_disks_are_not(node):
    node.qm("create 8001 --scsi0 local:1")
    (node.root / "etc/pve/nodes/pve2").mkdir()
    assert node.qm("clone 8001 8002 --target pve2") == 2
    assert node.err == "can't clone VM to node 'pve2' (VM uses local storage)\n"
    assert len(list((node.root / "etc/pve/nodes").rglob("*.conf"))) == 1
