"""Storages of every type as sections of storage.cfg, and which backups stay: neighbours of what is recorded."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from fake_pve.main import main
from fake_pve.storage import options, prune


class Host:
    """A node with a storage `local`: `out` and `err` are what the last call printed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.out = self.err = ""
        (root / "etc/pve").mkdir(parents=True)
        self.cfg = root / "etc/pve/storage.cfg"
        self.cfg.write_text("dir: local\n\tpath /var/lib/vz\n\tcontent images,backup\n\n")

    def pvesm(self, *argv: str) -> int:
        environ = {"FAKE_PVE_ROOT": str(self.root), "FAKE_PVE_GUEST": "none"}
        out, err = io.BytesIO(), io.BytesIO()
        status = main("pvesm", list(argv), environ, io.BytesIO(), out, err)
        self.out, self.err = out.getvalue().decode(), err.getvalue().decode()
        return status


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


NEEDED = {
    "path": "/srv/x",
    "server": "192.0.2.1",
    "share": "s",
    "username": "u",
    "portal": "192.0.2.1",
    "target": "iqn.x",
    "vgname": "vg",
    "thinpool": "tp",
    "export": "/e",
    "datastore": "d",
    "iscsiprovider": "comstar",
    "pool": "p",
    "monhost": "192.0.2.1",
}


@pytest.mark.parametrize("type_", sorted(options.TYPES))
def test_a_section_of_every_type_is_written_and_read_again(host: Host, type_: str) -> None:
    known = [f"--{key}={value}" for key, value in NEEDED.items() if key in options.TYPES[type_]]
    assert host.pvesm("add", type_, "some", *known, "--disable", "1") == 0, host.err
    assert f"\n{type_}: some\n\tdisable\n" in host.cfg.read_text()
    assert host.pvesm("status") == 0
    assert any(line.split()[:3] == ["some", type_, "disabled"] for line in host.out.splitlines())
    assert host.pvesm("set", "some", "--nodes", "pve1") == 0
    assert "\tcontent " in host.cfg.read_text().partition(f"{type_}: some")[2]
    assert host.pvesm("remove", "some") == 0
    assert "some" not in host.cfg.read_text()


@pytest.mark.parametrize(
    ("type_", "content", "stored", "told"),
    [
        ("dir", "iso,iso,images", "iso,images", []),
        ("dir", "", "none", []),
        ("pbs", "images", "none", ["images"]),
        ("pbs", "images,backup", "backup", ["images"]),
        ("cephfs", "rootdir,iso", "iso", ["rootdir"]),
        ("lvm", "rootdir", "rootdir", []),
    ],
)
def test_content_that_a_type_cannot_hold_is_left_out(type_: str, content: str, stored: str, told: list[str]) -> None:
    lines: list[str] = []
    assert options.fitting(type_, content, lines.append) == stored
    assert lines == [f"storage does not support content type '{word}'" for word in told]


@pytest.mark.parametrize("type_", ["lvm", "lvmthin", "zfspool", "rbd", "esxi"])
def test_a_storage_that_must_hold_something_refuses_nothing(host: Host, type_: str) -> None:
    known = [f"--{key}={value}" for key, value in NEEDED.items() if key in options.TYPES[type_]]
    assert host.pvesm("add", type_, "some", *known, "--disable", "1", "--content", "snippets") == 255
    assert host.err.endswith("storage does not support content type 'none'\n")
    assert "some" not in host.cfg.read_text()


@pytest.mark.parametrize(
    ("type_", "option", "value"),
    [("nfs", "server", "192.0.2.9"), ("zfspool", "pool", "q"), ("dir", "snapshot-as-volume-chain", "1")],
)
def test_what_is_fixed_cannot_change(host: Host, type_: str, option: str, value: str) -> None:
    known = [f"--{key}={value}" for key, value in NEEDED.items() if key in options.TYPES[type_]]
    host.pvesm("add", type_, "some", *known, "--disable", "1")
    before = host.cfg.read_text()
    assert host.pvesm("set", "some", f"--{option}", value) == 255
    assert host.err == f"update storage failed: can't change value of fixed parameter '{option}'\n"
    assert host.cfg.read_text() == before


