"""A fake node for tests: make one, seed it, run its tools, read its journal, script its troubles.

The pytest plugin's fixture `pve_node` hands one out; without pytest, `FakeNode(folder)` does.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fake_pve import behaviour, faults, seed
from fake_pve.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
BIN = next(place for place in (HERE / "bin", HERE.parent / "bin") if place.is_dir())
"""The folder with the executables qm, pct and pvesm: inside the installed package, or beside it in a checkout."""


class FakeNode:
    """A node below `root`, which is made if it is not there. Raises RuntimeError where its tools cannot be executed.

    environment  what a process needs to see this node: PATH with the tools first, FAKE_PVE_ROOT and the like
    """

    def __init__(self, root: Path, name: str = "pve1", **settings: str) -> None:
        if not os.access(BIN / "qm", os.X_OK):
            raise RuntimeError(f"{BIN}/qm cannot be executed, so that a real one would be found in its place")
        self.root = root.resolve()
        self.name = name
        self.root.mkdir(parents=True, exist_ok=True)
        seed.new_node(str(self.root), name)
        self.environment = {
            "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "FAKE_PVE_PYTHON": sys.executable,
            "FAKE_PVE_ROOT": str(self.root),
            "FAKE_PVE_NODE": name,
            "FAKE_PVE_GUEST": "none",
            "FAKE_PVE_TIME_SCALE": "0",
            "LC_ALL": "C.UTF-8",
            **settings,
        }

    @property
    def guest_proxy_command(self) -> str:
        """Return OpenSSH's ProxyCommand into the guest {id}, which is to be replaced; it needs no environment."""
        names = ("FAKE_PVE_ROOT", "FAKE_PVE_NODE", "FAKE_PVE_GUEST")
        settings = [f"{name}={self.environment[name]}" for name in names]
        return f"{shlex.join(['env', *settings, str(BIN / 'guest-connect')])} {{id}}"

    def path(self, inside: str) -> Path:
        """Return the file on this machine that stands for the node's absolute path `inside`."""
        return self.root / inside.lstrip("/")

    def run(self, *argv: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command that sees this node. Raises subprocess.CalledProcessError, unless `check` is false."""
        environment = {**os.environ, **self.environment}
        return subprocess.run(
            argv, env=environment, input=stdin, capture_output=True, encoding="utf-8", errors="replace", check=check
        )

    def add_image(self, path: str = seed.UBUNTU, gib: float = 3.5) -> Path:
        """Put a cloud image's stand-in on the node: a qcow2 that claims `gib` GiB."""
        seed.add_image(str(self.root), path, int(gib * seed.GIB))
        return self.path(path)

    def add_template(self, path: str = seed.DEBIAN_TEMPLATE) -> Path:
        """Put a container template's stand-in on the node."""
        seed.add_template(str(self.root), path)
        return self.path(path)

    def conf(self, vmid: int) -> Path:
        """Return the configuration file of a guest, which may be read and written; of a VM's if there is none yet."""
        container = self.path(f"/etc/pve/lxc/{vmid}.conf")
        return container if container.exists() else self.path(f"/etc/pve/qemu-server/{vmid}.conf")

    def journal(self) -> list[dict[str, Any]]:
        """Return every call that ended, oldest first: tool, argv, exit, duration, stdin (a hash)."""
        return [record for record in self._records() if record["event"] == "end"]

    def calls(self) -> list[list[str]]:
        """Return every call that began, tool first: `[["qm", "status", "100"], …]`."""
        return [[record["tool"], *record["argv"]] for record in self._records() if record["event"] == "begin"]

    def _records(self) -> list[dict[str, Any]]:
        file = self.path("/var/log/fake-pve/journal.jsonl")
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def faults(self, *rules: dict[str, Any]) -> None:
        """Make the node misbehave from now on, or behave with no rules; docs/fake.md has the rules."""
        self._write("/etc/fake-pve/faults.json", list(rules), faults.read)

    def guests_behave(self, **by_id: dict[str, Any]) -> None:
        """Say how long guests take to boot and answer: `guests_behave(vm100={"agent": "never"}, all={"boot": 5})`."""
        names = {"*" if name == "all" else name.lstrip("vmct"): wishes for name, wishes in by_id.items()}
        self._write("/etc/fake-pve/guests.json", names, behaviour.read)

    def _write(self, path: str, document: Any, check: Callable[[str], object]) -> None:
        """Write a JSON file that the tools read. Raises ValueError for what they would refuse."""
        try:
            check(json.dumps(document))
        except CommandFailed as problem:
            raise ValueError(problem.message) from None
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(document))
