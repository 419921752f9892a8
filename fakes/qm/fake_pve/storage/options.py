"""Which options a section of storage.cfg may and must have, by storage type (pvesm(1), storage.cfg in pve-docs)."""

from __future__ import annotations

from fake_pve.errors import CommandFailed
from fake_pve.storage import config

COMMON = frozenset(("bwlimit", "content", "disable", "nodes", "prune-backups", "max-protected-backups"))
FILE_OPTIONS = frozenset(
    (
        "content-dirs",
        "create-base-path",
        "create-subdirs",
        "format",
        "is_mountpoint",
        "mkdir",
        "path",
        "preallocation",
        "shared",
        "snapshot-as-volume-chain",
    )
)
TYPES = {"dir": FILE_OPTIONS | COMMON, "lvmthin": COMMON | {"thinpool", "vgname"}}
CONTENT = {
    "dir": frozenset(("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none")),
    "lvmthin": frozenset(("images", "rootdir", "none")),
}


def checked(type_: str, given: dict[str, str], new: bool = True) -> dict[str, str]:
    """`given`, if a section may have it.

    CommandFailed `missing value for required option 'path'` (pvesm-add-002), `unexpected property 'x'`.
    """
    for key in sorted(given):
        if key not in TYPES.get(type_, COMMON):
            raise CommandFailed(f"unexpected property '{key}'")
    for word in given.get("content", "").replace(",", " ").replace(";", " ").split():
        if word not in CONTENT.get(type_, ()):
            raise CommandFailed(f"storage does not support content type '{word}'")
    for key in config.REQUIRED.get(type_, ()):
        if new and key not in given:
            raise CommandFailed(f"missing value for required option '{key}'")
    return given


def check_delete(type_: str, key: str, given: dict[str, str]) -> None:
    """Refuse to delete what must stay, does not exist, or is set in the same call."""
    if key not in TYPES.get(type_, COMMON):
        raise CommandFailed(f"no such option '{key}'")
    if key in config.REQUIRED.get(type_, ()):
        raise CommandFailed(f"unable to delete required option '{key}'")
    if key in given:
        raise CommandFailed(f"cannot set and delete property '{key}' at the same time!")
