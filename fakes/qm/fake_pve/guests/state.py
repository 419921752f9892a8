"""A guest's folder on the node and what can be read from it cheaply: is it running, as whom, behind which port.

<root>/var/lib/fake-pve/guests/<vmid>/
    pid            "PID STARTTIME" of the guest's first process; a stale one is recognised by its start time
    ssh            "127.0.0.1 PORT", the way to its port 22
    control.sock   commands for its first process
    agent.sock     the guest agent's protocol
    console.log    what it said while booting
    disk/          what it wrote, kept until it is removed
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.node import Node


def base(root: str) -> str:
    """The folder of all guests below the node's root."""
    return f"{root}/var/lib/fake-pve/guests"


def folder(node: Node, vmid: int | str) -> str:
    """The folder of one guest; it need not exist."""
    return f"{base(node.root)}/{vmid}"


def read(path: str) -> str:
    """A small file's text without surrounding white space; empty if there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""


def write(path: str, text: str) -> None:
    """Replace a small file at once."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(f"{path}.new", path)


def start_time(pid: int) -> str:
    """When the process started, in ticks since boot; empty if it is gone or only waits to be reaped.

    One whose first thread has ended waits to be reaped only when all others have: until then its files are open.
    """
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in "ZX" and fields[17] in "01" else fields[19]


def living_pid(guest: str) -> int:
    """The pid of the guest in folder `guest`, 0 if it does not run."""
    pid, _, started = read(f"{guest}/pid").partition(" ")
    if not pid.isdigit() or start_time(int(pid)) != started:
        return 0
    return int(pid)


def started(guest: str) -> float:
    """When the guest in folder `guest` was started last, in seconds since 1970; 0 for never."""
    try:
        return os.stat(f"{guest}/pid").st_mtime
    except FileNotFoundError:
        return 0.0
