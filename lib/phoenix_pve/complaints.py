"""What a tool of Proxmox says when it fails -> the lines that tell why, and what follows from them. PURE.

The real tools print a task's reason on standard output (`kvm: -netdev …: network script … failed with status 512`) and
little more than `start failed: QEMU exited with code 1` on standard error (qm-walk-190).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from phoenix_pve.foreign import admit

if TYPE_CHECKING:
    from phoenix_pve.node import Completed

MOST_LINES, LONGEST_LINE, LONGEST = 5, 300, 700
"""How much of what a tool said is shown: lines, bytes of a line, bytes of all."""

MOST_PRINTED = 3
"""Lines of standard output that are shown: the last complaint, which is nearest to the failure, and those before it."""


def _one_of(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


LOCALE = _one_of(
    r"perl: warning: ",
    r".*\bsetlocale: ",
    r"locale: Cannot set ",
    r"are supported and installed on your system\.$",
    r"(LANGUAGE|LANG|LC_[A-Z]+) = (\"[^\"]*\"|\(unset\)),?$",
)
"""What Perl and shells say about a locale that the node does not have."""

NOISE = _one_of(
    r"400 (Parameter|Result) verification failed\.",
    r".*\[OPTIONS\]$",
    r"trying to ac?quire .*\.\.\.( OK)?$",
    r"OK$",
    r"Task finished with ",
    r"update (VM|CT) \d+: ",
    r"(creating a|create full) clone of ",
    r"importing disk '",
    r"Formatting '",
    r"([a-z]+\d+: )?successfully created ",
    r"generating cloud-init ISO",
    r"rescan volumes\.\.\.",
    r"transferred |.*\d+% complete",
    r"(restore vma archive|HOOK \d+|waiting until|extracting archive|Total bytes read|Image resized)\b",
    r"Logical volume .* (created|changed|removed)\.$",
    r"(Creating (filesystem|journal)|Filesystem UUID|Superblock backups|Allocating group)\b",
    r"(Writing (inode|superblocks)|Discarding device blocks|Detected container architecture)\b",
    r"[\d, \t]+$",
)
"""What tools print on the way, and around every mistake."""

EMPTY = _one_of(
    r"start failed: (QEMU exited with code|command )",
    r"startup for container .* failed$",
    r"migration aborted$|clone failed: (exit code|command) ",
    r"command '.*' failed: exit code \d+$",
)
"""What a tool says at the end of a task that it has told the reason of before."""

COMPLAINT = re.compile(
    r"(?i)\b(fail|error|can ?not|can't|could not|unable|no such|not (found|exist|allowed|permitted|supported|running)"
    r"|does not|denied|missing|invalid|refus|warn|already|time(d )?out|no space|is full|busy|in use|locked|no quorum)"
)

LOCAL_LOCK = re.compile(r"can't lock file .*got timeout")
CLUSTER_LOCK = re.compile(r"cfs-lock(ed)? '.*got lock request timeout")
"""Storages that are shared are locked in the file system of the cluster; a busy one is as passing as a local lock."""


def telling(done: Completed) -> list[str]:
    """Return the lines that say why a command failed, the most telling ones first."""
    errors, printed = _lines(done.stderr), _lines(done.stdout)
    empty = [line for line in errors if EMPTY.match(line)]
    reasons = [line for line in errors if line not in empty]
    found = [line for line in printed if COMPLAINT.search(line)][-MOST_PRINTED:]
    complaints = [*found[-1:], *found[:-1]]
    rest = [] if reasons or complaints else printed[-MOST_PRINTED:]
    told = [*reasons, *complaints, *rest] if reasons else [*complaints, *rest, *empty]
    return list(dict.fromkeys([*told, *empty]))


def reason(done: Completed) -> str:
    """Return why a command failed, on one line."""
    lines = [admit(line, LONGEST_LINE, lines=True) for line in telling(done)[:MOST_LINES]]
    return admit("; ".join(lines), LONGEST, lines=True) or "it said nothing"


def _lines(text: str) -> list[str]:
    lines = (line.strip() for line in re.split(r"[\r\n]+", text))
    return [line for line in lines if line and not LOCALE.match(line) and not NOISE.match(line)]


def lock_is_busy(done: Completed) -> bool:
    """Return whether a tool gave up waiting for a lock that somebody else will give back.

    A cluster without quorum gives no locks at all, and waiting does not help (cluster-quorum-002).
    """
    lines = [line for line in telling(done) if not line.startswith("WARN")]
    if done.argv[:2] == ("pct", "clone") and any("CT is locked (disk)" in line for line in lines):
        return True  # by another clone of the same container
    busy = any(LOCAL_LOCK.search(line) or CLUSTER_LOCK.search(line) for line in lines)
    return busy and not any("no quorum" in line for line in lines)


def advice(done: Completed) -> str:
    """Return what to do about a command that failed."""
    lines, tool = telling(done), done.argv[0]
    text = "\n".join(lines)
    if any("no quorum" in line for line in lines):
        return "the cluster has no quorum, so the node takes no changes: see `pvecm status`"
    if "VM is locked" in text or "CT is locked" in text:
        return f"wait until what holds it is done; a stale lock goes with `{tool} unlock <ID>`"
    if any(CLUSTER_LOCK.search(line) for line in lines):
        return "something works on that storage, here or on another node; run the same command again when it is done"
    if any("got timeout" in line and "lock" in line for line in lines):
        return "another process works on this guest; run the same command again when it is done"
    if "by other user" in text:
        return "someone changed the guest meanwhile, and nothing of that was overwritten; run the same command again"
    if "already at specified size" in text:
        return (
            "the configuration names another size than the volume has; mend that with `pct rescan`, then run it again"
        )
    if "powerdown failed" in text:
        return "the guest does not react; wait longer, or stop it at once with `phoenix stop <ID> --force`"
    if "No space left" in text or "storage full" in text.lower():
        return "make room on the storage, then run the same command again: it goes on from here"
    return "mend the cause, then run the same command again: it goes on from what is there"
