"""The node that the features run against, and phoenix as a process beside it."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import apart, terminals
from tests.needs import must_run
from tests.remote.sshd import MISSING

from fake_pve import seed

ROOT = Path(__file__).resolve().parent.parent
CHANGES_NOTHING = {"status", "config", "pending", "list", "path"}
ADMIN_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n admin@example"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b other@example"
PASSWORD_HASH = "$6$canarysalt$" + "Canary" * 14


OVER_SSH = {"create", "converge", "delete", "dry_run", "fleet", "containers"}
"""Features that run with the node behind a real SSH server, where there is one, unless something else is asked for."""

CONTROLS = {"Ctrl-C": "\x03", "Ctrl-D": "\x04"}
"""What a terminal turns into a signal, and into the end of the input."""

PREPARED = "FEATURES_PREPARED"
"""The variable with the folder of what nodes looked like after a command, by everything that this depended on."""


def share_prepared() -> None:
    """Make that folder, which goes with this process; those that run tests for it find it as well."""
    if PREPARED in os.environ:
        return
    os.environ[PREPARED] = folder = tempfile.mkdtemp(prefix="phoenix-features-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)


@dataclass
class Result:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Everything that was said."""
        return self.stdout + self.stderr


def vm(vmid: int, name: str) -> dict[str, Any]:
    """The eight required properties of a VM."""
    return {
        "vmid": vmid,
        "name": name,
        "cores": 2,
        "memory_mb": 2048,
        "disk_size_gb": 32,
        "storage_pool": "local",
        "template_image": seed.UBUNTU,
        "network_bridge": "vmbr0",
    }


def container(name: str) -> dict[str, Any]:
    """The required properties of a container."""
    return {
        "name": name,
        "cores": 1,
        "memory_mb": 512,
        "template": "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst",
        "storage_pool": "local",
        "storage_size_gb": 8,
        "network_config": {"name": "eth0", "bridge": "vmbr0", "ip": "dhcp"},
    }


