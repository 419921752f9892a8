"""Safe on someone's node: the claimed range, the words on the way, what is removed and what is kept, the recorder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from features import real_target, report, settings, target
from tests import apart
from tests.needs import lacking
from tests.remote import stand_in
from tests.remote.sshd import FAKES, MISSING, ROOT, running

from conformance import record
from phoenix_pve.ssh_node import SshNode

GIVEN = settings.parse(stand_in.SETTINGS)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshNode]:
    """A stand-in for a real node, and the settings that fit it."""
    if MISSING:
        lacking(MISSING)
    root = tmp_path / "node"
    stand_in.make_node(root)
    there = {
        "PATH": apart.path(stand_in.make_version(tmp_path / "bin"), FAKES),
        "FAKE_PVE_ROOT": str(root),
        "FAKE_PVE_NODE": "pve1",
        "FAKE_PVE_GUEST": "none",
        "FAKE_PVE_TIME_SCALE": "0",
    }
    (tmp_path / "acceptance.json").write_text(json.dumps(stand_in.SETTINGS))
    monkeypatch.setenv("ACCEPTANCE_CONFIG", str(tmp_path / "acceptance.json"))
    monkeypatch.setenv("PHOENIX_NODE_ROOT", str(root))
    monkeypatch.setattr(real_target, "BUILD", tmp_path / "build")
    settings.load.cache_clear()
    real_target.connection.cache_clear()
    with running(tmp_path / "sshd", there) as server:
        monkeypatch.setenv("PATH", f"{server.bin}:{os.environ['PATH']}")
        yield real_target.connection("pve1")
        real_target.connection("pve1").close()
    settings.load.cache_clear()
    real_target.connection.cache_clear()


def test_a_taken_id_is_refused_and_only_marked_guests_are_removed(node: SshNode) -> None:
    node.run(["qm", "create", "9905", "--name", "theirs"])
    node.run(["qm", "create", "9906", "--name", "left", "--tags", "phoenix", "--protection", "1"])
    node.run(["pct", "create", "9907", stand_in.TEMPLATE, "--storage", "tank", "--tags", "phoenix"])
    node.run(["qm", "create", "9920", "--name", "outside", "--tags", "phoenix"])
    with pytest.raises(settings.SettingsError, match=r"guests in the range 9900-9919: 9905, 9906, 9907"):
        real_target.claim("pve1")
    assert [line.partition(",")[0] for line in real_target.clean("pve1")] == [
        "9905: kept",
        "9906: removed",
        "9907: removed",
    ]
    assert list(real_target.taken(node, range(9900, 9930))) == [9905, 9920]


def test_make_test_has_a_real_server_before_the_node_of_all_features_that_are_about_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ACCEPTANCE_NODE", raising=False)
    monkeypatch.setenv("TESTS_MUST_RUN", "1")
    files = {path.stem for path in (ROOT / "features").glob("*.feature")}
    without = {name for name in files if not target.is_behind_ssh(name)}
    assert without == {
        "command_line",
        "invalid_configuration",
        "guests",
        "hostile_guests",
        "node_problems",
        "guests_alone",
        "guests_virtual",
        "surroundings",
    }


def test_a_run_is_alone_on_its_node(node: SshNode) -> None:
    other = SshNode("pve1", node.root)
    assert other.hold([real_target.THE_RUN], "somebody") is None
    with pytest.raises(settings.SettingsError, match="run on pve1 already, by somebody"):
        real_target.claim("pve1")
    with pytest.raises(settings.SettingsError, match="run on pve1 already, by somebody"):
        list(real_target.clean("pve1"))
    other.close()
    real_target.claim("pve1")


def test_what_a_claimed_run_left_is_removed_though_it_has_no_mark(node: SshNode) -> None:
    real_target.claim("pve1")
    real_target.note("pve1", node, 9905)
    node.run(["qm", "create", "9905", "--name", "someone"])
    assert real_target.release("pve1") == [9905]
    assert list(real_target.clean("pve1")) == ["9905: removed"]
    assert not real_target.ledger("pve1").exists()


def test_what_others_make_in_the_claimed_range_stays(node: SshNode, tmp_path: Path) -> None:
    real_target.claim("pve1")
    target = real_target.RealTarget(tmp_path / "target", host="pve1")
    target.tool("qm create 8001 --name someone")
    node.run(["qm", "create", "9902", "--name", "marked", "--tags", "phoenix"])
    target.tool("qm set 8003 --tags mine")
    node.run(["qm", "create", "9903", "--name", "theirs"])
    target.tool("qm set 8004 --tags mine")
    assert list(real_target.taken(node, range(9900, 9920))) == [9900, 9902, 9903]
    target.close()
    assert list(real_target.taken(node, range(9900, 9920))) == [9903]
    assert [line.partition(",")[0] for line in real_target.clean("pve1")] == ["9903: kept"]


def test_an_old_claim_says_nothing_about_a_new_guest(node: SshNode) -> None:
    real_target.claim("pve1")
    old = json.loads(real_target.ledger("pve1").read_text())
    old |= {"time": old["time"] - 2 * real_target.LONGEST_RUN, "made": [9905]}
    real_target.ledger("pve1").write_text(json.dumps(old))
    node.run(["qm", "create", "9905", "--name", "theirs"])
    assert [line.partition(",")[0] for line in real_target.clean("pve1")] == ["9905: kept"]


def test_a_claim_ends_when_nothing_is_left(node: SshNode) -> None:
    real_target.claim("pve1")
    assert real_target.release("pve1") == []
    assert not real_target.ledger("pve1").exists()


NO_GUESTS = '{"version": 138\n\n}\n'
ELSEWHERE = """{
"version": 139,
"ids": {
"9904": { "node": "pve2", "type": "qemu", "version": 3 },
"100": { "node": "pve2", "type": "lxc", "version": 4 }}

}
"""


@pytest.mark.parametrize(
    ("vmlist", "found"),
    [(NO_GUESTS, set()), (ELSEWHERE, {100, 9904}), ("{}", set()), ('{"ids": {}}', set()), ('{"ids": []}', set())],
)
def test_ids_of_a_cluster(vmlist: str, found: set[int]) -> None:
    assert real_target.cluster_ids(vmlist) == found


@pytest.mark.parametrize(
    "vmlist", ["", "{", "[]", "7", "null", '{"ids": 7}', '{"ids": null}', '{"ids": {"web": {}}}', "[" * 10**5]
)
def test_no_list_of_guests_is_taken_for_no_guests(vmlist: str) -> None:
    with pytest.raises(settings.SettingsError, match=r"\.vmlist of the node is no list of guests"):
        real_target.cluster_ids(vmlist)


def test_a_node_as_clusters_have_them(node: SshNode) -> None:
    pve = Path(node.root) / "etc/pve"
    (pve / ".vmlist").write_text(NO_GUESTS)
    (pve / "qemu-server/9905.conf").write_bytes(b"name: theirs\n#Gr\xfc\xdfe\n")
    (pve / "qemu-server/old.conf").write_text("name: no guest\n")
    assert list(real_target.taken(node, range(9900, 9920))) == [9905]
    (pve / "qemu-server/9905.conf").unlink()
    real_target.claim("pve1")
    assert real_target.release("pve1") == []
    (pve / ".vmlist").write_text(ELSEWHERE)
    with pytest.raises(settings.SettingsError, match="guests in the range 9900-9919: 9904"):
        real_target.claim("pve1")
    (pve / ".vmlist").write_text("garbage")
    with pytest.raises(settings.SettingsError, match="no list of guests"):
        real_target.claim("pve1")


def test_a_ledger_that_was_cut_off_is_named(node: SshNode) -> None:
    real_target.claim("pve1")
    real_target.ledger("pve1").write_text('{"ids": [99')
    with pytest.raises(settings.SettingsError, match=r"claimed-pve1\.json: "):
        list(real_target.clean("pve1"))


def test_a_recording_is_replayed_and_its_differences_told(node: SshNode, tmp_path: Path, monkeypatch, capsys) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(record, "PLAN", record.PLAN[-1:])
    assert record.main(["pve1", str(tmp_path / "recordings")]) == 0
    assert "the fake does the same" in capsys.readouterr().out
    (path,) = (tmp_path / "recordings").iterdir()
    text = path.read_text()
    assert "9900" not in text
    assert "tank" not in text
    assert real_target.taken(node, range(9900, 9920)) == {}
    changed = [json.loads(line.replace("size=1G", "size=7G")) for line in text.splitlines()]
    assert any("size=7G" in line for scenario in changed for line in record.differences(scenario))


@pytest.mark.parametrize(
    ("literal", "real"),
    [
        ("phoenix create 8001 --dry-run", "phoenix create 9900 --dry-run"),
        ('"storage_pool": "local"', '"storage_pool": "tank"'),
        ('"storage_pool": "local-lvm"', '"storage_pool": "thin"'),
        ("local:8001/vm-8001-disk-0.raw", "tank:9900/vm-9900-disk-0.raw"),
        ("vm-101-disk-0 phoenix-8002-user.yaml", "vm-9907-disk-0 phoenix-9901-user.yaml"),
        ("bridge=vmbr0,x=18001", "bridge=vmbr7,x=18001"),
        ("local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst", stand_in.TEMPLATE),
    ],
)
def test_words_on_the_way_there_and_back(literal: str, real: str) -> None:
    pairs = real_target.words(GIVEN)
    assert real_target.replaced(literal, pairs) == real
    assert real_target.replaced(real, real_target.inverse(pairs)) == literal


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"ids": [99, 200]}, "from 100 on"),
        ({"ids": [9900, 9905]}, "at least 10 IDs"),
        ({"ids": "9900-9910"}, "ids: must be"),
        ({"colour": "red"}, "unknown or missing: colour"),
        ({"image": 1}, "image: must be a string"),
    ],
)
def test_settings_that_are_wrong(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(settings.SettingsError, match=problem):
        settings.parse({**stand_in.SETTINGS, **change})


def test_the_shipped_settings_are_good() -> None:
    assert settings.parse(json.loads(settings.FILE.read_text())).ids == (9900, 9919)


@pytest.mark.slow
def test_make_acceptance_reports_on_a_node_without_tools(tmp_path: Path) -> None:
    words = ["make", "-o", ".venv/.dev", f"PY={sys.executable}", "acceptance", f"REPORT={tmp_path}"]
    chosen = {**os.environ, "PYTEST_ADDOPTS": "-k no_proxmox_ve_here"}
    done = subprocess.run(words, env=chosen, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    ran = re.search(r"^1 scenarios ran on the fake node, 1 passed, (\d+) left out$", done.stdout, re.MULTILINE)
    assert ran, done.stdout
    assert len(re.findall(r"^  left out: \S.*: \S.*$", done.stdout, re.MULTILINE)) == int(ran[1]) > 100


@pytest.mark.slow
def test_make_acceptance_runs_the_same_files_on_a_node_with_other_names(tmp_path: Path) -> None:
    if MISSING:
        lacking(MISSING)
    words = ["make", "-o", ".venv/.dev", f"PY={sys.executable}", "acceptance", "HOST=stand-in", f"REPORT={tmp_path}"]
    chosen = {"PYTEST_ADDOPTS": "-k 'vm_is or nothing_is_left or missing or secret'"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.remote.stand_in", *words],
        env={**os.environ, **chosen, "PYTHONPATH": "lib:fakes/qm:tests:."},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ran = re.search(r"^(\d+) scenarios ran on stand-in, \1 passed, (\d+) left out$", done.stdout, re.MULTILINE)
    assert ran, done.stdout
    named = re.findall(r"^  left out: \S.*: \S.*$", done.stdout, re.MULTILINE)
    assert (int(ran[1]) > 5, len(named)) == (True, int(ran[2]))
    assert "still there" not in done.stdout, "it cleans up after success"
    page = (tmp_path / "report.html").read_text()
    for text in ("pve-manager/", "Ubuntu 24.04", "qm create 9900", f"passed</span><b class='good'>{ran[1]}</b>"):
        assert text in page
    junit = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert sum(case.find("skipped") is None for case in junit.iter("testcase")) == int(ran[1])


def test_a_page_holds_what_happened_and_lets_no_markup_through() -> None:
    step = {"keyword": "When", "name": "I run <b>", "began": 1.0, "seconds": 0.5, "ok": False}
    call = {"time": 1.0, "host": "pve1", "run": ["qm", "set", "8001", "--name", "<i>"], "exit": 255, "seconds": 1.0}
    one = {
        "feature": "F",
        "about": "",
        "scenario": "S",
        "steps": [step],
        "calls": [call],
        "ok": False,
        "error": "<boom>",
    }
    page = report.page("pve1", 0.0, [one, {**one, "steps": []}], [("T", "needs faults")])
    for text in ("I run &lt;b&gt;", "qm set 8001 --name &lt;i&gt;", "exit 255", "&lt;boom&gt;", "needs faults"):
        assert text in page
    assert page.index("Failed</h2>") < page.index("<h2>F ·"), "what failed comes first"
    assert "<boom>" not in page
    assert "http" not in page
