"""`pct` beyond the recordings: running containers, thin pools, what fails half-way."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from fake_pve import guests
from fake_pve.main import main
from fake_pve.node import Node

STORAGES = "dir: local\n\tpath /var/lib/vz\n\tcontent vztmpl,rootdir,snippets\n\nlvmthin: thin\n\tthinpool data\n\tvgname pve\n\tcontent rootdir\n\n"
TEMPLATE = "local:vztmpl/debian.tar"


class Host:
    """A node that `pct` can be called on; `out` and `err` are what the last call printed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ = {"FAKE_PVE_ROOT": str(root), "FAKE_PVE_GUEST": "none", "FAKE_PVE_TIME_SCALE": "0"}
        self.out = self.err = ""

    def pct(self, *argv: str, stdin: str = "") -> int:
        streams = io.BytesIO(stdin.encode()), io.BytesIO(), io.BytesIO()
        status = main("pct", list(argv), self.environ, *streams)
        self.out, self.err = (stream.getvalue().decode().replace(str(self.root), "") for stream in streams[1:])
        return status

    def ok(self, *argv: str) -> str:
        assert self.pct(*argv) == 0, self.err
        return self.out

    def refused(self, *argv: str) -> str:
        assert self.pct(*argv) not in (0, 70)
        return self.err.rstrip("\n")

    def conf(self, vmid: int) -> str:
        return (self.root / f"etc/pve/nodes/pve1/lxc/{vmid}.conf").read_text()

    def volumes(self) -> list[str]:
        files = [*(self.root / "var/lib/vz/images").rglob("*.*"), *(self.root / "dev").rglob("*")]
        return sorted(file.name for file in files if file.is_file())