def test_a_password_is_kept_apart_and_goes_with_the_storage(host: Host) -> None:
    host.pvesm("add", "cifs", "win", "--server=192.0.2.2", "--share=s", "--password", "geheim", "--disable", "1")
    kept = host.root / "etc/pve/priv/storage/win.pw"
    assert "geheim" not in host.cfg.read_text()
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("geheim\n", 0o600)
    host.pvesm("remove", "win")
    assert not kept.exists()


def backups(*stamps: str) -> list[prune.Backup]:
    names = [f"local:backup/vzdump-qemu-100-{stamp}.vma.zst" for stamp in stamps]
    found = [prune.parsed(name) for name in names]
    return [backup for backup in found if backup]


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        ({"keep-last": 2}, [4, 5]),
        ({"keep-last": 9}, [0, 1, 2, 3, 4, 5]),
        ({"keep-all": 1}, [0, 1, 2, 3, 4, 5]),
        ({"keep-hourly": 2}, [3, 5]),
        ({"keep-daily": 2}, [3, 5]),
        ({"keep-daily": 3}, [2, 3, 5]),
        ({"keep-weekly": 2}, [2, 5]),
        ({"keep-monthly": 2}, [1, 5]),
        ({"keep-yearly": 1}, [5]),
        ({"keep-last": 1, "keep-daily": 1}, [3, 5]),
        ({"keep-last": 1, "keep-yearly": 1}, [0, 5]),
        ({"keep-last": 0, "keep-daily": 1}, [5]),
    ],
)
def test_rules_of_retention(rules: dict[str, int], kept: list[int]) -> None:
    found = backups(
        "2024_12_30-06_00_00",
        "2025_01_31-12_00_00",
        "2025_02_09-12_00_00",
        "2025_02_10-12_00_00",
        "2025_02_11-12_10_00",
        "2025_02_11-12_20_00",
    )
    prune.mark(found, rules)
    assert [number for number, backup in enumerate(found) if backup.mark == "keep"] == kept


@pytest.mark.parametrize(
    "stamp", ["2025_13_01-00_00_00", "2025_02_29-00_00_00", "0000_01_01-00_00_00", f"{10**50}_01_01-00_00_00"]
)
def test_a_backup_of_a_time_that_never_was_is_none(stamp: str) -> None:
    assert prune.parsed(f"local:backup/vzdump-qemu-8001-{stamp}.vma.zst") is None


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("keep-last=3,keep-weekly=2", {"keep-last": "3", "keep-weekly": "2"}),
        ("keep-all=yes", {"keep-all": "1"}),
        ("keep-last=many", {}),
        ("keep-last", {}),
        ("keep-ever=1", {}),
        ("keep-all=1,keep-daily=4", {}),
    ],
)
def test_rules_that_nobody_can_read_remove_nothing(text: str, rules: dict[str, str]) -> None:
    assert prune.configured(text) == rules


def test_backups_of_different_guests_do_not_push_each_other_out(host: Host) -> None:
    dump = host.root / "var/lib/vz/dump"
    dump.mkdir(parents=True)
    for vmid in (100, 101):
        for day in (1, 2, 3):
            (dump / f"vzdump-qemu-{vmid}-2025_01_0{day}-00_00_00.vma.zst").touch()
    (dump / "vzdump-qemu-100-2025_01_01-00_00_00.vma.zst.protected").touch()
    (dump / "vzdump-qemu-100-mine.vma.zst").touch()
    assert host.pvesm("prune-backups", "local", "--keep-last", "1", "--dry-run") == 0
    assert [line.split()[1:] for line in host.out.splitlines()[4:]] == [
        ["qemu/100", "protected"],
        ["qemu/100", "remove"],
        ["qemu/100", "keep"],
        ["qemu/101", "remove"],
        ["qemu/101", "remove"],
        ["qemu/101", "keep"],
    ]
    assert len(list(dump.iterdir())) == 8
    assert host.pvesm("prune-backups", "local", "--keep-last", "1", "--vmid", "101") == 0
    assert sorted(path.name for path in dump.glob("*-101-*")) == ["vzdump-qemu-101-2025_01_03-00_00_00.vma.zst"]
