"""Hostile documents, files and command lines: a message with its place, no traceback, and no command on the node."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import phoenix
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.places import ROOT
from tests.reliability.flows import ADMIN, container, vm
from tests.reliability.sampling import WHOLE

from phoenix_pve import cloud_init, command_line, inventory
from phoenix_pve.commands import Run, steps
from phoenix_pve.errors import ConfigError
from phoenix_pve.guest import Kind
from phoenix_pve.plan import Goal
from phoenix_pve.planner import Options, plan
from samples import seen

EXAMPLES = 3000 if WHOLE else 25
HOSTILE = settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
NASTY = st.sampled_from(
    [
        "; rm -rf /", "$(reboot)", "`reboot`", "-rf", "--force", "a'b\"c", "x\ny", "x\ry", "\x1b[31mred", "\u202eevil", "\u2028", "\x85",
        "\ufeff", "a\x00b", "../../etc/passwd", "%s%n", "{{ 7*7 }}", "&anchor *alias", "!!python/object:os.system", "- x: y", "# no",
        "'", '"', "\\", "~", "null", "yes", "0x1f", "1e999", "é", "𝕏", "\ud800", "a" * 10_000, "", " ",
    ]
)  # fmt: skip
NUMBERS = st.one_of(st.integers(), st.integers(-(10**400), 10**400), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.recursive(
    st.one_of(NASTY, st.text(max_size=30), NUMBERS, st.booleans(), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=10) | NASTY, inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = [
    *vm(),
    "network_config",
    "tags",
    "description",
    "admin",
    "dependencies",
    "mac_address",
    "clone_from_vmid",
    "searchdomain",
]
BOX_KEYS = [*container(), "tags", "mount_points", "features", "nameservers", "description"]


def load(folder: Path, vms: Any, boxes: Any, admin: Any = ADMIN) -> inventory.Inventory | None:
    """The inventory of two documents, or None with an error that says where."""
    (folder / inventory.HYPERVISOR_FILE).write_text(json.dumps({"vms": vms, "admin": admin}), "utf-8", "surrogatepass")
    (folder / inventory.LXC_FILE).write_text(json.dumps({"lxc_configs": boxes}), "utf-8", "surrogatepass")
    try:
        return inventory.load(folder)
    except ConfigError as error:
        problems = error.problems
    assert problems
    assert all(str(folder) in problem for problem in problems), problems
    return None


def check_harmless(found: inventory.Inventory | None) -> None:
    """What is accepted becomes arguments that are one word each and user-data that reads back as it was meant."""
    for spec in found.guests.values() if found else ():
        made = plan(Goal.CREATE, spec, seen(None), "", Options())
        for change in made.changes:
            for step in steps(spec.kind, spec.vmid, change):
                assert not isinstance(step, Run) or all("\0" not in word for word in step.argv)
                assert not isinstance(step, Run) or (step.argv[2] != "" and step.argv[0] in {"qm", "pct", "pvesm"})
        if spec.kind is Kind.VM and spec.admin and found:
            read = yaml.safe_load(cloud_init.render(spec, cloud_init.template_path(ROOT / "config")))
            assert read["hostname"] == spec.name
            assert read["users"][0]["name"] == spec.admin.username
            assert tuple(read["users"][0].get("ssh_authorized_keys", ())) == spec.admin.ssh_authorized_keys
            assert len(read["users"]) == 1


@HOSTILE
@given(st.sampled_from(KEYS), VALUES, st.sampled_from(BOX_KEYS), VALUES)
def test_no_value_breaks_out(tmp_path: Path, key: str, value: Any, box_key: str, box_value: Any) -> None:
    check_harmless(load(tmp_path, [{**vm(), key: value}], {"101": {**container(), box_key: box_value}}))
    check_harmless(load(tmp_path, [{**vm(), key: value}], {}))
    check_harmless(load(tmp_path, [], {"101": {**container(), box_key: box_value}}))


@HOSTILE
@given(st.sampled_from(["username", "password_hash", "ssh_authorized_keys", "ssh_authorized_keys_file", "x"]), VALUES)
def test_no_administrator_breaks_out(tmp_path: Path, key: str, value: Any) -> None:
    check_harmless(load(tmp_path, [vm()], {}, {**ADMIN, key: value}))


@HOSTILE
@given(VALUES)
def test_no_document_is_a_traceback(tmp_path: Path, document: Any) -> None:
    load(tmp_path, document, document, document)


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf{}")
@example(b'{"vms": [], "vms": []}')
@example(b'{"vms": [NaN, Infinity]}')
@example(b"[" * 100_000)
@example(b'{"vms": [' + b"9" * 10_000 + b"]}")
@example(b"\xff\xfe{\x00}\x00")
@example(b"")
def test_no_bytes_are_a_traceback(tmp_path: Path, data: bytes) -> None:
    (tmp_path / inventory.HYPERVISOR_FILE).write_bytes(data)
    try:
        inventory.load(tmp_path)
    except ConfigError as error:
        problems = error.problems
        assert all(str(tmp_path) in problem for problem in problems)


class Quiet:
    """An environment without a node: whatever is run there is an error with status 8."""

    def __init__(self, folder: Path) -> None:
        (folder / inventory.HYPERVISOR_FILE).write_text(json.dumps({"vms": [vm()], "admin": ADMIN}))
        self.environ = {
            "PHOENIX_CONFIG_DIR": str(folder),
            "PHOENIX_NODE_ROOT": str(folder),
            "XDG_STATE_HOME": str(folder),
        }


WORDS = ["create", "plan", "delete", "start", "stop", "restart", "status", "list", "validate", "adopt", "8001", "--json", "-n",
         "--all", "--jobs", "2", "--timeout", "nan", "inf", "-1", "1e9", "--config", "--", "-", "", "--yes", "--force", "8001.0",
         "٨٠٠١", "0x1f41", "--jobs=0", "--call-timeout=0", "--wait=x", "-q", "-v", "99999999999999999999999", "-h"]  # fmt: skip


@settings(max_examples=EXAMPLES * 2, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(WORDS), NASTY.filter(lambda t: "\0" not in t), st.text(max_size=8)), max_size=5)
)
@example(words=["create", "-h"])
def test_no_command_line_is_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    quiet = Quiet(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    argv = [word for word in words if not word.startswith(("--host", "--ho"))]
    parsed = command_line.parse(phoenix.__doc__ or "", argv, "0")
    status = phoenix.carry_out(parsed, quiet.environ, tmp_path)
    said = capsys.readouterr()
    assert status in {0, 2, 3, 4, 5, 8}, said.err
    assert status == 0 or "  hint: " in said.err
    assert "\x1b" not in said.err
    assert "\u202e" not in said.err


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    file = tmp_path / inventory.HYPERVISOR_FILE
    file.symlink_to(file)
    with pytest.raises(ConfigError, match="cannot be read: Too many levels of symbolic links"):
        inventory.load(tmp_path)
    file.unlink()
    file.mkdir()
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        inventory.load(tmp_path)
    file.rmdir()
    file.symlink_to("/proc/self/mem")
    with pytest.raises(ConfigError, match="cannot be read"):
        inventory.load(tmp_path)
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(ConfigError, match="no regular file"):
        inventory.load(tmp_path)
    file.unlink()
    file.symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match="no regular file"):
        inventory.load(tmp_path)


def test_folders_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    for folder in (tmp_path / "none", tmp_path / ("x" * 300)):
        with pytest.raises(ConfigError, match=f"{folder.name}: (no such folder|cannot be read: File name too long)"):
            inventory.load(folder)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / inventory.HYPERVISOR_FILE).open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(ConfigError, match="cannot be read: it has more than 16 MiB"):
        inventory.load(tmp_path)


@pytest.mark.parametrize("name", ["~nobody-of-this-name/key", "x" * 300, "a\0b", ".", "/dev/zero", "\ud800"])
def test_a_key_file_that_cannot_be_used_is_named(tmp_path: Path, name: str) -> None:
    document = {"vms": [vm()], "admin": {**ADMIN, "ssh_authorized_keys_file": name}}
    (tmp_path / inventory.HYPERVISOR_FILE).write_text(json.dumps(document))
    with pytest.raises(ConfigError) as caught:
        inventory.load(tmp_path)
    assert all(problem.startswith((str(tmp_path), name)) for problem in caught.value.problems)


@pytest.mark.whole
def test_what_a_tool_says_cannot_paint_the_terminal(tmp_path: Path) -> None:
    from tests.reliability.flows import one
    from tests.reliability.lab import Lab

    lab = Lab(tmp_path / "lab")
    one().write(lab.folder / "config")
    lab.node.faults({"match": "qm create*", "exit": 255, "stderr": "\x1b]0;owned\x07\u202e bad\n"})
    done = lab.phoenix("create 8001")
    assert done.status == 6
    assert not set("\x1b\x07\u202e") & set(done.said)
