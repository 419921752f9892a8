"""The journal of all calls, <root>/var/log/fake-pve/journal.jsonl: two lines of JSON a call.

    {"event": "begin", "call": "…", "time": 1763877600.123, "pid": 4711, "tool": "qm", "argv": ["status", "8001"]}
    {"event": "end", "call": "…", …the same…, "exit": 0, "duration": 0.004, "stdin": null}

`time` is seconds since 1970, `duration` seconds, `stdin` the SHA-256 of what was read from it. A call without `end` was
killed or still runs. Passwords on the command line are `***`. `calls` joins the two lines.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fake_pve.call import Call

FILE = "/var/log/fake-pve/journal.jsonl"
MASK = "***"
SECRETS = {"cipassword": 3, "password": 2, "encryption-key": 5}  # name -> length of the shortest abbreviation


class Entry:
    """One call's place in the journal; `begin` when it is made, `end` once."""

    __slots__ = ("head", "path", "started")

    def __init__(self, root: str, tool: str, argv: list[str]) -> None:
        now = time.time()
        self.path = root + FILE
        self.started = time.perf_counter()
        words = ", ".join(quoted(word) for word in masked(argv))
        self.head = (
            f'"call": "{os.getpid()}-{time.monotonic_ns()}", "time": {now:.6f}, "pid": {os.getpid()}, '
            f'"tool": "{tool}", "argv": [{words}]'
        )
        self._append(f'{{"event": "begin", {self.head}}}\n')

    def end(self, status: int, stdin: str | None) -> None:
        """Say how it ended; `stdin` is what was read of it, None for nothing."""
        duration = time.perf_counter() - self.started
        digest = "null" if stdin is None else f'"{_sha256(stdin)}"'
        self._append(
            f'{{"event": "end", {self.head}, "exit": {status}, "duration": {duration:.6f}, "stdin": {digest}}}\n'
        )

    def _append(self, line: str) -> None:
        """One write, so that lines of parallel calls do not mix. A node that cannot be written to has no journal."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            try:
                file = os.open(self.path, flags, 0o644)
            except FileNotFoundError:
                os.makedirs(os.path.dirname(self.path), exist_ok=True)
                file = os.open(self.path, flags, 0o644)
        except OSError:
            return
        _write(file, line.encode())
        os.close(file)


def _write(file: int, line: bytes) -> None:
    """Append a whole line or nothing: a disk that is full takes no part of one that somebody reads later."""
    try:
        written = os.write(file, line)
        if written < len(line) and os.fstat(file).st_size == os.lseek(file, 0, os.SEEK_CUR):
            os.ftruncate(file, os.lseek(file, 0, os.SEEK_CUR) - written)
    except OSError:
        return


def begin(call: Call, argv: list[str]) -> Entry:
    """Note that a call begins."""
    return Entry(call.node.root, call.tool, argv)


def _sha256(text: str) -> str:
    import hashlib  # only for calls that read stdin

    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def quoted(text: str) -> str:
    """A JSON string; importing json would cost more than a whole call may."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    if character in '"\\':
        return "\\" + character
    if 0x20 <= code < 0x7F:
        return character
    if code > 0xFFFF:
        code -= 0x10000
        return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
    return f"\\u{code:04x}"


def masked(argv: list[str]) -> list[str]:
    """The words without the values of secret options, in each form that an option may take."""
    found: list[str] = []
    hide = False
    for word in argv:
        if hide:
            found.append(MASK)
            hide = False
            continue
        name, equals, _ = word.partition("=")
        secret = word[:1] == "-" and _is_secret(name.lstrip("-").lower())
        found.append(f"{name}={MASK}" if secret and equals else word)
        hide = secret and not equals
    return found


def _is_secret(name: str) -> bool:
    return any(secret.startswith(name) and len(name) >= shortest for secret, shortest in SECRETS.items())


def calls(root: str) -> list[dict[str, Any]]:
    """All calls on a node in the order in which they began; `exit` and `duration` are None for one that did not end.

    For tests and tools, not for the fake itself.
    """
    import json

    found: dict[str, dict[str, Any]] = {}
    try:
        with open(root + FILE, encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                del record["event"]
                found.setdefault(record["call"], {"exit": None, "duration": None, "stdin": None}).update(record)
    except FileNotFoundError:
        return []
    return list(found.values())
