"""One run at a time on a guest: all or none at first, then one at a time with patience."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix_pve.apply import Blocked
from phoenix_pve.call_limits import seconds
from phoenix_pve.errors import CommandFailedError, WaitTimeoutError
from phoenix_pve.lock_files import guarded, guest_of
from phoenix_pve.locks import Locks
from phoenix_pve.node import LocalNode, temporary_of
from samples import spec


def locks(root: Path, who: str, patience: float = 1) -> Locks:
    times = iter(range(1000))
    return Locks(LocalNode(str(root)), who, patience, now=lambda: next(times) / 10, sleep=lambda _: None)


def test_all_or_none(tmp_path: Path) -> None:
    first, second = locks(tmp_path, "first"), locks(tmp_path, "second")
    assert second.try_all([3])
    assert not first.try_all([1, 2, 3])
    assert not first.holds(1)
    assert second.try_all([1, 2])


def test_waiting_says_once_for_whom_and_ends(tmp_path: Path) -> None:
    first, second = locks(tmp_path, "first"), locks(tmp_path, "second")
    assert first.try_all([8001])
    waiting = second.take(spec())
    assert next(waiting) == Blocked(8001, "first")
    with pytest.raises(WaitTimeoutError, match="8001 ubuntu-2404: held for 1 s by first"):
        list(waiting)
    first.drop(8001)
    assert list(second.take(spec())) == []
    assert second.holds(8001)


def test_what_is_left_gives_all_back(tmp_path: Path) -> None:
    with locks(tmp_path, "first") as first:
        assert first.try_all([1, 2])
    assert locks(tmp_path, "second").try_all([1, 2])


@pytest.mark.parametrize(
    ("line", "guest"),
    [
        ("qm clone 8004 8005 --name x", 8005),
        ("qm disk resize 8001 scsi0 32G", 8001),
        ("pct create 101 local:vztmpl/x", 101),
        ("pct exec 101 -- chpasswd -e", 101),
        ("qm status 8001", None),
        ("qm agent 8001 ping", None),
        ("pvesm free local:8001/vm-8001-disk-0.raw", None),
    ],
)
def test_whom_a_command_changes(line: str, guest: int | None) -> None:
    assert guest_of(line.split()) == guest
    assert guarded(line.split(), "/r")[0] == ("flock" if guest else line.split(maxsplit=1)[0])


@pytest.mark.parametrize(
    ("line", "most", "limit"),
    [
        ("qm create 8001", 14400, 14400),
        ("qm start 8001", 14400, 600),
        ("qm status 8001", 14400, 60),
        ("qm list", 5, 5),
        ("qm destroy 8001", 20000, 20000),
    ],
)
def test_how_long_a_command_may_take(line: str, most: float, limit: float) -> None:
    assert seconds(line.split(), most) == limit


def test_a_command_that_hangs_is_ended_and_told(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError, match=r"`sh -c .*` did not end within 0.2 s and was ended: begun"):
        LocalNode(str(tmp_path), 0.2).run(["sh", "-c", "echo begun; sleep 60"])


def test_a_link_in_the_place_of_the_temporary_file_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    Path(temporary_of(f"{tmp_path}/file")).symlink_to(victim)
    LocalNode(str(tmp_path)).write("/file", "secret")
    assert victim.read_text() == "kept"
    assert (tmp_path / "file").read_text() == "secret"
    assert not (tmp_path / "file").is_symlink()
