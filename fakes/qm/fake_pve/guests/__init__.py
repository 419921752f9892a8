"""What stands behind a started guest: a driver behind one small interface.

FAKE_PVE_GUEST=none        power state only, no driver
FAKE_PVE_GUEST=recorded    the stand-in of the recordings, no driver
FAKE_PVE_GUEST=simulated   a Debian user land in a user namespace: real cloud-init, sshd, sudo, guest agent
FAKE_PVE_GUEST=virtual     the guest's disk under qemu-system (containers: as simulated)

This module costs nothing to import; what a driver needs is imported when a guest is really wanted.
"""

from __future__ import annotations

from fake_pve.errors import CommandFailed, NotModelled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Protocol

    from fake_pve.guests.spec import Spec
    from fake_pve.node import Node

REAL = frozenset({"simulated", "virtual"})
NONE = frozenset({"none", "recorded"})


class GuestFailed(CommandFailed):
    """A guest could not do what was asked of it; the message says why and what to do."""


class AgentSilent(GuestFailed):
    """The guest agent does not answer: not installed, not started yet, or hanging."""


if TYPE_CHECKING:

    class Driver(Protocol):
        """A kind of guest; `kind` is "qemu" or "lxc". Every method but the queries raises GuestFailed."""

        def create(self, node: Node, kind: str, vmid: int, spec: Spec) -> None:
            """A guest was made: its disk is empty, and a container's `ssh_keys` and `password` are put into it."""

        def start(self, node: Node, kind: str, vmid: int, spec: Spec) -> None:
            """Power on; returns when the guest begins to boot."""

        def running(self, node: Node, kind: str, vmid: int) -> bool:
            """Whether it has power; a guest that shut itself down has none."""

        def pid(self, node: Node, kind: str, vmid: int) -> int:
            """The process that stands for the guest on this machine; 0 if stopped."""

        def stop(self, node: Node, kind: str, vmid: int) -> None:
            """Take the power away at once."""

        def shutdown(self, node: Node, kind: str, vmid: int, timeout: float, *, how: str = "poweroff") -> bool:
            """Ask it to power off (or "reboot"); whether it did within `timeout` seconds of the node."""

        def reset(self, node: Node, kind: str, vmid: int) -> None:
            """The reset button."""

        def suspend(self, node: Node, kind: str, vmid: int) -> None:
            """Stop its processors."""

        def resume(self, node: Node, kind: str, vmid: int) -> None:
            """Let them run again."""

        def agent(self, node: Node, vmid: int, command: str, arguments: dict[str, Any] | None = None) -> Any:
            """What the guest agent returns for "ping", "network-get-interfaces", "exec"…; AgentSilent, GuestFailed."""

        def execute(
            self,
            node: Node,
            kind: str,
            vmid: int,
            argv: Sequence[str],
            *,
            fds: tuple[int, int, int] = (0, 1, 2),
            tty: bool = False,
        ) -> int:
            """Run a command inside with these three files; its exit status."""

        def ssh(self, node: Node, kind: str, vmid: int) -> tuple[str, int]:
            """Address and port on this machine's loopback that lead to the guest's port 22."""

        def remove(self, node: Node, kind: str, vmid: int) -> None:
            """Stop it and forget its disk."""


def driver(node: Node) -> Driver | None:
    """The driver that the node's FAKE_PVE_GUEST asks for; None where power state is all."""
    if node.guest in NONE:
        return None
    if node.guest == "simulated":
        from fake_pve.guests import simulated  # costs ctypes, subprocess, json: only for real guests

        return simulated.Simulated()
    if node.guest == "virtual":
        from fake_pve.guests import virtual  # likewise

        return virtual.Virtual()
    raise NotModelled(f"FAKE_PVE_GUEST={node.guest} (none, recorded, simulated, virtual)")
