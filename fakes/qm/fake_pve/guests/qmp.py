"""QEMU's own protocol: one JSON object a line over a Unix socket."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Self

from fake_pve.guests import GuestFailed
from fake_pve.guests.relay import connect_unix

SECONDS = 60.0


class Qmp:
    """A conversation with one QEMU; closes with the context."""

    def __init__(self, path: str, seconds: float = SECONDS) -> None:
        try:
            self.connection = connect_unix(path)
        except OSError as error:
            raise GuestFailed(f"QEMU of guest {os.path.basename(os.path.dirname(path))} does not run") from error
        self.connection.settimeout(seconds)
        self.lines = self.connection.makefile("r", encoding="utf-8")
        self.lines.readline()  # the greeting
        self.ask("qmp_capabilities")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.lines.close()
        self.connection.close()

    def ask(self, command: str, **arguments: Any) -> Any:
        """What a command returns; GuestFailed with QEMU's words."""
        request: dict[str, Any] = {"execute": command}
        if arguments:
            request["arguments"] = {key.replace("_", "-"): value for key, value in arguments.items()}
        try:
            self.connection.sendall(json.dumps(request).encode() + b"\n")
            while True:
                answer = json.loads(self.lines.readline() or '{"error": {"desc": "QEMU ended"}}')
                if "return" in answer:
                    return answer["return"]
                if "error" in answer:
                    raise GuestFailed(f"{command}: {answer['error']['desc']}")
        except (OSError, ValueError) as error:
            raise GuestFailed(f"{command}: QEMU does not answer") from error

    def monitor(self, line: str) -> str:
        """The output of a command of QEMU's human monitor."""
        return str(self.ask("human-monitor-command", command_line=line))

    def wait_for(self, command: str, key: str, wanted: set[str], seconds: float = SECONDS) -> str:
        """Ask until the value at `key` is one of those; that value."""
        deadline = time.monotonic() + seconds
        while True:
            found = str(self.ask(command).get(key, ""))
            if found in wanted:
                return found
            if time.monotonic() > deadline:
                raise GuestFailed(f"{command}: still {found or 'nothing'} after {seconds:.0f} s")
            time.sleep(0.02)
