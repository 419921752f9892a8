"""`make bench`: calls and times beside their budgets. Prints a table; never fails, so that it cannot flake."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "fakes/qm"), str(ROOT / "tests")]

import apart  # noqa: E402 - found only now
from fake_pve import seed  # noqa: E402
from remote.sshd import HOST, MISSING, running  # noqa: E402

VM = {
    "cores": 2,
    "memory_mb": 2048,
    "disk_size_gb": 32,
    "storage_pool": "local",
    "template_image": seed.UBUNTU,
    "network_bridge": "vmbr0",
}


class Bench:
    """A fresh node with so many VMs in its configuration."""

    def __init__(self, folder: str, guests: int) -> None:
        self.root = Path(folder) / "node"
        self.config = Path(folder) / "config"
        self.config.mkdir(parents=True)
        seed.new_node(str(self.root))
        seed.add_image(str(self.root))
        self.vms = [{"vmid": 8001 + i, "name": f"vm{i}", **VM} for i in range(guests)]
        (self.config / "phoenix_hypervisor_config.json").write_text(json.dumps({"vms": self.vms}))
        self.environment = {
            "PATH": apart.path(apart.FAKES),
            "FAKE_PVE_ROOT": str(self.root),
            "FAKE_PVE_GUEST": "none",
            "PHOENIX_NODE_ROOT": str(self.root),
            "PHOENIX_CONFIG_DIR": str(self.config),
        }

    def run(self, *argv: str) -> float:
        """Run a command and return its seconds."""
        started = time.perf_counter()
        subprocess.run(argv, env=self.environment, check=True, capture_output=True)
        return time.perf_counter() - started

    def phoenix(self, *words: str) -> float:
        """Run phoenix as a user does."""
        return self.run(str(ROOT / ".venv/bin/python"), str(ROOT / "phoenix.py"), *words)

    def calls(self) -> int:
        """Count the commands on the node until now, polling the agent aside."""
        journal = self.root / "var/log/fake-pve/journal.jsonl"
        records = [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []
        return sum(r["event"] == "begin" and r["argv"][:1] != ["agent"] for r in records)

    def counted(self, *words: str) -> tuple[float, int]:
        """Run phoenix; return its seconds and the commands on the node."""
        before = self.calls()
        seconds = self.phoenix(*words)
        return seconds, self.calls() - before


def median(action: Any, times: int = 10) -> float:
    """Return the median of several runs, in seconds."""
    return statistics.median(action() for _ in range(times))


def row(what: str, value: str, budget: str, good: bool) -> None:
    """Print one line of the table."""
    print(f"  {what:<46} {value:>12}   {budget:>14}   {'ok' if good else 'OVER'}")


def ratio(what: str, seconds: float, base: float, limit: float) -> None:
    """Print a time as a multiple of the bare interpreter's."""
    row(what, f"{seconds / base:.2f} x", f"≤ {limit:g} x bare", seconds <= limit * base)


def calls_of_one_guest(folder: str) -> None:
    """The calls of the main job, and phoenix's own time."""
    bench = Bench(folder, 1)
    for what, words, limit in (
        ("fresh create", ("create", "8001"), 6),
        ("unchanged create", ("create", "8001"), 2),
        ("delete", ("delete", "8001", "--yes"), 5),
    ):
        _, calls = bench.counted(*words)
        row(f"calls on the node: {what}", str(calls), f"≤ {limit}", calls <= limit)
    bench.phoenix("create", "8001")
    seconds = median(lambda: bench.phoenix("create", "8001"))
    row("unchanged create, end to end", f"{seconds * 1000:.0f} ms", "≤ 400 ms", seconds <= 0.4)