@pytest.fixture
def host(tmp_path: Path) -> Host:
    for folder in ("etc/pve", "var/lib/vz/template/cache", "root"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/pve/storage.cfg").write_text(STORAGES)
    (tmp_path / "etc/pve/user.cfg").write_text("pool:prod:::::\n")
    with tarfile.open(tmp_path / "var/lib/vz/template/cache/debian.tar.gz", "w:gz") as tar:
        member = tarfile.TarInfo("./etc/os-release")
        member.size = len(b"ID=debian\n")
        tar.addfile(member, io.BytesIO(b"ID=debian\n"))
    return Host(tmp_path)


@pytest.fixture
def made(host: Host) -> Host:
    host.ok("create", "101", "local:vztmpl/debian.tar.gz", "--rootfs", "local:1", "--hostname", "ct1")
    return host


# --- running ---------------------------------------------------------------------------------------------


def test_a_running_container_takes_some_values_at_once(made: Host) -> None:
    made.ok("start", "101")
    made.ok("set", "101", "--swap", "0", "--tags", "b,a", "--nameserver", "1.1.1.1")
    assert "swap: 0\ntags: a;b\n" in made.conf(101)
    assert made.conf(101).endswith("\n[pve:pending]\nnameserver: 1.1.1.1\n")
    made.ok("set", "101", "--revert", "nameserver")
    assert "pve:pending" not in made.conf(101)


def test_a_mount_point_of_a_running_container_goes_at_its_next_stop(made: Host) -> None:
    made.ok("set", "101", "--mp0", "local:1,mp=/data")
    made.ok("start", "101")
    made.ok("set", "101", "--delete", "mp0")
    assert "del mp0: local:101/vm-101-disk-1.raw,mp=/data,size=1G\n" in made.ok("pending", "101")
    assert "mp0" not in made.ok("config", "101")
    assert "mp0" in made.ok("config", "101", "--current")
    made.ok("stop", "101")
    assert "unused0: local:101/vm-101-disk-1.raw\n" in made.conf(101)


def test_a_running_container_resists(made: Host) -> None:
    made.ok("start", "101")
    assert made.refused("destroy", "101") == "unable to destroy CT 101 - container is running"
    assert made.refused("clone", "101", "102").startswith("Full clone of a running container")
    assert made.refused("move-volume", "101", "rootfs", "thin") == "cannot move volumes of a running container"
    assert made.refused("fsck", "101") == "cannot run fsck on active container"
    assert "resize2fs" in made.ok("resize", "101", "rootfs", "+1G")
    made.ok("destroy", "101", "--force")
    assert made.volumes() == []


def test_a_container_that_does_not_listen_is_stopped_by_force(made: Host) -> None:
    (made.root / "etc/fake-pve").mkdir()
    (made.root / "etc/fake-pve/guests.json").write_text('{"101": {"shutdown": "never"}}')
    made.ok("start", "101")
    assert "lxc-stop -n 101 --nokill --timeout 5' failed" in made.refused("shutdown", "101", "--timeout", "5")
    made.ok("shutdown", "101", "--timeout", "5", "--forceStop")
    assert made.ok("status", "101") == "status: stopped\n"


def test_a_failed_hotplug_stays_pending(made: Host) -> None:
    made.ok("start", "101")
    assert "net1: unable to hotplug net1: bridge 'vmbr9' does not exist" in made.refused(
        "set", "101", "--net1", "name=eth1,bridge=vmbr9"
    )
    assert "[pve:pending]\nnet1: name=eth1,bridge=vmbr9\n" in made.conf(101)


def test_an_interface_with_a_name_that_is_taken_cannot_be_plugged(made: Host) -> None:
    made.ok("set", "101", "--net0", "name=eth0,bridge=vmbr0", "--net1", "name=eth1,bridge=vmbr0")
    made.ok("start", "101")
    assert (
        "net0: unable to hotplug net0: command 'lxc-device -n 101 add veth101i0p eth1' failed: exit code 1"
        in made.refused("set", "101", "--net0", "name=eth1,bridge=vmbr0")
    )
    assert "net0" not in made.conf(101).partition("[pve:pending]")[0]
    assert made.conf(101).endswith("[pve:pending]\nnet0: name=eth1,bridge=vmbr0\n")
    made.ok("set", "101", "--net0", "name=eth0,bridge=vmbr0,ip=dhcp", "--net1", "name=eth2,bridge=vmbr0")
    assert "pve:pending" not in made.conf(101)


# --- inside ----------------------------------------------------------------------------------------------


def test_files_go_in_and_come_out(made: Host) -> None:
    (made.root / "root/f").write_text("text\n")
    assert made.refused("push", "101", "/root/f", "/etc/f") == "can only push files to a running CT"
    made.ok("start", "101")
    made.ok("push", "101", "/root/f", "/../../etc/f", "--perms", "600")
    assert made.ok("exec", "101", "--", "cat", "/etc/f") == "text\n"
    made.ok("push", "101", "/root/f", "/etc/f", "--user", "root", "--group", "0", "--perms", "0x1a4")
    assert made.pct("push", "101", "/root/f", "/etc/f", "--user", "nobody") == 70
    made.ok("pull", "101", "/etc/f", "/root/g")
    assert made.pct("pull", "101", "/etc/f", "/root/g", "--group", "nobody") == 70
    assert (made.root / "root/g").read_text() == "text\n"
    assert made.pct("pull", "101", "/nope", "/root/h") == 0
    assert made.err
    made.ok("destroy", "101", "--force")
    assert not list((made.root / "var/lib/fake-pve").rglob("f"))


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (["true"], 0),
        (["false"], 1),
        (["sh", "-c", "exit 7"], 7),
        (["no-such-program"], 127),
        (["apt-get"], 70),
        (["cat", "/nope"], 1),
    ],
)
def test_the_exit_status_of_a_program_is_passed_on(made: Host, argv: list[str], status: int) -> None:
    made.ok("start", "101")
    assert made.pct("exec", "101", "--", *argv) == status


@pytest.mark.parametrize(
    ("keep", "script", "status", "out"),
    [
        ("0", "echo $USER", 0, "\n"),
        ("0", "echo home $HOME of $LOGNAME", 0, "home of\n"),
        ("0", "echo $HOME/x", 70, ""),
        ("0", "echo $SHLVL", 70, ""),
        ("0", "$HOME", 70, ""),
        ("0", "echo a\necho b", 70, ""),
        ("1", "echo $USER", 70, ""),
    ],
)
def test_an_empty_environment_has_nothing_of_a_login(made: Host, keep: str, script: str, status: int, out: str) -> None:
    made.ok("start", "101")
    assert made.pct("exec", "101", "--keep-env", keep, "--", "sh", "-c", script) == status
    assert made.out == out


