"""`qm create`, `set`, `destroy` and cloud-init beyond the recordings; the pure parts behind them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from fake_pve import cloudinit, conf, sshkeys
from fake_pve.main import main
from fake_pve.node import Node
from fake_pve.vm import access, boot, crypt, drive, network, options

STORAGES = (
    "dir: local\n\tpath /var/lib/vz\n\tcontent images,iso,vztmpl,snippets,import\n\n"
    "lvmthin: thin\n\tthinpool data\n\tvgname pve\n\tcontent images\n\n"
)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n admin@example"


class Host:
    """A node that `qm` can be called on; `out` and `err` are what the last call printed."""

    def __init__(self, root: Path, **environ: str) -> None:
        self.root = root
        self.environ = {"FAKE_PVE_ROOT": str(root), "FAKE_PVE_GUEST": "none", "FAKE_PVE_TIME_SCALE": "0", **environ}
        self.out = self.err = ""

    def qm(self, *argv: str) -> int:
        streams = io.BytesIO(), io.BytesIO(), io.BytesIO()
        status = main("qm", list(argv), self.environ, *streams)
        self.out, self.err = (stream.getvalue().decode().replace(str(self.root), "") for stream in streams[1:])
        return status

    def ok(self, *argv: str) -> str:
        assert self.qm(*argv) == 0, self.err
        return self.out

    def refused(self, *argv: str) -> str:
        assert self.qm(*argv) not in {0, 70}
        return self.err

    def conf(self, vmid: int = 8001) -> conf.Conf:
        return conf.load(Node(self.environ), "qemu", vmid)

    def volumes(self) -> list[str]:
        files = [*(self.root / "var/lib/vz/images").rglob("*.*"), *(self.root / "dev").rglob("*")]
        return sorted(file.name for file in files if file.is_file())


@pytest.fixture
def host(tmp_path: Path) -> Host:
    for folder in ("etc/pve", "var/lib/vz/template/iso", "var/lib/vz/import", "var/lib/vz/snippets", "root"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/pve/storage.cfg").write_text(STORAGES)
    (tmp_path / "var/lib/vz/template/iso/a.iso").write_bytes(bytes(65536))
    with (tmp_path / "var/lib/vz/import/small.raw").open("wb") as file:
        file.truncate(4 * 1024 * 1024)
    (tmp_path / "var/lib/vz/snippets/user.yaml").write_text("#cloud-config\nhostname: mine\n")
    (tmp_path / "root/keys.pub").write_text(KEY + "\n")
    return Host(tmp_path)


# --- pure parts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("local:8,ssd=on,discard=on", "local:8,discard=on,ssd=1"),
        ("volume=local:8,size=1024M", "local:8,size=1G"),
        ("file=local:8,size=0", "local:8,size=0T"),
        ("local:8,size=3221225473,bps_rd_length=3", "local:8,bps_rd_max_length=3,size=3221225473"),
    ],
)
def test_drive_values_have_one_stored_form(given: str, stored: str) -> None:
    assert drive.print_(drive.parse(given)) == stored


@pytest.mark.parametrize(
    ("volume", "is_one"),
    [
        ("local:cloudinit", True),
        ("local:8001/vm-8001-cloudinit.qcow2", True),
        ("thin:vm-8001-cloudinit", True),
        ("local:8001/vm-8001-disk-0.raw", False),
        ("none", False),
    ],
)
def test_a_cloudinit_drive_is_known_by_its_volume(volume: str, is_one: bool) -> None:
    assert drive.is_cloudinit({"file": volume}) is is_one


@pytest.mark.parametrize(
    ("volume", "wish"),
    [
        ("local:8", ("local", 8 * 1024 * 1024)),
        ("local:0.5", ("local", 512 * 1024)),
        ("local:0.0000001", ("local", 1)),
        ("8", ("", 8 * 1024 * 1024)),
        ("local:8G", None),
        ("local:.5", None),
    ],
)
def test_the_wish_for_a_new_disk(volume: str, wish: tuple[str, int] | None) -> None:
    assert access.new_disk(volume) == wish


def test_boot_orders() -> None:
    options_ = {"ide2": "none,media=cdrom", "virtio0": "a:b", "sata0": "a:c", "net3": "virtio=x"}
    assert boot.default(options_) == ["virtio0", "ide2", "net3"]
    assert boot.order("order=scsi0;net0") == ["scsi0", "net0"]
    assert boot.order("cdn") == []
    assert boot.disks({"boot": "order=scsi0;net0"}) == ["scsi0"]
    assert boot.disks({"boot": "c", "bootdisk": "ide0"}) == ["ide0"]
    assert boot.disks({"boot": " "}) == []


def test_network_cards() -> None:
    assert network.print_(network.parse("model=virtio,macaddr=aa:bb:cc:00:00:01,tag=5,bridge=vmbr0,firewall=on")) == (
        "virtio=aa:bb:cc:00:00:01,bridge=vmbr0,firewall=1,tag=5"
    )


def test_tags_machines_and_escapes() -> None:
    assert options.tags("B;a,A c") == "a;b;c"
    assert options.pinned_machine(None) == "pc-i440fx-10.1"
    assert options.pinned_machine("q35,viommu=intel") == "pc-q35-10.1,viommu=intel"
    assert options.pinned_machine("pc-q35-8.0") is None
    assert options.uri_escape("a b+c\n") == "a%20b%2Bc%0A"


def test_passwords_are_hashed_as_crypt_does() -> None:
    expected = "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"  # openssl passwd -5
    assert crypt.sha256_crypt("Hello world!", "saltstring") == expected
    assert options.is_crypted(expected)
    assert not options.is_crypted("$ecret")


@pytest.mark.parametrize(
    ("line", "fine"),
    [
        (KEY, True),
        (f'command="ls -l" {KEY}', True),
        ("ssh-ed25519 AAAA admin@x", False),
        ("ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIJ0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n", False),
        ("not a key", False),
    ],
)
def test_ssh_keys(line: str, fine: bool) -> None:
    assert sshkeys.is_key(line) is fine


def test_the_network_of_the_cloudinit_drive(host: Host) -> None:
    found = conf.Conf(
        {
            "net0": "virtio=AA:BB:CC:00:00:01,bridge=vmbr0",
            "net1": "virtio=AA:BB:CC:00:00:02",
            "ipconfig0": "ip=10.0.0.5/20,gw=10.0.0.1,ip6=fd00::5/64,gw6=fd00::1",
            "nameserver": "1.1.1.1 8.8.8.8",
            "searchdomain": "",
        }
    )
    text = cloudinit.network_config(Node(host.environ), found)
    assert "netmask: '255.255.240.0'" in text
    assert "- type: static6\n        address: 'fd00::5/64'\n        gateway: 'fd00::1'\n" in text
    assert "eth1" not in text  # it has no ipconfig1
    assert text.endswith("      address:\n      - '1.1.1.1'\n      - '8.8.8.8'\n")
    (host.root / "etc/resolv.conf").write_text("search lan\nnameserver 9.9.9.9\n")
    assert cloudinit.dns(Node(host.environ), conf.Conf()) == (["9.9.9.9"], ["lan"])


# --- qm --------------------------------------------------------------------------------------------------------------


def test_a_provisioning_run(host: Host) -> None:
    host.ok(
        "create", "8001", "--name", "web", "--memory", "2048", "--scsihw", "virtio-scsi-single", "--scsi0",
        "local:0,import-from=/var/lib/vz/import/small.raw,discard=on,iothread=1", "--ide2", "local:cloudinit",
        "--boot", "order=scsi0", "--net0", "virtio,bridge=vmbr0", "--tags", "phoenix", "--description", "mine: yes",
    )  # fmt: skip
    host.ok("set", "8001", "--cicustom", "user=local:snippets/user.yaml", "--ipconfig0", "ip=10.0.0.5/24,gw=10.0.0.1")
    assert host.ok("start", "8001") == "generating cloud-init ISO\n"
    drive_folder = host.root / "var/lib/fake-pve/cloudinit/8001"
    assert (drive_folder / "user-data").read_text() == "#cloud-config\nhostname: mine\n"
    assert "address: '10.0.0.5'" in (drive_folder / "network-config").read_text()
    first = (drive_folder / "meta-data").read_text()
    assert first.startswith("instance-id: ")
    host.ok("set", "8001", "--ipconfig0", "ip=dhcp")
    host.ok("cloudinit", "update", "8001")
    assert (drive_folder / "meta-data").read_text() != first
    host.ok("stop", "8001")
    host.ok("destroy", "8001", "--purge")
    assert not drive_folder.exists()
    assert host.volumes() == []


def test_a_snippet_that_went_away_stops_the_start(host: Host) -> None:
    host.ok("create", "8001", "--ide2", "local:cloudinit", "--cicustom", "user=local:snippets/user.yaml")
    (host.root / "var/lib/vz/snippets/user.yaml").unlink()
    assert host.refused("start", "8001") == "volume 'local:snippets/user.yaml' does not exist\n"
    assert host.ok("status", "8001") == "status: stopped\n"


def test_a_failed_creation_leaves_nothing(host: Host) -> None:
    failed = host.refused("create", "8001", "--scsi0", "thin:1", "--scsi1", "local:0,import-from=/nope.img")
    assert failed == "unable to create VM 8001 - can't find file '/nope.img'\n"
    assert host.volumes() == []
    assert not conf.exists(Node(host.environ), "qemu", 8001)


def test_what_came_before_a_failing_change_waits(host: Host) -> None:
    host.ok("create", "8001", "--ide2", "local:cloudinit")
    host.refused("set", "8001", "--cores", "4", "--ide2", "local:cloudinit", "--memory", "1024")
    assert host.conf().pending == {"cores": "4"}
    host.ok("set", "8001", "--sockets", "1")
    assert host.conf().options["cores"] == "4"


def test_a_disc_goes_in_and_out_of_a_running_guest(host: Host) -> None:
    host.ok("create", "8001", "--ide2", "none", "--scsi0", "local:1")
    assert host.conf().options["ide2"] == "none,media=cdrom"
    host.ok("start", "8001")
    host.ok("set", "8001", "--ide2", "local:iso/a.iso,media=cdrom")
    assert host.conf().options["ide2"] == "local:iso/a.iso,media=cdrom,size=64K"
    host.ok("set", "8001", "--cdrom", "none")
    assert host.conf().options["ide2"] == "none,media=cdrom"
    assert "unable to change media type" in host.refused("set", "8001", "--ide2", "local:1")


def test_limits_of_a_disk_change_at_once_and_its_cache_waits(host: Host) -> None:
    host.ok("create", "8001", "--scsi0", "local:1")
    host.ok("start", "8001")
    host.ok("set", "8001", "--scsi0", "local:8001/vm-8001-disk-0.raw,mbps_rd=10")
    assert host.conf().options["scsi0"] == "local:8001/vm-8001-disk-0.raw,mbps_rd=10,size=1G"
    host.ok("set", "8001", "--scsi0", "local:8001/vm-8001-disk-0.raw,cache=none")
    assert host.conf().pending["scsi0"] == "local:8001/vm-8001-disk-0.raw,cache=none,size=1G"


@pytest.mark.parametrize(
    ("hotplug", "waits"),
    [("1", []), ("0", ["net1", "scsi1", "tablet"]), ("disk", ["net1", "tablet"]), ("network,usb", ["scsi1"])],
)
def test_what_may_be_plugged_is_the_guests_choice(host: Host, hotplug: str, waits: list[str]) -> None:
    host.ok("create", "8001", "--hotplug", hotplug)
    host.ok("start", "8001")
    host.ok("set", "8001", "--net1", "virtio,bridge=vmbr0", "--scsi1", "local:1", "--tablet", "0", "--onboot", "1")
    assert sorted(host.conf().pending) == waits
    host.ok("stop", "8001")
    assert sorted(host.conf().options.keys() & {"net1", "scsi1", "tablet"}) == ["net1", "scsi1", "tablet"]


@pytest.mark.parametrize(
    ("old", "new", "waits"),
    [("1", "enabled=1,fstrim_cloned_disks=1", False), ("1", "0", True), ("1", "1,type=isa", True), ("0", "1", True)],
)
def test_only_trimming_of_clones_needs_no_restart_of_the_agent(host: Host, old: str, new: str, waits: bool) -> None:
    host.ok("create", "8001", "--agent", old)
    host.ok("start", "8001")
    host.ok("set", "8001", "--agent", new)
    assert ("agent" in host.conf().pending) is waits


def test_the_balloon_itself_cannot_come_or_go(host: Host) -> None:
    host.ok("create", "8001", "--memory", "2048")
    host.ok("start", "8001")
    host.ok("set", "8001", "--balloon", "1024")
    host.ok("set", "8001", "--delete", "balloon")
    assert not host.conf().pending_delete
    host.ok("set", "8001", "--balloon", "0")
    assert host.conf().pending == {"balloon": "0"}
    assert host.refused("set", "8001", "--balloon", "4096").startswith("balloon value too large")


def test_a_template_makes_bases_of_new_disks(host: Host) -> None:
    host.ok("create", "8001", "--scsi0", "thin:1")
    host.ok("template", "8001")
    host.ok("set", "8001", "--scsi1", "thin:1", "--tpmstate0", "local:1,version=v2.0")
    assert host.volumes() == ["base-8001-disk-0", "base-8001-disk-0.raw", "base-8001-disk-1"]


def test_protection_keeps_drives(host: Host) -> None:
    host.ok("create", "8001", "--scsi0", "local:1", "--protection", "1")
    assert host.refused("set", "8001", "--delete", "scsi0") == "can't remove drive 'scsi0' - protection mode enabled\n"
    assert host.refused("destroy", "8001") == "can't remove VM 8001 - protection mode enabled\n"


def test_a_storage_that_is_gone_does_not_keep_the_guest(host: Host) -> None:
    host.ok("create", "8001", "--scsi0", "thin:1", "--scsi1", "local:1")
    (host.root / "etc/pve/storage.cfg").write_text(STORAGES.partition("\n\n")[0] + "\n")
    assert "storage 'thin' does not exist" in host.ok("destroy", "8001")
    assert host.err == "Task finished with 1 warning(s)!\n"
    assert not conf.exists(Node(host.environ), "qemu", 8001)


def test_ha_and_backup_jobs_forget_a_purged_guest(host: Host) -> None:
    (host.root / "etc/pve/jobs.cfg").write_text("vzdump: a\n\tvmid 8001,8002\n\nvzdump: b\n\tvmid 8001\n")
    host.ok("create", "8001", "--ha-managed", "1")
    assert "used in HA resources" in host.refused("destroy", "8001")
    assert "NOTE: removed VM 8001 from HA" in host.ok("destroy", "8001", "--purge")
    assert (host.root / "etc/pve/jobs.cfg").read_text() == "vzdump: a\n\tvmid 8002\n\n"
    assert (host.root / "etc/pve/ha/resources.cfg").read_text() == ""


def test_firewall_rules_go_with_their_guest_and_into_its_clones(host: Host) -> None:
    rules = host.root / "etc/pve/firewall"
    rules.mkdir()
    host.ok("create", "8001")
    (rules / "8001.fw").write_text("[OPTIONS]\nenable: 1\n")
    host.ok("clone", "8001", "8002")
    host.ok("destroy", "8001")
    assert [file.name for file in rules.iterdir()] == ["8002.fw"]
    assert (rules / "8002.fw").read_text() == "[OPTIONS]\nenable: 1\n"
    host.ok("clone", "8002", "8003")
    host.ok("destroy", "8003")
    assert [file.name for file in rules.iterdir()] == ["8002.fw"]


def test_a_seed_makes_everything_repeat(tmp_path: Path) -> None:
    texts = []
    for name in ("one", "two"):
        (tmp_path / name / "etc/pve").mkdir(parents=True)
        seeded = Host(tmp_path / name, FAKE_PVE_SEED="7")
        seeded.ok("create", "8001", "--net0", "virtio")
        seeded.ok("set", "8001", "--net1", "virtio", "--cipassword", "secret")
        texts.append(seeded.conf().text)
    assert texts[0] == texts[1]
    assert len({line for line in texts[0].split("\n") if line.startswith("net")}) == 2


def test_passwords_are_neither_shown_nor_kept(host: Host) -> None:
    host.ok("create", "8001")
    assert host.ok("set", "8001", "--cipassword", "secret") == "update VM 8001: -cipassword <hidden>\n"
    assert host.conf().options["cipassword"].startswith("$5$")
    assert "cipassword: **********\n" in host.ok("config", "8001")


def test_keys_are_read_from_a_file_and_checked(host: Host) -> None:
    host.ok("create", "8001", "--sshkeys", "/root/keys.pub")
    assert f"  - {KEY}\n" in host.ok("cloudinit", "dump", "8001", "user")
    (host.root / "root/bad.pub").write_text("not a key\n")
    assert host.refused("set", "8001", "--sshkeys", "/root/bad.pub") == "SSH public key validation error\n"


def test_a_hand_mangled_drive_is_no_traceback(host: Host) -> None:
    host.ok("create", "8001", "--scsi0", "local:1")
    path = host.root / "etc/pve/nodes/pve1/qemu-server/8001.conf"
    path.write_text(path.read_text().replace("scsi0: local:8001/vm-8001-disk-0.raw", "scsi0: ,,=x"))
    for argv in (("config", "8001"), ("set", "8001", "--cores", "2"), ("destroy", "8001")):
        assert host.qm(*argv) in {0, 2, 255}


def test_one_cloudinit_drive_is_enough(host: Host) -> None:
    failed = host.refused("create", "8001", "--ide2", "local:cloudinit", "--ide3", "local:cloudinit")
    assert failed == "unable to create VM 8001 - ide2 - cloud-init drive is already attached at 'ide3'\n"
    assert host.volumes() == []


@pytest.mark.parametrize("argv", [("create", "8002", "--ciuser", "a\nlock: backup"), ("set", "8001", "--args", "a\rb")])
def test_a_value_cannot_smuggle_lines_into_the_file(host: Host, argv: tuple[str, ...]) -> None:
    host.ok("create", "8001")
    before = host.conf().text
    assert "property contains a line feed" in host.refused(*argv)
    assert host.conf().text == before
    assert not conf.exists(Node(host.environ), "qemu", 8002)
