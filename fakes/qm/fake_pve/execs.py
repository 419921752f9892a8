"""Commands that `qm guest exec` started in a guest without a real machine: <root>/run/fake-pve/exec-<vmid>.

The file is JSON: when the machine was started, and a record a command (`pid`, `exited`, `exitcode`, `out-data`). Such a
guest knows the few commands of COMMANDS, like the recordings' guest (qm-agent-006); any other is `not found`.
"""

from __future__ import annotations

import json
import os

from fake_pve import files, runtime
from fake_pve.agent import AGENT_STATUS
from fake_pve.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from fake_pve.node import Node

FIRST_PID = 1000


def start(node: Node, vmid: str, argv: list[str], stdin: str) -> dict[str, Any]:
    """Run a command in the guest at once -> its record; one that takes time `takes` seconds and has `exited` 0."""
    name = os.path.basename(argv[0]) if argv else ""
    if name not in COMMANDS:
        raise CommandFailed(
            "Agent error: Guest agent command failed, error was 'Failed to execute child process "
            f"“{argv[0]}” (No such file or directory)'",
            AGENT_STATUS,
        )
    records = _read(node, vmid)
    record = {"pid": FIRST_PID + len(records), "exited": 1, "exitcode": 0, **COMMANDS[name](argv[1:], stdin)}
    _write(node, vmid, [*records, record])
    return record


def status(node: Node, vmid: str, pid: int) -> dict[str, Any]:
    """The record of a command that was started before; CommandFailed for an unknown one."""
    for record in _read(node, vmid):
        if record["pid"] == pid:
            return record
    raise CommandFailed(f"Agent error: PID {pid} does not exist", AGENT_STATUS)


def shown(record: dict[str, Any]) -> dict[str, Any]:
    """What the agent tells of a command."""
    if not record["exited"]:
        return {"exited": 0}
    return {key: record[key] for key in ("exitcode", "exited", "out-data", "err-data") if key in record}


def _path(node: Node, vmid: str) -> str:
    return f"{node.root}/run/fake-pve/exec-{vmid}"


def _read(node: Node, vmid: str) -> list[dict[str, Any]]:
    """The records since the machine's last start."""
    power = runtime.read(node, "qemu", vmid)
    try:
        with open(_path(node, vmid), encoding="utf-8") as file:
            started, records = json.load(file)
    except (OSError, ValueError):
        return []
    return records if power is not None and started == power.started else []


def _write(node: Node, vmid: str, records: list[dict[str, Any]]) -> None:
    power = runtime.read(node, "qemu", vmid)
    files.replace(_path(node, vmid), json.dumps([0 if power is None else power.started, records]))


def _sleep(arguments: list[str], _stdin: str) -> dict[str, Any]:
    seconds = arguments[0] if arguments else "0"
    return {"exited": 0, "takes": float(seconds) if seconds.replace(".", "", 1).isdecimal() else 0.0}


COMMANDS: dict[str, Callable[[list[str], str], dict[str, Any]]] = {
    "true": lambda _arguments, _stdin: {},
    "false": lambda _arguments, _stdin: {"exitcode": 1},
    "echo": lambda arguments, _stdin: {"out-data": " ".join(arguments) + "\n"},
    "cat": lambda _arguments, stdin: {"out-data": stdin} if stdin else {},
    "sleep": _sleep,
}
