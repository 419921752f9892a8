"""Canary secrets through whole flows: nobody sees them but the files that are made for them."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest
from tests.reliability.beside import Running, command_lines
from tests.reliability.flows import ADMIN, HASH, box, one, vm
from tests.reliability.lab import Config, Crash, Lab
from tests.reliability.sampling import WHOLE

CANARY = "CanaryCanary"
assert CANARY in HASH
PLACES = ("var/lib/vz/snippets/", "var/lib/fake-pve/", "dev/pve/", "var/lib/vz/images/", "var/lib/vz/private/")
"""Where a secret may be on the node: the snippet, and what Proxmox and the guest make of it."""


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    made = Lab(tmp_path / "lab")
    Config([vm()], {"101": box().containers["101"]}, ADMIN).write(made.folder / "config")
    return made


def leaks(lab: Lab) -> list[str]:
    """Every file below the lab that holds the canary, beside those that are made for it."""
    files = [path for path in lab.folder.rglob("*") if path.is_file() and path.stat().st_size < 1 << 20]
    found = [str(path.relative_to(lab.folder)) for path in files if CANARY.encode() in path.read_bytes()]
    own = tuple(f"node/{place}" for place in PLACES)
    return [name for name in found if not name.startswith(("config/", *own))]


@pytest.mark.whole
def test_no_output_and_no_journal_shows_them(lab: Lab) -> None:
    journal = {"PHOENIX_JOURNAL": str(lab.folder / "phoenix.journal")}
    for line in (
        "validate", "plan --all", "create --all --dry-run --json", "create --all --verbose", "create --all --json", "list --json",
        "restart 8001 --verbose", "status 8001 101", "delete --all --yes --verbose",
    ):  # fmt: skip
        done = lab.phoenix(line, **journal)
        assert done.status == 0, done.said
        assert CANARY not in done.said, line
    assert leaks(lab) == []


@pytest.mark.parametrize("how", ["before", "middle", "after"] if WHOLE else ["middle"])
def test_a_crash_leaves_them_only_where_their_owner_reads(lab: Lab, how: str) -> None:
    lab.phoenix("create 8001", Crash(how, file=2))
    assert leaks(lab) == []
    for path in (lab.root / "var/lib/vz/snippets").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert lab.phoenix("create 8001").status == 0
    assert lab.phoenix("delete 8001 --yes").status == 0
    assert list((lab.root / "var/lib/vz/snippets").iterdir()) == []


@pytest.mark.parametrize("call", ["pct exec*", "qm create*"])
@pytest.mark.whole
def test_errors_do_not_quote_them(lab: Lab, call: str) -> None:
    lab.node.faults({"match": call, "exit": 1, "stderr": "no"})
    done = lab.phoenix("create 8001 101 --verbose")
    assert done.status == 6
    assert CANARY not in done.said
    assert leaks(lab) == []


@pytest.mark.parametrize(
    "admin",
    [
        {**ADMIN, "password_hash": f"plain-{CANARY}"},
        {**ADMIN, "password_hash": [HASH]},
        {**ADMIN, "password_hash": {"x": HASH}},
        {**ADMIN, "password": CANARY},
        {**ADMIN, "password_hash": HASH + "\n"},
        {"password_hash": HASH},
        CANARY,
    ],
)
def test_what_is_wrong_with_a_secret_is_told_without_it(tmp_path: Path, admin: object) -> None:
    lab = Lab(tmp_path / "lab")
    (lab.folder / "config").mkdir()
    (lab.folder / "config/phoenix_hypervisor_config.json").write_text(json.dumps({"admin": admin, "vms": [vm()]}))
    for line in ("validate", "create 8001 --json"):
        done = lab.phoenix(line)
        assert done.status == 3
        assert CANARY not in done.said


@pytest.mark.whole
def test_no_process_shows_them(lab: Lab) -> None:
    lab.node.faults({"match": "*", "delay": 0.05})
    seen: list[str] = []
    run = Running(lab, "create --all", FAKE_PVE_TIME_SCALE="1")
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(0.01):
            seen.append(command_lines())

    thread = threading.Thread(target=sample)
    thread.start()
    status = run.status()
    ended.set()
    thread.join()
    assert status == 0, run.said
    text = "\n".join(seen)
    assert "chpasswd" in text, "the interesting process was seen"
    assert CANARY not in text


@pytest.mark.whole
def test_lock_files_hold_none(lab: Lab) -> None:
    one().write(lab.folder / "config")
    lab.phoenix("create 8001")
    locks = list((lab.root / "run/phoenix").iterdir())
    assert locks
    assert all(CANARY not in path.read_text() for path in locks)
