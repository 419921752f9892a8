"""Guests' configuration files: what is read, what is written, what is told of damage; locks between processes."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from fake_pve import conf, conf_keys
from fake_pve.errors import CommandFailed
from fake_pve.lock import check_lock, guest_lock
from fake_pve.node import Node

FULL = """#managed by phoenix
#line two%3A %C3%A4
boot: order=scsi0
cores: 2
name: web1
parent: s1
scsi0: local:8001/vm-8001-disk-0.qcow2,size=2G

[PENDING]
delete: !scsi1,serial0
memory: 4096

[special:cloudinit]
added: net1
name: web0

[s1]
#first
name: web1
snaptime: 1735689600
"""


@pytest.fixture
def node(tmp_path: Path) -> Node:
    (tmp_path / "etc/pve/nodes/pve1/qemu-server").mkdir(parents=True)
    return Node({"FAKE_PVE_ROOT": str(tmp_path), "FAKE_PVE_GUEST": "none"})


def test_every_section_survives_reading_and_writing() -> None:
    found = conf.parse("qemu", FULL)
    assert conf.render("qemu", found) == FULL
    assert found.description == "managed by phoenix\nline two: ä"
    assert found.pending == {"memory": "4096"}
    assert found.pending_delete == {"scsi1": True, "serial0": False}
    assert found.cloudinit == {"added": "net1", "name": "web0"}
    assert found.snapshots["s1"].description == "first"
    assert found.complaints == []


def test_a_container_keeps_raw_entries_in_order_and_the_last_line_end() -> None:
    text = "#two\n#lines\narch: amd64\nlxc.b: 2\nlxc.a: 1\n\n[pve:pending]\nmemory: 1024\n"
    found = conf.parse("lxc", text)
    assert conf.render("lxc", found) == text
    assert found.description == "two\nlines\n"
    assert found.raw == [("lxc.b", "2"), ("lxc.a", "1")]


def test_an_empty_value_becomes_one_blank_once_it_is_read_again() -> None:
    written = conf.render("qemu", conf.Conf({"boot": ""}))
    assert written == "boot: \n"
    assert conf.render("qemu", conf.parse("qemu", written)) == "boot:  \n"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("foo: bar", "vm 8001 - unable to parse value of 'foo' - unknown setting 'foo'"),
        ("cores: abc", "vm 8001 - unable to parse value of 'cores' - type check ('integer') failed - got 'abc'"),
        ("cpulimit: .", "vm 8001 - unable to parse value of 'cpulimit' - type check ('number') failed - got '.'"),
        ("onboot: maybe", "vm 8001 - unable to parse value of 'onboot' - type check ('boolean') failed - got 'maybe'"),
        ("net99: virtio", "vm 8001 - unable to parse value of 'net99' - unknown setting 'net99'"),
        ("delete: cores", "vm 8001 - property 'delete' is only allowed in [PENDING]"),
        ("cores", "vm 8001 - unable to parse config: cores"),
        ("\x00\x01", "vm 8001 - unable to parse config: \x00\x01"),
        ("[]", "vm 8001 - unable to parse config: []"),
    ],
)
def test_a_damaged_line_is_told_and_left_out(line: str, complaint: str) -> None:
    found = conf.parse("qemu", f"name: x\n{line}\nmemory: 512\n", 8001)
    assert found.complaints == [complaint]
    assert found.options == {"name": "x", "memory": "512"}


def test_what_is_no_text_at_all_is_no_traceback() -> None:
    assert conf.parse("qemu", b"\xff\xfe\x00name: x\n[".decode("utf-8", "surrogateescape")).options == {}


@pytest.mark.parametrize("text", ["", "plain", "100% a: b", "äöü €", "tab\there", "%41", "a%", "%zz", "\x7f"])
def test_descriptions_are_decoded_as_they_were_encoded(text: str) -> None:
    assert conf.decode(conf.encode(text)) == text
    assert ":" not in conf.encode(text)
    assert conf.encode(text).isascii()


def test_booleans_and_numbers_are_read_in_one_form() -> None:
    found = conf.parse("qemu", "onboot: yes\ncores: 04\nacpi: OFF\ncpulimit: 0.50\n")
    assert found.options == {"onboot": "1", "cores": "4", "acpi": "0", "cpulimit": "0.50"}


@pytest.mark.parametrize(
    ("key", "type_"),
    [
        ("cores", "integer"),
        ("scsi30", "string"),
        ("scsi31", None),
        ("net01", None),
        ("net", None),
        ("unused255", "string"),
    ],
)
def test_which_keys_there_are(key: str, type_: str | None) -> None:
    assert conf_keys.type_of("qemu", key) == type_


def test_an_unused_entry_goes_when_its_volume_is_attached() -> None:
    found = conf.Conf({"unused0": "local:8001/a.raw", "unused1": "local:8001/b.raw"})
    found.pending = {"scsi0": "file=local:8001/a.raw,size=1G"}
    assert "unused0" not in conf.render("qemu", found)
    assert "unused1" in conf.render("qemu", found)


def test_guests_are_found_by_their_files(node: Node) -> None:
    conf.save(node, "qemu", 8001, conf.Conf({"name": "a"}))
    conf.save(node, "lxc", 101, conf.Conf({"hostname": "b"}))
    Path(node.conf_path("qemu", "notes")).write_text("no guest")
    assert conf.guests(node, "qemu") == [8001]
    assert (conf.kind_of(node, 8001), conf.kind_of(node, 101), conf.kind_of(node, 9)) == ("qemu", "lxc", None)
    assert len(conf.digest(conf.load(node, "qemu", 8001))) == 40


def test_no_configuration_is_the_recorded_error(node: Node) -> None:
    with pytest.raises(CommandFailed) as failure:
        conf.load(node, "qemu", 8001)
    assert failure.value.message == "Configuration file 'nodes/pve1/qemu-server/8001.conf' does not exist"
    assert failure.value.status == 2


def test_complaints_go_where_the_call_listens(node: Node) -> None:
    heard: list[str] = []
    node.complain = heard.append
    Path(node.conf_path("qemu", 8001)).write_text("foo: 1\n")
    conf.load(node, "qemu", 8001)
    assert heard == ["vm 8001 - unable to parse value of 'foo' - unknown setting 'foo'"]


def test_a_lock_can_be_taken_again_by_the_same_call(node: Node) -> None:
    with guest_lock(node, "qemu", 8001), guest_lock(node, "qemu", 8001):
        assert len(node.locks) == 1
    assert not node.locks


def test_a_lock_that_somebody_else_holds_times_out(node: Node) -> None:
    with guest_lock(node, "qemu", 8001):
        pass
    heard: list[str] = []
    node.complain = heard.append
    file = os.open(f"{node.root}/run/lock/qemu-server/lock-8001.conf", os.O_RDWR)
    fcntl.flock(file, fcntl.LOCK_EX)
    with (
        pytest.raises(CommandFailed, match=r"can't lock file '.*lock-8001.conf' - got timeout"),
        guest_lock(node, "qemu", 8001, timeout=0.02),
    ):
        pass
    os.close(file)
    assert heard == ["trying to acquire lock..."]


def test_a_guest_that_carries_a_lock_is_refused() -> None:
    with pytest.raises(CommandFailed, match=r"VM is locked \(backup\)"):
        check_lock(conf.Conf({"lock": "backup"}))
    with pytest.raises(CommandFailed, match=r"CT is locked \(disk\)"):
        check_lock(conf.Conf({"lock": "disk"}), kind="lxc")
    check_lock(conf.Conf({"lock": "backup"}), skiplock=True)
