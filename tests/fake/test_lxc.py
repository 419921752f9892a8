"""What `pct` shares: file systems' counts, templates, mount points, interfaces, waiting values."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from fake_pve import bridges, pools, sizes
from fake_pve.conf import Conf, Section
from fake_pve.errors import CommandFailed
from fake_pve.lxc import archive, changes, ext4, mountpoint, network
from fake_pve.node import Node

GIB = 1024**3
ELF_AMD64 = b"\x7fELF\x02\x01" + bytes(12) + (62).to_bytes(2, "little") + bytes(44)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    (tmp_path / "etc/pve").mkdir(parents=True)
    return Node({"FAKE_PVE_ROOT": str(tmp_path), "FAKE_PVE_GUEST": "none"})


# --- sizes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (GIB, "1G"),
        (1536 * 1024**2, "1536M"),
        (0, "0T"),
        (512 * 1024**2, "512M"),
        (1024, "1K"),
        (1000, "1000"),
        (2**40, "1T"),
    ],
)
def test_a_size_is_written_shortest(size: int, text: str) -> None:
    assert sizes.text(size) == text


@pytest.mark.parametrize(
    ("text", "size"),
    [("8G", 8 * GIB), ("1.5G", 3 * GIB // 2), ("100", 100), ("512M", GIB // 2), ("G", None), ("1.G", None), ("", None)],
)
def test_a_size_is_read(text: str, size: int | None) -> None:
    assert sizes.parse(text) == size


@pytest.mark.parametrize(
    ("number", "factor", "down", "up"),
    [("3", 1024, 3072, 3072), ("0.3", 1024, 307, 308), ("1.5", 2, 3, 3), ("0." + "9" * 400, 1024, 1023, 1024)],
)
def test_a_number_times_a_unit_is_exact(number: str, factor: int, down: int, up: int) -> None:
    assert (sizes.times(number, factor), sizes.times(number, factor, up=True)) == (down, up)


# --- file systems ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "inodes", "used"),
    [(GIB, 65536, 13479), (2 * GIB, 131072, 26680), (4 * GIB, 262144, 37466)],  # pct-resize-001, pct-walk-030, -070
)
def test_a_file_system_counts_as_mke2fs_does(size: int, inodes: int, used: int) -> None:
    system = ext4.filled(ext4.make(size))
    assert (system.inodes, system.used_inodes, system.used_blocks) == (inodes, 71, used)


def test_counts_survive_on_the_volume(tmp_path: Path) -> None:
    path = tmp_path / "vm-101-disk-0.raw"
    path.touch()
    system = ext4.filled(ext4.make(GIB))
    ext4.write(str(path), system)
    found = ext4.read(str(path))
    assert found is not None
    assert ext4.counts_text(found) == "71/65536 files (0.0% non-contiguous), 13479/262144 blocks"
    assert found.reserved == system.reserved


def test_a_grown_file_system_keeps_its_journal() -> None:
    grown = ext4.grown(ext4.filled(ext4.make(GIB)), 2 * GIB)
    assert (grown.blocks, grown.inodes) == (524288, 131072)
    assert grown.used_blocks == 13479 + 8 * 514 + 129  # eight groups more, a superblock's copy in group 9


def test_what_is_no_file_system_has_no_counts(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(bytes(4096))
    assert ext4.read(str(tmp_path / "empty")) is None
    assert ext4.read(str(tmp_path / "missing")) is None


@pytest.mark.parametrize(
    ("count", "found"), [(1, [0]), (2, [0, 1]), (10, [0, 1, 3, 5, 7, 9]), (50, [0, 1, 3, 5, 7, 9, 25, 27, 49])]
)
def test_superblocks_are_kept_in_some_groups(count: int, found: list[int]) -> None:
    assert ext4.backups(count) == found


# --- templates -------------------------------------------------------------------------------------------


def template(path: Path, files: dict[str, bytes]) -> str:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    path.write_bytes(gzip.compress(buffer.getvalue()) + bytes(1000))  # what follows the stream is passed over
    return str(path)


@pytest.mark.parametrize(
    ("files", "ostype", "arch"),
    [
        ({"etc/os-release": b'NAME="Debian"\nID=debian\n', "bin/sh": ELF_AMD64}, "debian", "amd64"),
        ({"usr/lib/os-release": b'ID="opensuse-leap"\n'}, "opensuse", None),
        ({"etc/os-release": b"ID=rocky\n"}, "centos", None),
        ({"etc/os-release": b"ID=beos\n", "usr/bin/dash": ELF_AMD64}, None, "amd64"),
        ({"etc/alpine-release": b"3.20\n"}, "alpine", None),
        ({}, None, None),
    ],
)
def test_a_template_tells_what_it_holds(
    tmp_path: Path, files: dict[str, bytes], ostype: str | None, arch: str | None
) -> None:
    found = archive.look(template(tmp_path / "t.tar.gz", files))
    assert (found.ostype, found.arch) == (ostype, arch)


@pytest.mark.parametrize(
    "content",
    [b"", b"not packed at all", gzip.compress(b"no tar" * 200, mtime=0), gzip.compress(bytes(100), mtime=0)[:20]],
    ids=["empty", "not packed", "no tar inside", "cut off"],
)
def test_what_is_no_archive_fails_as_tar_does(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.tar.gz"
    path.write_bytes(content)
    with pytest.raises(CommandFailed, match="failed: exit code 2"):
        archive.look(str(path))


def test_a_zstd_template_is_known_by_its_name() -> None:
    found = archive.look("/x/ubuntu-24.04-standard_24.04-2_amd64.tar.zst")
    assert (found.ostype, found.arch) == ("ubuntu", "amd64")
    assert archive.look("/x/something.tar.zst").ostype is None


# --- mount points ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "text", "stored"),
    [
        ("mp0", "volume=local:1,mp=data", "local:1,mp=data"),
        ("mp0", "size=1G,mp=/d,backup=on,/root", "/root,mp=/d,backup=1,size=1G"),
        ("rootfs", "local:101/x.raw,size=1G,acl=1", "local:101/x.raw,acl=1,size=1G"),
    ],
)
def test_a_mount_point_is_stored_in_order(key: str, text: str, stored: str) -> None:
    assert mountpoint.render(key, mountpoint.parse(key, text)) == stored


@pytest.mark.parametrize(
    ("key", "text", "lines"),
    [
        ("mp0", None, ["volume", "mp"]),
        ("rootfs", None, ["volume"]),
        ("mp3", "local:1", ["mp"]),
        ("rootfs", "size=8G", ["volume"]),
    ],
)
def test_a_mount_point_lacks_what_it_needs(key: str, text: str | None, lines: list[str]) -> None:
    with pytest.raises(CommandFailed) as failure:
        mountpoint.parse(key, text)
    wanted = ["format error", *(f"{line}: property is missing and it is not optional" for line in lines)]
    assert failure.value.message.split("\n") == wanted


def test_a_damaged_mount_point_is_an_error_with_a_message() -> None:
    with pytest.raises(CommandFailed, match="missing key in comma-separated list property"):
        mountpoint.parse("mp0", "=x")


@pytest.mark.parametrize(
    ("source", "gib"),
    [
        ("local:8", "8"),
        ("local:0.5", "0.5"),
        ("local:8G", None),
        ("local:101/x.raw", None),
        ("/root", None),
        (":1", None),
    ],
)
def test_a_bare_number_asks_for_a_new_volume(source: str, gib: str | None) -> None:
    assert mountpoint.new_size(source) == gib


def test_mount_points_come_in_mounting_order() -> None:
    assert mountpoint.keys({"mp10": "", "mp2": "", "rootfs": "", "memory": "", "mpx": ""}) == ["rootfs", "mp2", "mp10"]


def test_an_unused_volume_is_remembered_once_and_forgotten_when_mounted() -> None:
    conf = Conf({"unused0": "local:a", "rootfs": "local:r"})
    mountpoint.add_unused(conf, "local:b")
    mountpoint.add_unused(conf, "local:b")
    assert conf.options["unused1"] == "local:b"
    conf.options["mp0"] = "local:a,mp=/a"
    mountpoint.drop_used_unused(conf)
    assert sorted(conf.options) == ["mp0", "rootfs", "unused1"]


def test_a_snapshot_uses_its_volumes() -> None:
    conf = Conf({"mp0": "local:a,mp=/a"})
    assert not mountpoint.in_use(conf, "local:a", "mp0")
    conf.snapshots["s1"] = Section({"mp0": "local:a,mp=/a"})
    assert mountpoint.in_use(conf, "local:a", "mp0")


# --- interfaces, bridges, pools --------------------------------------------------------------------------


def test_an_interface_gets_an_address_and_a_type(node: Node) -> None:
    text = network.completed(node, "ip=dhcp,bridge=vmbr0,name=eth0")
    assert text.startswith("name=eth0,bridge=vmbr0,hwaddr=BC:24:11:")
    assert text.endswith(",ip=dhcp,type=veth")
    assert network.completed(node, text) == text
    assert network.with_new_mac(node, text) != text


def test_a_node_has_the_bridges_of_its_interfaces_file(node: Node) -> None:
    assert bridges.exists(node, "vmbr0")
    assert not bridges.exists(node, "vmbr1")
    (Path(node.root) / "etc/network").mkdir()
    (Path(node.root) / "etc/network/interfaces").write_text(
        "auto lo vmbr1\niface vmbr1 inet manual\n\tbridge-ports none\n"
    )
    assert bridges.names(node) == {"lo", "vmbr1"}


def test_two_interfaces_cannot_have_one_name() -> None:
    network.check_names("101", {"net0": "name=eth0", "net1": "name=eth1"})
    with pytest.raises(CommandFailed, match="startup for container '101' failed"):
        network.check_names("101", {"net0": "name=eth0", "net1": "name=eth0"})


def test_guests_join_and_leave_pools(node: Node) -> None:
    users = Path(node.root) / "etc/pve/user.cfg"
    users.write_text("user:root@pam:1:0::::::\n\npool:prod:::::\npool:test::9000::\n")
    pools.check(node, "prod")
    pools.check(node, None)
    with pytest.raises(CommandFailed, match="pool 'nope' does not exist"):
        pools.check(node, "nope")
    pools.add(node, "prod", 1000)
    pools.add(node, "prod", 101)
    assert "pool:prod::101,1000::\n" in users.read_text()
    pools.remove(node, 101)
    pools.remove(node, 4711)
    assert users.read_text() == "user:root@pam:1:0::::::\n\n\npool:prod::1000::\npool:test::9000::\n\n\n"


# --- values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "stored"), [("Web,db", "db;web"), ("b;a", "a;b"), ("x x", "x")])
def test_tags_are_sorted_and_lower_case(given: str, stored: str) -> None:
    assert changes.unique_tags(given) == stored


def test_waiting_values_that_are_in_effect_are_dropped() -> None:
    conf = Conf({"memory": "512", "tty": "2"}, "text\n")
    conf.pending = {"memory": "512", "tty": "1"}
    conf.pending_description = "text\n"
    conf.pending_delete = {"tty": False, "swap": False}
    changes.drop_settled(conf)
    assert conf.pending == {"tty": "1"}
    assert conf.pending_delete == {"tty": False}
    assert conf.pending_description is None
