"""What pydantic found wrong, in the words of someone who edits the JSON file. PURE."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

from phoenix_pve.models import PATTERN_MEANING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

TYPE_WORDS = {
    "int_type": "a whole number",
    "string_type": "a string",
    "bool_type": "true or false",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
JSON_WORDS = {str: "a string", list: "an array", dict: "an object"}
MEANT = {
    "bridge": ("network_bridge",),
    "ciuser": ("username",),
    "cipassword": ("password_hash",),
    "cpu": ("cpu_type", "cores"),
    "cpus": ("cores",),
    "disk": ("disk_size_gb", "storage_size_gb"),
    "dns": ("nameserver", "nameservers", "network_config"),
    "gateway": ("gw", "network_config"),
    "gw": ("network_config",),
    "hostname": ("name",),
    "id": ("vmid",),
    "image": ("template_image", "template"),
    "ip": ("network_config",),
    "ipconfig0": ("network_config",),
    "net0": ("network_config",),
    "onboot": ("start_at_boot",),
    "ostemplate": ("template",),
    "password": ("password_hash",),
    "ram": ("memory_mb",),
    "rootfs": ("storage_size_gb",),
    "size": ("size_gb", "disk_size_gb", "storage_size_gb"),
    "sshkeys": ("ssh_authorized_keys",),
    "startup": ("boot_order",),
    "storage": ("storage_pool",),
    "vlan": ("vlan_tag", "network_config"),
}
"""What people write who think in Proxmox's options, or just plainly, and the keys that they mean."""
SECRET_KEYS = frozenset({"password_hash"})


def json_path(location: Sequence[int | str]) -> str:
    """`("vms", 0, "cores")` -> `vms[0].cores`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".") or "the document"


def shown(value: Any) -> str:
    """Return a value as JSON, cut to a readable length."""
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= 60 else text[:57] + "…"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that was probably meant, or nothing."""
    known = list(known)
    meant = [key for key in MEANT.get(word, ()) if key in known]
    longer = sorted(k for k in known if k.startswith(word) and len(word) > 2)
    return next(iter(meant or longer or difflib.get_close_matches(word, known, n=1, cutoff=0.6)), "")


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean `x`?" for the nearest known word, or nothing."""
    near = nearest(word, known)
    return f"; did you mean `{near}`?" if near else ""


def wrong_type(value: Any, wanted: str) -> str:
    """Return "must be a whole number, is a string"."""
    word = next((word for kind, word in JSON_WORDS.items() if isinstance(value, kind)), shown(value))
    return f"must be {wanted}, is {word}"


def _what(error: ErrorDetails, known: Iterable[str]) -> str:
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    key = str(error["loc"][-1]) if error["loc"] else ""
    secret = key in SECRET_KEYS
    text = "its value" if secret else shown(value)
    match kind:
        case "missing":
            return "is required and missing"
        case "extra_forbidden" if key in known:
            clone = next(name for name in known if name.startswith("clone_from"))
            return f"`{key}` and `{clone}` exclude each other: a guest is made from an image, or is a clone"
        case "extra_forbidden":
            return f"unknown key `{key}`{suggestion(key, known)}"
        case "string_pattern_mismatch":
            return f"{text} is not {PATTERN_MEANING.get(context['pattern'], 'well formed')}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}, is {text}"
        case "less_than_equal":
            return f"must be at most {context['le']}, is {text}"
        case "string_too_long":
            return f"must have at most {context['max_length']} characters"
        case _ if kind in TYPE_WORDS:
            return f"must be {TYPE_WORDS[kind]}" if secret else wrong_type(value, TYPE_WORDS[kind])
        case _:
            return str(error["msg"])


def _known_keys(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """Return the keys that the object at `location` may have, by walking the generated schema."""
    schema = model.model_json_schema()
    nodes: list[Any] = [schema]
    for part in location:
        nodes = [child for node in nodes for found in _resolve(schema, node) for child in _children(found, part)]
    objects = [found for node in nodes for found in _resolve(schema, node)]
    return list(dict.fromkeys(key for found in objects for key in found.get("properties", {}) if key != "$schema"))


def _resolve(schema: Any, node: Any) -> list[Any]:
    """Return the schemas that a node of the schema may stand for."""
    if "$ref" in node:
        return [schema["$defs"][node["$ref"].rsplit("/", 1)[1]]]
    choices = node.get("anyOf", node.get("oneOf", []))
    return [found for choice in choices for found in _resolve(schema, choice)] if choices else [node]


def _children(node: Any, part: int | str) -> list[Any]:
    if isinstance(part, int):
        return [node["items"]] if "items" in node else []
    if part in node.get("properties", {}):
        return [node["properties"][part]]
    return list(node.get("patternProperties", {}).values())


def _place(document: Any, location: Sequence[int | str]) -> str:
    """Return the JSON path, with the guest's ID beside its array index."""
    path = json_path(location)
    if len(location) >= 2 and location[0] == "vms" and isinstance(location[1], int):
        guest = document["vms"][location[1]]
        vmid = guest.get("vmid") if isinstance(guest, dict) else None
        if isinstance(vmid, int):
            head = json_path(location[:2])
            return f"{head} ({vmid}){path.removeprefix(head)}"
    return path


def _location(error: ErrorDetails) -> tuple[int | str, ...]:
    """Return where the problem is; pydantic adds names of union members, which no JSON file has."""
    location = error["loc"]
    if error["type"] == "extra_forbidden":
        location = location[:-1]
    return tuple(part for part in location if isinstance(part, int) or not _is_pydantics_own(part))


def _is_pydantics_own(part: str) -> bool:
    """Return whether a part is the name of a union member, or `[key]`, which stands behind a key that is wrong."""
    return part == "[key]" or part[:1] + part[-1:] == "<>"


def problems(name: str, document: Any, model: type[BaseModel], error: ValidationError) -> list[str]:
    """Return one line for each problem: `FILE: vms[0] (8001).cores: must be at least 1, is 0`."""
    lines = []
    for found in error.errors():
        location = _location(found)
        known = _known_keys(model, location) if found["type"] == "extra_forbidden" else ()
        lines.append(f"{name}: {_place(document, location)}: {_what(found, known)}")
    return list(dict.fromkeys(lines))
