"""A journal of what runs on the node, for reports: one line of JSON for each command, file written or removed.

    {"time": 1763877600.1, "host": "pve1", "run": ["qm", "status", "8001"], "exit": 0, "seconds": 1.05}
    {"time": 1763877601.2, "host": "pve1", "write": "/var/lib/vz/snippets/phoenix-8001-user.yaml", "seconds": 0.1}

`time` is seconds since 1970, at the beginning; `exit` is null for what did not end. What several questions of one round
trip took is the time of each of them. Standard input and the contents of files are never written here; passwords, which
phoenix puts on no command line, are masked all the same.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from phoenix_pve.errors import NodeError
from phoenix_pve.foreign import admitted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from phoenix_pve.node import Answers, Completed, Node, Questions

SECRET_OPTIONS = frozenset({"--cipassword", "--password"})
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Journal:
    """A node whose use is written to the file `path`; safe to share between threads and processes."""

    node: Node
    path: str
    host: str

    def run(
        self, argv: Sequence[str], stdin: str | None = None, seconds: float | None = None, *, log: str = ""
    ) -> Completed:
        """Run a command to its end."""
        began = time.time()
        run = partial(self.node.run, argv, stdin, seconds, log=log)
        done = self._try(began, {"run": masked(argv), "exit": None}, run)
        self._append(began, {"run": masked(argv), "exit": done.exit})
        return done

    def look(self, questions: Questions) -> Answers:
        """Run queries and read files."""
        began = time.time()
        asked = {"run": [word for argv in questions.commands for word in argv], "exit": None}
        answers = self._try(began, asked, lambda: self.node.look(questions))
        for done in answers.commands:
            self._append(began, {"run": masked(done.argv), "exit": done.exit})
        return answers

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        began = time.time()
        self._try(began, {"write": path, "exit": None}, lambda: self.node.write(path, text))
        self._append(began, {"write": path})

    def remove(self, path: str) -> None:
        """Remove a file."""
        began = time.time()
        self._try(began, {"remove": path, "exit": None}, lambda: self.node.remove(path))
        self._append(began, {"remove": path})

    def hold(self, vmids: Sequence[int], who: str) -> str | None:
        """Take the locks of guests."""
        return self.node.hold(vmids, who)

    def release(self, vmid: int) -> None:
        """Give the lock of a guest back."""
        self.node.release(vmid)

    def _try(self, began: float, record: dict[str, Any], do: Callable[[], Answer]) -> Answer:
        """Do it; what does not end is noted as well."""
        try:
            return do()
        except NodeError:
            self._append(began, record)
            raise

    def _append(self, began: float, record: dict[str, Any]) -> None:
        """Add one line in one write. Raises NodeError when the journal, which someone asked for, cannot be kept."""
        whole = {"time": round(began, 3), "host": self.host, **record, "seconds": round(time.time() - began, 3)}
        line = json.dumps(admitted(whole), ensure_ascii=False) + "\n"
        try:
            with open(self.path, "ab", buffering=0, opener=_private) as file:
                file.write(line.encode())
        except OSError as error:
            raise NodeError(f"{self.path}: {error.strerror}", "$PHOENIX_JOURNAL names a file to write to") from None


def _private(path: str, flags: int) -> int:
    """Open a file that only its owner may read when it is new."""
    return os.open(path, flags, 0o600)


def masked(argv: Sequence[str]) -> list[str]:
    """Return the words without passwords."""
    return ["***" if before in SECRET_OPTIONS else word for before, word in zip(("", *argv), argv, strict=False)]
