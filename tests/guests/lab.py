"""Guests to log into, and the hands that work with them."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from fake_pve import guests
from fake_pve.guests import state
from fake_pve.guests.spec import Nic, Spec
from fake_pve.node import Node

ADMIN = "phoenix_admin"
PASSWORD = "correct horse"
PASSWORD_HASH = "$5$fakepve0$9rujRx4hu5hIAeWVmTj7Eqzq1E4lpL1QaXiLShYTf.3"
MAC = "BC:24:11:2A:3B:4C"
ADDRESS = "192.168.50.31"
SSH = ("-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR")
SSH_SECONDS = 20.0

USER_DATA = """#cloud-config
hostname: {hostname}
manage_etc_hosts: true
users:
  - name: {admin}
    groups: [sudo]
    shell: /bin/bash
    sudo: "ALL=(ALL) NOPASSWD:ALL"
    lock_passwd: false
    passwd: "{password_hash}"
    ssh_authorized_keys: ["{key}"]
ssh_pwauth: true
timezone: Europe/Berlin
packages: [qemu-guest-agent]
write_files:
  - path: /etc/phoenix-marker
    content: marker
runcmd:
  - [systemctl, enable, --now, qemu-guest-agent]
  - echo run >> /root/runs
"""
NETWORK = f"""version: 1
config:
    - type: physical
      name: eth0
      mac_address: '{MAC.lower()}'
      subnets:
      - type: static
        address: '{ADDRESS}'
        netmask: '255.255.255.0'
        gateway: '192.168.50.1'
"""


def seed(folder: Path, keys: Path, hostname: str) -> str:
    """A NoCloud seed as `qm start` writes it."""
    folder.mkdir(parents=True)
    key = (keys / "admin.pub").read_text().strip()
    text = USER_DATA.format(hostname=hostname, admin=ADMIN, password_hash=PASSWORD_HASH, key=key)
    (folder / "user-data").write_text(text)
    (folder / "meta-data").write_text(f"instance-id: {hostname}\n")
    (folder / "network-config").write_text(NETWORK)
    return str(folder)


class Guest:
    """A guest and the hands that work with it."""

    def __init__(self, root: Path, keys: Path, kind: str = "qemu", vmid: int = 8001, mode: str = "simulated") -> None:
        self.node = Node({"FAKE_PVE_ROOT": str(root), "FAKE_PVE_GUEST": mode})
        found = guests.driver(self.node)
        assert found is not None
        self.driver: Any = found
        self.keys = keys
        self.kind = kind
        self.vmid = vmid
        self.user = ADMIN if kind == "qemu" else "root"
        self.folder = Path(state.folder(self.node, vmid))

    def start(self, spec: Spec) -> None:
        self.driver.start(self.node, self.kind, self.vmid, spec)

    def stop(self) -> None:
        self.driver.stop(self.node, self.kind, self.vmid)

    def shutdown(self, timeout: float = 20, how: str = "poweroff") -> bool:
        return bool(self.driver.shutdown(self.node, self.kind, self.vmid, timeout, how=how))

    def running(self) -> bool:
        return bool(self.driver.running(self.node, self.kind, self.vmid))

    def pid(self) -> int:
        return int(self.driver.pid(self.node, self.kind, self.vmid))

    def agent(self, command: str, arguments: dict[str, Any] | None = None) -> Any:
        return self.driver.agent(self.node, self.vmid, command, arguments)

    def port(self) -> int:
        return int(self.driver.ssh(self.node, self.kind, self.vmid)[1])

    def wish(self, **wishes: object) -> None:
        """Let the guest behave as a test wants it."""
        path = Path(self.node.root) / "etc/fake-pve/guests.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({str(self.vmid): wishes}))

    def ssh(self, command: str, key: str = "admin", *options: str) -> subprocess.CompletedProcess[str]:
        """One attempt to log in with a key."""
        words = ["ssh", *options, *SSH, "-o", "ConnectTimeout=30"]  # the first of two equal options counts
        words += ["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i", str(self.keys / key)]
        return subprocess.run([*words, "-p", str(self.port()), f"{self.user}@127.0.0.1", command],
                              capture_output=True, text=True, timeout=60, check=False)  # fmt: skip

    def ssh_password(self, password: str, command: str) -> subprocess.CompletedProcess[str]:
        """One attempt to log in with a password, given as a program does: by SSH_ASKPASS."""
        asker = self.keys / "ask"
        asker.write_text('#!/bin/sh\nprintf "%s\\n" "$GUEST_PASSWORD"\n')
        asker.chmod(0o755)
        options = (
            "-o",
            "PubkeyAuthentication=no",
            "-o",
            "PreferredAuthentications=password",
            "-o",
            "NumberOfPasswordPrompts=1",
        )
        environ = {**os.environ, "SSH_ASKPASS": str(asker), "SSH_ASKPASS_REQUIRE": "force", "GUEST_PASSWORD": password}
        return subprocess.run(["ssh", *SSH, *options, "-p", str(self.port()), f"{self.user}@127.0.0.1", command],
                              capture_output=True, text=True, timeout=60, check=False, env=environ)  # fmt: skip

    def login(self, seconds: float = SSH_SECONDS) -> float:
        """Try until the key lets us in; how long that took."""
        begin = time.monotonic()
        while time.monotonic() < begin + seconds:
            tried = self.ssh("true")
            if tried.returncode == 0:
                return time.monotonic() - begin
            time.sleep(0.05)
        console = self.folder / "console.log"
        raise AssertionError(f"no login: {tried.stderr}\n{console.read_text() if console.exists() else ''}")

    def run(self, command: str) -> str:
        """The output of a command that must succeed."""
        done = self.ssh(command)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout.strip()

    def booted(self, seconds: float = 60) -> None:
        """Wait until cloud-init and everything else is done."""
        self.login(seconds)
        until(lambda: self.driver.stage(self.node, self.vmid) == "up", seconds)


def until(what: Any, seconds: float = 20) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def vm_spec(folder: Path, keys: Path, hostname: str = "phx-web01", **more: Any) -> Spec:
    """A machine with a static address."""
    nic = Nic("eth0", MAC, cidr=f"{ADDRESS}/24", gateway="192.168.50.1")
    return Spec(hostname=hostname, cores=3, memory=2048, nics=(nic,), seed=seed(folder, keys, hostname), **more)
