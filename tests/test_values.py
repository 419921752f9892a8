"""Property strings, sizes and the files of a node, by meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_pve import image, pve_conf, storage_cfg
from phoenix_pve.guest import Network
from phoenix_pve.values import disk, ipconfig, nic, props, root, size, text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "virtio=BC:24:11:00:80:01,bridge=vmbr0",
            {"model": "virtio", "macaddr": "BC:24:11:00:80:01", "bridge": "vmbr0"},
        ),
        (
            "bridge=vmbr0,virtio=bc:24:11:00:80:01",
            {"model": "virtio", "macaddr": "BC:24:11:00:80:01", "bridge": "vmbr0"},
        ),
        ("model=e1000,macaddr=AA:00:00:00:00:00", {"model": "e1000", "macaddr": "AA:00:00:00:00:00"}),
        ("virtio,bridge=vmbr0", {"model": "virtio", "bridge": "vmbr0"}),
        ("", {}),
    ],
)
def test_network_cards_of_vms(text: str, expected: dict[str, str]) -> None:
    assert nic.parse_vm(text) == expected


def test_a_card_keeps_what_is_not_stated() -> None:
    now = nic.parse_vm("e1000=AA:00:00:00:00:01,bridge=vmbr0,firewall=1,tag=5")
    wanted = nic.wanted_vm(Network("vmbr1"), now)
    assert nic.format_vm(wanted) == "e1000=AA:00:00:00:00:01,bridge=vmbr1,firewall=1,tag=5"


@given(st.dictionaries(st.text("abcdef", min_size=1), st.text("xyz0:/.", min_size=1), max_size=5))
def test_property_strings_survive_a_round_trip(values: dict[str, str]) -> None:
    assert props.parse(props.format_props(values)) == values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("local-lvm:vm-8001-disk-0,size=8G", disk.Disk("local-lvm:vm-8001-disk-0", 8 << 30)),
        ("file=local:8001/a.raw,size=512M", disk.Disk("local:8001/a.raw", 512 << 20)),
        ("volume=local:101/a.raw,mp=/srv", disk.Disk("local:101/a.raw", None)),
        ("none,media=cdrom", disk.Disk("none", None, cdrom=True)),
        ("local:a,size=huge", disk.Disk("local:a", None)),
    ],
)
def test_drives(text: str, expected: disk.Disk) -> None:
    assert disk.parse(text) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("scsi0", True),
        ("unused12", True),
        ("rootfs", True),
        ("mp0", True),
        ("efidisk0", True),
        ("scsihw", False),
        ("net0", False),
        ("memory", False),
    ],
)
def test_slots(key: str, expected: bool) -> None:
    assert disk.is_slot(key) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("32G", 32 << 30), ("4M", 4 << 20), ("512K", 512 << 10), ("1T", 1 << 40), ("42", 42), ("1.5G", 3 << 29)],
)
def test_sizes_are_bytes(text: str, expected: int) -> None:
    assert size.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["1e999G", "nan", "inf", "-1G", "", "G", "1_0G", "٣G", "²", "1 G", "1G\n", "4\u212a", "1.G", "9" * 5000]
)
def test_what_is_no_size_is_no_traceback(text: str) -> None:
    with pytest.raises(ValueError, match="no size"):
        size.parse(text)
    assert disk.parse(f"local:8001/vm-8001-disk-0.raw,size={text}").bytes is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [(32 << 30, "32 GiB"), (7 << 29, "3.5 GiB"), (4 << 20, "4 MiB"), (1 << 40, "1 TiB"), (3, "3 bytes")],
)
def test_sizes_are_shown_readably(value: int, expected: str) -> None:
    assert size.shown(value) == expected


def test_an_address_keeps_what_is_set_for_ipv6() -> None:
    assert ipconfig.wanted(Network("b", ip="dhcp"), "ip=10.0.0.5/24,gw=10.0.0.1,ip6=auto") == "ip=dhcp,ip6=auto"


@pytest.mark.parametrize(
    "there", ["", "ip=dhcp", "ip=10.0.0.5/24", "ip=10.0.0.5/24,gw=10.0.0.1,ip6=auto", "ip=dhcp,gw=10.0.0.1", "ip6=auto"]
)
def test_an_address_of_which_nothing_is_stated_is_left_alone(there: str) -> None:
    assert ipconfig.same(ipconfig.wanted(Network("b"), there), there)
    assert ipconfig.conflicts(Network("b"), props.parse(there)) == []


@pytest.mark.parametrize("there", ["", "ip=10.0.0.5/24,gw=10.0.0.1", "ip=10.0.0.5/24,gw=10.0.0.1,ip6=auto"])
def test_a_new_vm_gets_dhcp_and_nothing_of_its_sources_address(there: str) -> None:
    assert ipconfig.wanted(Network("b"), there, new=True).split(",")[0] == "ip=dhcp"
    assert "gw=" not in ipconfig.wanted(Network("b", ip="10.0.0.6/24"), there, new=True)


MODELS = ["e1000", "e1000-82540em", "e1000-82544gc", "e1000-82545em", "e1000e", "i82551", "i82557b", "i82559er",
          "ne2k_isa", "ne2k_pci", "pcnet", "rtl8139", "virtio", "vmxnet3"]  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_a_card_of_every_model_is_kept_in_either_spelling(model: str) -> None:
    for card_text in (
        f"{model}=bc:24:11:00:80:01,bridge=vmbr0,tag=3",
        f"tag=3,bridge=vmbr0,model={model},macaddr=BC:24:11:00:80:01",
    ):
        card = nic.parse_vm(card_text)
        assert card == {"model": model, "macaddr": "BC:24:11:00:80:01", "bridge": "vmbr0", "tag": "3"}
        assert nic.format_vm(nic.wanted_vm(Network("vmbr1"), card)).startswith(f"{model}=BC:24:11:00:80:01,")
    assert nic.format_vm(nic.parse_vm(f"{model},bridge=vmbr0")) == f"{model},bridge=vmbr0"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"boot": "order=scsi0"}, "scsi0"),
        ({"boot": "order=virtio0;net0", "virtio0": "a:vm-1-disk-0", "scsi0": "a:vm-1-disk-1"}, "virtio0"),
        ({"boot": "order=ide2;net0;sata0", "sata0": "a:vm-1-disk-0", "ide2": "local:iso/a.iso,media=cdrom", "scsi1": "a:b"}, "sata0"),
        ({"boot": "order=ide0;scsi1", "ide0": "a:vm-1-cloudinit,media=cdrom", "scsi1": "a:vm-1-disk-0"}, "scsi1"),
        ({"boot": "order=scsi5;scsi1", "scsi1": "a:vm-1-disk-0", "scsi2": "a:b"}, "scsi1"),
        ({"boot": "order=net0", "sata3": "a:b"}, "sata3"),
        ({"boot": "order=net0", "sata3": "a:b", "scsi1": "a:c"}, ""),
        ({"boot": "cdn", "bootdisk": "virtio1", "virtio0": "a:b", "virtio1": "a:c"}, "virtio1"),
        ({"boot": "c", "bootdisk": "virtio1", "virtio0": "a:b", "scsi1": "a:c"}, ""),
        ({"bootdisk": "ide0", "ide0": "a:b", "ide1": "a:c"}, "ide0"),
        ({"boot": "legacy=cdn", "bootdisk": "ide2", "ide2": "none,media=cdrom", "ide1": "a:c"}, "ide1"),
        ({"boot": " ", "scsi0": "a:b"}, "scsi0"),
        ({"boot": "", "efidisk0": "a:b", "unused0": "a:c", "tpmstate0": "a:d"}, ""),
        ({"boot": "order=scsi0", "scsi0": "/dev/disk/by-id/ata-1,size=4T"}, "scsi0"),
        ({"virtio0": "a:b", "scsihw": "virtio-scsi-single", "ide2": "local:1/vm-1-cloudinit.qcow2,media=cdrom"}, "virtio0"),
    ],
)  # fmt: skip
def test_the_root_disk_is_what_boot_names(options: dict[str, str], expected: str) -> None:
    there = (
        options if expected != "scsi0" or "scsi0" in options else {**options, "scsi0": "a:vm-1-disk-0", "scsi1": "a:b"}
    )
    assert root.slot(there) == expected


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ("local-lvm:vm-8001-disk-0", 8001),
        ("local-lvm:base-900-disk-0", 900),
        ("zfs:subvol-101-disk-1", 101),
        ("zfs:base-900-disk-0/vm-101-disk-0", 101),
        ("zfs:basevol-900-disk-0/subvol-101-disk-0", 101),
        ("local:8001/vm-8001-disk-0.raw", 8001),
        ("local:8001/mine.qcow2", 8001),
        ("local:900/base-900-disk-0.qcow2/8002/vm-8002-disk-0.qcow2", 8002),
        ("local:8001/vm-8001-cloudinit.qcow2", 8001),
        ("local:iso/a.iso", None),
        ("rbd:mine", None),
        (f"local:{'9' * 5000}/mine.raw", None),
        (f"local-lvm:vm-{'9' * 5000}-disk-0", None),
        ("none", None),
        ("/dev/disk/by-id/vm-8001-disk-0", None),
        ("/mnt/8001/vm-8001-disk-0.raw", None),
    ],
)
def test_a_volume_belongs_to_the_guest_in_its_name(volume: str, expected: int | None) -> None:
    assert disk.owner_of(volume) == expected


CONF = b"""#notes with %25 and %C3%A4
#second
boot:
cores: 2
description: not this
net0: virtio=BC:24:11:00:80:01,bridge=vmbr0

