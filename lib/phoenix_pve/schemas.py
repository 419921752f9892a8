"""Write the JSON Schemas of the configuration files from the models: `make schemas`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phoenix_pve.models import PATTERN_MEANING, HypervisorConfig, LxcConfig

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
    if "patternProperties" in kept:
        kept["additionalProperties"] = False
    if kept.get("pattern") in PATTERN_MEANING:
        kept["patternErrorMessage"] = f"must be {PATTERN_MEANING[kept['pattern']]}"
    return kept


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
