"""Virtual guests: the machine's own disks under QEMU. Containers are simulated ones.

A machine whose boot disk is the unchanged image built here (image.py) begins from a saved template state if there is
one for its processors and memory (template.py); every other one boots from its disk as a computer does.
"""

from __future__ import annotations

import os
import time

from fake_pve import behaviour
from fake_pve.guests import AgentSilent, GuestFailed, simulated, state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from fake_pve.guests.qmp import Qmp
    from fake_pve.guests.spec import Spec
    from fake_pve.node import Node

QUIT_SECONDS = 10.0


class Virtual(simulated.Simulated):
    """The driver; it keeps nothing, a guest's folder and QEMU say all."""

    def create(self, node: Node, kind: str, vmid: int, spec: Spec) -> None:
        """A container begins with an empty disk; a machine's disks are the node's volumes."""
        if kind == "lxc":
            super().create(node, kind, vmid, spec)
        else:
            self.remove(node, kind, vmid)

    def start(self, node: Node, kind: str, vmid: int, spec: Spec) -> None:
        """Power on."""
        if kind == "lxc":
            super().start(node, kind, vmid, spec)
            return
        guest = state.folder(node, vmid)
        os.makedirs(guest, exist_ok=True)
        if state.living_pid(guest):
            raise GuestFailed(f"VM {vmid} already running")
        from fake_pve.guests import machine  # costs subprocess and more: only to start

        machine.start(guest, vmid, spec)

    def stop(self, node: Node, kind: str, vmid: int) -> None:
        """Take the power away."""
        guest = state.folder(node, vmid)
        if kind == "qemu" and state.living_pid(guest):
            self._ask(guest, "quit")
            from fake_pve.guests import life

            life.wait_for_end(guest, state.living_pid(guest), QUIT_SECONDS)
        super().stop(node, kind, vmid)

    def shutdown(self, node: Node, kind: str, vmid: int, timeout: float, *, how: str = "poweroff") -> bool:
        """Ask by the agent if it answers, else press the power button."""
        if kind == "lxc":
            return super().shutdown(node, kind, vmid, timeout, how=how)
        from fake_pve.guests import life

        guest = state.folder(node, vmid)
        pid, seconds = state.living_pid(guest), simulated.patience(node, vmid, timeout)
        if behaviour.wishes(node, vmid).get("shutdown", 0.0) > timeout:
            return life.wait_for_end(guest, pid, seconds)
        node.sleep(behaviour.wishes(node, vmid).get("shutdown", 0.0))
        try:
            self.agent(node, vmid, "shutdown", {"mode": "reboot" if how == "reboot" else "powerdown"})
        except AgentSilent:
            self._ask(guest, "system_powerdown")
        return how == "reboot" or life.wait_for_end(guest, pid, seconds)

    def reset(self, node: Node, kind: str, vmid: int) -> None:
        """The reset button."""
        self._press(node, kind, vmid, "system_reset") or super().reset(node, kind, vmid)

    def suspend(self, node: Node, kind: str, vmid: int) -> None:
        """Stop its processors."""
        self._press(node, kind, vmid, "stop") or super().suspend(node, kind, vmid)

    def resume(self, node: Node, kind: str, vmid: int) -> None:
        """Let them run again."""
        self._press(node, kind, vmid, "cont") or super().resume(node, kind, vmid)

    def _press(self, node: Node, kind: str, vmid: int, command: str) -> bool:
        if kind == "qemu":
            self._ask(state.folder(node, vmid), command)
        return kind == "qemu"

    def _ask(self, guest: str, command: str) -> None:
        with self._qmp(guest) as qemu:
            qemu.ask(command)

    def _qmp(self, guest: str) -> Qmp:
        from fake_pve.guests.qmp import Qmp

        return Qmp(f"{guest}/qmp.sock")

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
        """Run a command by the agent, without input; its exit status."""
        if kind == "lxc":
            return super().execute(node, kind, vmid, argv, fds=fds, tty=tty)
        import base64  # only here

        asked = {"path": argv[0], "arg": list(argv[1:]), "capture-output": True}
        pid = self.agent(node, vmid, "exec", asked)["pid"]
        answer = {"exited": False}
        while not answer["exited"]:
            time.sleep(0.05)
            answer = self.agent(node, vmid, "exec-status", {"pid": pid})
        for name, fd in (("out-data", fds[1]), ("err-data", fds[2])):
            os.write(fd, base64.b64decode(str(answer.get(name, ""))))
        return int(answer.get("exitcode", 255))

    def stage(self, node: Node, vmid: int) -> str:
        """`boot` or `off`: only the guest itself knows more."""
        return "boot" if state.living_pid(state.folder(node, vmid)) else "off"
