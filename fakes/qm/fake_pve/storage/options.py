"""Which options a section of storage.cfg may and must have, by storage type (pvesm(1), storage.cfg in pve-docs).

Of types other than `dir` and `lvmthin` only the section is modelled: what lies there, and using it, is not.
"""

from __future__ import annotations

from fake_pve.errors import CommandFailed
from fake_pve.storage import config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def words(text: str) -> frozenset[str]:
    """A set of names."""
    return frozenset(text.split())


COMMON = words("bwlimit content disable nodes")
BACKUPS = words("prune-backups max-protected-backups")
FOLDERS = words("content-dirs create-base-path create-subdirs mkdir path")
FILES = FOLDERS | BACKUPS | COMMON | words("format preallocation snapshot-as-volume-chain")
LOGIN = words("password server username")
ISCSI = COMMON | words("portal target")
TYPES = {
    "btrfs": FILES | words("is_mountpoint nocow shared"),
    "cephfs": FOLDERS | BACKUPS | COMMON | words("fs-name fuse keyring monhost options subdir username"),
    "cifs": FILES | LOGIN | words("domain options share smbversion subdir"),
    "dir": FILES | words("is_mountpoint shared"),
    "esxi": COMMON | LOGIN | words("skip-cert-verification"),
    "iscsi": ISCSI,
    "iscsidirect": ISCSI,
    "lvm": COMMON
    | words("base saferemove saferemove-stepsize saferemove_throughput shared snapshot-as-volume-chain")
    | words("tagged_only vgname"),
    "lvmthin": COMMON | words("thinpool vgname"),
    "nfs": FILES | words("export options server"),
    "pbs": BACKUPS | COMMON | LOGIN | words("datastore encryption-key fingerprint master-pubkey namespace port"),
    "rbd": COMMON | words("authsupported data-pool keyring krbd monhost namespace pool username"),
    "zfs": ISCSI
    | words("blocksize comstar_hg comstar_tg iscsiprovider lio_tpg nowritecache pool sparse zfs-base-path"),
    "zfspool": COMMON | words("blocksize mountpoint pool sparse"),
}
EVERYTHING = words("images rootdir vztmpl iso backup snippets import none")
GUESTS = frozenset(("images", "rootdir"))
CONTENT = {
    "btrfs": EVERYTHING,
    "cephfs": EVERYTHING - GUESTS,
    "cifs": EVERYTHING,
    "dir": EVERYTHING,
    "esxi": frozenset(("import",)),
    "iscsi": frozenset(("images", "none")),
    "iscsidirect": frozenset(("images", "none")),
    "lvm": GUESTS,
    "lvmthin": GUESTS,
    "nfs": EVERYTHING,
    "pbs": frozenset(("backup", "none")),
    "rbd": GUESTS,
    "zfs": frozenset(("images",)),
    "zfspool": GUESTS,
}
# What cannot change once the storage is there, although `pvesm set` knows the option (pvesm-add2-001, -013).
FIXED = {"server": frozenset(("cifs", "nfs", "pbs")), "pool": frozenset(("zfs", "zfspool"))}
# What is kept in a file of its own below /etc/pve/priv.
SECRET = frozenset(("encryption-key", "keyring", "master-pubkey", "password"))


def checked(
    type_: str, given: dict[str, str], complain: Callable[[str], None], old: dict[str, str] | None = None
) -> dict[str, str]:
    """`given`, as the section has it; `old` is what an existing section says.

    CommandFailed `missing value for required option 'path'` (pvesm-add-002), `unexpected property 'x'`.
    """
    for key in sorted(given):
        if key not in TYPES.get(type_, COMMON):
            raise CommandFailed(f"unexpected property '{key}'")
        if old is not None and is_fixed(type_, key) and given[key] != old.get(key):
            raise CommandFailed(f"can't change value of fixed parameter '{key}'")
    for key in config.REQUIRED.get(type_, ()):
        if old is None and key not in given:
            raise CommandFailed(f"missing value for required option '{key}'")
    kept = {key: value for key, value in given.items() if key not in SECRET}
    return kept | {"content": fitting(type_, given["content"], complain)} if "content" in given else kept


def is_fixed(type_: str, key: str) -> bool:
    """Whether the option cannot change."""
    return key == "snapshot-as-volume-chain" or type_ in FIXED.get(key, ())


def fitting(type_: str, text: str, complain: Callable[[str], None]) -> str:
    """The types of content that such a storage can have, each once; what it cannot is told (pvesm-add2-004, -007)."""
    wanted = dict.fromkeys(text.replace(",", " ").replace(";", " ").replace("\0", " ").split())
    allowed = CONTENT.get(type_, EVERYTHING)
    for word in wanted:
        if word not in allowed:
            complain(f"storage does not support content type '{word}'")
    kept = [word for word in wanted if word in allowed] or ["none"]
    if kept == ["none"] and "none" not in allowed:
        raise CommandFailed("storage does not support content type 'none'")
    return ",".join(kept)


def check_delete(type_: str, key: str, given: dict[str, str]) -> None:
    """Refuse to delete what must stay, does not exist, or is set in the same call."""
    if key not in TYPES.get(type_, COMMON):
        raise CommandFailed(f"no such option '{key}'")
    if key in config.REQUIRED.get(type_, ()):
        raise CommandFailed(f"unable to delete required option '{key}'")
    if key in given:
        raise CommandFailed(f"cannot set and delete property '{key}' at the same time!")
