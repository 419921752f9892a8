"""Containers with a real user land behind them: the link to the drivers in fake_pve/guests."""

from __future__ import annotations

import dataclasses
import os

from fake_pve import files, guests
from fake_pve.errors import CommandFailed
from fake_pve.guests.spec import Nic, Spec
from fake_pve.lxc import network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf
    from fake_pve.node import Node


def driver(node: Node) -> guests.Driver:
    """The driver of real containers; the caller knows that the node has them."""
    found = guests.driver(node)
    assert found is not None
    return found


# --- the template that a container was made from ---------------------------------------------------------


def place(node: Node, vmid: str) -> str:
    """The file that remembers it; a configuration does not."""
    return f"{node.root}/var/lib/fake-pve/templates/{vmid}"


def template(node: Node, vmid: str) -> str:
    """The archive's path, "" when nobody knows."""
    try:
        with open(place(node, vmid), encoding="utf-8") as file:
            return file.read().rstrip("\n")
    except OSError:
        return ""


def remember(node: Node, vmid: str, archive: str) -> None:
    """Write down which archive the container was made from."""
    path = place(node, vmid)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    files.replace(path, archive + "\n")


# --- its life --------------------------------------------------------------------------------------------


def create(call: Call, vmid: str, conf: Conf, archive: str) -> None:
    """Put root's keys and password in when it starts for the first time."""
    remember(call.node, vmid, archive)
    wanted = dataclasses.replace(
        spec(call.node, vmid, conf), password=call.params.get("password", ""), ssh_keys=keys(call)
    )
    driver(call.node).create(call.node, "lxc", int(vmid), wanted)


def keys(call: Call) -> str:
    """The text of `--ssh-public-keys`."""
    if "ssh-public-keys" not in call.params:
        return ""
    with open(call.node.path(call.params["ssh-public-keys"]), encoding="utf-8", errors="replace") as file:
        return file.read()


def start(node: Node, vmid: str, conf: Conf) -> None:
    """Power on."""
    driver(node).start(node, "lxc", int(vmid), spec(node, vmid, conf))


def forget(node: Node, vmid: str) -> None:
    """End it and remove what it wrote."""
    driver(node).remove(node, "lxc", int(vmid))
    try:
        os.unlink(place(node, vmid))
    except FileNotFoundError:
        pass


def spec(node: Node, vmid: str, conf: Conf) -> Spec:
    """What the driver needs to know of the configuration."""
    options = conf.options
    return Spec(
        hostname=options.get("hostname", f"CT{vmid}"),
        cores=int(options.get("cores", "1")),
        memory=int(options.get("memory", "512")),
        agent=False,
        nics=tuple(nic(options[key]) for key in sorted(filter(network.is_key, options), key=lambda key: int(key[3:]))),
        template=template(node, vmid) or None,
        nameserver=options.get("nameserver", ""),
        searchdomain=options.get("searchdomain", ""),
    )


def nic(text: str) -> Nic:
    """A network interface as the driver wants it; `manual` is no address."""
    values = network.parse(text)
    cidr, cidr6 = values.get("ip", ""), values.get("ip6", "")
    return Nic(
        values.get("name", ""),
        values.get("hwaddr", ""),
        cidr="" if cidr == "manual" else cidr,
        gateway=values.get("gw", ""),
        cidr6="" if cidr6 == "manual" else cidr6,
        gateway6=values.get("gw6", ""),
    )


# --- files -----------------------------------------------------------------------------------------------


def push(call: Call, vmid: str, source: str, destination: str, mode: int | None, owner: str) -> None:
    """Write the file inside, by a shell there."""
    script = 'cat > "$1"' + (f' && chmod {mode:o} "$1"' if mode is not None else "")
    script += ' && chown "$2" "$1"' if owner else ""
    try:
        with open(call.node.path(os.path.abspath(source)), "rb") as file:
            status = _shell(call, vmid, script, (destination, owner), (file.fileno(), 1, 2))
    except OSError as problem:
        raise CommandFailed(f"failed to open {source} for reading: {problem.strerror}") from None
    if status:
        raise CommandFailed(f"failed to create file {destination}")


def pull(call: Call, vmid: str, source: str, destination: str, mode: int | None) -> None:
    """Read the file by a shell inside."""
    target = call.node.path(os.path.abspath(destination))
    try:
        descriptor = os.open(f"{target}.tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    except OSError as problem:
        raise CommandFailed(f"failed to open {destination}: {problem.strerror}") from None
    try:
        status = _shell(call, vmid, 'cat "$1"', (source,), (0, descriptor, 2))
    finally:
        os.close(descriptor)
    if status:
        os.unlink(f"{target}.tmp")
        raise CommandFailed(f"failed to open {source}")
    os.replace(f"{target}.tmp", target)
    os.chmod(target, 0o644 if mode is None else mode)


def _shell(call: Call, vmid: str, script: str, arguments: tuple[str, ...], fds: tuple[int, int, int]) -> int:
    argv = ["/bin/sh", "-c", script, "sh", *arguments]
    return driver(call.node).execute(call.node, "lxc", int(vmid), argv, fds=fds)
