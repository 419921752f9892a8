"""Write the JSON Schemas of the configuration files from the models: `make schemas`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phoenix_pve.model_values import PATTERN_MEANING
from phoenix_pve.models import HypervisorConfig, LxcConfig

if TYPE_CHECKING:
    from pydantic import BaseModel

FILES: dict[str, type[BaseModel]] = {
    "phoenix_hypervisor_config.schema.json": HypervisorConfig,
    "phoenix_lxc_configs.schema.json": LxcConfig,
}


def schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of one file (JSON Schema 2020-12)."""
    made = model.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_tidy(made), "title": made["title"]}


def _tidy(node: Any) -> Any:
    """Drop pydantic's titles, which say nothing new; close objects with patterned keys; say what a pattern means.

    `patternErrorMessage` is what VS Code and its relatives show in place of the pattern.
    """
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _tidy(value) for key, value in node.items() if not (key == "title" and isinstance(value, str))}
    if kept.get("default", "") is None:
        del kept["default"]
    if {"type": "null"} in kept.get("anyOf", ()):
        kept = _or_none(kept)
    if "patternProperties" in kept:
        kept["additionalProperties"] = False
    if isinstance(kept.get("properties"), dict) and "required" in kept:
        kept = {**kept, "properties": _required_first(kept["properties"], kept["required"])}
    if kept.get("pattern") in PATTERN_MEANING:
        kept["patternErrorMessage"] = f"must be {PATTERN_MEANING[kept['pattern']]}"
    return kept


TYPES = ("string", "number", "boolean", "object", "array")
FIRST = ("$schema", "vmid", "name", "cores", "memory_mb", "disk_size_gb", "storage_size_gb", "storage_pool", "size_gb")
"""Keys that come first among those that are required; `type` and the like never do."""


def _or_none(node: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a value that may be null, without a word of null: editors propose whatever a schema names.

    Keywords such as `minimum`, `pattern` and `items` judge only values of their own type, so it is enough to forbid
    the types that are not meant.
    """
    (meant,) = [choice for choice in node["anyOf"] if choice != {"type": "null"}]
    kinds = meant.get("oneOf", [meant])
    types = {"number" if kind["type"] == "integer" else kind["type"] for kind in kinds}
    judged = {key: value for kind in kinds for key, value in kind.items() if key != "type"}
    whole = {"multipleOf": 1} if any(kind["type"] == "integer" for kind in kinds) else {}
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**judged, **whole, "not": {"type": [name for name in TYPES if name not in types]}, **rest}


def _required_first(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """Return properties in the order in which somebody writes them: editors that keep an order propose it so."""
    ordered = sorted(properties, key=lambda key: (key not in required, (*FIRST, key).index(key)))
    return {key: properties[key] for key in ordered}


def text(model: type[BaseModel]) -> str:
    """Return the schema as the file has it."""
    return json.dumps(schema(model), indent=2, ensure_ascii=False) + "\n"


def main(folder: str) -> int:
    """Write every schema into `folder`."""
    for name, model in FILES.items():
        (Path(folder) / name).write_text(text(model), encoding="utf-8")
        print(Path(folder) / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