def test_a_bridge_with_larger_packets_takes_them(made: Host) -> None:
    interfaces = made.root / "etc/network/interfaces"
    interfaces.parent.mkdir(parents=True, exist_ok=True)
    interfaces.write_text("iface vmbr7 inet manual\n\tmtu 9000\n\niface vmbr8 inet manual\n\tbridge-ports none\n")
    made.ok("set", "101", "--net0", "name=eth0,bridge=vmbr7,mtu=9000")
    assert "bigger than bridge MTU '9000'" in made.refused("set", "101", "--net0", "name=eth0,bridge=vmbr7,mtu=9001")
    assert "bigger than bridge MTU '1500'" in made.refused("set", "101", "--net0", "name=eth0,bridge=vmbr8,mtu=9000")


def test_stdin_reaches_the_program(made: Host) -> None:
    made.ok("start", "101")
    assert made.pct("exec", "101", "--", "cat", stdin="from stdin\n") == 0
    assert made.out == "from stdin\n"


# --- volumes ---------------------------------------------------------------------------------------------


def test_a_linked_clone_needs_a_thin_pool(host: Host) -> None:
    host.ok("create", "101", "local:vztmpl/debian.tar.gz", "--rootfs", "thin:1")
    host.ok("template", "101")
    assert "rootfs: thin:base-101-disk-0,size=1G" in host.conf(101)
    assert "create linked clone of mount point rootfs" in host.ok("clone", "101", "102")
    assert "rootfs: thin:vm-102-disk-0,size=1G" in host.conf(102)
    assert "template" not in host.conf(102)


def test_snapshots_form_a_chain(host: Host) -> None:
    host.ok("create", "101", "local:vztmpl/debian.tar.gz", "--rootfs", "thin:1", "--memory", "512")
    host.ok("snapshot", "101", "one", "--description", "first")
    host.ok("set", "101", "--memory", "1024")
    host.ok("snapshot", "101", "two")
    assert host.refused("snapshot", "101", "two") == "snapshot name 'two' already used"
    lines = host.ok("listsnapshot", "101").splitlines()
    assert [line.split()[1] for line in lines] == ["one", "two", "current"]
    host.ok("rollback", "101", "one")
    assert "memory: 512\n" in host.ok("config", "101")
    assert "parent: one\n" in host.ok("config", "101")
    host.ok("delsnapshot", "101", "one")
    assert "parent" not in host.ok("config", "101")
    assert "memory: 1024\n" in host.ok("config", "101", "--snapshot", "two")
    host.ok("destroy", "101")
    assert host.volumes() == []


def test_a_volume_is_handed_to_another_container(made: Host) -> None:
    made.ok("create", "102", "local:vztmpl/debian.tar.gz", "--rootfs", "local:1")
    made.ok("set", "101", "--mp0", "local:1,mp=/data")
    made.ok("move-volume", "101", "mp0", "--target-vmid", "102", "--target-volume", "mp3")
    assert "mp0" not in made.conf(101)
    assert "mp3: local:102/vm-102-disk-1.raw,mp=/data,size=1G\n" in made.conf(102)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("mp0 thin --target-vmid 102", "either set storage or target-vmid, but not both"),
        ("rootfs --target-vmid 102", "Cannot move to/from 'rootfs'"),
        ("mp0 --target-vmid 102 --target-volume rootfs", "Cannot move to/from 'rootfs'"),
        ("unused0 --target-vmid 102 --target-volume mp1", "Moving an unused volume to a used one is not possible"),
        ("mp0 --target-vmid 109", "could not find CT 109"),
        ("mp7 --target-vmid 102", "volume 'mp7' for container '101' does not exist"),
        ("mp0 --target-vmid 101", "Target volume key 'mp0' is already in use for container '101'"),
        ("mp1 --target-vmid 102", "Storage does not support moving of this disk to another container"),
        (
            "mp0 --target-vmid 102 --target-digest 00",
            "Container 102: detected modified configuration - file changed by other user? Try again.",
        ),
        ("unused0 thin", "cannot move volume 'unused0', only configured volumes can be moved to another storage"),
        ("mp1 thin", "unable to parse volume ID '/root'"),
        ("mp0 nope", "storage 'nope' does not exist"),
    ],
)
def test_a_volume_that_cannot_move_says_why(made: Host, argv: str, message: str) -> None:
    made.ok("create", "102", "local:vztmpl/debian.tar.gz", "--rootfs", "local:1")
    made.ok("set", "101", "--mp0", "local:1,mp=/data", "--mp1", "/root,mp=/host")
    before = made.conf(101), made.conf(102)
    assert made.refused("move-volume", "101", *argv.split()) == message
    assert (made.conf(101), made.conf(102)) == before


