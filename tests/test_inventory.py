"""Configuration files -> Inventory: look-up, merging, and what only several values together can get wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from phoenix_pve import inventory, jsonfile
from phoenix_pve.errors import ConfigError, UndefinedGuestError
from phoenix_pve.guest import Admin, Kind
from phoenix_pve.values import ipconfig
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
    files = [line.split(":")[0].rsplit("/", 1)[1] for line in found]
    assert files == [inventory.HYPERVISOR_FILE, inventory.LXC_FILE]


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
    vm = {**VM, **({"admin": own} if own else {})}
    assert load(tmp_path, {**({"admin": base} if base else {}), "vms": [vm]}).find(8001).admin == expected


def test_an_admin_needs_a_name_from_somewhere(tmp_path: Path) -> None:
    assert (
        "admin.username: is required" in problems(tmp_path, {"vms": [{**VM, "admin": {"ssh_password_login": True}}]})[0]
    )


def test_keys_come_from_a_file_as_well(tmp_path: Path) -> None:
    (tmp_path / "keys.pub").write_text(f"# mine\n\n{KEY}\n")
    admin = {"username": "admin", "ssh_authorized_keys_file": "keys.pub"}
    assert load(tmp_path, {"admin": admin, "vms": [VM]}).find(8001).admin == Admin("admin", None, (KEY,))


def test_a_key_file_with_something_else_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "keys.pub").write_text("# mine\nssh-ed25519\n")
    admin = {"username": "admin", "ssh_authorized_keys_file": "keys.pub"}
    assert problems(tmp_path, {"admin": admin, "vms": [VM]}) == [f"{tmp_path}/keys.pub: line 2 is no public key"]


@pytest.mark.parametrize("head", ["-----BEGIN OPENSSH PRIVATE KEY-----", "PuTTY-User-Key-File-3: ssh-ed25519"])
def test_a_file_with_a_private_key_is_one_problem_that_repeats_nothing_of_it(tmp_path: Path, head: str) -> None:
    (tmp_path / "id").write_text(f"{head}\nb3BlbnNzaC1rZXktdjEAAAAA\nSECRETSECRET\n")
    found = problems(
        tmp_path, {"admin": {"username": "a", "ssh_authorized_keys_file": "id"}, "vms": [VM, {**VM, "vmid": 8002}]}
    )
    assert found == [f"{tmp_path}/id: is a private key: name the file with the public one (its name ends with .pub)"]


@pytest.mark.parametrize(
    "lines",
    [
        ["-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAASECRET\n-----END OPENSSH PRIVATE KEY-----"],
        [
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "b3BlbnNzaC1rZXktdjEAAAAASECRET",
            "SECRET",
            "-----END OPENSSH PRIVATE KEY-----",
        ],
        ["b3BlbnNzaC1rZXktdjEAAAAASECRET"],
    ],
)
def test_a_private_key_that_was_pasted_is_one_problem_that_repeats_nothing_of_it(
    tmp_path: Path, lines: list[str]
) -> None:
    found = problems(tmp_path, {"admin": {"username": "a", "ssh_authorized_keys": lines}, "vms": []})
    assert len(found) == 1
    assert "admin.ssh_authorized_keys: is a private key: put the public one here" in found[0]
    assert "SECRET" not in found[0]


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
        ("203.0.113.77/32", "198.51.100.1", None),
        ("203.0.113.77/32", "203.0.113.77", "gw: 203.0.113.77 is the guest's own address"),
        ("203.0.113.76/31", "198.51.100.1", "gw: 198.51.100.1 is outside of 203.0.113.76/31"),
        ("", "10.0.0.1", "gw: a gateway needs a static ip"),
        ("10.0.0.5/24", "10.0.0.5", "gw: 10.0.0.5 is the guest's own address"),
        ("10.0.0.5/24", "10.0.0.255", "gw: 10.0.0.255 is the network's own address, not a gateway's"),
    ],
)
def test_addresses_must_make_sense_together(ip: str, gw: str | None, expected: str | None) -> None:
    found = ipconfig.problems(ip, gw or "")
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
        ("", "F:1:1: not valid JSON: the file is empty"),
        ("\n ", "the file is empty"),
        ('{"a": [1, 2,]}', "not valid JSON: there is a comma before a closing bracket"),
        ('{\n  "a": 1,\n}', "there is a comma before a closing bracket"),
        ('{"a": 1} // one', "not valid JSON: JSON has no comments"),
        ("# one\n{}", "JSON has no comments"),
        ("vms:\n  - vmid: 8001\n", "F:1:1: not valid JSON: it looks like YAML, and JSON is wanted"),
        ("---\nvms: []\n", "it looks like YAML"),
        ("- a: 1", "it looks like YAML"),
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


@pytest.mark.parametrize(("make", "says"), [("nothing", "no such folder"), ("file", "is a file, not a folder")])
def test_a_folder_that_is_none_is_named_with_how_to_name_another(tmp_path: Path, make: str, says: str) -> None:
    folder = tmp_path / "config"
    if make == "file":
        folder.touch()
    with pytest.raises(ConfigError, match=says) as caught:
        inventory.load(folder)
    assert "--config DIR" in caught.value.hint


def test_a_missing_file_is_answered_with_how_to_name_another_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file") as caught:
        inventory.load(tmp_path)
    assert "--config DIR" in caught.value.hint


def test_what_several_values_get_wrong_together_has_its_line_and_column_too(tmp_path: Path) -> None:
    text = json.dumps(
        {"vms": [VM, {**VM, "vmid": 8002, "network_config": {"ip": "10.0.0.5/24", "gw": "10.9.9.9"}}, VM]}, indent=1
    )
    (tmp_path / inventory.HYPERVISOR_FILE).write_text(text)
    (tmp_path / inventory.LXC_FILE).write_text(
        json.dumps({"lxc_configs": {"101": {**CONTAINER, "dependencies": [9]}}}).replace("[9]", "[999]")
    )
    with pytest.raises(ConfigError) as caught:
        inventory.load(tmp_path)
    places = [line.removeprefix(f"{tmp_path}/").rpartition(": ")[0] for line in caught.value.problems]
    line, third = text[: text.index('"10.9.9.9"')].count("\n") + 1, text[: text.rindex('"vmid"')].count("\n")
    column = json.dumps({"lxc_configs": {"101": {**CONTAINER, "dependencies": [9]}}}).index("[9]") + 1
    assert [place.partition(" (")[0] for place in places] == [
        f"{inventory.HYPERVISOR_FILE}:{line}:11: vms[1]",
        f"{inventory.HYPERVISOR_FILE}:{third}:3: vms[2]",
        f"{inventory.LXC_FILE}:1:{column}: lxc_configs.101.dependencies",
    ]


KEYED = {"username": "admin", "ssh_authorized_keys": [KEY]}
CLONE = {**{key: value for key, value in VM.items() if key != "template_image"}, "vmid": 8002}


def test_a_vm_is_no_clone_of_a_container(tmp_path: Path) -> None:
    found = problems(tmp_path, {"vms": [{**CLONE, "clone_from_vmid": 101}]}, {"101": CONTAINER})
    assert [line.partition("(8002)")[2] for line in found] == [
        ".clone_from_vmid: 101 is a container, of which no VM is cloned"
    ]


def test_a_clone_may_have_a_source_that_the_configuration_does_not_define(tmp_path: Path) -> None:
    assert load(tmp_path, {"vms": [{**CLONE, "clone_from_vmid": 9000}]}).find(8002).clone_from == 9000


@pytest.mark.parametrize(
    ("admin", "change", "expected"),
    [
        (KEYED, {}, []),
        (None, {}, ["`admin` is not set, so nobody can log into 8001, 8002"]),
        (KEYED, {"admin": {"ssh_authorized_keys": []}}, ["`admin` has neither a key nor a password, so nobody can log into 8002"]),
        (KEYED, {"name": "ubuntu-2404"}, ["the name ubuntu-2404 is also that of 8001"]),
        (KEYED, {"network_config": {"ip": "10.0.0.5/16"}}, ["the address 10.0.0.5 is also that of 8001"]),
        (KEYED, {"mac_address": "bc:24:11:00:80:01"}, ["the MAC address BC:24:11:00:80:01 is also that of 8001"]),
    ],
)  # fmt: skip
def test_what_is_probably_a_mistake_is_noted(tmp_path: Path, admin: Any, change: Any, expected: list[str]) -> None:
    first = {**VM, "network_config": {"ip": "10.0.0.5/24"}, "mac_address": "BC:24:11:00:80:01"}
    vms = [first, {**VM, "vmid": 8002, "name": "web", **change}]
    found = load(tmp_path, {**({"admin": admin} if admin else {}), "vms": vms}).notes()
    assert [note.rpartition("): ")[2] for note in found] == expected


def test_many_guests_with_the_same_mistake_are_one_note(tmp_path: Path) -> None:
    found = load(tmp_path, {"vms": [{**VM, "vmid": 100 + i, "name": f"vm{i}"} for i in range(300)]})
    assert found.notes() == ["`admin` is not set, so nobody can log into 100, 101, 102, 103, 104 and 295 more"]
    assert found.notes({399}) == ["`admin` is not set, so nobody can log into 399"]
    assert found.notes(()) == []


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
