#!/usr/bin/env python3
"""Write how much of the real tools the fake covers: tests/conformance/{scores,differing}.json, docs/fake-coverage.md.

usage: fakes/qm/tools/coverage.py [--check]      (--check writes nothing and fails when the document is stale)

Scores come from replaying the recordings; what an option does comes from the code: it is *modelled* where the code
behind its subcommand asks for it (for a guest's option: names it), *accepted* where it is only checked and, if it is a
guest's, stored; *refused* where it stands in REFUSED or ends in NotModelled.
"""

from __future__ import annotations

import ast
import functools
import importlib
import json
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[3]
PACKAGE = PROJECT / "fakes/qm/fake_pve"
SCORES = PROJECT / "tests/conformance/scores.json"
DIFFERING = PROJECT / "tests/conformance/differing.json"
DOCUMENT = PROJECT / "docs/fake-coverage.md"
# What every subcommand goes through says nothing about one of them.
COMMON = ("cli", "schema", "conf_keys.py", "call.py", "main.py", "propstring.py", "formats.py", "seed.py")
# Lists of names that are passed over.
PASSED_OVER = ("HOW", "NOT_STORED", "UNMODELLED")
HEAD = """# What the fake covers

Written by `python fakes/qm/tools/coverage.py` from the code and the recordings; a test fails when it is stale.

**modelled** the option has its effect · **accepted** it is checked against the real tool's schema (and, where it is a
guest's option, stored and shown) and nothing else follows · **refused** exit status 70 and a message that says so.
"""


def modules(file: Path) -> set[Path]:
    """The package's files that `file` imports, also inside functions, without those that all subcommands share."""
    found: set[Path] = set()
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("fake_pve"):
            base = PACKAGE.joinpath(*node.module.split(".")[1:])
            found |= {base.with_suffix(".py"), *((base / alias.name).with_suffix(".py") for alias in node.names)}
    return {path for path in found if path.exists() and path.relative_to(PACKAGE).parts[0] not in COMMON}