def test_a_volume_moves_nowhere_without_a_target(made: Host) -> None:
    lines = made.refused("move-volume", "101", "rootfs").splitlines()
    assert lines[1:3] == [
        f"{name}: both 'storage' and 'target-vmid' missing, either needs to be set"
        for name in ("storage", "target-vmid")
    ]


def test_a_volume_in_use_does_not_move(made: Host) -> None:
    made.ok("create", "102", "local:vztmpl/debian.tar.gz", "--rootfs", "local:1")
    made.ok("set", "101", "--mp0", "local:1,mp=/data")
    made.ok("start", "101")
    assert made.refused("move-volume", "101", "mp0", "thin") == "cannot move volumes of a running container"
    assert made.refused("move-volume", "101", "mp0", "--target-vmid", "102") == (
        "Cannot move in-use volume while the source CT is running - detach or shutdown first"
    )


def test_a_template_moves_as_a_base_volume(made: Host) -> None:
    made.ok("template", "101")
    made.ok("move-volume", "101", "rootfs", "thin")
    assert "rootfs: thin:base-101-disk-0,size=1G\n" in made.conf(101)
    assert "unused0: local:101/base-101-disk-0.raw\n" in made.conf(101)


def test_a_volume_moves_to_another_storage(made: Host) -> None:
    made.ok("move-volume", "101", "rootfs", "thin", "--delete")
    assert "rootfs: thin:vm-101-disk-0,size=1G" in made.conf(101)
    assert made.volumes() == ["vm-101-disk-0"]
    assert "71/" not in made.ok("fsck", "101", "--force")[:40]


def test_lost_volumes_are_found_again(made: Host) -> None:
    (made.root / "var/lib/vz/images/101/vm-101-disk-7.raw").write_bytes(bytes(1024))
    (made.root / "etc/pve/nodes/pve1/lxc/101.conf").write_text(made.conf(101).replace("size=1G", "size=3G"))
    assert "as 'unused0' to config" in made.ok("rescan", "--dryrun")
    assert "size=3G" in made.conf(101)
    made.ok("rescan")
    assert "rootfs: local:101/vm-101-disk-0.raw,size=1G\n" in made.conf(101)
    assert "unused0: local:101/vm-101-disk-7.raw\n" in made.conf(101)
    assert made.ok("rescan") == "rescan volumes...\n"


