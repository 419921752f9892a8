#!/usr/bin/env python3
"""Write the fake's option data from the JSON schemas of the real tools' options.

usage: fakes/qm/tools/schema.py FOLDER      (the folder holds schema-qm.json, schema-pct.json and schema-pvesm.json)

The result is Python, because a literal in a .pyc loads faster than any other form: `fake_pve/schema/data_<tool>.py` has
the commands of a tool, `data_<tool>_guest.py` those that carry a whole guest's options, which a read never needs. A
schema that occurs more than once is written once and named.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parents[1] / "fake_pve" / "schema"
BOUNDS = ("minimum", "maximum", "minLength", "maxLength")
KEPT = {
    "type",
    "optional",
    "enum",
    "pattern",
    "format",
    "format_name",
    "default",
    "default_key",
    "alias",
    "keyAlias",
    "requires",
}
NUMBERS = r"\d+(?:-\d+)?(?:;\d+(?:-\d+)?)*"
PCI_ADDRESS = r"(?:[a-f0-9]{4,}:)?[a-f0-9]{2}:[a-f0-9]{2}(?:\.[a-f0-9])?"
MOUNT_OPTION = "(?:discard|lazytime|noatime|nodev|noexec|nosuid)"
IDMAP = r"(?:passthrough|[ug]:\d+:\d+:\d+(?:;[ug]:\d+:\d+:\d+)*)"
ENVIRONMENT = r"(?:\w+=[^\x00-\x1f\x7f]*(?:\0\w+=[^\x00-\x1f\x7f]*)*)"
# Patterns that the tools keep compiled, so that their JSON lost them; from qm(1), pct(1), qm-create-182, pct-mount2-017
# and pct-option-set-002. Without a property's name the pattern is the option's own.
LOST_PATTERNS = {
    ("cpu", "flags"): r"[+-][a-zA-Z0-9\-_.]+(?:;[+-][a-zA-Z0-9\-_.]+)*",
    ("cpu", "hv-vendor-id"): "[a-zA-Z0-9]{1,12}",
    ("hostpci", "device-id"): "0x[0-9a-fA-F]{4}",
    ("hostpci", "host"): f"{PCI_ADDRESS}(?:;{PCI_ADDRESS})*",
    ("hostpci", "sub-device-id"): "0x[0-9a-fA-F]{4}",
    ("hostpci", "sub-vendor-id"): "0x[0-9a-fA-F]{4}",
    ("hostpci", "vendor-id"): "0x[0-9a-fA-F]{4}",
    ("env", ""): ENVIRONMENT,
    ("mp", "idmap"): IDMAP,
    ("mp", "mountoptions"): f"{MOUNT_OPTION}(?:;{MOUNT_OPTION})*",
    ("net", "trunks"): NUMBERS,
    ("numa", "cpus"): NUMBERS,
    ("numa", "hostnodes"): NUMBERS,
    ("rootfs", "idmap"): IDMAP,
    ("rootfs", "mountoptions"): f"{MOUNT_OPTION}(?:;{MOUNT_OPTION})*",
    ("usb", "host"): r"(?:(?:0x)?[0-9A-Fa-f]{4}:(?:0x)?[0-9A-Fa-f]{4}|\d+-\d+(?:\.\d+)*|[Ss][Pp][Ii][Cc][Ee])",
}
GUEST_COMMANDS = {"qm": {"create", "set", "import"}, "pct": {"create", "set", "restore"}, "pvesm": {"add", "set"}}
HEAD = '''"""Options of `{tool}`: written by fakes/qm/tools/schema.py, not by hand."""

# ruff: noqa
# mypy: disable-error-code="var-annotated"
# fmt: off
from __future__ import annotations

'''


def number(value: Any) -> Any:
    """Bounds come as numbers and as text; text that is no number (a default such as `move limit`) stays."""
    if not isinstance(value, str):
        return value
    try:
        return int(value)
    except ValueError:
        return value


def compact(schema: dict[str, Any]) -> dict[str, Any]:
    """One option's schema with only what the fake uses."""
    kept = {key: value for key, value in sorted(schema.items()) if key in KEPT or key in BOUNDS}
    for bound in ("minimum", "maximum"):
        if bound in kept:
            kept[bound] = number(kept[bound])
    if isinstance(kept.get("format"), dict):
        kept["format"] = {name: compact(part) for name, part in sorted(kept["format"].items())}
    if "enum" in kept:
        kept["enum"] = tuple(kept["enum"])
    return kept