@functools.cache
def tree(file: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(file.read_text(encoding="utf-8"))


@functools.cache
def closure(file: Path, depth: int = 3) -> frozenset[Path]:
    """`file` and what it imports, a few steps deep."""
    found = {file}
    for module in modules(file) if depth else ():
        found |= closure(module, depth - 1)
    return frozenset(found)


@functools.cache
def words(file: Path) -> frozenset[str]:
    """All short texts that stand in a file's code, documentation and lists of what is passed over apart."""
    parts = [node for node in tree(file).body if not assigns(node, PASSED_OVER)]
    nodes = [node for part in parts for node in ast.walk(part)]
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return frozenset(word for text in texts if len(text) < 400 for word in (text, *text.split()))


def assigns(node: ast.stmt, names: tuple[str, ...]) -> bool:
    """Whether a statement gives one of these names its value."""
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in names


@functools.cache
def asked(file: Path) -> frozenset[str]:
    """The parameters that a file asks for: `call.params["x"]`, `params.get("x")`, `call.flag("x")`, `"x" in params`."""
    found = set()
    for node in ast.walk(tree(file)):
        match node:
            case ast.Subscript(value=source, slice=ast.Constant(value=str(name))):
                found |= {name} if is_params(source) else set()
            case ast.Call(func=ast.Attribute(value=source, attr=method), args=[ast.Constant(value=str(name)), *_]):
                found |= {name} if method == "flag" or is_params(source) else set()
            case ast.Compare(left=ast.Constant(value=str(name)), comparators=[source]):
                found |= {name} if is_params(source) else set()
    return frozenset(found)


def is_params(node: ast.expr) -> bool:
    """Whether an expression is a call's parameters."""
    return ast.unparse(node).rpartition(".")[2] in ("params", "wanted", "given")


def refused(file: Path) -> frozenset[str]:
    """The options in a subcommand's REFUSED, or named in one of its NotModelled."""
    module = importlib.import_module(".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts))
    found = set(getattr(module, "REFUSED", ()))
    for node in ast.walk(tree(file)):
        match node:
            case ast.Call(func=ast.Name(id="NotModelled"), args=[text]):
                found |= {word.strip("'\"").removeprefix("--") for word in ast.unparse(text).split() if "--" in word}
    return frozenset(found)


def verdict(command: str, file: Path, option: str) -> str:
    """What the code behind a subcommand does with an option."""
    stem = option.partition("[")[0]
    if stem in refused(file) or (file.parent.name == "pvesm" and command in ("add", "set") and is_foreign(option)):
        return "refused"
    guests = command in ("create", "set", "add")
    named = any({option, stem} & (words(path) if guests else asked(path)) for path in closure(file))
    return "modelled" if named else "accepted"


def is_foreign(option: str) -> bool:
    """Whether an option of `pvesm add` and `set` is for types of storages that are not modelled."""
    storages = importlib.import_module("fake_pve.storage.options")
    return option not in (*frozenset().union(*storages.TYPES.values()), "delete", "digest")


def handler_file(tool: str, command: str) -> Path:
    """Where a subcommand's `run` is."""
    return PACKAGE / tool / f"{command.replace(' ', '_').replace('-', '_')}.py"


def rows(tool: str) -> list[str]:
    """A table line a subcommand: its options by verdict."""
    schema = importlib.import_module("fake_pve.schema")
    found = []
    for command in schema.command_names(tool):
        table = schema.command(tool, command)
        file = handler_file(tool, command)
        if not file.exists():
            found.append(f"| `{tool} {command}` | | | the whole subcommand |")
            continue
        by: dict[str, list[str]] = {"modelled": [], "accepted": [], "refused": []}
        for option in sorted(set(table["options"]) - set(table["positional"])):
            by[verdict(command, file, option)].append(f"`{option}`")
        cells = " | ".join(", ".join(by[kind]) for kind in ("modelled", "accepted", "refused"))
        found.append(f"| `{tool} {command}` | {cells} |")
    return found


def document(scores: dict[str, dict[str, list[int]]]) -> str:
    """The whole text of docs/fake-coverage.md."""
    schema = importlib.import_module("fake_pve.schema")
    parts = [HEAD]
    for tool, groups in scores.items():
        parts += [f"## {tool}\n", "| subcommand | modelled | accepted | refused |\n|---|---|---|---|", *rows(tool), ""]
        aliases = ", ".join(f"`{alias}` = `{name}`" for alias, name in sorted(schema.aliases(tool).items()))
        parts += [f"Aliases: {aliases}.\n"] if aliases else []
        parts += ["| group of recordings | steps | state | text |\n|---|--:|--:|--:|", *score_rows(groups), ""]
    return "\n".join(parts).rstrip() + "\n"


def score_rows(groups: dict[str, list[int]]) -> list[str]:
    """A table line a group, and their sum."""
    total = [sum(column) for column in zip(*groups.values(), strict=True)]
    lines = []
    for name, (steps, state, text) in [*sorted(groups.items()), ("**all**", total)]:
        lines.append(f"| {name} | {steps} | {100 * state / steps:.1f} % | {100 * text / steps:.1f} % |")
    return lines


def measure() -> tuple[dict[str, dict[str, list[int]]], dict[str, list[int]]]:
    """Replay everything: tool -> group -> [steps, equal in state, equal in text], and the scenarios with unequal steps.

    Of those: id -> [not equal in state, not equal in text].
    """
    replay: Any = importlib.import_module("conformance.replay")
    found: dict[str, dict[str, list[int]]] = {}
    unequal: dict[str, list[int]] = {}
    for tool in ("qm", "pct", "pvesm"):
        for group, scenarios in sorted(replay.groups(tool).items()):
            total = found.setdefault(tool, {}).setdefault(group, [0, 0, 0])
            for scenario in scenarios:
                score, _ = replay.score([scenario])
                total[:] = [old + new for old, new in zip(total, (score.steps, score.state, score.text), strict=True)]
                if score.text < score.steps:
                    unequal[scenario["id"]] = [score.steps - score.state, score.steps - score.text]
    return found, unequal


def main() -> None:
    """Write all three, or with --check compare the document with what it would be."""
    if "--check" in sys.argv:
        scores = json.loads(SCORES.read_text(encoding="utf-8"))
        if not DOCUMENT.exists() or DOCUMENT.read_text(encoding="utf-8") != document(scores):
            sys.exit("docs/fake-coverage.md is stale: python fakes/qm/tools/coverage.py writes it")
        return
    scores, unequal = measure()
    lines = [
        f'"{tool}": {{{", ".join(f"{json.dumps(g)}: {n}" for g, n in groups.items())}}}'
        for tool, groups in scores.items()
    ]
    SCORES.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    rows = ",\n".join(f"{json.dumps(name)}: {numbers}" for name, numbers in sorted(unequal.items()))
    DIFFERING.write_text(f"{{\n{rows}\n}}\n", encoding="utf-8")
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(document(scores), encoding="utf-8")


if __name__ == "__main__":
    sys.path[:0] = [str(PROJECT / "tests"), str(PROJECT / "fakes/qm")]
    main()