def over_ssh(folder: str) -> None:
    """What an unchanged create costs with the node behind a real sshd on this machine."""
    if MISSING:
        print(f"  {MISSING}")
        return
    bench = Bench(folder, 20)
    _make(bench)
    here = median(lambda: bench.phoenix("create", "8001"))
    with running(Path(folder) / "sshd", bench.environment) as server:
        bench.environment |= {"PATH": apart.path(server.bin), "PHOENIX_HOST": HOST}
        for what, words in (("one guest", ("8001",)), ("20 guests", ("--all",))):
            server.calls_file.unlink(missing_ok=True)
            bench.phoenix("create", *words)
            opened = sum("ControlMaster=yes" in call for call in server.calls())
            trips = len(server.calls()) - opened
            row(f"connections: unchanged create, {what}", str(opened), "≤ 1", opened <= 1)
            row(f"round trips over it: {what}", str(trips), "≤ 2", trips <= 2)
        seconds = median(lambda: bench.phoenix("create", "8001"))
        login = median(lambda: bench.run("ssh", HOST, "true"))
    row("unchanged create, end to end", f"{seconds * 1000:.0f} ms", "", True)
    more = seconds - here - login
    row("  beyond the same here and `ssh pve1 true`", f"{more * 1000:.0f} ms", "≤ 150 ms", more <= 0.15)


def start_up(folder: str) -> None:
    """How long programs take to begin."""
    bench = Bench(folder, 1)
    bench.run("qm", "create", "8001", "--name", "x")
    python, system = str(ROOT / ".venv/bin/python"), "/usr/bin/python3"
    bare, bare_isolated = (
        median(lambda: bench.run(python, "-c", "pass"), 20),
        median(lambda: bench.run(system, "-I", "-S", "-c", "pass"), 20),
    )
    row("bare python3 -c pass", f"{bare * 1000:.1f} ms", "", True)
    row("bare python3 -I -S -c pass", f"{bare_isolated * 1000:.1f} ms", "", True)
    ratio("phoenix --help", median(lambda: bench.phoenix("--help"), 20), bare, 3)
    for words, limit in ((("status", "8001"), 2), (("config", "8001"), 2), (("set", "8001", "--cores", "2"), 3)):
        ratio(f"qm {' '.join(words)}", median(lambda w=words: bench.run("qm", *w), 20), bare_isolated, limit)


def fleets(folder: str) -> None:
    """Unchanged guests in bulk: the curve of calls and time."""
    for count, budget in ((1, 0.4), (10, 0.5), (100, 1.0), (300, 1.5), (1000, 4.0)):
        bench = Bench(f"{folder}/{count}", count)
        _make(bench)
        seconds, calls = bench.counted("create", "--all")
        row(
            f"{count} unchanged guests, {calls} calls",
            f"{seconds:.2f} s",
            f"≤ {budget:g} s",
            seconds <= budget and calls <= 4,
        )


def _make(bench: Bench) -> None:
    """Make the first guest with phoenix and the others by copying what that left: a thousand creates would take minutes."""
    bench.phoenix("create", "8001")
    conf = (bench.root / "etc/pve/qemu-server/8001.conf").read_text()
    snippet = bench.root / "var/lib/vz/snippets/phoenix-8001-user.yaml"
    power = next((bench.root / "run/fake-pve").glob("*8001"))
    for vm in bench.vms[1:]:
        vmid, name = str(vm["vmid"]), str(vm["name"])
        copied = conf.replace("name: vm0\n", f"name: {name}\n").replace("8001", vmid)
        (bench.root / f"etc/pve/qemu-server/{vmid}.conf").write_text(copied)
        text = snippet.read_text().replace('"vm0"', f'"{name}"').replace("8001", vmid)
        snippet.with_name(f"phoenix-{vmid}-user.yaml").write_text(text)
        power.with_name(power.name.replace("8001", vmid)).write_text(power.read_text())
        for volume in (bench.root / "var/lib/vz/images/8001").iterdir():
            copy = Path(str(volume).replace("8001", vmid))
            copy.parent.mkdir(exist_ok=True)
            copy.touch()
            os.truncate(copy, volume.stat().st_size)


TABLES = (
    ("the main job", calls_of_one_guest),
    ("over SSH, with --host", over_ssh),
    ("start-up", start_up),
    ("fleets", fleets),
)


def main(chosen: Sequence[str]) -> int:
    """Print every table, or those chosen by their titles."""
    apart.settle()
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; medians\n")
    for title, table in TABLES:
        if chosen and title not in chosen:
            continue
        print(title)
        with tempfile.TemporaryDirectory() as folder:
            table(folder)
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