# --- checks before anything is changed -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "message", "status"),
    [
        ("hookscript", "local:snippets/nope.sh", "script 'local:snippets/nope.sh' does not exist", 2),
        ("hookscript", "local:snippets/plain.sh", "script 'local:snippets/plain.sh' is not executable", 255),
        (
            "hookscript",
            "local:vztmpl/debian.tar.gz",
            "'local:vztmpl/debian.tar.gz' is not in the snippets directory",
            255,
        ),
        ("net0", "name=eth0,bridge=vmbr0,mtu=1501", "net0: MTU size '1501' is bigger than bridge MTU '1500'", 25),
        ("net0", "name=eth0,bridge=vmbr9,mtu=1500", "bridge 'vmbr9' does not exist", 2),
        ("delete", "memory", "unable to delete required option 'memory'", 255),
        ("delete", "ostype", "unable to delete required option 'ostype'", 255),
        ("delete", "unprivileged", "unable to delete read-only option: 'unprivileged'", 255),
    ],
)
def test_a_value_that_cannot_be_is_refused(made: Host, option: str, value: str, message: str, status: int) -> None:
    (made.root / "var/lib/vz/snippets/plain.sh").touch(0o644)
    before = made.conf(101)
    assert made.pct("set", "101", f"--{option}", value) == status
    assert made.err == message + "\n"
    assert made.conf(101) == before
    if option != "delete":
        left = 25 if option == "hookscript" and status == 255 else status  # what `create` leaves in errno
        assert made.pct("create", "102", "local:vztmpl/debian.tar.gz", f"--{option}", value) == left
        assert made.err == message + "\n"


@pytest.mark.parametrize(
    ("zone", "known", "status"),
    [
        ("host", True, 255),
        ("UTC", True, 255),
        ("Europe/Vienna", True, 25),
        ("America/Argentina/Buenos_Aires", True, 25),
        ("Europe/Vienan", False, 255),
        ("Europe/", False, 255),
        ("Europe", False, 255),
        ("Etc/UTC", False, 255),
    ],
)
def test_a_time_zone_is_one_that_there_is(made: Host, zone: str, known: bool, status: int) -> None:
    """The look for a zone in the system's list is what leaves 25 in errno."""
    assert (made.pct("set", "101", "--timezone", zone) == 0) is known
    assert (f"timezone: invalid format - invalid time zone '{zone}'" in made.err) is not known
    assert made.pct("create", "101", "local:vztmpl/debian.tar.gz", "--timezone", zone) == status


def test_a_container_needs_more_than_a_truncated_configuration(made: Host) -> None:
    conf = made.root / "etc/pve/nodes/pve1/lxc/101.conf"
    conf.write_text("")
    for line, missing in (
        ("", "missing 'arch' - internal error"),
        ("arch: amd64\n", "missing 'ostype' - internal error"),
        ("ostype: debian\n", "missing 'rootfs' configuration"),
    ):
        conf.write_text(made.conf(101) + line)
        assert made.refused("start", "101") == missing
        assert made.refused("set", "101", "--cores", "2") == missing
        assert "cores: 2\n" in made.conf(101)
    assert made.ok("status", "101") == "status: stopped\n"


def test_a_template_needs_no_bridge(made: Host) -> None:
    assert made.pct("set", "101", "--net0", "name=eth0,bridge=vmbr9") == 2
    assert made.pct("set", "101", "--cores", "2") == 2
    made.ok("template", "101")
    made.ok("set", "101", "--cores", "4")


def test_a_container_without_a_name_is_called_by_its_id(made: Host) -> None:
    made.ok("set", "101", "--delete", "hostname")
    assert "hostname" not in made.conf(101)
    assert "CT101" in made.ok("list")


def test_the_id_is_looked_at_before_the_keys(made: Host) -> None:
    (made.root / "root/bad.pub").write_text("no key\n")
    keys = ("--ssh-public-keys", "/root/bad.pub", "--pool", "nope")
    assert made.refused("create", "101", "local:vztmpl/debian.tar.gz", *keys) == "CT 101 already exists on node 'pve1'"
    assert made.refused("create", "102", "local:vztmpl/debian.tar.gz", *keys) == "SSH public key validation error"


def test_a_snapshot_is_never_current(made: Host) -> None:
    lines = made.refused("config", "101", "--current", "--snapshot", "s1").splitlines()
    told = [f"{name}: cannot use 'snapshot' parameter with 'current'" for name in ("current", "snapshot")]
    assert lines[1:3] == told


def test_only_volumes_can_be_checked(made: Host) -> None:
    made.ok("set", "101", "--mp0", "/root,mp=/host")
    assert made.refused("fsck", "101", "--device", "mp0") == "path '/root' does not point to a block device"


# --- failures --------------------------------------------------------------------------------------------


