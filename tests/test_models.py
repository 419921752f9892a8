"""The models, the published schemas, and that both judge alike."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from phoenix_pve import explain, jsonfile, schemas
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
    "dependencies": [8002, 101],
}
CLONED_VM = {**{key: value for key, value in VM.items() if key != "template_image"}, "clone_from_vmid": 9000}
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
    "vms": [FULL_VM, CLONED_VM],
}
FULL_CONTAINER = {
    **CONTAINER,
    "network_config": {"name": "eth0", "bridge": "vmbr0", "ip": "10.0.0.6/24", "gw": "10.0.0.1"},
    "swap_mb": 0,
    "nameservers": ["10.0.0.1"],
    "searchdomain": "example.com",
    "vlan_tag": 7,
    "unprivileged": True,
    "features": {"nesting": True, "keyctl": False, "fuse": True, "mknod": False},
    "mount_points": {"mp0": {"storage_pool": "local", "size_gb": 4, "path": "/srv"}},
    "mac_address": "BC:24:11:00:01:01",
    "start_at_boot": False,
    "boot_order": 0,
    "boot_delay": 0,
    "tags": ["db"],
    "description": "",
    "protection": True,
    "dependencies": [8001],
    "ssh_authorized_keys": [KEY],
    "password_hash": HASH,
}
CLONED_CONTAINER = {**{key: value for key, value in CONTAINER.items() if key != "template"}, "clone_from_ctid": 101}
DOCUMENTS: dict[type[BaseModel], Any] = {
    HypervisorConfig: FULL,
    LxcConfig: {"$schema": "x.json", "lxc_configs": {"101": FULL_CONTAINER, "102": CLONED_CONTAINER}},
}

VALIDATORS = {model: jsonschema.Draft202012Validator(schemas.schema(model)) for model in DOCUMENTS}


def accepts_model(model: type[BaseModel], document: Any) -> bool:
    try:
        model.model_validate(document)
    except ValidationError:
        return False
    return True


def accepts_schema(model: type[BaseModel], document: Any) -> bool:
    return VALIDATORS[model].is_valid(document)


@pytest.mark.parametrize("name", schemas.FILES)
def test_the_published_schema_is_what_the_models_say(name: str) -> None:
    assert (ROOT / "schemas" / name).read_text() == schemas.text(schemas.FILES[name]), "run: make schemas"


@pytest.mark.parametrize("name", schemas.FILES)
def test_the_published_schema_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads((ROOT / "schemas" / name).read_text()))


@pytest.mark.parametrize("model", DOCUMENTS)
def test_a_document_with_every_key_is_accepted(model: type[BaseModel]) -> None:
    assert accepts_model(model, DOCUMENTS[model])
    assert accepts_schema(model, DOCUMENTS[model])


def objects(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every object of a schema that has properties."""
    yield from (node for node in [schema, *schema["$defs"].values()] if "properties" in node)


def every_key(node: Any) -> set[str]:
    """Every key in a document, at any depth."""
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return {*(node if isinstance(node, dict) else ()), *(key for value in inner for key in every_key(value))}


@pytest.mark.parametrize("model", DOCUMENTS)
def test_the_documents_of_these_tests_have_every_key(model: type[BaseModel]) -> None:
    known = {key for node in objects(schemas.schema(model)) for key in node["properties"]}
    assert known - every_key(DOCUMENTS[model]) == set()


@pytest.mark.parametrize("model", DOCUMENTS)
def test_an_editor_can_explain_every_key(model: type[BaseModel]) -> None:
    for node in objects(schemas.schema(model)):
        assert node["additionalProperties"] is False
        assert node["description"]
        assert [key for key, about in node["properties"].items() if not about.get("description")] == []


