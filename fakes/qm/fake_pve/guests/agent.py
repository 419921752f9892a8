"""The guest agent's protocol from the machine's side: one JSON object a line, as QEMU's agent speaks it."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Any

from fake_pve.guests import AgentSilent, GuestFailed
from fake_pve.guests.relay import connect_unix

if TYPE_CHECKING:
    import socket

SECONDS = 3.0  # Proxmox gives a ping as long
SILENT = "QEMU guest agent is not running"


def ask(path: str, command: str, arguments: dict[str, Any] | None = None, seconds: float = SECONDS) -> Any:
    """The agent's answer to `command` ("ping", "get-osinfo"…); AgentSilent, or GuestFailed with its words."""
    deadline = time.monotonic() + seconds
    try:
        connection = connect_unix(path)
    except OSError as error:
        raise AgentSilent(SILENT) from error
    with connection:
        try:
            synchronise(connection, deadline)
            request: dict[str, Any] = {"execute": f"guest-{command}"}
            if arguments:
                request["arguments"] = arguments
            connection.sendall(json.dumps(request).encode() + b"\n")
            answer = read_answer(connection, deadline)
        except (OSError, ValueError) as error:
            raise AgentSilent(SILENT) from error
    if "error" in answer:
        raise GuestFailed(str(answer["error"].get("desc", "unknown")))
    return answer["return"]


def tell(path: str, command: str, arguments: dict[str, Any] | None = None) -> None:
    """Send a command that has no answer when it succeeds: shutdown, suspend."""
    try:
        with connect_unix(path) as connection:
            synchronise(connection, time.monotonic() + SECONDS)
            request = {"execute": f"guest-{command}", "arguments": arguments or {}}
            connection.sendall(json.dumps(request).encode() + b"\n")
    except (OSError, ValueError) as error:
        raise AgentSilent(SILENT) from error


def synchronise(connection: socket.socket, deadline: float) -> None:
    """Skip what an earlier client left behind: the agent repeats a number of ours."""
    number = int.from_bytes(os.urandom(4), "big")
    text = json.dumps({"execute": "guest-sync", "arguments": {"id": number}})
    connection.sendall(text.encode() + b"\n")
    while read_answer(connection, deadline).get("return") != number:
        pass


def read_answer(connection: socket.socket, deadline: float) -> dict[str, Any]:
    """One line before `deadline`; OSError if none comes."""
    line = bytearray()
    while not line.endswith(b"\n"):
        connection.settimeout(max(0.01, deadline - time.monotonic()))
        data = connection.recv(1 << 16)
        if not data:
            raise ConnectionError("the agent hung up")
        line += data
    answer: dict[str, Any] = json.loads(line.strip(b"\xff\n ").rpartition(b"\n")[2])
    return answer
