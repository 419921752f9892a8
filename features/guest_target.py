"""A fake node whose guests boot, and the hands that log into them as an administrator does."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.needs import lacking, why_no_guests, why_no_machines

from fake_pve import seed
from fake_pve.guests import image, state, sweep
from fake_pve.testing import BIN
from features.target import FakeTarget, Result, vm

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "correct horse"
PASSWORD_HASH = "$5$fakepve0$9rujRx4hu5hIAeWVmTj7Eqzq1E4lpL1QaXiLShYTf.3"
KEYS = ("admin", "other")


def hears(path: str) -> bool:
    """Whether somebody listens at a socket; that it is there says less."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


@dataclass
class GuestTarget(FakeTarget):
    """Its administrator has a key in an agent, and a password; `extra` is added to the VM's configuration."""

    mode: str = "simulated"
    extra: dict[str, Any] = field(default_factory=dict)
    password_login: bool = True
    said: Result | None = None
    """What `phoenix create` said."""

    def __post_init__(self) -> None:
        if reason := why_no_guests():
            lacking(reason)
        super().__post_init__()
        self.keys = self.folder / "keys"
        self.keys.mkdir()
        for name in KEYS:
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.keys / name], check=True)
        self._start_agent()
        self.hypervisor = {
            "admin": {
                "username": "admin",
                "password_hash": PASSWORD_HASH,
                "ssh_authorized_keys": [self.public_key],
                "ssh_password_login": self.password_login,
            },
            "vms": [{**vm(8001, "ubuntu-2404"), **self.extra}],
        }

    def boot_machines(self) -> None:
        """From now on guests are virtual machines, and the cloud image is the one built here, which really boots."""
        if reason := why_no_machines():
            lacking(reason)
        self.mode, self.patience = "virtual", 900
        shutil.copy(image.disk(), self.root / seed.UBUNTU.lstrip("/"))

    def _start_agent(self) -> None:
        """An agent with the administrator's key, in this process' hands; its socket has a short path."""
        self.agent_folder = Path(subprocess.check_output(["mktemp", "-d", "/tmp/agent.XXXXXX"], text=True).strip())
        way = str(self.agent_folder / "s")
        self.agent = subprocess.Popen(["ssh-agent", "-a", way, "cat"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        while not hears(way):
            assert self.agent.poll() is None, "ssh-agent ended"
            time.sleep(0.01)
        environment = {**os.environ, "SSH_AUTH_SOCK": way}
        subprocess.run(["ssh-add", "-q", self.keys / "admin"], env=environment, check=True)

    @property
    def public_key(self) -> str:
        """The administrator's public key."""
        return (self.keys / "admin.pub").read_text().strip()

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the node's tools."""
        return {**super().environment, "FAKE_PVE_GUEST": self.mode, "FAKE_PVE_CACHE": image.own_cache()}

    @property
    def phoenix_environment(self) -> dict[str, str]:
        """The environment of phoenix: the administrator's agent, and the way into the guests of this node."""
        node = " ".join(f"{name}={self.environment[name]}" for name in ("FAKE_PVE_ROOT", "FAKE_PVE_GUEST"))
        return {
            **super().phoenix_environment,
            "SSH_AUTH_SOCK": str(self.agent_folder / "s"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "PHOENIX_GUEST_PROXY_COMMAND": f"env {node} {BIN}/guest-connect {{id}}",
        }

    def close(self) -> None:
        """End the guests and the agent."""
        sweep.sweep(str(self.root))
        self.agent.communicate()  # `cat` ends with its input, also when this process is killed, and the agent with it
        shutil.rmtree(self.agent_folder)

    # logging in

    @property
    def known_hosts(self) -> list[Path]:
        """The files with host keys that were remembered."""
        return [path for path in (self.folder / "state").rglob("*") if path.is_file()]

    def ssh_config(self) -> Path:
        """What `phoenix ssh-config 8001` says, and the key beside it."""
        made = self.phoenix("phoenix ssh-config 8001")
        assert made.status == 0, made.output
        path = self.folder / "ssh_config"
        path.write_text(f"{made.stdout}\nHost *\n  IdentityFile {self.keys}/admin\n  IdentitiesOnly yes\n")
        return path

    def ssh(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run ssh with that configuration and without agent; `words` are options, the guest and a command."""
        config = self.folder / "ssh_config"
        argv = ["ssh", "-F", str(config if config.exists() else self.ssh_config()), *words]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **environ}
        return subprocess.run(
            argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
        )

    @contextlib.contextmanager
    def one_connection(self) -> Iterator[str]:
        """A path for ssh's ControlPath: the first login's connection serves what follows, and ends with the block."""
        way = f"{self.agent_folder}/way"
        try:
            yield way
        finally:
            self.ssh("-o", f"ControlPath={way}", "-O", "exit", "8001")

    def with_key(self, key: str) -> subprocess.CompletedProcess[str]:
        """Try to log in with one key and nothing else."""
        config = self.ssh_config()
        config.write_text(config.read_text().replace("keys/admin", f"keys/{key}"))
        done = self.ssh("-o", "BatchMode=yes", "8001", "id -un")
        config.unlink()
        return done

    def with_password(self, password: str) -> subprocess.CompletedProcess[str]:
        """Try to log in with a password, given as a program does: by SSH_ASKPASS."""
        asker = self.folder / "ask"
        asker.write_text('#!/bin/sh\nprintf "%s\\n" "$GUEST_PASSWORD"\n')
        asker.chmod(0o755)
        only = ("PubkeyAuthentication=no", "PreferredAuthentications=password", "NumberOfPasswordPrompts=1")
        options = [word for option in only for word in ("-o", option)]
        return self.ssh(
            *options, "8001", "id -un", SSH_ASKPASS=str(asker), SSH_ASKPASS_REQUIRE="force", GUEST_PASSWORD=password
        )

    # what is there of the guest

    @property
    def guest_folder(self) -> Path:
        """Where the fake keeps it."""
        return self.root / "var/lib/fake-pve/guests/8001"

    def processes(self) -> list[int]:
        """The guest's processes, first the one that all others descend from."""
        first = state.living_pid(str(self.guest_folder))
        found = [first] if first else []
        for parent in found:
            with contextlib.suppress(FileNotFoundError):
                for thread in Path(f"/proc/{parent}/task").iterdir():
                    found += map(int, (thread / "children").read_text().split())
        return found

    def have_run(self, line: str) -> Result:
        """Run phoenix each time: a copy of the node's files would not bring its guests to life."""
        return self.phoenix(line)

    def phoenix(self, line: str) -> Result:
        """Run phoenix, and keep in mind which port the guest has before."""
        place = self.guest_folder / "ssh"
        self.port_before = int(place.read_text().split()[1]) if place.exists() else 0
        return super().phoenix(line)
