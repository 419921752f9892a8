"""A node on which phoenix dies at a chosen point, and what is on the node afterwards."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from tests import apart

from fake_pve import seed
from fake_pve.testing import BIN, FakeNode

HERE = Path(__file__).resolve().parent
SCENERY = re.compile(
    r"^(var/log/|run/lock/|run/phoenix/|run/qemu-server/|var/lib/fake-pve/faults|etc/fake-pve/|var/lib/fake-pve/dice)|"
    r"^.*\.tmp\.\d+$"
)
"""Files of the node that say nothing about guests: the journal, empty lock files, scripted trouble, and what a killed tool
was about to move into place (Proxmox's own file_set_contents leaves the same)."""
RANDOM = re.compile(
    r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|ctime=\d+|\b[0-9a-f]{40}\b|"
    r'(?<="made": ")\d+|(?<="boot": ")[\d.]+'
)


@dataclass(frozen=True)
class Ended:
    """How a run of phoenix ended; a negative status is a signal."""

    status: int
    out: str
    err: str
    calls: list[str]
    files: list[str]
    seconds: float = 0.0
    changes: tuple[int, ...] = ()
    """How many changes of files each call made, where they were counted."""
    crashed: bool = False
    """Whether the crash that was asked for came."""
    looks: int = 0
    """How often it looked, where that was counted."""

    @property
    def said(self) -> str:
        return self.out + self.err


@dataclass(frozen=True)
class Crash:
    """Where a run dies: at call `call` of a node tool, or at operation `file` on a file of the node.

    A crash that is `count` is none: the changes that every call makes are counted.
    """

    how: str = ""
    call: int = 0
    file: int = 0
    swap: str = ""
    """Whom somebody else disturbs before which look, as `2 replaces 8001`; that kills nobody. See swaps.py."""

    @property
    def environ(self) -> dict[str, str]:
        return {} if self.file or self.swap else {"CRASH_CALL": str(self.call), "CRASH_HOW": self.how}

    @property
    def kills_phoenix(self) -> bool:
        return not self.how.startswith("tool-")

    @property
    def trouble(self) -> str:
        return f"{self.file} {self.how}" if self.file else ""


@dataclass
class Config:
    """What the configuration files say."""

    vms: list[dict[str, Any]] = field(default_factory=list)
    containers: dict[str, dict[str, Any]] = field(default_factory=dict)
    admin: dict[str, Any] | None = None

    def write(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        document = {"vms": self.vms, **({"admin": self.admin} if self.admin else {})}
        (folder / "phoenix_hypervisor_config.json").write_text(json.dumps(document))
        (folder / "phoenix_lxc_configs.json").write_text(json.dumps({"lxc_configs": self.containers}))


class Lab:
    """A node, a configuration and phoenix, all below one folder.

    over_ssh  what phoenix's environment has more when the node is behind an SSH server; what should happen at a call
              then stands in the file `crash`, since an environment does not travel
    """

    over_ssh: ClassVar[dict[str, str]] = {}

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.node = FakeNode(folder / "node")
        self.node.add_image()
        self.node.add_template()
        self.runs = 0

    @staticmethod
    def copied(template: Path, folder: Path) -> Lab:
        """Return a lab that goes on from where another one is."""
        subprocess.run(["cp", "-a", str(template), str(folder)], check=True)  # holes of disks stay holes
        return Lab(folder)

    @property
    def root(self) -> Path:
        return self.node.root

    @property
    def environ(self) -> dict[str, str]:
        return {
            **self.node.environment,
            "PATH": apart.path(HERE / "bin", BIN),
            "REAL_BIN": str(BIN),
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "PHOENIX_NODE_ROOT": str(self.root),
            "PHOENIX_CONFIG_DIR": str(self.folder / "config"),
            "LC_ALL": "C.UTF-8",
        }

    def phoenix(self, line: str, crash: Crash | None = None, **more: str) -> Ended:
        """Run phoenix to its end, or to its crash."""
        crash = crash or Crash()
        self.runs += 1
        output = self.folder / f"run-{self.runs}-{time.monotonic_ns()}"
        counters = Path(f"{output}.calls")
        counters.mkdir()
        before = len(self.node.calls())
        environ = {**self.environ, "CRASH_FOLDER": str(counters), **crash.environ, **more}
        environ |= self.over_ssh
        order = {"argv": line.split(), "environ": environ, "folder": str(self.folder), "output": str(output)}
        begun = time.monotonic()
        tell = {f"CRASH_{key}": environ.get(f"CRASH_{key}", "") for key in ("FOLDER", "CALL", "HOW")}
        order |= {"tell": tell if self.over_ssh else {}, "trouble": crash.trouble}
        look, who, vmid = crash.swap.split() if crash.swap else ("", "", "")
        order |= {"swap": {"look": look, "who": who, "vmid": vmid, "bin": str(BIN), "seen": f"{self.folder}/swapped"}}
        status = zygote().run(order)
        (self.folder / "crash").unlink(missing_ok=True)
        log = Path(f"{output}.files")
        return Ended(
            status,
            Path(f"{output}.out").read_text(errors="replace"),
            Path(f"{output}.err").read_text(errors="replace"),
            [" ".join(call) for call in self.node.calls()[before:]],
            log.read_text().splitlines() if log.exists() else [],
            time.monotonic() - begun,
            tuple(_sizes(counters)),
            (counters / "happened").exists() if crash.call else status == -9,
            _looks(Path(f"{output}.looks")),
        )

    def tool(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run one of the node's own tools, as an administrator would."""
        return self.node.run(*argv, check=False)

    def state(self) -> dict[str, str]:
        """Return every file of the node that says something, without what is drawn by lot, and the guests' power."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            name = str(path.relative_to(self.root))
            if path.is_file() and not SCENERY.match(name):
                found[name] = content(path)
        return found

    def strays(self) -> list[str]:
        """Return the processes that still work on this node."""
        mark = f"FAKE_PVE_ROOT={self.root}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        return found

    def settled(self, seconds: float = 5) -> list[str]:
        """Wait until nothing works on this node any more; return what still does.

        A process that is just becoming another program shows no environment, so one look is not enough.
        """
        deadline = time.monotonic() + seconds
        quiet = 0
        while quiet < 3:
            found = self.strays()
            quiet = 0 if found else quiet + 1
            if time.monotonic() > deadline:
                return found
            time.sleep(0.02)
        return []


def _looks(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _sizes(counters: Path) -> Iterator[int]:
    """Yield how many changes each call made, in the order of the calls."""
    number = 1
    while (counters / f"call-{number}").exists():
        file = counters / f"changes-{number}"
        yield file.stat().st_size if file.exists() else 0
        number += 1


def content(path: Path) -> str:
    """Return what a file says: power without its time, text without what is random, the size of a volume."""
    name = str(path)
    if "/run/fake-pve/" in name:
        return path.read_text().split(" ")[2]
    if "/images/" in name or "/lvmthin/" in name or "/dev/" in name:
        return str(path.stat().st_size)
    if path.stat().st_size > 1 << 20:
        return str(path.stat().st_size)
    return RANDOM.sub("*", path.read_bytes().decode("latin-1")) + f" {path.stat().st_mode:o}"


def digest(state: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()


def differences(wanted: dict[str, str], found: dict[str, str]) -> list[str]:
    """Return what is different, a line for each file."""
    names = sorted({*wanted, *found})
    return [f"{n}: {wanted.get(n)!r} became {found.get(n)!r}" for n in names if wanted.get(n) != found.get(n)]


class Zygote:
    """The process that forks phoenix; see zygote.py."""

    def __init__(self) -> None:
        argv = [sys.executable, str(HERE / "zygote.py")]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, order: dict[str, Any]) -> int:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(json.loads(self.process.stdout.readline())["status"])

    def close(self) -> None:
        self.process.communicate()


@cache
def zygote() -> Zygote:
    made = Zygote()
    atexit.register(made.close)
    return made


def debian() -> str:
    return f"local:vztmpl/{Path(seed.DEBIAN_TEMPLATE).name}"
