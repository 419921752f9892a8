"""The rules of the house, so that they stay rules."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

from places import ROOT

LIB = sorted((ROOT / "lib/phoenix_pve").rglob("*.py"))
FAKE = sorted((ROOT / "fakes/qm/fake_pve").rglob("*.py"))
DATA = {path for path in FAKE if path.name.startswith("data_")}
PURE = [
    "plan",
    "planner",
    "vm_manager",
    "lxc_manager",
    "settings",
    "ownership",
    "node_needs",
    "cluster",
    "surroundings",
    "whereabouts",
    "start_needs",
    "ha_needs",
    "fleet",
    "render",
    "fleet_words",
    "step_words",
    "wrapping",
    "pve_conf",
    "storage_cfg",
    "image",
    "guest",
    "kinds",
    "explain",
    "model_values",
    "address",
    "ssh_config",
    "readiness",
    "complaints",
    "ssh_errors",
    "foreign",
    "instance",
    "guard",
    "identity",
    "notes",
    "records",
    "unfinished",
    "call_limits",
    "lock_files",
    "ssh_script",
]
BOUNDARY = {"subprocess", "socket", "os", "shutil", "tempfile", "time", "pathlib", "threading"}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def functions(path: Path) -> Iterator[ast.FunctionDef]:
    yield from (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))


def body_lines(function: ast.FunctionDef) -> int:
    first = function.body[1] if ast.get_docstring(function) and len(function.body) > 1 else function.body[0]
    return (function.end_lineno or 0) - first.lineno + 1


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def test_phoenix_knows_nothing_of_the_fake() -> None:
    found = [
        p for p in LIB if any(name.split(".")[0] == "fake_pve" for name in imports(p)) or "FAKE_PVE" in p.read_text()
    ]
    assert names(found) == []


def test_the_fake_knows_nothing_of_phoenix() -> None:
    found = [p for p in FAKE if any(name.split(".")[0] in {"phoenix", "phoenix_pve"} for name in imports(p))]
    assert names(found) == []


def test_only_the_nodes_start_processes() -> None:
    found = [p for p in LIB if "subprocess" in set(imports(p))]
    assert set(names(found)) <= {
        "lib/phoenix_pve/local_process.py",
        "lib/phoenix_pve/ssh_node.py",
        "lib/phoenix_pve/ssh_connection.py",
    }


def test_lines_of_proxmox_and_its_tools_end_at_a_line_feed_alone() -> None:
    """str.splitlines() also ends them at U+0085, U+2028, \\v, \\f…, which are text there; see values/text.py."""
    assert names([p for p in LIB if ".splitlines(" in p.read_text()]) == []


def calls(path: Path, *words: str) -> list[str]:
    """The functions of a file that call something named so."""
    return [
        function.name
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in words
    ]


def test_only_one_place_writes_to_the_user_and_it_admits_what_it_writes() -> None:
    """Whatever a stranger said reaches a user through Screen._put alone; see foreign.py."""
    speaking = {path.name for path in LIB if {"stdout", "stderr", "print"} & {*_names_of_streams(path)}}
    assert speaking <= {"app.py", "command_line.py", "schemas.py"}, "two hand the streams to a Screen, one prints names"
    screen = ROOT / "lib/phoenix_pve/screen.py"
    assert calls(screen, "write") == ["_put"]
    assert "_put" in calls(screen, "clean")
    assert calls(screen, "dumps") == ["_document"]
    assert "_document" in calls(screen, "admitted")


def _names_of_streams(path: Path) -> Iterator[str]:
    """`print`, sys.stdout and sys.stderr where a file uses them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sys":
            yield node.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


@pytest.mark.parametrize("word", ["JSONDecodeError", "loads"])
def test_json_of_strangers_is_read_in_one_place(word: str) -> None:
    readers = {path.name for path in LIB if word in path.read_text()}
    assert readers <= {"foreign.py", "jsonfile.py"}


@pytest.mark.parametrize("word", ["isdigit", "isnumeric", "isdecimal"])
def test_a_word_is_a_number_when_int_takes_it(word: str) -> None:
    """`²`.isdigit() is true, and int("²") a traceback; foreign.number is for what strangers say."""
    lines = [line for path in LIB for line in path.read_text().splitlines() if f".{word}()" in line and "int(" in line]
    assert [line for line in lines if "isascii" not in line] == []


@pytest.mark.parametrize("module", PURE)
def test_what_decides_or_renders_touches_nothing(module: str) -> None:
    assert set(imports(ROOT / f"lib/phoenix_pve/{module}.py")) & BOUNDARY == set()


def test_values_touch_nothing() -> None:
    for path in (ROOT / "lib/phoenix_pve/values").glob("*.py"):
        assert set(imports(path)) & BOUNDARY == set(), path


@pytest.mark.parametrize("path", names([p for p in [*LIB, *FAKE] if p not in DATA]))
def test_a_file_fits_in_a_head(path: str) -> None:
    assert len((ROOT / path).read_text().splitlines()) <= 450


@pytest.mark.parametrize("paths", [LIB, FAKE], ids=["phoenix", "fake"])
def test_functions_are_short(paths: list[Path]) -> None:
    lengths = [body_lines(function) for path in paths for function in functions(path)]
    assert statistics.median(lengths) < 10
    assert max(lengths) <= 60


def test_every_subcommand_of_the_fake_has_a_file_named_for_it() -> None:
    for command in ("qm/create.py", "qm/set.py", "qm/disk_resize.py", "pct/create.py", "pvesm/alloc.py"):
        assert (ROOT / "fakes/qm/fake_pve" / command).exists()


def test_the_names_of_the_requirements_are_the_names_in_the_code() -> None:
    defined = {function.name for path in LIB for function in functions(path)}
    wanted = {"run_qm_command", "ensure_vm_defined", "create_vm", "apply_vm_configurations", "start_vm", "destroy_vm"}
    wanted |= {
        "run_pct_command",
        "ensure_container_defined",
        "create_container",
        "apply_container_configurations",
        "start_container",
        "destroy_container",
    }
    assert wanted <= defined


def test_the_hot_path_of_the_fake_imports_nothing_slow() -> None:
    import subprocess
    import sys

    code = "import sys; sys.path.insert(0, 'fakes/qm'); import fake_pve.main, fake_pve.qm.status, fake_pve.qm.config; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    slow = {
        "json",
        "re",
        "dataclasses",
        "enum",
        "typing",
        "subprocess",
        "pathlib",
        "logging",
        "argparse",
        "hashlib",
        "inspect",
    }
    assert set(done.stdout.split()) & slow == set()