@dataclass(repr=False)
class FakeTarget:
    """A fake node in a folder, with a configuration folder beside it."""

    folder: Path
    hypervisor: dict[str, Any] = field(default_factory=dict)
    containers: dict[str, Any] = field(default_factory=dict)
    raw_hypervisor: str | None = None
    with_tools: bool = True
    patience: float = 60
    mark: int = 0
    before: dict[str, bytes] = field(default_factory=dict)
    more_environment: dict[str, str] = field(default_factory=dict)
    at_terminal: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        self.root = self.folder / "node"
        self.config = self.folder / "config"
        self.config.mkdir(parents=True)
        self.root.mkdir()
        seed.new_node(str(self.root))
        seed.add_image(str(self.root))

    def close(self) -> None:
        """End what belongs to the target."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the node's tools."""
        return {
            "PATH": apart.path(*[apart.FAKES] * self.with_tools),
            "HOME": str(self.folder),
            "FAKE_PVE_ROOT": str(self.root),
            "FAKE_PVE_NODE": "pve1",
            "FAKE_PVE_GUEST": "none",
            "FAKE_PVE_TIME_SCALE": "0.02",
            "LC_ALL": "C.UTF-8",
        }

    @property
    def phoenix_environment(self) -> dict[str, str]:
        """The environment of phoenix."""
        return {
            **self.environment,
            "PHOENIX_NODE_ROOT": str(self.root),
            "PHOENIX_CONFIG_DIR": str(self.config),
            "PHOENIX_JOURNAL": str(self.folder / "journal.jsonl"),
        }

    def write_config(self) -> None:
        """Write the configuration files as they stand now."""
        if self.raw_hypervisor != "":
            text = self.raw_hypervisor or json.dumps(self.hypervisor)
            (self.config / "phoenix_hypervisor_config.json").write_text(text)
        if self.containers:
            (self.config / "phoenix_lxc_configs.json").write_text(json.dumps({"lxc_configs": self.containers}))

    def phoenix(self, line: str) -> Result:
        """Run phoenix.py as a user does; what the journal and the files show from here on is its doing."""
        self.write_config()
        self.mark, self.before = len(self.calls()), self.files()
        environment = self.phoenix_environment | self.more_environment
        argv = [sys.executable, str(ROOT / "phoenix.py"), *shlex.split(line)[1:]]
        run = self._run_at_terminal if self.at_terminal else self._run
        return run(argv, environment)

    def _run_at_terminal(self, argv: list[str], environment: dict[str, str]) -> Result:
        """Run it where a person sits: `at_terminal` is what a shell redirects, and what is typed when it asks."""
        streams, answer = self.at_terminal or ("", "")
        files = {name: self.folder / name for name in ("out", "err")}
        for name, file in files.items():
            file.write_text("")
            streams = streams.replace(f"{name.upper()}", shlex.quote(str(file)))
        typed = answer.encode() if answer in CONTROLS.values() else f"{answer}\n".encode()
        status, screen = terminals.run(argv, {**environment, "TERM": "xterm"}, typed, streams=streams)
        return Result(status, screen.replace("\r\n", "\n") + files["out"].read_text(), files["err"].read_text())

    def have_run(self, line: str) -> Result:
        """Run phoenix as a step that a scenario starts from; what it left on the node is kept for the next scenario.

        A scenario with the same node, configuration and command starts from a copy of that, which saves half the time.
        """
        self.write_config()
        prepared = Path(os.environ[PREPARED], hashlib.sha256(self._fingerprint(line).encode()).hexdigest())
        if prepared.exists():
            self._copy(prepared, self.root)
            return Result(0, "", "")
        done = self.phoenix(line)
        if done.status == 0:
            self._keep(prepared)
        return done

    def _keep(self, prepared: Path) -> None:
        """Keep what the node looks like; the first of several that run at the same time does."""
        whole = Path(tempfile.mkdtemp(dir=prepared.parent))
        self._copy(self.root, whole)
        with contextlib.suppress(OSError):
            whole.rename(prepared)

    def _fingerprint(self, line: str) -> str:
        """Everything that the outcome of a command depends on: the command, the configuration, the node's files."""
        listed = [
            (str(p.relative_to(self.root)), p.stat().st_size) for p in sorted(self.root.rglob("*")) if p.is_file()
        ]
        kept = {str(Path(name).relative_to(self.root)): text.hex() for name, text in self.files().items()}
        config = {p.name: p.read_text() for p in sorted(self.config.iterdir())}
        return json.dumps([line, listed, kept, config])

    @staticmethod
    def _copy(source: Path, to: Path) -> None:
        shutil.rmtree(to)
        subprocess.run(["cp", "-a", "--sparse=always", str(source), str(to)], check=True)

    def tool(self, line: str) -> Result:
        """Run one of the node's own tools, as an administrator would."""
        return self._run(shlex.split(line), self.environment)

    def _run(self, argv: list[str], environment: dict[str, str]) -> Result:
        done = subprocess.run(
            argv if self.with_tools else apart.without_tools(argv),
            env=environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # where nobody can be asked, wherever the tests run
            capture_output=True,
            text=True,
            timeout=self.patience,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def calls(self) -> list[list[str]]:
        """Every command that ran on the node: tool and arguments, by the journal."""
        journal = self.root / "var/log/fake-pve/journal.jsonl"
        records = [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []
        return [[r["tool"], *r["argv"]] for r in records if r["event"] == "begin"]

    def new_calls(self) -> list[list[str]]:
        """The commands since phoenix was started last."""
        return self.calls()[self.mark :]

    def changing_calls(self) -> list[list[str]]:
        """Those of the new calls that may change something."""
        return [call for call in self.new_calls() if call[1] not in CHANGES_NOTHING and call[1] != "agent"]

    def files(self) -> dict[str, bytes]:
        """Configuration files and snippets of the node with their contents."""
        places = [self.root / "etc/pve", self.root / "var/lib/vz/snippets"]
        return {str(p): p.read_bytes() for place in places for p in sorted(place.rglob("*")) if p.is_file()}

    def options(self, vmid: int, *arguments: str, tool: str = "qm") -> dict[str, str]:
        """The options of a guest, as `qm config` or `pct config` prints them."""
        lines = self.tool(shlex.join([tool, "config", str(vmid), *arguments])).stdout.splitlines()
        return dict(line.split(": ", 1) for line in lines if ": " in line)

    def snippet(self, vmid: int) -> tuple[str, int]:
        """The user-data of a VM, and the mode of its file."""
        path = self.root / f"var/lib/vz/snippets/phoenix-{vmid}-user.yaml"
        return path.read_text(), stat.S_IMODE(path.stat().st_mode)

    def snippets(self) -> list[str]:
        """The names of the snippets."""
        return sorted(path.name for path in (self.root / "var/lib/vz/snippets").iterdir())

    def leftovers(self) -> list[str]:
        """Every guest, volume and snippet."""
        volumes = [str(path) for path in (self.root / "var/lib/vz/images").rglob("*") if path.is_file()]
        return [name for name in self.files() if name.endswith((".conf", ".yaml"))] + volumes

    def add_template(self) -> None:
        """Have the template that containers are made from."""
        seed.add_template(str(self.root))

    @property
    def image(self) -> Path:
        """The cloud image that VMs are made from."""
        return self.root / seed.UBUNTU.lstrip("/")

    def check(self) -> None:
        """Have the cloud image that VMs are made from."""
        assert self.image.is_file()

    def version(self) -> str:
        """The version of the node."""
        return "the fake node, which follows Proxmox VE 9.2"

    def guest_version(self) -> str:
        """The system in VM 8001, by its agent, while it runs."""
        if not self.with_tools:
            return ""
        try:
            return str(json.loads(self.tool("qm guest cmd 8001 get-osinfo").stdout)["pretty-name"])
        except (ValueError, KeyError, TypeError):
            return ""

    def node_calls(self) -> list[dict[str, Any]]:
        """What phoenix did on the node, by phoenix's journal, which holds no secrets."""
        journal = self.folder / "journal.jsonl"
        return [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []

    def lock(self, vmid: int, lock: str) -> None:
        """Lock a VM, as a long task does."""
        with (self.root / f"etc/pve/qemu-server/{vmid}.conf").open("a") as file:
            file.write(f"lock: {lock}\n")

    def take(self, vmid: int) -> None:
        """Give the ID to someone's container."""
        (self.root / f"etc/pve/lxc/{vmid}.conf").write_text(
            f"hostname: theirs\nrootfs: local:{vmid}/vm-{vmid}-disk-0.raw,size=4G\n"
        )
        volume = self.root / f"var/lib/vz/images/{vmid}/vm-{vmid}-disk-0.raw"
        volume.parent.mkdir()
        volume.write_bytes(b"theirs")

    def note(self, vmid: int, name: str) -> None:
        """Leave what an interrupted run of phoenix notes about a VM."""
        path = self.root / f"var/lib/phoenix/{vmid}.unfinished"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"vm {name}\n")

    def faults(self, document: Any) -> None:
        """Make the node misbehave; see docs/fake.md."""
        path = self.root / "etc/fake-pve/faults.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document))


def open_target(folder: Path, feature: str) -> FakeTarget:
    """Return the node of this run: a real one, or a fake one behind a real SSH server or on this machine."""
    from features.real_target import RealTarget  # which is a FakeTarget with a difference

    os.umask(0o022)
    if host := os.environ.get("ACCEPTANCE_HOST"):
        return RealTarget(folder, host=host)
    return fake_target(folder, behind_ssh=is_behind_ssh(feature))


def fake_target(folder: Path, *, behind_ssh: bool) -> FakeTarget:
    """Return a fake node."""
    from features.loopback_target import LoopbackTarget  # which is a FakeTarget with a difference

    return LoopbackTarget(folder) if behind_ssh else FakeTarget(folder)


def is_behind_ssh(feature: str) -> bool:
    """Return whether the fake node is, for this feature: as $ACCEPTANCE_NODE says, `ssh` or `here`, for all."""
    if where := os.environ.get("ACCEPTANCE_NODE"):
        return {"ssh": True, "here": False}[where]
    return feature in OVER_SSH and not (MISSING and not must_run())
