"""Which backups stay: the rules of `prune-backups`, as the chapter "Backup Retention" of vzdump(1) describes them.

Backups of one guest are looked at from the newest on. Each rule keeps the newest backup of every period, as many
periods as it says, and leaves alone what an earlier rule has decided about.
"""

from __future__ import annotations

import datetime

from fake_pve import propstring, schema
from fake_pve.cli import validate
from fake_pve.errors import CommandFailed
from fake_pve.storage import config, volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_pve.call import Call
    from fake_pve.storage.config import Storage

Stamp = tuple[int, ...]  # year, month, day, hour, minute, second
KINDS = {"qemu": "qemu", "lxc": "lxc", "openvz": "lxc"}


class Backup:
    """One backup: `volid`, its guest's `kind` and `vmid`, when it was made; `mark` is keep, remove or protected."""

    __slots__ = ("kind", "mark", "stamp", "vmid", "volid")

    def __init__(self, volid: str, kind: str, vmid: int, stamp: Stamp) -> None:
        self.volid = volid
        self.kind = kind
        self.vmid = vmid
        self.stamp = stamp
        self.mark = ""


def week(stamp: Stamp) -> tuple[int, ...]:
    """The ISO year and week."""
    return tuple(datetime.date(*stamp[:3]).isocalendar()[:2])


PERIODS: dict[str, Callable[[Stamp], tuple[int, ...]]] = {
    "keep-last": lambda stamp: stamp,
    "keep-hourly": lambda stamp: stamp[:4],
    "keep-daily": lambda stamp: stamp[:3],
    "keep-weekly": week,
    "keep-monthly": lambda stamp: stamp[:2],
    "keep-yearly": lambda stamp: stamp[:1],
}


def rules(call: Call, storage: Storage) -> dict[str, int]:
    """The call's own rules, else the storage's; CommandFailed without any (pvesm-cli-010)."""
    found = {key: value for key, value in call.params.items() if key in PERIODS or key == "keep-all"}
    if not found and "prune-backups" in storage.options:
        found = configured(storage.options["prune-backups"])
    if not found:
        raise CommandFailed(f"no prune-backups options configured for storage '{storage.id}'")
    return {key: int(value) for key, value in found.items()}


def configured(text: str) -> dict[str, str]:
    """The rules of a section of storage.cfg; those that nobody can read are none, so that nothing is removed."""
    option = schema.command("pvesm", "set")["options"]["prune-backups"]
    if validate.check_value(option, text, "prune-backups") is not None:
        return {}
    return propstring.parse(option["format"], text)


def backups(call: Call, storage: Storage, vmid: int | None, kind: str | None) -> list[Backup]:
    """The guests' backups by kind, ID and age; a name of somebody's own is none."""
    import os

    found = []
    for one in volume.list_volumes(call.node, storage.id, vmid, "backup"):
        backup = parsed(one.volid)
        if backup is None or kind not in (None, backup.kind) or vmid not in (None, backup.vmid):
            continue
        if os.path.exists(f"{volume.path(call.node, one.volid)}.protected"):
            backup.mark = "protected"
        found.append(backup)
    return sorted(found, key=lambda one: (one.kind, one.vmid, one.stamp))


def parsed(volid: str) -> Backup | None:
    """`local:backup/vzdump-lxc-700-2026_01_31-12_00_00.tar.zst` -> a backup; a time that never was makes it none."""
    words = volid.rpartition("/")[2].partition(".")[0].split("-")
    if len(words) != 5 or words[0] != "vzdump" or words[1] not in KINDS:
        return None
    numbers = [*words[3].split("_"), *words[4].split("_")]
    if len(numbers) != 6 or not all(number.isdecimal() for number in (words[2], *numbers)):
        return None
    year, month, day, hour, minute, second = stamp = tuple(map(int, numbers))
    try:
        datetime.datetime(year, month, day, hour, minute, second)
    except (ValueError, OverflowError):
        return None
    return Backup(volid, KINDS[words[1]], int(words[2]), stamp)


def mark(found: list[Backup], wanted: dict[str, int]) -> None:
    """Give every backup its mark."""
    groups: dict[tuple[str, int], list[Backup]] = {}
    for backup in found:
        if not backup.mark:
            groups.setdefault((backup.kind, backup.vmid), []).append(backup)
    for group in groups.values():
        group.reverse()
        for key, period in PERIODS.items():
            if not wanted.get("keep-all"):
                keep_newest(group, wanted.get(key, 0), period)
        for backup in group:
            backup.mark = backup.mark or ("keep" if wanted.get("keep-all") else "remove")


def keep_newest(group: list[Backup], count: int, period: Callable[[Stamp], tuple[int, ...]]) -> None:
    """Keep the newest of each of `count` periods that nothing kept so far covers."""
    covered = {period(backup.stamp) for backup in group if backup.mark == "keep"}
    seen: set[tuple[int, ...]] = set()
    for backup in group:
        when = period(backup.stamp)
        if backup.mark or when in covered:
            continue
        if when in seen:
            backup.mark = "remove"
        elif len(seen) < count:
            seen.add(when)
            backup.mark = "keep"


def check_storage(storage: Storage) -> None:
    """Only a storage for backups has some (pvesm-alloc2-008)."""
    if "backup" not in storage.content:
        raise CommandFailed(f"storage '{storage.id}' does not support backups")


def chosen(call: Call) -> list[Backup]:
    """The backups that the call is about, marked."""
    storage = config.usable(call.node, call.params["storage"])
    check_storage(storage)
    wanted = rules(call, storage)
    vmid = call.params.get("vmid")
    found = backups(call, storage, int(vmid) if vmid else None, call.params.get("type"))
    mark(found, wanted)
    return found
