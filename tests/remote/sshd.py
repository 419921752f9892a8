"""A real sshd on a loopback port, which plays a node: its sessions find the fake's tools on PATH.

It runs as whoever runs the tests, with keys of its own; nothing of the machine's own SSH is read or changed.
"""

from __future__ import annotations

import atexit
import functools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import apart

ROOT = Path(__file__).resolve().parents[2]
FAKES = ROOT / "fakes/qm/bin"
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") or ""
SSH = shutil.which("ssh") or ""
MISSING = "" if SSHD and SSH else "this machine has no sshd: apt-get install openssh-server"
HOST = "pve1"


class Sshd:
    """One server with one user, and beside it an `ssh` (in `bin`) whose configuration calls it pve1."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(_server_keys(), folder, dirs_exist_ok=True)
        self.bin, self.calls_file = folder / "bin", folder / "ssh-calls"
        self.port = _free_port()
        shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
        self.write_server(environment)
        self.write_client()
        self.know_host()
        self._process = self._start()

    def allow(self, line: str) -> None:
        """Put a line before the server's configuration, such as `MaxSessions 2`."""
        self.stop()
        config = self.folder / "sshd_config"
        config.write_text(f"{line}\n{config.read_text()}")
        self._process = self._start()

    def log_in_with(self, command: str) -> None:
        """Have `command` run at every login, in the place of the login shell: $SSH_ORIGINAL_COMMAND is what is wanted."""
        key = self.folder.joinpath("user_key.pub").read_text()
        quoted = command.replace('"', r"\"")
        self.folder.joinpath("authorized_keys").write_text(f'command="{quoted}" {key}')

    def set_environment(self, environment: Mapping[str, str]) -> None:
        """Give later sessions another environment."""
        if {**self._environment, **environment} != self._environment:
            self.stop()
            self.write_server(environment)
            self._process = self._start()

    def write_server(self, environment: Mapping[str, str]) -> None:
        """Write the server's configuration; `environment` is that of every session."""
        self._environment = {"PATH": apart.path(), **environment}
        # With SHLVL, bash does not take itself for a login over the network and leaves the developer's ~/.bashrc alone.
        sessions = " ".join(f'{name}="{value}"' for name, value in {"SHLVL": "1", **self._environment}.items())
        self.folder.joinpath("sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{self.port}\nHostKey {self.folder}/host_key\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {self.folder}/authorized_keys\nStrictModes no\nPasswordAuthentication no\n"
            f"KexAlgorithms curve25519-sha256\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nPrintMotd no\nPrintLastLog no\nUseDNS no\n"
            f"SetEnv {sessions}\n"
        )

    def write_client(self, *more: str) -> None:
        """Write the user's configuration, `more` before the rest, and the `ssh` that reads it and counts its calls."""
        config = self.folder / "ssh_config"
        user = pwd.getpwuid(os.getuid()).pw_name
        config.write_text(
            "\n".join(more) + f"\nHost {HOST} stand-in\n  HostName 127.0.0.1\n  Port {self.port}\n  User {user}\n"
            f"  IdentityFile {self.folder}/user_key\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {self.folder}/known_hosts\n  GlobalKnownHostsFile none\n"
        )
        self.bin.mkdir(exist_ok=True)
        wrapper = self.bin / "ssh"
        wrapper.write_text(f'#!/bin/sh\necho "$*" >>{self.calls_file}\nexec {SSH} -F {config} "$@"\n')
        wrapper.chmod(0o755)

    def know_host(self, key: Path | None = None) -> None:
        """Let the user know the host by a key; its own is the right one."""
        public = (key or self.folder / "host_key").with_suffix(".pub").read_text()
        self.folder.joinpath("known_hosts").write_text(f"[127.0.0.1]:{self.port} {public}")

    def forget_host(self) -> None:
        """Let the user know no host."""
        self.folder.joinpath("known_hosts").write_text("")

    def use_other_key(self) -> None:
        """Give the user a key that the server does not accept."""
        make_key(self.folder / "other_key")
        shutil.copy(self.folder / "other_key", self.folder / "user_key")
        shutil.copy(self.folder / "other_key.pub", self.folder / "user_key.pub")

    def calls(self) -> list[str]:
        """The arguments of every `ssh` that ran."""
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []

    def _start(self) -> subprocess.Popen[bytes]:
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd gives up its rights
        argv = [SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")]
        with (self.folder / "sshd.log").open("wb") as log:
            process = subprocess.Popen(
                self._apart(argv), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return process
            time.sleep(0.01)
        process.kill()
        raise RuntimeError(self.folder.joinpath("sshd.log").read_text())

    def _apart(self, argv: list[str]) -> list[str]:
        """Return the command for the server: where its sessions find no fake, they find no real tool either."""
        if shutil.which("qm", path=self._environment["PATH"]) and not apart.real("qm", self._environment["PATH"]):
            return argv
        return apart.without_tools(argv)

    def cut(self) -> None:
        """Break every connection, as when the network goes: the processes of the server that serve one."""
        for pid in _children(self._process.pid):
            for child in [*_children(pid), pid]:
                _kill(child)

    def stop(self) -> None:
        """End the server and its connections."""
        self.cut()
        self._process.kill()
        self._process.wait()


@contextmanager
def running(folder: Path, environment: Mapping[str, str]) -> Iterator[Sshd]:
    """A server for as long as the block runs."""
    server = Sshd(folder, environment)
    try:
        yield server
    finally:
        server.stop()


def _children(pid: int) -> list[int]:
    """The sshd processes that are children of a process: not what a session runs."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        name, rest = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
        if int(rest[1]) == pid and name.startswith("sshd"):
            found.append(int(stat.parent.name))
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


@functools.cache
def _server_keys() -> Path:
    """The host's key and the user's, which servers of one test run share."""
    folder = Path(tempfile.mkdtemp(prefix="phoenix-sshd-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in ("host_key", "user_key"):
        make_key(folder / name)
    return folder


def make_key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)], check=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
