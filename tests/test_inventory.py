"""Configuration files -> Inventory: look-up, merging, and what only several values together can get wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phoenix_pve import inventory, jsonfile
from phoenix_pve.errors import ConfigError, UndefinedGuestError
from phoenix_pve.guest import Admin, Kind
from samples import CONTAINER, HASH, KEY, VM


def load(folder: Path, hypervisor: Any, containers: Any = None) -> inventory.Inventory:
    (folder / inventory.HYPERVISOR_FILE).write_text(json.dumps(hypervisor))
    if containers is not None:
        (folder / inventory.LXC_FILE).write_text(json.dumps({"lxc_configs": containers}))
    return inventory.load(folder)


def problems(folder: Path, hypervisor: Any, containers: Any = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, hypervisor, containers)
    return caught.value.problems


def test_the_kind_is_found_by_id(tmp_path: Path) -> None:
    found = load(tmp_path, {"vms": [VM]}, {"101": CONTAINER})
    assert (found.find(101).kind, found.find(8001).kind) == (Kind.CONTAINER, Kind.VM)


def test_an_unknown_id_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UndefinedGuestError, match="8009 is not defined in .*; known IDs: 101, 8001"):
        load(tmp_path, {"vms": [VM]}, {"101": CONTAINER}).find(8009)


def test_an_id_in_both_files_is_an_error(tmp_path: Path) -> None:
    assert "the ID 101 is also defined in" in problems(tmp_path, {"vms": [{**VM, "vmid": 101}]}, {"101": CONTAINER})[0]


def test_an_id_twice_in_one_file_is_an_error(tmp_path: Path) -> None:
    assert "vms[1] (8001): the ID 8001 is also defined in" in problems(tmp_path, {"vms": [VM, VM]})[0]


def test_a_vm_without_containers_file(tmp_path: Path) -> None:
    assert list(load(tmp_path, {"vms": [VM]}).guests) == [8001]


def test_the_problems_of_both_files_are_told_at_once(tmp_path: Path) -> None:
    found = problems(tmp_path, {"vms": [{**VM, "cores": 0}]}, {"101": {**CONTAINER, "cores": 0}})
    assert [line.split(": ")[0].rsplit("/", 1)[1] for line in found] == [inventory.HYPERVISOR_FILE, inventory.LXC_FILE]


NODE_ADMIN = {"username": "admin", "ssh_authorized_keys": [KEY], "password_hash": HASH}


@pytest.mark.parametrize(
    ("base", "own", "expected"),
    [
        (None, None, None),
        (NODE_ADMIN, None, Admin("admin", HASH, (KEY,))),
        (NODE_ADMIN, {"username": "bob"}, Admin("bob", HASH, (KEY,))),
        (NODE_ADMIN, {"ssh_authorized_keys": []}, Admin("admin", HASH, ())),
        (NODE_ADMIN, {"ssh_password_login": True}, Admin("admin", HASH, (KEY,), True)),
        (None, {"username": "bob"}, Admin("bob")),
    ],
)
def test_a_guests_admin_overrides_key_by_key(tmp_path: Path, base: Any, own: Any, expected: Admin | None) -> None:
    assert load(tmp_path, {"admin": base, "vms": [{**VM, "admin": own}]}).find(8001).admin == expected


def test_an_admin_needs_a_name_from_somewhere(tmp_path: Path) -> None:
    assert (
        "admin.username: is required" in problems(tmp_path, {"vms": [{**VM, "admin": {"ssh_password_login": True}}]})[0]
    )


def test_keys_come_from_a_file_as_well(tmp_path: Path) -> None:
    (tmp_path / "keys.pub").write_text(f"# mine\n\n{KEY}\n")
    admin = {"username": "admin", "ssh_authorized_keys_file": "keys.pub"}
    assert load(tmp_path, {"admin": admin, "vms": [VM]}).find(8001).admin == Admin("admin", None, (KEY,))


def test_a_key_file_with_something_else_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "keys.pub").write_text("# mine\n-----BEGIN OPENSSH PRIVATE KEY-----\n")
    admin = {"username": "admin", "ssh_authorized_keys_file": "keys.pub"}
    assert problems(tmp_path, {"admin": admin, "vms": [VM]}) == [f"{tmp_path}/keys.pub: line 2 is no public key"]


@pytest.mark.parametrize(
    ("ip", "gw", "expected"),
    [
        ("dhcp", None, None),
        ("dhcp", "10.0.0.1", "gw: a gateway needs a static ip"),
        ("10.0.0.5/24", None, None),
        ("10.0.0.5/24", "10.0.0.1", None),
        ("10.0.0.5/24", "10.0.1.1", "gw: 10.0.1.1 is outside of 10.0.0.0/24"),
        ("10.0.0.0/24", None, "ip: 10.0.0.0/24 is the network's own address"),
        ("10.0.0.255/24", None, "ip: 10.0.0.255/24 is the network's own address"),
        ("10.0.0.0/31", "10.0.0.1", None),
        ("10.0.0.5/32", None, None),
    ],
)
def test_addresses_must_make_sense_together(ip: str, gw: str | None, expected: str | None) -> None:
    found = inventory.address_problems(ip, gw)
    assert (expected is None and found == []) or (expected is not None and found[0].startswith(expected))


def test_values_are_brought_to_proxmox_form(tmp_path: Path) -> None:
    vm = {
        **VM,
        "mac_address": "bc:24:11:00:80:0a",
        "tags": ["Web", "db", "web"],
        "network_config": {"nameserver": ["1.1.1.1", "9.9.9.9"]},
    }
    spec = load(tmp_path, {"vms": [vm]}).find(8001)
    assert (spec.network.mac, spec.tags, spec.network.nameserver) == (
        "BC:24:11:00:80:0A",
        ("db", "web"),
        "1.1.1.1 9.9.9.9",
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "F:1:1: not valid JSON"),
        ("{\n  'a': 1}", "F:2:3: not valid JSON"),
        ('{"a": 1, "a": 2}', 'the key "a" stands twice'),
        ('{"a": {"b": 1, "b": 2}}', 'the key "b" stands twice'),
        ("[NaN]", "NaN is not a JSON number"),
        ("[-Infinity]", "-Infinity is not a JSON number"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 5000, "not valid JSON"),
    ],
)
def test_json_is_read_strictly(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        jsonfile.parse(text, "F")
    assert says in caught.value.message


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf{}")
    assert jsonfile.read(tmp_path / "a.json") == {}


def test_text_that_is_not_utf8_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"\xff": 1}')
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        jsonfile.read(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("option", "environ", "expected"),
    [
        ("/a", {"PHOENIX_CONFIG_DIR": "/b"}, "/a"),
        (None, {"PHOENIX_CONFIG_DIR": "/b"}, "/b"),
        (None, {}, "/here/config"),
    ],
)
def test_the_configuration_is_found_in_order(option: str | None, environ: dict[str, str], expected: str) -> None:
    assert inventory.config_folder(option, environ, Path("/here")) == Path(expected)