[PENDING]
cores: 4
delete: !serial0,vga

[special:cloudinit]
added: nameserver,net1
ipconfig0: ip=dhcp
name: old
net0: virtio=BC:24:11:00:80:01,bridge=vmbr1

[snap]
cores: 1
"""


def test_a_configuration_file_with_sections() -> None:
    conf = pve_conf.parse(CONF)
    assert conf.description == "notes with % and ä\nsecond"
    assert (conf.current["cores"], conf.options["cores"], conf.current["boot"]) == ("2", "4", "")
    assert conf.deleted == {"serial0", "vga"}
    assert conf.stale == {"nameserver", "ipconfig0"}
    assert "serial0" not in conf.options
    assert len(conf.digest) == 40


@given(st.binary(max_size=200))
def test_any_bytes_can_be_read_as_configuration(data: bytes) -> None:
    pve_conf.parse(data)


def test_storages() -> None:
    found = storage_cfg.parse(
        "# c\ndir: local\n\tpath /var/lib/vz/\n\tcontent iso,snippets\n\nlvmthin: lvm\n\tvgname pve\n\ndir: off\n\tpath /o\n\tdisable\n"
    )
    assert (found["local"].path, found["local"].content) == ("/var/lib/vz", {"iso", "snippets"})
    assert (found["lvm"].path, found["lvm"].content, found["off"].disabled) == ("", {"images", "rootdir"}, True)


def test_snippets_may_have_a_folder_of_another_name() -> None:
    found = storage_cfg.parse("dir: a\n\tpath /a\n\tcontent-dirs iso=isos,snippets=my/snips\n\ndir: b\n\tpath /b\n")
    assert (found["a"].snippets_folder, found["b"].snippets_folder) == ("/a/my/snips", "/b/snippets")


@pytest.mark.parametrize("content", storage_cfg.FOLDERS)
def test_any_content_may_have_a_folder_of_another_name(content: str) -> None:
    found = storage_cfg.parse(f"dir: a\n\tpath /a\n\tcontent-dirs {content}=my/own\n\ndir: b\n\tpath /b\n")
    assert (found["a"].folder(content), found["b"].folder(content)) == (
        "/a/my/own",
        f"/b/{storage_cfg.FOLDERS[content]}",
    )


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("dir", "images,rootdir"), ("btrfs", "images,rootdir"), ("lvmthin", "images,rootdir"), ("zfspool", "images,rootdir"), ("lvm", "images"),
     ("nfs", "images"), ("cifs", "images"), ("rbd", "images"), ("iscsi", "images"), ("cephfs", "backup"), ("pbs", "backup"), ("esxi", "import")],
)  # fmt: skip
def test_a_storage_without_content_holds_what_its_type_does(kind: str, expected: str) -> None:
    assert storage_cfg.parse(f"{kind}: aa\n\tpath /a\n")["aa"].content == set(expected.split(","))


def test_the_storage_local_is_always_there() -> None:
    assert storage_cfg.parse("").keys() == {"local"}
    assert storage_cfg.parse("nfs: local\n\tserver x\n")["local"].type == "dir"
    assert storage_cfg.parse("dir: local\n\tpath /x\n")["local"].content == {"images", "rootdir"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", ("", True)),
        ("\tis_mountpoint yes\n", ("/a", True)),
        ("\tis_mountpoint 1\n\tmkdir 0\n", ("/a", False)),
        ("\tis_mountpoint /mnt/b\n\tcreate-base-path no\n", ("/mnt/b", False)),
        ("\tis_mountpoint no\n\tcreate-base-path 1\n\tmkdir 0\n", ("", True)),
    ],
)
def test_a_storage_may_have_to_be_mounted_first(options: str, expected: tuple[str, bool]) -> None:
    found = storage_cfg.parse(f"dir: aa\n\tpath /a\n{options}")["aa"]
    assert (found.mountpoint, found.makes_folder) == expected


NO_LINE_ENDS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


@pytest.mark.parametrize("char", NO_LINE_ENDS)
def test_a_line_of_proxmoxs_files_ends_at_a_line_feed_alone(char: str) -> None:
    conf = pve_conf.parse(f"mp0: local:1,mp=/srv{char}tags: phoenix\n{char}tags: phoenix\n".encode())
    assert "tags" not in conf.options
    found = storage_cfg.parse(f"dir: aa\n\tpath /a{char}\tcontent iso\n{char}path /b\n")["aa"]
    assert "iso" not in found.content
    assert found.path.startswith("/a")


@pytest.mark.parametrize("char", [*"\x1c\x1d\x1e\x1f\x85\xa0\u2028\u3000"])
def test_only_what_perl_takes_for_a_blank_is_none(char: str) -> None:
    assert pve_conf.parse(f"tags: {char}phoenix{char}\r\n".encode()).options["tags"] == f"{char}phoenix{char}"


@pytest.mark.parametrize(
    ("string", "expected"),
    [
        ("", []),
        ("a", ["a"]),
        ("a\n", ["a"]),
        ("a\n\nb", ["a", "", "b"]),
        ("\n", [""]),
        ("a\r\n", ["a\r"]),
        (NO_LINE_ENDS, [NO_LINE_ENDS]),
    ],
)
def test_lines_are_what_is_between_line_feeds(string: str, expected: list[str]) -> None:
    assert text.lines(string) == expected


@given(st.text(max_size=200))
def test_any_text_can_be_read_as_storages(text: str) -> None:
    storage_cfg.parse(text)


def qcow2(virtual: int, l1: tuple[int, ...] = ()) -> bytes:
    """The first bytes of a qcow2 image with clusters of 64 KiB, as qemu-img lays it out."""
    header = b"QFI\xfb" + (3).to_bytes(4, "big") + bytes(12) + (16).to_bytes(4, "big") + virtual.to_bytes(8, "big")
    table = (3 << 16 if l1 else 0).to_bytes(8, "big")
    made = header + bytes(4) + len(l1).to_bytes(4, "big") + table
    return made.ljust(3 << 16, b"\0") + b"".join((1 << 63 | offset).to_bytes(8, "big") for offset in l1)


DISK = bytes(510) + b"\x55\xaa"
MIB = 1 << 20


@pytest.mark.parametrize(
    ("length", "head", "expected"),
    [
        (MIB, qcow2(7 << 30), image.Image("qcow2", 7 << 30)),
        (MIB, qcow2(7 << 30, (0, MIB - 65536)), image.Image("qcow2", 7 << 30)),
        (1000, b"KDMV" + bytes(8) + (2048).to_bytes(8, "little"), image.Image("vmdk", 2048 * 512)),
        (1024, DISK, image.Image("raw", 1024)),
    ],
)
def test_images_tell_their_virtual_size(length: int, head: bytes, expected: image.Image) -> None:
    assert image.inspect(length, head) == expected


@pytest.mark.parametrize(
    ("length", "head", "problem"),
    [
        (0, b"", "is empty"),
        (40, qcow2(7 << 30)[:40], "is cut off: it has 40 bytes, and refers to at least 72"),
        (3, b"QFI", "is no disk image"),
        (MIB, qcow2(7 << 30, (2 * MIB, MIB)), f"is cut off: it has {MIB} bytes, and refers to at least {2 * MIB + 65536}"),
        (3 << 16, qcow2(7 << 30, (MIB,))[: 3 << 16], "is cut off"),
        (100, b"KDMV", "is cut off"),
        (28, b"<html>404 Not Found</html>\r\n", "is no disk image"),
        (MIB, bytes(512), "is no disk image"),
        (MIB, b"\xfd7zXZ" + bytes(507), "is packed with xz: unpack it first"),
        (MIB, b"\x1f\x8b" + bytes(510), "is packed with gzip"),
    ],
)  # fmt: skip
def test_an_image_that_cannot_boot_is_known_by_its_first_bytes(length: int, head: bytes, problem: str) -> None:
    assert image.inspect(length, head).problem.startswith(problem)


@given(length=st.integers(0, 1 << 40), head=st.binary(max_size=600), kind=st.sampled_from([b"", b"QFI\xfb", b"KDMV"]))
def test_any_bytes_can_be_inspected(length: int, head: bytes, kind: bytes) -> None:
    image.inspect(length, kind + head)
    image.inspect_archive(length, kind + head)


@pytest.mark.parametrize(
    ("length", "head", "problem"),
    [
        (0, b"", "is empty"),
        (900, b"<html>", "is no archive"),
        (900, b"PK\x03\x04", "is no archive"),
        (900, b"\x28\xb5\x2f\xfd", ""),
        (900, b"\x1f\x8b", ""),
        (900, bytes(257) + b"ustar", ""),
    ],
)
def test_a_template_is_an_archive(length: int, head: bytes, problem: str) -> None:
    assert image.inspect_archive(length, head).problem == problem


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("local:101/a.raw,mp=/srv,size=4G", "local:101/a.raw,size=4G,mp=/srv", True),
        ("local:101/a.raw,mp=/srv,backup=yes", "local:101/a.raw,backup=1,mp=/srv", True),
        ("local:101/a.raw,mp=/srv,backup=0", "local:101/a.raw,backup=off,mp=/srv", True),
        ("local:101/a.raw,mp=/srv", "local:101/a.raw,mp=/srv,backup=1", False),
        ("local:101/a.raw,mp=/srv", "", False),
        ("db;phoenix", "phoenix;db", False),
        ("one, two", "three, two", False),
        ("1", "1", True),
    ],
)
def test_property_strings_are_compared_by_what_they_mean(one: str, other: str, same: bool) -> None:
    assert props.mean_the_same(one, other) is same


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "virtio=BC:24:11:00:80:01,bridge=vmbr0,firewall=1",
            "virtio=BC:24:11:00:80:01,bridge=vmbr1,firewall=1,tag=30",
            ["bridge vmbr0 → vmbr1", "tag none → 30"],
        ),
        ("virtio=A,bridge=b,tag=3", "virtio=A,bridge=b", ["tag 3 → none"]),
        ("virtio=A,bridge=b", "bridge=b,e1000=A", ["virtio A → none", "e1000 none → A"]),
        ("host,flags=+aes", "x86-64-v3,flags=+aes", ["host → x86-64-v3"]),
        ("local:101/a.raw,mp=/srv,size=4G", "local:101/a.raw,mp=/data,size=4G", ["mp /srv → /data"]),
        ("nesting=1,fuse=on", "nesting=yes,fuse=0", ["fuse on → 0"]),
        ("ip=dhcp", "ip=10.0.0.5/24,gw=10.0.0.1", []),
        ("none", "virtio,bridge=b", []),
        ("a, b", "a, b, c", []),
        ("2048 MiB", "4096 MiB", []),
        ("a=1,a=2", "a=1,b=2", []),
        ("a,b,c=1", "a,b,c=2", []),
        ("see https://x/?a=1&b=2,c=3", "see https://x/?a=2&b=2,c=3", []),
        ("", "", []),
    ],
)
def test_of_two_property_strings_what_differs_is_told(old: str, new: str, expected: list[str]) -> None:
    assert props.differing(old, new) == expected


@given(st.text(), st.text())
def test_what_is_no_property_string_is_none(old: str, new: str) -> None:
    assert all("→" in part for part in props.differing(old, new))