def test_a_failed_create_leaves_nothing(host: Host) -> None:
    (host.root / "var/lib/vz/template/cache/bad.tar.gz").write_bytes(b"no archive")
    assert "exit code 2" in host.refused(
        "create", "101", "local:vztmpl/bad.tar.gz", "--rootfs", "local:1", "--mp0", "thin:1,mp=/x"
    )
    assert host.volumes() == []
    assert host.ok("list") == ""


def test_a_failed_clone_leaves_both_as_they_were(made: Host) -> None:
    before = made.conf(101)
    made.ok("set", "101", "--mp0", "/root,mp=/host")
    assert made.refused("clone", "101", "102") == "unable to clone mountpoint 'mp0' (type bind)"
    made.ok("set", "101", "--delete", "mp0")
    assert made.conf(101) == before
    assert made.refused("config", "102").startswith("Configuration file")


def test_firewall_rules_go_with_their_container_and_into_its_clones(made: Host) -> None:
    rules = made.root / "etc/pve/firewall"
    rules.mkdir()
    (rules / "101.fw").write_text("[OPTIONS]\nenable: 1\n")
    made.ok("clone", "101", "102")
    made.ok("destroy", "101")
    assert [(file.name, file.read_text()) for file in rules.iterdir()] == [("102.fw", "[OPTIONS]\nenable: 1\n")]


def test_a_mounted_container_is_locked(made: Host) -> None:
    assert made.ok("mount", "101") == "mounted CT 101 in '/var/lib/lxc/101/rootfs'\n"
    assert made.refused("set", "101", "--memory", "64") == "CT is locked (mounted)"
    made.ok("unmount", "101")
    assert made.refused("unmount", "101") == "no lock found trying to remove 'mounted'  lock"


def test_a_member_of_a_pool_leaves_it_when_destroyed(host: Host) -> None:
    users = host.root / "etc/pve/user.cfg"
    host.ok("create", "101", "local:vztmpl/debian.tar.gz", "--pool", "prod")
    host.ok("clone", "101", "102", "--pool", "prod")
    assert users.read_text().strip() == "pool:prod::101,102::"
    host.ok("destroy", "101")
    assert users.read_text().strip() == "pool:prod::102::"


@pytest.mark.parametrize(
    "damage", ["rootfs: =\nmp0: x\n", "rootfs\n", "\x00\x01", "[broken\nnet0: a=b=c\nrootfs: local:1,,=\n", ""]
)
@pytest.mark.parametrize(
    "command",
    [
        "config",
        "pending",
        "status",
        "list",
        "start",
        "resize",
        "clone",
        "destroy",
        "df",
        "fstrim",
        "template",
        "rescan",
    ],
)
def test_a_damaged_configuration_never_ends_in_a_traceback(made: Host, damage: str, command: str) -> None:
    (made.root / "etc/pve/nodes/pve1/lxc/101.conf").write_text(damage)
    words = {"resize": ["101", "rootfs", "+1G"], "clone": ["101", "102"], "list": [], "rescan": []}
    made.pct(command, *words.get(command, ["101"]))
    assert made.pct("status", "101", "--verbose") in {0, 2, 255}
    assert not (made.root / "var/log/fake-pve/mistakes.log").exists()


def test_a_container_under_ha_is_left_to_its_manager(made: Host) -> None:
    made.ok("create", "102", "local:vztmpl/debian.tar.gz", "--ha-managed", "1")
    assert (made.root / "etc/pve/ha/resources.cfg").read_text() == "ct: 102\n\tstate stopped\n\n"
    assert made.ok("start", "102") == "Requesting HA start for CT 102\n"
    assert made.ok("status", "102") == "status: stopped\n"
    assert (made.root / "etc/pve/ha/resources.cfg").read_text() == "ct: 102\n\tstate started\n\n"  # ha-manager-ha-024
    assert "used in HA resources" in made.refused("destroy", "102")
    assert "removed CT 102 from HA" in made.ok("destroy", "102", "--purge")
    assert (made.root / "etc/pve/ha/resources.cfg").read_text() == ""


# --- real guests -----------------------------------------------------------------------------------------


