"""Simulated guests: a Debian user land in a user namespace, with real cloud-init, sshd, sudo and guest agent.

Cheap to import, because `qm status` asks it too: what is costly stands in life.py and agent.py.
"""
# ruff: noqa: ARG002 - the interface names the kind of guest; here both kinds are alike

from __future__ import annotations

import time

from fake_pve import behaviour
from fake_pve.guests import AgentSilent, GuestFailed, state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from fake_pve.guests.spec import Spec
    from fake_pve.node import Node


class Simulated:
    """The driver; it keeps nothing, a guest's folder says all."""

    def create(self, node: Node, kind: str, vmid: int, spec: Spec) -> None:
        """Begin with an empty disk; a container keeps its keys and password until its first start."""
        from fake_pve.guests import life

        life.create(state.folder(node, vmid), kind, spec)

    def start(self, node: Node, kind: str, vmid: int, spec: Spec) -> None:
        """Power on; returns when the guest begins to boot."""
        from fake_pve.guests import life

        life.start(state.folder(node, vmid), kind, vmid, spec, wish(node, vmid, "boot"))

    def running(self, node: Node, kind: str, vmid: int) -> bool:
        """Whether it has power."""
        return self.pid(node, kind, vmid) != 0

    def pid(self, node: Node, kind: str, vmid: int) -> int:
        """The guest's first process as the machine sees it; 0 if stopped."""
        return state.living_pid(state.folder(node, vmid))

    def stop(self, node: Node, kind: str, vmid: int) -> None:
        """Take the power away: with the first process everything of the guest ends."""
        from fake_pve.guests import life

        life.kill(state.folder(node, vmid))

    def shutdown(self, node: Node, kind: str, vmid: int, timeout: float, *, how: str = "poweroff") -> bool:
        """Ask it to power off or reboot; whether it powered off in time, or will reboot."""
        from fake_pve.guests import life

        guest = state.folder(node, vmid)
        pid, delay = state.living_pid(guest), wish(node, vmid, "shutdown")
        deaf = delay == behaviour.NEVER or life.stage(guest) == "boot"
        if not deaf:
            life.command(guest, {"do": "shutdown", "how": how, "after": delay})
        return not deaf if how == "reboot" else life.wait_for_end(guest, pid, patience(node, vmid, timeout, deaf=deaf))

    def reset(self, node: Node, kind: str, vmid: int) -> None:
        """Kill everything in it and boot again."""
        self._command(node, vmid, "reset")

    def suspend(self, node: Node, kind: str, vmid: int) -> None:
        """Stop its processes."""
        self._command(node, vmid, "suspend")

    def resume(self, node: Node, kind: str, vmid: int) -> None:
        """Continue its processes."""
        self._command(node, vmid, "resume")

    def _command(self, node: Node, vmid: int, action: str) -> None:
        from fake_pve.guests import life

        life.command(state.folder(node, vmid), {"do": action})

    def agent(self, node: Node, vmid: int, command: str, arguments: dict[str, Any] | None = None) -> Any:
        """The real guest agent's answer."""
        from fake_pve.guests import agent

        guest = state.folder(node, vmid)
        if time.time() < state.started(guest) + wish(node, vmid, "boot") + wish(node, vmid, "agent"):
            node.sleep(agent.SECONDS)
            raise AgentSilent(agent.SILENT)
        if command == "shutdown":
            return agent.tell(f"{guest}/agent.sock", command, arguments)
        return agent.ask(f"{guest}/agent.sock", command, arguments)

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
        """Run a command inside; its exit status."""
        from fake_pve.guests import life

        return life.execute(state.folder(node, vmid), argv, fds, tty=tty)

    def stage(self, node: Node, vmid: int) -> str:
        """How far the boot is: boot, agent, local, init, config, final, up; ending; off."""
        from fake_pve.guests import life

        return life.stage(state.folder(node, vmid))

    def ssh(self, node: Node, kind: str, vmid: int) -> tuple[str, int]:
        """The way to port 22."""
        host, _, port = state.read(f"{state.folder(node, vmid)}/ssh").partition(" ")
        if not port:
            raise GuestFailed(f"guest {vmid} was never started")
        return host, int(port)

    def remove(self, node: Node, kind: str, vmid: int) -> None:
        """Stop it and forget its disk."""
        from fake_pve.guests import life

        life.remove(state.folder(node, vmid))


def patience(node: Node, vmid: int, timeout: float, *, deaf: bool = False) -> float:
    """Real seconds to wait for an end for which `timeout` seconds of the node are given.

    They are scaled for a guest that is known to be too late. Any other really works at its end, which takes it as long
    as it takes: scaled to nothing, they would let no guest end in time.
    """
    late = deaf or behaviour.wishes(node, vmid).get("shutdown", 0.0) > timeout
    return timeout * (node.time_scale if late else max(1.0, node.time_scale))


def wish(node: Node, vmid: int, name: str) -> float:
    """Seconds that somebody wants the guest's `boot`, `agent` or `shutdown` to take longer; behaviour.NEVER is one."""
    seconds = behaviour.wishes(node, vmid).get(name, 0.0)
    return seconds if seconds in {0.0, behaviour.NEVER} else seconds * node.time_scale
