"""`pvesm prune-backups <storage>`: remove the backups that no rule keeps (pvesm-alloc2-008)."""

from __future__ import annotations

import os

from fake_pve.storage import prune, volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

NOTE = """NOTE: this is only a preview and might not be what a subsequent
prune call does if backups are removed/added in the meantime.
"""
BESIDE = (".notes", ".log")  # what lies beside a backup and goes with it


def run(call: Call) -> None:
    """With --dry-run only tell what would be done."""
    found = prune.chosen(call)
    if call.flag("dry-run"):
        show(call, found)
        return
    for backup in found:
        if backup.mark == "remove":
            call.out(f"removing backup '{backup.volid}'")
            remove(volume.path(call.node, backup.volid))


def show(call: Call, found: list[prune.Backup]) -> None:
    """A table of all backups and what becomes of them."""
    call.out(NOTE)
    width = max((len(backup.volid) for backup in found), default=0)
    call.out(f"{'Backup':<{width}} {'Backup-ID':>16} {'Prune-Mark':>10}")
    for backup in found:
        call.out(f"{backup.volid:<{width}} {backup.kind + '/' + str(backup.vmid):>16} {backup.mark:>10}")


def remove(path: str) -> None:
    """Remove the file and what lies beside it."""
    stem = path.rpartition("/")[0] + "/" + path.rpartition("/")[2].partition(".")[0]
    for file in (path, *(f"{path}{ending}" for ending in BESIDE), f"{stem}.log"):
        if os.path.exists(file):
            os.unlink(file)
