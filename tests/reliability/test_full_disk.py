"""A node that cannot be written to, at any of the changes that a command makes: an error as of a node, and no half a file."""

from __future__ import annotations

import builtins
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.reliability.sampling import sample

from fake_calls import call
from fake_pve import files, journal, seed
from fake_pve.errors import NOT_MODELLED_STATUS
from fake_pve.testing import FakeNode

MAKE_VM = "qm create 8001 --name web --memory 512 --scsi0 local:1 --ide2 local:cloudinit --net0 virtio,bridge=vmbr0"
MAKE_CT = f"pct create 101 local:vztmpl/{Path(seed.DEBIAN_TEMPLATE).name} --rootfs local:1"
COMMANDS = (
    ("", MAKE_VM),
    (MAKE_VM, "qm set 8001 --cores 2 --scsi1 local-lvm:1"),
    (MAKE_VM, "qm start 8001"),
    (f"{MAKE_VM}; qm start 8001", "qm set 8001 --memory 1024"),
    (f"{MAKE_VM}; qm start 8001", "qm stop 8001"),
    (MAKE_VM, "qm disk resize 8001 scsi0 2G"),
    (MAKE_VM, "qm disk move 8001 scsi0 local-lvm"),
    (MAKE_VM, "qm clone 8001 8002 --full"),
    (MAKE_VM, "qm template 8001"),
    (MAKE_VM, "qm destroy 8001 --purge"),
    ("qm create 8001", "qm snapshot 8001 s1"),
    ("", MAKE_CT),
    (MAKE_CT, "pct set 101 --cores 2 --mp0 local:1,mp=/srv"),
    (MAKE_CT, "pct start 101"),
    (MAKE_CT, "pct resize 101 rootfs 2G"),
    (MAKE_CT, "pct clone 101 102"),
    (f"{MAKE_CT}; pct start 101", "pct exec 101 -- chpasswd -e"),
    (MAKE_CT, "pct destroy 101"),
    ("", "pvesm alloc local-lvm 100 vm-100-disk-0 1G"),
    ("", "pvesm set local --content images,snippets"),
    ("", "pvesm add dir more --path /srv/more"),
)
ERRORS = (errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EIO)


class Broken:
    """From one change of a file on, counted from 1, everything that would change one fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, root: str) -> None:
        self.root, self.at, self.error, self.changes = root, 0, 0, 0
        for name in ("replace", "mkdir", "ftruncate", "write", "pwrite", "rename"):
            monkeypatch.setattr(os, name, self.breaking(getattr(os, name), lambda *_: True))
        monkeypatch.setattr(
            os, "open", self.breaking(os.open, lambda _, flags, *__: flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR))
        )
        monkeypatch.setattr(builtins, "open", self.breaking(open, lambda _, mode="r", *__: set(mode) & set("wax+")))

    def breaking(self, original: Callable[..., Any], changes: Callable[..., object]) -> Callable[..., Any]:
        def watched(*words: Any, **more: Any) -> Any:
            where = words[0] if isinstance(words[0], (str, Path)) else self.root
            if self.root in str(where) and changes(*words):
                self.changes += 1
                if 0 < self.at <= self.changes:
                    raise OSError(self.error, os.strerror(self.error), *([str(where)] if where is words[0] else []))
            return original(*words, **more)

        return watched


def copy_thin(source: str, target: str) -> None:
    """Copy a file whose end is a hole, as that of a disk nobody wrote to."""
    with Path(source).open("rb") as from_, Path(target).open("wb") as to:
        to.write(from_.read(1 << 20))
        to.truncate(Path(source).stat().st_size)
    shutil.copymode(source, target)


@pytest.mark.parametrize(("before", "command"), COMMANDS, ids=[command for _, command in COMMANDS])
def test_every_change_of_every_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, command: str
) -> None:
    ready = tmp_path / "ready"
    ready.mkdir()
    seed.new_node(str(ready))
    seed.add_template(str(ready))
    for line in filter(None, before.split("; ")):
        assert call(ready, *line.split())[0] == 0
    broken = Broken(monkeypatch, str(tmp_path / "node"))

    def run(at: int, error: int) -> tuple[int, str]:
        """Run the command on a fresh copy; from its change `at` on nothing can be changed, with 0 everything."""
        broken.at = 0
        shutil.rmtree(tmp_path / "node", ignore_errors=True)
        shutil.copytree(ready, tmp_path / "node", symlinks=True, copy_function=copy_thin)
        broken.changes, broken.at, broken.error = 0, at, error
        status, _, err = call(tmp_path / "node", *command.split(), stdin=b"root:$5$x\n")
        broken.at = 0
        return status, err

    assert run(0, 0)[0] == 0
    points = list(enumerate(range(1, broken.changes + 1)))
    wrong, statuses = [], set()
    for n, at in sample(points, command, 2):
        status, err = run(at, ERRORS[n % len(ERRORS)])
        statuses.add(status)
        left = [str(path) for path in (tmp_path / "node").rglob("*.tmp*")]
        journal.calls(str(tmp_path / "node"))  # can be read
        if status == NOT_MODELLED_STATUS or "mistake" in err or left:
            wrong.append((at, errno.errorcode[ERRORS[n % len(ERRORS)]], status, err[-300:], left))
    assert wrong == []
    assert statuses - {0}, "something failed"


def test_a_file_that_cannot_be_replaced_stays(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    files.replace(str(file), "new ü \udcff")
    assert file.read_bytes() == "new ü ".encode() + b"\xff"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("line", "status"),
    [("qm list >/dev/full", 255), ("qm list >&- <&- 2>&-", 0), ("qm list | true; exit ${PIPESTATUS[0]}", 141)],
)
def test_nobody_who_takes_what_is_said(tmp_path: Path, line: str, status: int) -> None:
    node = FakeNode(tmp_path / "node")
    node.run("qm", "create", "100")
    done = node.run("bash", "-c", line, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (status, False), done.stderr


def test_a_journal_has_no_half_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal"
    path.write_text("{}\n")
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:3]))
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    journal._write(file, b'{"event": "begin"}\n')
    os.close(file)
    assert path.read_text() == "{}\n"
