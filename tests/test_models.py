"""The models, the published schemas, and that both judge alike."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from phoenix_pve import explain, schemas
from phoenix_pve.models import HypervisorConfig, LxcConfig
from places import ROOT
from samples import CONTAINER, HASH, KEY, VM

FULL_VM = {
    **VM,
    "network_config": {
        "ip": "10.0.0.5/24",
        "gw": "10.0.0.1",
        "nameserver": ["10.0.0.1", "fd00::1"],
        "searchdomain": "example.com",
        "vlan_tag": 7,
    },
    "mac_address": "BC:24:11:00:80:01",
    "cpu_type": "host",
    "start_at_boot": True,
    "boot_order": 1,
    "boot_delay": 30,
    "tags": ["web", "Prod"],
    "description": "the *web* server\nof all",
    "protection": False,
    "admin": {"ssh_password_login": True},
}
FULL = {
    "$schema": "x.json",
    "snippet_storage": "local",
    "admin": {
        "username": "admin",
        "password_hash": HASH,
        "ssh_authorized_keys": [KEY],
        "ssh_authorized_keys_file": "keys.pub",
        "ssh_password_login": False,
    },
    "vms": [FULL_VM],
}
FULL_CONTAINER = {
    **CONTAINER,
    "network_config": {"name": "eth0", "bridge": "vmbr0", "ip": "10.0.0.6/24", "gw": "10.0.0.1"},
    "swap_mb": 0,
    "nameservers": ["10.0.0.1"],
    "searchdomain": "example.com",
    "vlan_tag": 7,
    "unprivileged": True,
    "features": {"nesting": True, "keyctl": False, "fuse": True},
    "mount_points": {"mp0": {"storage_pool": "local", "size_gb": 4, "path": "/srv"}},
    "tags": ["db"],
    "ssh_authorized_keys": [KEY],
    "password_hash": HASH,
}
DOCUMENTS: dict[type, Any] = {HypervisorConfig: FULL, LxcConfig: {"lxc_configs": {"101": FULL_CONTAINER}}}

VALIDATORS = {model: jsonschema.Draft202012Validator(schemas.schema(model)) for model in DOCUMENTS}


def accepts_model(model: type, document: Any) -> bool:
    try:
        model.model_validate(document)
    except ValidationError:
        return False
    return True


def accepts_schema(model: type, document: Any) -> bool:
    return VALIDATORS[model].is_valid(document)


@pytest.mark.parametrize("name", schemas.FILES)
def test_the_published_schema_is_what_the_models_say(name: str) -> None:
    assert (ROOT / "schemas" / name).read_text() == schemas.text(schemas.FILES[name]), "run: make schemas"


@pytest.mark.parametrize("name", schemas.FILES)
def test_the_published_schema_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads((ROOT / "schemas" / name).read_text()))


@pytest.mark.parametrize("model", DOCUMENTS)
def test_a_document_with_every_key_is_accepted(model: type) -> None:
    assert accepts_model(model, DOCUMENTS[model])
    assert accepts_schema(model, DOCUMENTS[model])


@pytest.mark.parametrize("key", VM)
def test_each_of_the_eight_properties_is_required_by_the_published_schema(key: str) -> None:
    vm = {k: v for k, v in VM.items() if k != key}
    assert not accepts_schema(HypervisorConfig, {"vms": [vm]})
    assert not accepts_model(HypervisorConfig, {"vms": [vm]})


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("vmid", 99, "vms[0] (99).vmid: must be at least 100, is 99"),
        ("vmid", 1_000_000_000, "must be at most 999999999, is 1000000000"),
        ("vmid", "8001", "vms[0].vmid: must be a whole number, is a string"),
        ("vmid", True, "must be a whole number, is true or false"),
        ("vmid", 8001.5, "must be a whole number, is a number"),
        ("name", "web_1", 'vms[0] (8001).name: "web_1" is not a DNS name'),
        ("name", "-web", "is not a DNS name"),
        ("name", "web\n", "is not a DNS name"),
        ("name", "", "is not a DNS name"),
        ("name", "a." * 32 + "a", "must have at most 64 characters"),
        ("cores", 0, "must be at least 1, is 0"),
        ("cores", None, "must be a whole number, is null"),
        ("memory_mb", 15, "must be at least 16, is 15"),
        ("disk_size_gb", 0, "must be at least 1, is 0"),
        ("storage_pool", "1st", "is not the name of a Proxmox storage"),
        ("template_image", "noble.img", "is not the full path"),
        ("template_image", "/a,b.img", "is not the full path"),
        ("network_bridge", "vmbr 0", "is not the name of a bridge"),
        ("mac_address", "01:00:00:00:00:00", "is not a unicast MAC address"),
        ("network_config", {"ip": "10.0.0.5"}, 'network_config.ip: "10.0.0.5" is not "dhcp", or an IPv4 address'),
        ("network_config", {"nameserver": "dns"}, "network_config.nameserver"),
        ("network_config", {"vlan_tag": 4095}, "network_config.vlan_tag: must be at most 4094, is 4095"),
        ("tags", ["a b"], 'tags[0]: "a b" is not a tag'),
        ("tags", "web", "tags: must be an array, is a string"),
        ("admin", {"username": "Root"}, "admin.username"),
        ("admin", {"password_hash": "secret"}, "admin.password_hash: its value is not a password hash"),
        ("admin", {"ssh_authorized_keys": ["AAAA"]}, "admin.ssh_authorized_keys[0]"),
        ("memory", 2048, "vms[0] (8001): unknown key `memory`; did you mean `memory_mb`?"),
        ("core", 2, "unknown key `core`; did you mean `cores`?"),
        ("zzz", 2, "unknown key `zzz`"),
    ],
)
def test_bad_input_is_named_where_it_stands(key: str, value: Any, says: str) -> None:
    document = {"vms": [{**VM, key: value}]}
    with pytest.raises(ValidationError) as caught:
        HypervisorConfig.model_validate(document)
    found = explain.problems("F", document, HypervisorConfig, caught.value)
    assert any(says in line for line in found), found
    assert not accepts_schema(HypervisorConfig, document)


def test_a_secret_is_not_repeated_in_an_error() -> None:
    document = {"vms": [], "admin": {"username": "admin", "password_hash": "hunter2"}}
    with pytest.raises(ValidationError) as caught:
        HypervisorConfig.model_validate(document)
    assert "hunter2" not in "".join(explain.problems("F", document, HypervisorConfig, caught.value))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
NEAR_MISSES = st.sampled_from(
    ["", "a\n", "web-1", "WEB.example.com", "10.0.0.5/24", "10.0.0.256", "dhcp", "fd00::1", "/a/b.img", "/a/b\n", "vmbr0",
     "vmbr0\n", HASH, HASH + ":", KEY, KEY + "\n", "a" * 64, "a" * 65, "local-lvm", 0, 1, 100, 4094, 4095, 2.0, 2.5, 999_999_999, 10**30, -1,
     True, None, [], {}, ["10.0.0.1"], [KEY]]
)  # fmt: skip


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path into a document."""
    keys = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    return [path, *(deep for key in keys for deep in places(node[key], (*path, key)))]


def changed(document: Any, path: tuple[Any, ...], value: Any, *, drop: bool) -> Any:
    """The document with the value at `path` replaced or dropped."""
    if not path:
        return value
    made = copy.deepcopy(document)
    holder = made
    for part in path[:-1]:
        holder = holder[part]
    if drop:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return made


@pytest.mark.parametrize("model", DOCUMENTS)
@given(data=st.data())
def test_schema_and_models_accept_and_reject_the_same_documents(model: type, data: st.DataObject) -> None:
    document = DOCUMENTS[model]
    for _ in range(data.draw(st.integers(1, 3), label="changes")):
        path = data.draw(st.sampled_from(places(document)), label="path")
        value = data.draw(NEAR_MISSES | JSON, label="value")
        document = changed(document, path, value, drop=bool(path) and data.draw(st.booleans(), label="drop"))
    assert accepts_model(model, document) == accepts_schema(model, document)


@given(key=st.sampled_from(sorted(VM)), value=JSON | NEAR_MISSES)
def test_schema_and_models_agree_on_every_required_property(key: str, value: Any) -> None:
    document = {"vms": [{**VM, key: value}]}
    assert accepts_model(HypervisorConfig, document) == accepts_schema(HypervisorConfig, document)
