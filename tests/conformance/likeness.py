"""When the fake's answer counts as equal to the recorded one: what is random, and what tools say for themselves, is not compared."""

from __future__ import annotations

import re

PLACEHOLDERS = [
    (re.compile(pattern, re.MULTILINE | flags), to)
    for pattern, to, flags in [
        (r'UPID:[^\s"\']+', "<UPID>", 0),
        (r"\b(?:BC:24:11|AA:AA:AA)(?::[0-9A-F]{2}){3}\b", "<MAC>", re.IGNORECASE),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<UUID>", 0),
        (r"ctime=\d+", "ctime=<CTIME>", 0),
        (r"creation-qemu=[\d.]+", "creation-qemu=<QEMUVER>", 0),
        (r"^(snaptime: )\d+", r"\1<TIME>", 0),
        (r"\b[0-9a-f]{64}\b", "<SHA256>", 0),
        (r"\b[0-9a-f]{40}\b", "<SHA1>", 0),
        (r"\$5\$[./A-Za-z0-9]+\$[./A-Za-z0-9]+", "<CRYPT>", 0),
        (r"^(\s*pid: )\d+", r"\1<PID>", 0),
        (r"^(\s*uptime: )\d+", r"\1<UPTIME>", 0),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<DATETIME>", 0),
        (r"SHA256:[A-Za-z0-9+/]{43}", "<SSHFP>", 0),
        (r"^(\s*\d+ .*(?:running|paused) .*?\s)(\d+)(\s*)$", r"\1<PID>\3", 0),
        (r"\.tmp\.\d+", ".tmp.<PID>", 0),
        (r"\b\d{4}_\d\d_\d\d-\d\d_\d\d_\d\d\b", "<STAMP>", 0),
        (r"^(\S+\s+\S+\s+active\s+)\d+\s+\d+\s+\d+\s+[\d.]+%", r"\1<NUM> <NUM> <NUM> <NUM>%", 0),
    ]
]
# Lines of qemu-img, mkfs, tar, rsync, ssh-keygen and lvm.
CHATTER = re.compile(
    r"^(?:INFO: )?(Formatting '|<PROGRESS|transferred |\s*\d+\.\d+% complete|\d+ bytes |\d+\+\d+ records|  \w|\s*(WARNING|Rounding)|"
    r"Creating (filesystem|journal|SSH host key)|Discarding|Allocating|Writing|Superblock|Filesystem UUID|Done|done|mke2fs|"
    r"\t\d+, |/\S+: \d+/\d+ files \(|extracting archive|Total |Number of|Literal data|Matched data|File list|sent |total size|<TMP|<SSH-HOST-KEYS>|"
    r"lxc-start)"
)
LISTS = re.compile(r"^(\s+(?:content|nodes) )(\S+)$", re.MULTILINE)  # of storage.cfg, which has them in no order
SYNOPSIS = re.compile(r"^(qm|pct|pvesm) [a-z<-].*(<|\[OPTIONS\])")
NOT_CHATTY = ("config", "pending", "status", "list", "listsnapshot", "cloudinit")


def normal(text: str, root: str = "") -> str:
    """The text with what is random as placeholders, and paths without the node's root."""
    text = text.replace(root, "") if root else text
    for pattern, to in PLACEHOLDERS:
        text = pattern.sub(to, text)
    return text


def lines(text: str, argv: list[str]) -> list[str]:
    """The lines of an output that count."""
    if "help" in argv or "showcmd" in argv:
        return []
    if argv[0] == "cat":
        text = LISTS.sub(lambda found: found[1] + ",".join(sorted(found[2].split(","))), text)
    chatty = argv[1:2] and argv[1] not in NOT_CHATTY
    found = [line.rstrip() for line in text.partition("USAGE:")[0].splitlines()]
    found = [line for line in found if line and not SYNOPSIS.match(line) and not (chatty and CHATTER.match(line))]
    return sorted(found) if argv[:2] == ["pvesm", "list"] else found
