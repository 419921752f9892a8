"""What is behind a container: a real guest where FAKE_PVE_GUEST asks for one, else nothing but a few answers.

Everything that `pct` wants of the inside of a container goes through these functions.
"""

from __future__ import annotations

from fake_pve import behaviour
from fake_pve.errors import NotModelled
from fake_pve.guests import REAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf
    from fake_pve.node import Node


def is_real(node: Node) -> bool:
    """Whether containers can really be entered."""
    return node.guest in REAL


def created(call: Call, vmid: str, conf: Conf, template: str) -> None:
    """A container was made from the archive `template`."""
    if is_real(call.node):
        from fake_pve.lxc import real

        real.create(call, vmid, conf, template)


def cloned(call: Call, source: str, vmid: str, conf: Conf) -> None:
    """A container was made from another one."""
    if is_real(call.node):
        from fake_pve.lxc import real

        real.create(call, vmid, conf, real.template(call.node, source))


def power_on(call: Call, vmid: str, conf: Conf) -> None:
    """Let the container boot."""
    if is_real(call.node):
        from fake_pve.lxc import real

        call.flush()
        real.start(call.node, vmid, conf)


def power_off(call: Call, vmid: str) -> None:
    """End the container at once."""
    if is_real(call.node):
        from fake_pve.lxc import real

        real.driver(call.node).stop(call.node, "lxc", int(vmid))


def ask_to_stop(call: Call, vmid: str, timeout: float) -> bool:
    """Let the container end itself; whether it did within `timeout` seconds of the node."""
    if is_real(call.node):
        from fake_pve.lxc import real

        return real.driver(call.node).shutdown(call.node, "lxc", int(vmid), timeout)
    delay = behaviour.wishes(call.node, vmid).get("shutdown", 0)
    call.node.sleep(min(delay, timeout))
    return delay <= timeout


def guest_exec(call: Call, vmid: str, argv: list[str], *, terminal: bool = False) -> int:
    """Run a program in the container with the call's own files -> its exit status (127: there is no such program)."""
    call.flush()
    if is_real(call.node):
        from fake_pve.lxc import real

        return real.driver(call.node).execute(call.node, "lxc", int(vmid), argv, tty=terminal)
    from fake_pve.lxc import answers

    return answers.run(call, vmid, argv)


def check_owner(owner: str) -> None:
    """Where there are no accounts, an owner is `root` or a number, which then is nobody's."""
    for name in owner.split(":"):
        if name and name != "root" and not name.isdecimal():
            raise NotModelled(f"the account '{name}' where there are no accounts")


def push(call: Call, vmid: str, source: str, destination: str, mode: int | None, owner: str = "") -> None:
    """Copy a file of the node into the container; CommandFailed with the system's words for what cannot be read."""
    if is_real(call.node):
        from fake_pve.lxc import real

        real.push(call, vmid, source, destination, mode, owner)
        return
    check_owner(owner)
    from fake_pve.lxc import answers

    answers.push(call, vmid, source, destination, mode)


def pull(call: Call, vmid: str, source: str, destination: str, mode: int | None) -> None:
    """Copy a file of the container to the node."""
    if is_real(call.node):
        from fake_pve.lxc import real

        real.pull(call, vmid, source, destination, mode)
        return
    from fake_pve.lxc import answers

    answers.pull(call, vmid, source, destination, mode)


def forget(node: Node, vmid: str) -> None:
    """The container is no more."""
    if is_real(node):
        from fake_pve.lxc import real

        real.forget(node, vmid)
        return
    from fake_pve.lxc import answers

    answers.forget_files(node, vmid)