def with_lost_patterns(name: str, option: dict[str, Any]) -> dict[str, Any]:
    """The option `name` (such as `usb[0-13]`) with the patterns that its properties have on a node."""
    for (stem, part), pattern in LOST_PATTERNS.items():
        if name.partition("[")[0] == stem and not part:
            option.setdefault("pattern", pattern)
        elif name.partition("[")[0] == stem and part in option.get("format", {}):
            option["format"][part].setdefault("pattern", pattern)
    return option


def command(schema: dict[str, Any]) -> dict[str, Any]:
    """A subcommand: its bare arguments in order, and its options."""
    options = {
        name: with_lost_patterns(name, compact(option))
        for name, option in schema["options"].items()
        if name not in schema["fixed"]
    }
    return {"positional": tuple(schema["positional"]), "options": options}


class Writer:
    """Turns nested dicts into Python text, sharing what is equal."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.names: dict[str, str] = {}
        self.lines: list[str] = []

    def count(self, value: Any) -> None:
        """Note how often each dict occurs below `value`."""
        if isinstance(value, dict):
            text = repr(value)
            self.counts[text] = self.counts.get(text, 0) + 1
            if self.counts[text] == 1:
                for part in value.values():
                    self.count(part)

    def text(self, value: Any) -> str:
        """`value` as Python; what occurs again is put into a line of its own and named."""
        if not isinstance(value, dict):
            return repr(value)
        key = repr(value)
        if key in self.names:
            return self.names[key]
        body = "{" + ", ".join(f"{name!r}: {self.text(part)}" for name, part in value.items()) + "}"
        if self.counts[key] < 2 or len(value) == 0:
            return body
        self.names[key] = f"S{len(self.names)}"
        self.lines.append(f"{self.names[key]} = {body}")
        return self.names[key]


def wrapped(line: str, width: int = 116) -> list[str]:
    """A long literal broken after commas between tokens."""
    found: list[str] = []
    while len(line) > width:
        at = line.rfind(", ", 0, width)
        while at > 0 and line[:at].count("'") % 2:
            at = line.rfind(", ", 0, at)
        if at <= 0:
            break
        found.append(line[: at + 1])
        line = "    " + line[at + 2 :]
    return [*found, line]


def module(tool: str, tables: dict[str, Any]) -> str:
    """The text of one data module: its `tables`, each a dict."""
    writer = Writer()
    for table in tables.values():
        writer.count(table)
        writer.counts[repr(table)] = 1
    bodies = []
    for name, table in tables.items():
        rows = [f"    {key!r}: {writer.text(value)}," for key, value in table.items()]
        bodies += ["", f"{name} = {{", *rows, "}"]
    lines = [part for line in [*writer.lines, *bodies] for part in wrapped(line)]
    return HEAD.format(tool=tool) + "\n".join(lines) + "\n"


def main(folder: str) -> None:
    """Read the three schemas, write the data modules."""
    for tool, guest in GUEST_COMMANDS.items():
        schemas = json.loads((Path(folder) / f"schema-{tool}.json").read_text())
        schemas.pop("_note")
        aliases = {name: schema["alias"] for name, schema in schemas.items() if "alias" in schema}
        commands = {name: command(schema) for name, schema in schemas.items() if "alias" not in schema}
        small = {name: table for name, table in commands.items() if name not in guest}
        large = {name: table for name, table in commands.items() if name in guest}
        (TARGET / f"data_{tool}.py").write_text(module(tool, {"COMMANDS": small, "ALIASES": aliases}))
        (TARGET / f"data_{tool}_guest.py").write_text(module(tool, {"COMMANDS": large}))


if __name__ == "__main__":
    main(sys.argv[1])
