"""Every key of both models: left out, it changes nothing; `null` takes away what is there, or is an error.

The keys come from the models and the values from test_models' full documents, so that a new key is covered by itself.
What is there is what phoenix itself would have made from the full document.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from phoenix_pve import inventory, schemas
from phoenix_pve.errors import ConfigError
from phoenix_pve.guest import GuestSpec, GuestState, Kind, Power
from phoenix_pve.models import Container, ContainerNetwork, Features, NetworkConfig, Strict, Vm
from phoenix_pve.observe import Seen
from phoenix_pve.plan import Goal, Grow, Plan, SetOptions
from phoenix_pve.planner import Options, foreseen, plan
from phoenix_pve.readiness import Wait
from phoenix_pve.storage_cfg import Storage
from places import ROOT
from samples import USER_DATA
from test_models import FULL_CONTAINER, FULL_VM

ALL = frozenset({"images", "rootdir", "snippets", "vztmpl"})
STORAGES = {"local": Storage("local", "dir", "/var/lib/vz", ALL, False, frozenset())}
PLACES: list[tuple[Kind, tuple[str, ...], type[Strict]]] = [
    (Kind.VM, (), Vm),
    (Kind.VM, ("network_config",), NetworkConfig),
    (Kind.CONTAINER, (), Container),
    (Kind.CONTAINER, ("network_config",), ContainerNetwork),
    (Kind.CONTAINER, ("features",), Features),
]
CASES = [(kind, (*path, key)) for kind, path, model in PLACES for key in model.model_fields]
DOCUMENTS: dict[Kind, dict[str, Any]] = {
    Kind.VM: {**FULL_VM, "dependencies": []},
    Kind.CONTAINER: {
        **FULL_CONTAINER,
        "dependencies": [],
        "description": "a database",
        "boot_order": 3,
        "boot_delay": 4,
    },
}
NONE_FOR = {  # what `null` stands for, where a key cannot be null on its own
    (Kind.VM, ("network_config", "ip")): {"gw": None},
    (Kind.CONTAINER, ("network_config", "ip")): {"gw": None},
}


def spec_of(folder: Path, kind: Kind, guest: dict[str, Any]) -> GuestSpec:
    vms = [guest] if kind is Kind.VM else []
    containers = {"101": guest} if kind is Kind.CONTAINER else {}
    (folder / inventory.HYPERVISOR_FILE).write_text(json.dumps({"admin": {"username": "a"}, "vms": vms}))
    (folder / inventory.LXC_FILE).write_text(json.dumps({"lxc_configs": containers}))
    return next(iter(inventory.load(folder).guests.values()))


def changed(guest: dict[str, Any], path: tuple[str, ...], **value: Any) -> dict[str, Any]:
    """The document without the key at `path`, or with another `value` there."""
    made = copy.deepcopy(guest)
    holder = made
    for part in path[:-1]:
        holder = holder[part]
    holder.pop(path[-1], None)
    holder.update({path[-1]: value["value"]} if value else {})
    return made


def made_from(spec: GuestSpec) -> GuestState:
    """The guest that is there after a new one was made."""
    state = foreseen(spec)
    options = dict(state.options)
    return replace(state, power=Power.RUNNING, options=options, description=options.pop("description", ""), digest="d1")


def planned(spec: GuestSpec, state: GuestState) -> Plan:
    found = plan(Goal.CREATE, spec, Seen(state, STORAGES, USER_DATA), USER_DATA, Options(wait=Wait.NONE))
    assert found.refusals == ()
    return found


def after(state: GuestState, done: Plan) -> GuestState:
    """The guest when a plan was carried out."""
    options = {**state.options, "description": state.description}
    for change in done.changes:
        assert isinstance(change, SetOptions | Grow), change
        if isinstance(change, SetOptions):
            assert not set(change.removed) & {name for name, _ in change.options}
            options = {
                key: value for key, value in {**options, **dict(change.options)}.items() if key not in change.removed
            }
    return replace(state, options=options, description=options.pop("description", ""))


def told(done: Plan) -> list[str]:
    return [
        f"{d.old} ({d.why})" for change in done.changes if isinstance(change, SetOptions) for d in change.differences
    ]


@pytest.mark.parametrize(("kind", "path"), CASES)
def test_a_key_that_is_left_out_changes_nothing(tmp_path: Path, kind: Kind, path: tuple[str, ...]) -> None:
    full = DOCUMENTS[kind]
    there = made_from(spec_of(tmp_path, kind, full))
    assert planned(spec_of(tmp_path, kind, full), there).changes == ()
    if required(kind, path) or (kind, path) == (Kind.CONTAINER, ("network_config", "gw")):
        with pytest.raises(ConfigError, match="is required"):
            spec_of(tmp_path, kind, changed(full, path))
    else:
        assert planned(spec_of(tmp_path, kind, changed(full, path)), there).changes == ()


def required(kind: Kind, path: tuple[str, ...]) -> bool:
    model = next(model for other, place, model in PLACES if (other, place) == (kind, path[:-1]))
    return model.model_fields[path[-1]].is_required()


def nullable() -> Iterator[tuple[Kind, tuple[str, ...]]]:
    for kind, path, model in PLACES:
        for key, about in schemas.schema(model)["properties"].items():
            if "type" not in about and "$ref" not in about:
                yield kind, (*path, key)


@pytest.mark.parametrize(("kind", "path"), CASES)
def test_null_takes_away_what_is_there_or_is_an_error_that_says_so(
    tmp_path: Path, kind: Kind, path: tuple[str, ...]
) -> None:
    full = DOCUMENTS[kind]
    guest = changed(full, path, value=None)
    for key, value in NONE_FOR.get((kind, path), {}).items():
        guest = changed(guest, (*path[:-1], key), value=value)
    there = made_from(spec_of(tmp_path, kind, full))
    if (kind, path) not in set(nullable()):
        with pytest.raises(ConfigError, match=r":[0-9]+:[0-9]+: .*, is null") as caught:
            spec_of(tmp_path, kind, guest)
        assert ("leave the key out" in caught.value.message) is not required(kind, path)
        return
    spec = spec_of(tmp_path, kind, guest)
    done = planned(spec, there)
    assert [line for line in told(done) if line.endswith("(null in the file)")] or path == ("cores",), (
        "the plan says where it comes from"
    )
    left = after(there, done)
    assert planned(spec, left).changes == ()
    assert (left.options, left.description) == (made_from(spec).options, made_from(spec).description)


@pytest.mark.parametrize(
    ("kind", "key"),
    [(Kind.VM, "tags"), (Kind.CONTAINER, "tags"), (Kind.CONTAINER, "nameservers"), (Kind.VM, "network_config")],
)
def test_an_empty_list_says_none_as_well(tmp_path: Path, kind: Kind, key: str) -> None:
    full = DOCUMENTS[kind]
    there = made_from(spec_of(tmp_path, kind, full))
    path = ("network_config", "nameserver") if key == "network_config" else (key,)
    spec = spec_of(tmp_path, kind, changed(full, path, value=[]))
    done = planned(spec, there)
    assert [line for line in told(done) if line.endswith("([] in the file)")]
    assert planned(spec, after(there, done)).changes == ()


def test_the_documentation_lists_the_keys_that_take_null() -> None:
    text = (ROOT / "docs/configuration.md").read_text()
    table = text[text.index("## None: `null`") :].partition("\n## ")[0]
    listed = {
        key
        for line in table.split("\n")
        if line.startswith("| `")
        for key in re.findall(r"`([a-z_]+)`", line.split("|")[1])
    }
    assert listed == {path[-1] for _, path in nullable()}


def test_what_is_stated_as_none_is_nothing_in_a_template() -> None:
    from phoenix_pve.cloud_init import yaml_scalar
    from phoenix_pve.guest import Gone

    assert [(bool(gone), str(gone), yaml_scalar(gone)) for gone in Gone] == [(False, "", "null")] * 3
