"""Trouble on demand: <root>/etc/fake-pve/faults.json, a list of rules; docs/fake.md has an example of each.

    match      a shell pattern (or `regex` a regular expression) for the command line, `qm set 8001 --cores 4`
    nth        which of the matching calls: 2, or [1, 3]; all of them if it is not there
    delay      seconds of the node before anything else happens
    lock       somebody else holds the guest's lock for so many seconds, or "forever"
    hang       true: never ends
    die        "before" or "after" the effect: killed as by `kill -9`
    exit       the exit status; a status that is not 0 means nothing is done, unless `effect` is true
    effect     false: nothing is done
    stdout     said instead of what the command says, likewise `stderr`; the JSON escape udcff is the byte FF
    full       the storage that has no room left
    progress   copying a disk takes so many seconds of the node and tells about it

The first rule whose turn it is counts. Matching calls are counted per rule, also parallel ones, until the file changes.
"""

from __future__ import annotations

import os

from fake_pve.errors import NOT_MODELLED_STATUS, CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fake_pve.call import Call
    from fake_pve.node import Node

FILE = "/etc/fake-pve/faults.json"
COUNTS = "/var/lib/fake-pve/faults"
KEYS = frozenset("match regex nth delay lock hang die exit effect stdout stderr full progress".split())  # noqa: SIM905
LOCK_TIMEOUT_S = 10
Rule = dict[str, "Any"]


def find(node: Node, tool: str, argv: list[str]) -> Rule | None:
    """The rule for this call, None where nobody asked for trouble."""
    try:
        file = os.open(node.root + FILE, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    with open(file, encoding="utf-8") as opened:
        stamp = str(os.fstat(opened.fileno()).st_mtime_ns)
        rules = read(opened.read())
    line = " ".join((tool, *argv))
    due = [rule for index, rule in enumerate(rules) if _matches(rule, line) and _is_due(node, rule, f"{stamp}-{index}")]
    return due[0] if due else None


def read(text: str) -> list[Rule]:
    """The rules; a file that is none is an error of whoever wrote it."""
    import json  # only where somebody asked for trouble

    try:
        rules = json.loads(text)
    except ValueError as problem:
        raise _wrong(str(problem)) from None
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise _wrong("not a list of rules")
    for rule in rules:
        _check(rule)
    return rules


def _check(rule: Rule) -> None:
    """Refuse a rule with a key or a value that means nothing."""
    unknown = sorted(rule.keys() - KEYS)
    if unknown:
        raise _wrong(f"unknown key {unknown[0]!r}")
    if len(rule.keys() & {"match", "regex"}) != 1:
        raise _wrong("a rule has either match or regex")
    for key, value in rule.items():
        wanted = _wanted(key, value)
        if wanted:
            raise _wrong(f"{key!r} is {value!r}, not {wanted}")


def _wanted(key: str, value: Any) -> str:
    """What `key` may be, "" if `value` is that."""
    match key:
        case "match" | "stdout" | "stderr" | "full":
            return "" if isinstance(value, str) else "a text"
        case "regex":
            return "" if _is_pattern(value) else "a regular expression"
        case "hang" | "effect":
            return "" if isinstance(value, bool) else "true or false"
        case "die":
            return "" if value in ("before", "after") else '"before" or "after"'
        case "exit":
            return "" if _is_number(value, int) and 0 <= value <= 255 else "a number from 0 to 255"
        case "nth":
            counts = value if isinstance(value, list) else [value]
            fits = all(_is_number(count, int) and count > 0 for count in counts)
            return "" if fits else "a number from 1 or a list of such"
        case "lock" if value == "forever":
            return ""
    return "" if _is_number(value, (int, float)) and value >= 0 else "a number of seconds"


def _is_number(value: Any, types: type | tuple[type, ...]) -> bool:
    return isinstance(value, types) and not isinstance(value, bool)


def _is_pattern(value: object) -> bool:
    import re

    try:
        return isinstance(value, str) and bool(re.compile(value))
    except re.error:
        return False


def _wrong(why: str) -> CommandFailed:
    return CommandFailed(f"fake-pve: {FILE} is not what docs/fake.md describes: {why}", NOT_MODELLED_STATUS)


def _matches(rule: Rule, line: str) -> bool:
    import re
    from fnmatch import fnmatchcase

    if "regex" in rule:
        return re.search(rule["regex"], line) is not None
    return fnmatchcase(line, rule["match"])


def _is_due(node: Node, rule: Rule, key: str) -> bool:
    """Count a matching call; whether it is one of those that the rule means."""
    count = _count(f"{node.root}{COUNTS}", key)
    nth = rule.get("nth")
    return nth is None or count == nth or (isinstance(nth, list) and count in nth)


def _count(folder: str, key: str) -> int:
    """How often `key` was counted, with this time."""
    import fcntl

    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/{key}", "a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        count = int(file.read() or 0) + 1
        file.truncate(0)
        file.write(str(count))
    return count


def before(call: Call, rule: Rule) -> bool:
    """What happens before the effect; whether there is to be one. May raise CommandFailed, or not return at all."""
    node = call.node
    node.sleep(rule.get("delay", 0))
    if "lock" in rule:
        _wait_for_lock(call, rule["lock"])
    if rule.get("hang"):
        _hang(call)
    if rule.get("die") == "before":
        _die(call)
    if "full" in rule:
        node.full_storages.add(rule["full"])
    node.copy_seconds = float(rule.get("progress", 0))
    effect = bool(rule.get("effect", not rule.get("exit")))
    if "stdout" in rule or "stderr" in rule:
        call.mute()
    return effect


def after(call: Call, rule: Rule) -> int | None:
    """What happens after the effect; the exit status that the rule wants, None for the command's own."""
    if rule.get("die") == "after":
        _die(call)
    call.unmute()
    if "stdout" in rule:
        call.raw(rule["stdout"].encode("utf-8", "surrogateescape"))
    if "stderr" in rule:
        call.raw(rule["stderr"].encode("utf-8", "surrogateescape"), error=True)
    status = rule.get("exit")
    return None if status is None else int(status)


def _wait_for_lock(call: Call, seconds: float | str) -> None:
    """Wait as for a lock that somebody else holds; at most as long as the real tools do."""
    held = float("inf") if seconds == "forever" else float(seconds)
    call.flush()
    call.node.sleep(min(held, LOCK_TIMEOUT_S))
    if held < LOCK_TIMEOUT_S:
        call.err("trying to acquire lock... OK")
        return
    call.err("trying to acquire lock...")
    from fake_pve.lock import SHOWN_FILE

    file = SHOWN_FILE["lxc" if call.tool == "pct" else "qemu"].format(call.params.get("vmid", ""))
    raise CommandFailed(f"can't lock file '{call.node.path(file)}' - got timeout")


def _hang(call: Call) -> None:
    """Never end; a signal does."""
    import time

    call.flush()
    while True:
        time.sleep(3600)


def _die(call: Call) -> None:
    """Be gone at once, as with `kill -9`: nothing is said, nothing is cleaned up."""
    import signal

    call.flush()
    os.kill(os.getpid(), signal.SIGKILL)