def examples(node: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Every schema in a schema that has examples, with each of them."""
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from examples(inner)
    if isinstance(node, dict) and isinstance(node.get("examples"), list):
        yield from ((node, example) for example in node["examples"])


@pytest.mark.parametrize("model", DOCUMENTS)
def test_what_an_editor_proposes_is_valid(model: type[BaseModel]) -> None:
    whole = schemas.schema(model)
    found = list(examples(whole))
    assert len(found) > 10
    for node, example in found:
        assert jsonschema.Draft202012Validator({**node, "$defs": whole["$defs"]}).is_valid(example)


def proposals(about: dict[str, Any]) -> list[Any]:
    """What an editor puts behind a key that it completes; with more than one it asks."""
    return [*([about["default"]] if "default" in about else []), *about.get("examples", []), *about.get("enum", [])]


@pytest.mark.parametrize("model", DOCUMENTS)
def test_an_editor_completes_every_key_with_something_that_is_good_there_and_never_with_null(
    model: type[BaseModel],
) -> None:
    whole = schemas.schema(model)
    assert '"null"' not in schemas.text(model)
    assert "null," not in json.dumps(whole).replace(" null,", "")
    for node in objects(whole):
        for key, about in node["properties"].items():
            found = proposals(about)
            assert (
                found or about.get("type") in {"boolean", "array"} or key in {"password_hash", "ssh_authorized_keys"}
            ), key
            for value in found:
                assert jsonschema.Draft202012Validator({**about, "$defs": whole["$defs"]}).is_valid(value), key


@pytest.mark.parametrize("model", DOCUMENTS)
def test_an_editor_offers_what_is_required_first(model: type[BaseModel]) -> None:
    for node in objects(schemas.schema(model)):
        keys, required = list(node["properties"]), set(node.get("required", ()))
        assert set(keys[: len(required)]) == required
    assert next(iter(schemas.schema(HypervisorConfig)["$defs"]["Vm"]["properties"])) == "vmid"


@pytest.mark.parametrize("name", ["phoenix_hypervisor_config.json", "phoenix_lxc_configs.json"])
def test_the_sample_configuration_names_its_schema_and_follows_it(name: str) -> None:
    path = ROOT / "config" / name
    document = json.loads(path.read_text())
    named = path.parent / document["$schema"]
    assert named.resolve().parent == ROOT / "schemas"
    jsonschema.validate(document, json.loads(named.read_text()))


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
        ("vmid", "8001", "vms[0].vmid: must be a whole number, is a string: write 8001"),
        ("memory_mb", "2048", "memory_mb: must be a whole number, is a string: write 2048"),
        ("memory_mb", "2G", "write 2048"),
        ("memory_mb", "1.5 GiB", "write 1536"),
        ("memory_mb", "512 MB", "write 512"),
        ("memory_mb", "1K", "must be a whole number, is a string"),
        ("disk_size_gb", "32", "write 32"),
        ("disk_size_gb", "32G", "write 32"),
        ("disk_size_gb", "1T", "write 1024"),
        ("disk_size_gb", "2048M", "write 2"),
        ("cores", "two", "must be a whole number, is a string"),
        ("start_at_boot", "yes", "must be true or false, is a string: write true"),
        ("start_at_boot", "off", "write false"),
        ("name", 8001, 'must be a string, is 8001: write "8001"'),
        ("dependencies", 8002, "must be an array, is 8002: write [8002]"),
        ("vmid", True, "must be a whole number, is true"),
        ("vmid", 8001.5, "must be a whole number, is 8001.5"),
        (
            "name",
            "web_1",
            'vms[0] (8001).name: "web_1" is not a DNS name: letters, digits and inner hyphens, with dots between; did you mean `web-1`?',
        ),
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
        ("network_config", {"nameserver": "dns"}, 'network_config.nameserver: "dns" is not an IP address'),
        ("network_config", {"nameserver": ["1.1.1.1", "x"]}, 'network_config.nameserver[1]: "x" is not an IP address'),
        ("network_config", {"gateway": "10.0.0.1"}, "network_config: unknown key `gateway`; did you mean `gw`?"),
        ("network_config", {"vlan_tag": 0}, "network_config.vlan_tag: must be at least 1, is 0; null says none"),
        ("network_config", None, "network_config: must be an object, is null; leave the key out"),
        ("start_at_boot", None, "start_at_boot: must be true or false, is null; leave the key out"),
        ("mac_address", None, "mac_address: must be a string, is null; leave the key out"),
        ("cpu_type", None, "cpu_type: must be a string, is null; leave the key out"),
        ("dependencies", None, "dependencies: must be an array, is null; leave the key out"),
        ("admin", None, "admin: must be an object, is null; leave the key out"),
        ("admin", {"password_hash": None}, "admin.password_hash: must be a string, is null; leave the key out"),
        ("name", None, "name: must be a string, is null"),
        ("tags", [None], "tags[0]: must be a string, is null"),
        ("network_config", {"vlan_tag": 4095}, "network_config.vlan_tag: must be at most 4094, is 4095"),
        ("tags", ["a b"], 'tags[0]: "a b" is not a tag'),
        ("tags", "web", 'tags: must be an array, is a string: write ["web"]'),
        ("admin", {"username": "Root"}, "admin.username"),
        ("admin", {"password_hash": "secret"}, "admin.password_hash: its value is not a password hash"),
        ("admin", {"ssh_authorized_keys": ["AAAA"]}, "admin.ssh_authorized_keys[0]"),
        ("memory", 2048, "vms[0] (8001): unknown key `memory`; did you mean `memory_mb`?"),
        ("core", 2, "unknown key `core`; did you mean `cores`?"),
        ("mem", 2, "unknown key `mem`; did you mean `memory_mb`?"),
        ("onboot", True, "unknown key `onboot`; did you mean `start_at_boot`?"),
        ("ip", "dhcp", "unknown key `ip`; did you mean `network_config`?"),
        ("clone_from_vmid", 9000, "`template_image` and `clone_from_vmid` exclude each other"),
        ("zzz", 2, "unknown key `zzz`"),
    ],
)
def test_bad_input_is_named_where_it_stands(key: str, value: Any, says: str) -> None:
    document = {"vms": [{**VM, key: value}]}
    with pytest.raises(ValidationError) as caught:
        HypervisorConfig.model_validate(document)
    found = explain.problems("F", document, HypervisorConfig, caught.value)
    assert len(found) == 1
    assert says in found[0]
    assert not accepts_schema(HypervisorConfig, document)


NETWORK = CONTAINER["network_config"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"network_config": {**NETWORK, "ip": "10.0.0.6/24"}}, "101.network_config: `gw` is required with a static ip"),
        ({"unprivileged": None}, "101.unprivileged: must be true or false, is null; leave the key out"),
        ({"swap_mb": None}, "101.swap_mb: must be a whole number, is null; leave the key out"),
        ({"features": {"nesting": None}}, "101.features.nesting: must be true or false, is null; leave the key out"),
        ({"mount_points": None}, "101.mount_points: must be an object, is null; leave the key out"),
        ({"network_config": {**NETWORK, "bridge": None}}, "101.network_config.bridge: must be a string, is null"),
        ({"network_config": {**NETWORK, "vlan_tag": 7}}, "101.network_config: unknown key `vlan_tag`"),
        ({"mount_points": {"data": {"storage_pool": "local", "size_gb": 1, "path": "/srv"}}},
         '101.mount_points.data: "data" is not a mount point: mp0 to mp255'),
        ({"mount_points": {"mp0": {"storage_pool": "local", "size_gb": 1, "path": "srv"}}},
         '101.mount_points.mp0.path: "srv" is not a full path inside the container'),
        ({"features": {"nest": True}}, "101.features: unknown key `nest`; did you mean `nesting`?"),
        ({"hostname": "web"}, "101: unknown key `hostname`; did you mean `name`?"),
        ({"password": "hunter2"}, "101: unknown key `password`; did you mean `password_hash`?"),
        ({"disk_size_gb": 8}, "101: unknown key `disk_size_gb`; did you mean `storage_size_gb`?"),
        ({"clone_from_ctid": 102}, "`template` and `clone_from_ctid` exclude each other"),
        ({"template": "local:iso/debian.iso"}, "101.template: \"local:iso/debian.iso\" is not a container template"),
    ],
)  # fmt: skip
def test_bad_input_for_a_container_is_named_where_it_stands(change: dict[str, Any], says: str) -> None:
    document = {"lxc_configs": {"101": {**CONTAINER, **change}}}
    with pytest.raises(ValidationError) as caught:
        LxcConfig.model_validate(document)
    found = explain.problems("F", document, LxcConfig, caught.value)
    assert len(found) == 1
    assert says in found[0]
    assert not accepts_schema(LxcConfig, document)


TEXT = """{
  "vms": [
    {"vmid": 8001, "name": "a\\"b{,", "cores":
      "x", "sockets": 1},
    7
  ]
}
"""


def test_a_problem_has_the_line_and_column_where_an_editor_jumps_to() -> None:
    document = json.loads(TEXT)
    with pytest.raises(ValidationError) as caught:
        HypervisorConfig.model_validate(document)
    found = explain.problems("F", document, HypervisorConfig, caught.value, TEXT)
    places = {
        line.partition(": ")[2].partition(":")[0]: line.partition(": ")[0] for line in found if "required" not in line
    }
    assert places == {
        "vms[0] (8001).name": "F:3:28",
        "vms[0] (8001).cores": "F:4:7",
        "vms[0] (8001)": "F:4:12",
        "vms[1]": "F:5:5",
    }
    assert [line for line in found if "memory_mb" in line] == [
        "F:3:5: vms[0] (8001).memory_mb: is required and missing"
    ]


@given(document=st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=4),
       lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=8), indent=st.sampled_from([None, 1]))  # fmt: skip
def test_every_value_of_a_document_is_found_where_it_begins(document: Any, indent: int | None) -> None:
    text = json.dumps(document, indent=indent)
    found = jsonfile.offsets(text)
    assert set(found) == set(places(document))
    for path, (key, value) in found.items():
        assert json.JSONDecoder().raw_decode(text, value)[0] == at(document, path)
        assert key == value or json.JSONDecoder().raw_decode(text, key)[0] == path[-1]


def test_a_wrong_id_is_named_and_other_keys_may_look_like_names_of_union_members() -> None:
    document = {"lxc_configs": {"image": CONTAINER}}
    with pytest.raises(ValidationError) as caught:
        LxcConfig.model_validate(document)
    assert explain.problems("F", document, LxcConfig, caught.value) == [
        'F: lxc_configs.image: "image" is not a guest ID: a number from 100 to 999999999'
    ]


@pytest.mark.parametrize("secret", ["hunter2", 4711])
def test_a_secret_is_not_repeated_in_an_error(secret: str | int) -> None:
    document = {"vms": [], "admin": {"username": "admin", "password_hash": secret}}
    with pytest.raises(ValidationError) as caught:
        HypervisorConfig.model_validate(document)
    assert str(secret) not in "".join(explain.problems("F", document, HypervisorConfig, caught.value))


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


def at(document: Any, path: tuple[Any, ...]) -> Any:
    """The value at `path`."""
    return functools.reduce(lambda node, part: node[part], path, document)


KEYS = [*sorted(every_key(list(DOCUMENTS.values()))), "memory", "mp256", "099", ""]


def changed(document: Any, path: tuple[Any, ...], value: Any, *, drop: bool) -> Any:
    """The document with the value at `path` replaced, added or dropped."""
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
def test_schema_and_models_accept_and_reject_the_same_documents(model: type[BaseModel], data: st.DataObject) -> None:
    document = DOCUMENTS[model]
    for _ in range(data.draw(st.integers(1, 3), label="changes")):
        found = places(document)
        path = data.draw(st.sampled_from(found), label="path")
        value = data.draw(NEAR_MISSES | JSON, label="value")
        drop = bool(path) and data.draw(st.booleans(), label="drop")
        if not drop and (*path, "") not in found and isinstance(at(document, path), dict):
            path = (*path, data.draw(st.sampled_from(KEYS), label="key"))
            value = data.draw(st.just(value) | st.sampled_from([at(document, other) for other in found]), label="copy")
        document = changed(document, path, value, drop=drop)
    assert accepts_model(model, document) == accepts_schema(model, document)


@given(key=st.sampled_from(sorted(VM)), value=JSON | NEAR_MISSES)
def test_schema_and_models_agree_on_every_required_property(key: str, value: Any) -> None:
    document = {"vms": [{**VM, key: value}]}
    assert accepts_model(HypervisorConfig, document) == accepts_schema(HypervisorConfig, document)