class Driver:
    """Stands for a driver of real containers: remembers what was asked of it, keeps files."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.specs: list[Any] = []
        self.power = False
        self.files: dict[str, bytes] = {}

    def create(self, _node: Node, kind: str, vmid: int, spec: Any) -> None:
        self.calls.append(f"create {kind} {vmid}")
        self.specs.append(spec)

    def start(self, _node: Node, kind: str, vmid: int, spec: Any) -> None:
        self.calls.append(f"start {kind} {vmid}")
        self.specs.append(spec)
        self.power = True

    def pid(self, _node: Node, _kind: str, _vmid: int) -> int:
        return 4711 if self.power else 0

    def running(self, _node: Node, _kind: str, _vmid: int) -> bool:
        return self.power

    def stop(self, _node: Node, kind: str, vmid: int) -> None:
        self.calls.append(f"stop {kind} {vmid}")
        self.power = False

    def shutdown(self, _node: Node, kind: str, vmid: int, timeout: float) -> bool:
        self.calls.append(f"shutdown {kind} {vmid} {timeout}")
        self.power = timeout > 5
        return not self.power

    def execute(
        self, _node: Node, _kind: str, _vmid: int, argv: list[str], *, fds: Any = (0, 1, 2), tty: bool = False
    ) -> int:
        if argv[:2] != ["/bin/sh", "-c"]:
            self.calls.append(f"{'terminal' if tty else 'run'} {' '.join(argv)}")
            return 3
        if argv[2].startswith("cat >"):
            self.files[argv[4]] = os.pread(fds[0], 1000, 0)
            self.calls.append(f"push {argv[2].partition(' && ')[2]} {' '.join(argv[4:])}")
            return 0
        os.write(fds[1], self.files.get(argv[4], b""))
        return int(argv[4] not in self.files)

    def remove(self, _node: Node, kind: str, vmid: int) -> None:
        self.calls.append(f"remove {kind} {vmid}")


@pytest.fixture
def real(host: Host, monkeypatch: pytest.MonkeyPatch) -> Driver:
    driver = Driver()
    monkeypatch.setattr(guests, "driver", lambda _node: driver)
    host.environ["FAKE_PVE_GUEST"] = "simulated"
    (host.root / "root/keys.pub").write_text("ssh-ed25519 AAAAC3Nz admin\n")
    return driver


def test_a_real_container_lives(host: Host, real: Driver) -> None:
    words = (
        "--password",
        "secret",
        "--ssh-public-keys",
        "/root/keys.pub",
        "--net0",
        "name=eth0,bridge=vmbr0,ip=10.0.0.5/24,gw=10.0.0.1",
    )
    host.ok("create", "101", "local:vztmpl/debian.tar.gz", "--hostname", "web", "--nameserver", "10.0.0.1", *words)
    assert (real.specs[0].password, real.specs[0].ssh_keys) == ("secret", "ssh-ed25519 AAAAC3Nz admin\n")
    host.ok("start", "101")
    spec = real.specs[1]
    assert (spec.hostname, spec.memory, spec.nameserver, spec.password) == ("web", 512, "10.0.0.1", "")
    assert spec.template == str(host.root / "var/lib/vz/template/cache/debian.tar.gz")
    assert (spec.nics[0].name, spec.nics[0].cidr, spec.nics[0].gateway) == ("eth0", "10.0.0.5/24", "10.0.0.1")
    assert host.pct("exec", "101", "--", "uname", "-a") == 3
    assert host.pct("enter", "101") == 3
    host.ok("push", "101", "/root/keys.pub", "/root/k", "--user", "web", "--perms", "600")
    host.ok("pull", "101", "/root/k", "/root/k2")
    assert (host.root / "root/k2").read_text() == "ssh-ed25519 AAAAC3Nz admin\n"
    assert host.pct("pull", "101", "/root/nope", "/root/k3") == 0
    assert host.err == "failed to open /root/nope\n"
    assert not (host.root / "root/k3").exists()
    assert "lxc-stop" in host.refused("shutdown", "101", "--timeout", "6")
    host.ok("shutdown", "101", "--timeout", "4")
    host.ok("destroy", "101")
    assert real.calls == [
        "create lxc 101", "start lxc 101", "run uname -a", "terminal /bin/bash --login",
        'push chmod 600 "$1" && chown "$2" "$1" /root/k web', "shutdown lxc 101 6.0", "shutdown lxc 101 4.0",
        "remove lxc 101",
    ]  # fmt: skip


def test_a_clone_of_a_real_container_has_its_template(host: Host, real: Driver) -> None:
    host.ok("create", "101", "local:vztmpl/debian.tar.gz")
    host.ok("clone", "101", "102")
    host.ok("start", "102")
    assert real.specs[-1].template == real.specs[0].template
    host.ok("stop", "102")
    assert real.calls[-1] == "stop lxc 102"


# --- what only looks like a mistake ----------------------------------------------------------------------


def test_the_environment_is_an_entry_of_lxc_in_the_file_and_an_option_elsewhere(made: Host) -> None:
    before = made.conf(101)
    made.ok("set", "101", "--env", "A=1")
    assert made.conf(101) == before + "lxc.environment.runtime: A=1\n"
    assert "env: A=1\n" in made.ok("config", "101")
    assert "cur env: A=1\n" in made.ok("pending", "101")
    made.ok("set", "101", "--env", "B=2", "--cores", "1")
    assert made.conf(101).endswith("unprivileged: 1\nlxc.environment.runtime: B=2\n")
    made.ok("set", "101", "--delete", "env,cores")
    assert made.conf(101) == before


@pytest.mark.parametrize("value", ["A", "=x", "A B", "A=1\x01"])
def test_an_environment_that_is_none(made: Host, value: str) -> None:
    before = made.conf(101)
    assert "env: value does not match the regex pattern" in made.refused("set", "101", "--env", value)
    assert made.conf(101) == before


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("local:101/vm-101-disk-8.raw", "failed to stat '/var/lib/vz/images/101/vm-101-disk-8.raw'\n"),
        ("local:8G", "Could not rescan volume size - unable to parse directory volume name '8G'\n\n"),
    ],
)
def test_a_mount_point_without_its_volume_is_told_and_kept(made: Host, source: str, told: str) -> None:
    made.ok("set", "101", "--mp0", f"{source},mp=/x")
    assert made.err == told
    assert f"mp0: {source},mp=/x\n" in made.conf(101)


def test_a_volume_that_cannot_go_back_leaves_its_container_locked(made: Host) -> None:
    path = made.root / "etc/pve/nodes/pve1/lxc/101.conf"
    path.write_text(made.conf(101) + "\n[s1]\nmemory: 64\nrootfs: local:101/vm-101-disk-0.raw,size=1G\nsnaptime: 1\n")
    assert made.refused("rollback", "101", "s1") == "can't rollback snapshot this image format"
    assert "lock: rollback\n" in made.conf(101)
    assert "memory: 512\n" in made.conf(101)
    made.ok("unlock", "101")
    assert made.refused("clone", "101", "102", "--snapname", "s1") == "clone failed: can't snapshot this image format"
    assert made.volumes() == ["vm-101-disk-0.raw"]


def test_a_folder_that_is_mounted_must_be_there(host: Host) -> None:
    line = ("create", "101", "local:vztmpl/debian.tar.gz", "--rootfs", "local:1", "--mp0", "/nowhere/data,mp=/data")
    assert host.refused(*line) == "unable to create CT 101 - directory '/nowhere/data' does not exist"
    assert host.volumes() == []
    (host.root / "nowhere/data").mkdir(parents=True)
    host.ok(*line)


def test_the_volumes_of_others_stay(made: Host) -> None:
    made.ok("create", "102", "local:vztmpl/debian.tar.gz", "--rootfs", "local:1")
    made.ok("set", "102", "--mp0", "local:101/vm-101-disk-0.raw,mp=/other")
    told = "ignore deletion of 'local:101/vm-101-disk-0.raw', CT 102 isn't the owner!\n"
    assert told in made.ok("destroy", "102")
    assert made.volumes() == ["vm-101-disk-0.raw"]
