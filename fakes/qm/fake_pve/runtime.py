"""Which guests have power: what a node keeps in memory and processes, here in <root>/run/fake-pve/<kind>-<vmid>.

Without a real guest (FAKE_PVE_GUEST=none or recorded) the file is all there is. One line, separated by blanks:
    pid  started(s since 1970)  paused(0|1)  off_at(s since 1970, 0: nobody asked)  name-at-start
`off_at` is the requested state beside the current one: a guest that was asked to shut down keeps running until then.
With a real guest the driver in fake_pve/guests knows.
"""

from __future__ import annotations

import os
import time

from fake_pve import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.node import Node

FIRST_PID = 4_194_304  # beyond the kernel's largest: killing one of these by mistake hits nobody
LATEST = 2**40  # no clock shows that
REAL_GUESTS = ("simulated", "virtual")


class Power:
    """The content of a guest's state file; see the module's docstring."""

    __slots__ = ("name", "off_at", "paused", "pid", "started")

    def __init__(self, pid: int, started: float, paused: bool = False, off_at: float = 0, name: str = "") -> None:
        self.pid = pid
        self.started = started
        self.paused = paused
        self.off_at = off_at
        self.name = name


def state_path(node: Node, kind: str, vmid: str | int) -> str:
    """The file that says a guest has power."""
    return f"{node.root}/run/fake-pve/{kind}-{vmid}"


def read(node: Node, kind: str, vmid: str | int) -> Power | None:
    """The guest's state, None when it has no power (also when its requested end has come, or the file is damaged)."""
    try:
        with open(state_path(node, kind, vmid), encoding="utf-8", errors="surrogateescape") as file:
            words = file.read().split(" ", 4)
        power = Power(int(words[0]), float(words[1]), words[2] == "1", float(words[3]), words[4].rstrip("\n"))
    except (OSError, ValueError, IndexError):
        return None
    if not 0 <= power.started < LATEST:  # `nan` is a number too
        return None
    if node.guest in REAL_GUESTS:
        return power if _driver_pid(node, kind, vmid, power) else None
    return None if power.off_at and time.time() >= power.off_at else power


def _driver_pid(node: Node, kind: str, vmid: str | int, power: Power) -> int:
    """The real guest's process; the state file only remembers what the driver does not."""
    from fake_pve.guests import driver  # only for real guests

    guest = driver(node)
    power.pid = guest.pid(node, kind, int(vmid)) if guest is not None else 0
    return power.pid


def write(node: Node, kind: str, vmid: str | int, power: Power) -> None:
    """Replace the guest's state at once."""
    path = state_path(node, kind, vmid)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    files.replace(path, f"{power.pid} {power.started} {int(power.paused)} {power.off_at} {power.name}\n")


def running(node: Node, kind: str, vmid: str | int) -> bool:
    """Whether the guest has power; a paused one has."""
    return read(node, kind, vmid) is not None


def paused(node: Node, kind: str, vmid: str | int) -> bool:
    """Whether the guest has power and its processors stand still."""
    power = read(node, kind, vmid)
    return power is not None and power.paused


def pid(node: Node, kind: str, vmid: str | int) -> int:
    """The guest's process number, 0 without power; it is no process of this machine unless the guest is a real one."""
    power = read(node, kind, vmid)
    return 0 if power is None else power.pid


def uptime(node: Node, kind: str, vmid: str | int) -> int:
    """Seconds since it was started, 0 without power."""
    power = read(node, kind, vmid)
    return 0 if power is None else max(0, int(time.time() - power.started))


def mark_started(node: Node, kind: str, vmid: str | int, conf_text: str = "", *, paused: bool = False) -> None:
    """The guest has power from now on. `conf_text` is its configuration: what it was started with keeps its name."""
    power = Power(FIRST_PID + int(vmid), time.time(), paused, 0, _name(conf_text))
    if kind == "qemu":
        write_pid(node, vmid, power.pid)
    write(node, kind, vmid, power)


def pid_path(node: Node, vmid: str | int) -> str:
    """The file with the number of a virtual machine's process, as on a node."""
    return f"{node.root}/run/qemu-server/{vmid}.pid"


def write_pid(node: Node, vmid: str | int, pid: int) -> None:
    """A new file at every start."""
    path = pid_path(node, vmid)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(f"{pid}\n")


def _name(conf_text: str) -> str:
    """The value of the first `name:` or `hostname:` line."""
    for line in conf_text.split("\n"):
        key, _, value = line.partition(": ")
        if key in ("name", "hostname"):
            return value
        if line.startswith("["):
            break
    return ""


def mark_stopped(node: Node, kind: str, vmid: str | int) -> None:
    """The guest has no power any more."""
    for path in (state_path(node, kind, vmid), *([pid_path(node, vmid)] if kind == "qemu" else [])):
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass


def mark_paused(node: Node, kind: str, vmid: str | int, paused: bool) -> None:
    """Stop or resume the guest's processors; without power nothing happens."""
    power = read(node, kind, vmid)
    if power is not None:
        power.paused = paused
        write(node, kind, vmid, power)
