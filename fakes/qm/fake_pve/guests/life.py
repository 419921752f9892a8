"""A simulated guest's start and end, and the way to its first process; see simulated.py for the driver."""

from __future__ import annotations

import fcntl
import json
import math
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fake_pve.guests import GuestFailed, container, image, state, terminal, userns
from fake_pve.guests.addresses import picked_address
from fake_pve.guests.relay import connect_unix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fake_pve.guests.spec import Nic, Spec

ENTRY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "entry.py")
START_SECONDS = 60.0


def start(guest: str, kind: str, vmid: int, spec: Spec, boot_seconds: float) -> None:
    """Power on; returns when the guest begins to boot, which takes it `boot_seconds` longer than it needs."""
    os.makedirs(guest, exist_ok=True)
    with _locked(guest):
        if state.living_pid(guest):
            raise GuestFailed(f"{'VM' if kind == 'qemu' else 'CT'} {vmid} already running")
        forget_another(guest, spec.identity)
        config = launch_config(guest, kind, vmid, spec)
        config["boot_seconds"] = boot_seconds if math.isfinite(boot_seconds) else None
        path = f"{guest}/launch.json"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(config, file)  # it may hold a password
        launch(guest)
        os.unlink(path)


def create(guest: str, kind: str, spec: Spec) -> None:
    """Begin with an empty disk; a container keeps its keys and password until its first start."""
    remove(guest)
    if kind == "lxc":
        os.makedirs(guest, exist_ok=True)
        container.remember(guest, spec)


def remove(guest: str) -> None:
    """Stop it and forget its disk."""
    kill(guest)
    userns.remove_tree(guest)


def execute(guest: str, argv: Sequence[str], fds: tuple[int, int, int], *, tty: bool) -> int:
    """Run a command inside; its exit status."""
    request = {"do": "exec", "argv": list(argv), "environ": {}, "tty": tty}
    with _connect(guest) as connection:
        socket.send_fds(connection, [json.dumps(request).encode() + b"\n"], list(fds))
        if tty:
            terminal.attach(connection, fds)
        answer = json.loads(connection.makefile().readline() or '{"exit": 255}')
    return int(answer["exit"])


@contextmanager
def _locked(guest: str) -> Iterator[None]:
    with open(f"{guest}/lock", "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def launch(guest: str) -> None:
    """Start the launcher and wait until the guest boots."""
    argv = [sys.executable, "-I", "-S", ENTRY, "launch", guest]
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=START_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise GuestFailed(f"the guest did not begin to boot within {START_SECONDS:.0f} s") from error
    if done.returncode:
        raise GuestFailed(done.stderr.strip() or "the guest could not be started")


def kill(guest: str) -> None:
    """Kill the guest's first process and wait until nothing of it is left."""
    pid = state.living_pid(guest)
    if pid:
        os.kill(pid, signal.SIGKILL)
        wait_for_end(guest, pid, 10.0)


def wait_for_end(guest: str, pid: int, seconds: float) -> bool:
    """Wait for the end of the guest's first process; whether it came."""
    deadline = time.monotonic() + seconds
    while pid and state.living_pid(guest) == pid:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _connect(guest: str) -> socket.socket:
    try:
        return connect_unix(f"{guest}/control.sock")
    except OSError as error:
        raise GuestFailed(f"guest {os.path.basename(guest)} is not running") from error


def stage(guest: str) -> str:
    """How far the boot is: boot, agent, local, init, config, final, up; ending; off."""
    return str(command(guest, {"do": "status"})["stage"]) if state.living_pid(guest) else "off"


def command(guest: str, request: dict[str, Any]) -> dict[str, Any]:
    """One command to the guest's first process; its answer."""
    with _connect(guest) as connection:
        connection.sendall(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(connection.makefile().readline() or "{}")
    return answer


def forget_another(guest: str, identity: str) -> None:
    """Begin with an empty disk if the guest is not the one that was started here last."""
    if identity and state.read(f"{guest}/identity") != identity:
        userns.remove_tree(f"{guest}/disk")
        state.write(f"{guest}/identity", f"{identity}\n")


# what the launcher is told


def launch_config(guest: str, kind: str, vmid: int, spec: Spec) -> dict[str, Any]:
    """Everything that the launcher and the guest's first process need to know."""
    nics = [nic_config(vmid, index, nic) for index, nic in enumerate(spec.nics)]
    config: dict[str, Any] = {
        "kind": kind,
        "vmid": vmid,
        "hostname": spec.hostname if kind == "lxc" else "",
        "agent": spec.agent and kind == "qemu",
        "cores": spec.cores,
        "memory": spec.memory,
        "nics": nics,
        "ssh_address": next((nic["address"] for nic in nics if nic["address"]), ""),
        "run_files": {"cores": f"{spec.cores}\n", "leases": leases(nics)},
        "files": {},
        "first_files": {"etc/machine-id": (f"{secrets.token_hex(16)}\n", 0o444)},
        "first_boot": [],
    }
    if kind == "qemu":
        config["tree"] = image.tree()
        config["files"] = seed_files(spec.seed)
    else:
        config.update(container.config(guest, spec, nics))
    return config


def seed_files(seed: str | None) -> dict[str, tuple[str, int]]:
    """The NoCloud seed as cloud-init finds it inside."""
    if seed is None:
        return {}
    files = {}
    for name in sorted(os.listdir(seed)):
        with open(f"{seed}/{name}", encoding="utf-8") as file:
            files[f"var/lib/cloud/seed/nocloud/{name}"] = (file.read(), 0o600)
    return files


def nic_config(vmid: int, index: int, nic: Nic) -> dict[str, str]:
    """A card with its lease, if it asks for one, and the address by which the guest is reached ("" for none)."""
    cidr, gateway, lease = nic.cidr, nic.gateway, ""
    if cidr == "dhcp":
        cidr, gateway = picked_address(vmid, index)
        lease = f"{nic.name} {cidr} {gateway}\n"
    address = cidr.partition("/")[0] if "/" in cidr else nic.cidr6.partition("/")[0] if "/" in nic.cidr6 else ""
    return {
        "name": nic.name,
        "mac": nic.mac.lower(),
        "cidr": cidr,
        "gateway": gateway,
        "cidr6": nic.cidr6,
        "gateway6": nic.gateway6,
        "lease": lease,
        "address": address,
    }


def leases(nics: list[dict[str, str]]) -> str:
    """What the guest's dhclient reads."""
    return "".join(nic["lease"] for nic in nics)
