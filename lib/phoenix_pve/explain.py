"""What pydantic found wrong, in the words of someone who edits the JSON file. PURE."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phoenix_pve import jsonfile
from phoenix_pve.model_values import PATTERN_MEANING
from phoenix_pve.values import props

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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
KEYS = "ssh_authorized_keys"
PRIVATE = re.compile(r"PRIVATE KEY-----|PuTTY-User-Key-File|b3BlbnNzaC1rZXktdjE")
"""What only private keys have: PEM's and PuTTY's heads, and how the inside of OpenSSH's begins."""
QUANTITY = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(?:([KMGT])(?:i?B)?)?\s*", re.IGNORECASE)
UNITS = {"K": 1, "M": 1 << 10, "G": 1 << 20, "T": 1 << 30}


def json_path(location: Sequence[int | str]) -> str:
    """`("vms", 0, "cores")` -> `vms[0].cores`."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".") or "the document"


def shown(value: Any) -> str:
    """Return a value as JSON, cut to a readable length."""
    text = json.dumps(value, ensure_ascii=True, default=str)
    if is_private(text):
        return "a private key"
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


def is_private(text: str) -> bool:
    """Return whether a text is, or begins like, a private key, which is repeated nowhere."""
    return PRIVATE.search(text) is not None


def wrong_type(value: Any, wanted: str, key: str = "") -> str:
    """Return "must be a whole number, is a string: write 2048"."""
    word = next((word for kind, word in JSON_WORDS.items() if isinstance(value, kind)), shown(value))
    meant = _meant(value, wanted, key)
    return f"must be {wanted}, is {word}" + (f": write {meant}" if meant else "")


def _meant(value: Any, wanted: str, key: str) -> str:
    """Return the value that somebody meant who wrote one of the wrong type, as JSON, or nothing."""
    if wanted == "a whole number" and isinstance(value, str):
        return _number(value, key)
    if wanted == "true or false" and isinstance(value, str) and value.lower() in props.YES | props.NO:
        return json.dumps(value.lower() in props.YES)
    if wanted == "a string" and isinstance(value, int) and not isinstance(value, bool):
        return json.dumps(str(value))
    if wanted == "an array" and isinstance(value, str | int) and not isinstance(value, bool) and key != KEYS:
        return shown([value])
    return ""


def _number(text: str, key: str) -> str:
    """`2G` -> 2048 for a key in MiB, 2 for one in GiB; a number without a unit is in that of the key."""
    found = QUANTITY.fullmatch(text)
    own = {"mb": UNITS["M"], "gb": UNITS["G"]}.get(key.rpartition("_")[2])
    if not found or (found[2] and not own):
        return ""
    amount = float(found[1]) * UNITS[found[2].upper()] / own if found[2] and own else float(found[1])
    return str(int(amount)) if amount.is_integer() else ""


def _what(error: ErrorDetails, known: Iterable[str], required: Iterable[str] = ()) -> str:
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    key = str(error["loc"][-1]) if error["loc"] else ""
    secret = key in SECRET_KEYS or KEYS in error["loc"]
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
            meaning = PATTERN_MEANING.get(context["pattern"], "well formed")
            return f"{text} is not {meaning}{_better(value, context['pattern'])}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}, is {text}" + ("; null says none" if key == "vlan_tag" else "")
        case "less_than_equal":
            return f"must be at most {context['le']}, is {text}"
        case "string_too_long":
            return f"must have at most {context['max_length']} characters"
        case _ if kind in TYPE_WORDS and value is None:
            left_out = "" if key in required or isinstance(error["loc"][-1], int) else "; leave the key out"
            return f"must be {TYPE_WORDS[kind]}, is null{left_out}"
        case _ if kind in TYPE_WORDS:
            return f"must be {TYPE_WORDS[kind]}" if secret else wrong_type(value, TYPE_WORDS[kind], key)
        case _:
            return str(error["msg"])


def _better(value: str, pattern: str) -> str:
    """Return "; did you mean `my-vm`?" for a name with underscores that is good without."""
    hyphens = value.replace("_", "-")
    return f"; did you mean `{hyphens}`?" if hyphens != value and re.match(pattern, hyphens) else ""


def _keys(model: type[BaseModel], location: Sequence[int | str]) -> tuple[list[str], set[str]]:
    """Return the keys that the object at `location` may have and must have, by walking the generated schema."""
    schema = model.model_json_schema()
    nodes: list[Any] = [schema]
    for part in location:
        nodes = [child for node in nodes for found in _resolve(schema, node) for child in _children(found, part)]
    objects = [found for node in nodes for found in _resolve(schema, node)]
    known = dict.fromkeys(key for found in objects for key in found.get("properties", {}) if key != "$schema")
    return list(known), {key for found in objects for key in found.get("required", ())}


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
    return tuple(part for part in error["loc"] if isinstance(part, int) or not _is_pydantics_own(part))


def _is_pydantics_own(part: str) -> bool:
    """Return whether a part is the name of a union member, or `[key]`, which stands behind a key that is wrong."""
    return part == "[key]" or part[:1] + part[-1:] == "<>"


IS_PRIVATE = "is a private key: put the public one here (its file's name ends with .pub), and keep this one to yourself"


@dataclass(frozen=True)
class _File:
    """A configuration file: its name, its text, and where in that everything begins; see jsonfile.offsets."""

    name: str
    text: str
    offsets: Mapping[jsonfile.Location, tuple[int, int]]

    def at(self, location: jsonfile.Location, *, key: bool = False) -> str:
        """Return `FILE:LINE:COLUMN` of a value, or of its key; for what is not there, of what should hold it."""
        while location and location not in self.offsets:
            location, key = location[:-1], False
        found = self.offsets.get(location)
        return self.name + (jsonfile.line_and_column(self.text, found[0 if key else 1]) if found else "")


def problems(name: str, document: Any, model: type[BaseModel], error: ValidationError, text: str = "") -> list[str]:
    """Return one line for each problem: `FILE:3:14: vms[0] (8001).cores: must be at least 1, is 0`.

    Line and column are those in `text`, which the document was read from.
    """
    file = _File(name, text, jsonfile.offsets(text))
    return list(dict.fromkeys(_problem(file, document, model, found) for found in error.errors()))


def _problem(file: _File, document: Any, model: type[BaseModel], error: ErrorDetails) -> str:
    location, unknown = _location(error), error["type"] == "extra_forbidden"
    if private := _private_keys(document, location):
        return f"{file.at(private)}: {_place(document, private)}: {IS_PRIVATE}"
    asks = unknown or error["input"] is None
    known, required = _keys(model, location[:-1]) if asks else ([], set())
    place = _place(document, location[:-1] if unknown else location)
    at = file.at(location, key=unknown or error["loc"][-1:] == ("[key]",))
    return f"{at}: {place}: {_what(error, known, required)}"


def _private_keys(document: Any, location: jsonfile.Location) -> jsonfile.Location:
    """Return where a list of keys is that has a private one in it, of which a line is wrong at `location`; or ()."""
    if KEYS not in location:
        return ()
    place = location[: location.index(KEYS) + 1]
    for part in place:
        document = document[part]
    return place if is_private(json.dumps(document)) else ()


def located(name: str, text: str, problems: Iterable[str]) -> list[str]:
    """Return problems of which those that begin with `FILE: PLACE: ` got line and column behind FILE."""
    file = _File(name, text, jsonfile.offsets(text))
    by_path = {json_path(location): location for location in file.offsets}
    return [_located(file, by_path, problem) if problem.startswith(f"{name}: ") else problem for problem in problems]


def _located(file: _File, by_path: Mapping[str, jsonfile.Location], problem: str) -> str:
    told = problem.removeprefix(file.name)
    path = re.sub(r" \([0-9]+\)", "", told.removeprefix(": ").partition(": ")[0])
    while path and path not in by_path:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return f"{file.at(by_path[path])}{told}" if path else problem
