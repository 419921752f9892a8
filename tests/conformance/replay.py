"""Replay recorded scenarios through the fake and tell what differs.

usage: python fakes/qm/tools/replay.py [-v] [-x] [--only REGEX] [--group GROUP] [TOOL...]

Runs in this process; with -x through the executables in fakes/qm/bin. Without -v only the scores are printed, with -v also the
first difference of each scenario (-vv: all).
"""

from __future__ import annotations

import argparse
import functools
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apart
from conformance import node
from conformance.likeness import lines, normal
from conformance.recordings import TOOLS, scenarios

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.recordings import Scenario, Step

    Done = tuple[int | str, str, str]  # exit status, stdout, stderr
    Runner = Callable[[Path, list[str], str], Done]
    Differences = dict[str, tuple[Any, Any]]  # field -> (recorded, the fake's)

BIN = Path(__file__).resolve().parents[2] / "fakes/qm/bin"
FAST = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # many small files: in memory where that is possible
STATE = ("exit", "conf", "volumes")
PLAIN = ("cat", "ls")  # steps that only look at files


def in_process(root: Path, argv: list[str], stdin: str) -> Done:
    """One command through fake_pve.main; text that is no UTF-8 is shown as a recorder shows it."""
    from fake_pve.main import main

    out, err = io.BytesIO(), io.BytesIO()
    status = main(argv[0], argv[1:], node.environment(root), io.BytesIO(stdin.encode()), out, err)
    return status, out.getvalue().decode(errors="replace"), err.getvalue().decode(errors="replace")


def by_executable(root: Path, argv: list[str], stdin: str) -> Done:
    """One command through the program in fakes/qm/bin, with nothing else on PATH than a node has."""
    env = {
        "FAKE_PVE_PYTHON": sys.executable,
        "PATH": apart.path(BIN),
        "HOME": str(root / "root"),
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
    }
    done = subprocess.run(
        [BIN / argv[0], *argv[1:]],
        env=env | node.environment(root), cwd=root, timeout=30, input=stdin, text=True, errors="replace",
        capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def by_system(root: Path, argv: list[str], _: str) -> Done:
    """A look at the node's files."""
    command = [argv[0], *(f"{root}{word}" for word in argv[1:])]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return done.returncode, done.stdout, done.stderr


def failure(status: int | str) -> int | str:
    """2 and 255 are one failure: Perl's `die` ends with what errno held by chance (see README.md)."""
    return 255 if status == 2 else status


def run(scenario: Scenario, runner: Runner = in_process) -> list[tuple[Step, Differences]]:
    """One scenario on a node of its own -> (step, differences) of each command."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="replay-", dir=FAST) as folder:
        root = Path(folder).resolve()
        node.prepare(root)
        os.chdir(root)
        try:
            return [(step, compare(root, step, runner)) for step in scenario["steps"] if _is_command(root, step)]
        finally:
            os.chdir(before)


def _is_command(root: Path, step: Step) -> bool:
    """Do what prepares the node; whether the step is a command to compare."""
    if "write" in step:
        node.write(root, step["write"]["path"], step["write"]["content"])
    elif "setup" in step:
        node.set_up(root, step["setup"], apart.path(BIN))
    elif "sleep" in step:
        time.sleep(min(step["sleep"], 2))
    return "argv" in step


def compare(root: Path, step: Step, runner: Runner) -> Differences:
    """Run the step's command; what differs from the recording, by field."""
    argv = step["argv"]
    try:
        status, out, err = (by_system if argv[0] in PLAIN else runner)(root, argv, step["stdin"])
    except subprocess.TimeoutExpired:
        status, out, err = "no answer in 30 s", "", ""
    blocks = {volume["storage"] for volume in step["volumes"]}
    pairs = {
        "exit": (failure(step["exit"]), failure(status)),
        "conf": (step["conf"], node.confs(root)),
        "volumes": (
            node.wanted_volumes(step),
            node.volumes(root, blocks, lambda name: runner(root, ["pvesm", "list", name], "")[1]),
        ),
        "stdout": (lines(step["stdout"], argv), lines(normal(out, str(root)), argv)),
        "stderr": (lines(step["stderr"], argv), lines(normal(err, str(root)), argv)),
    }
    return {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}


class Score:
    """How many steps there are, how many are equal in state, how many also in text."""

    def __init__(self, steps: int = 0, state: int = 0, text: int = 0) -> None:
        self.steps, self.state, self.text = steps, state, text

    def add(self, differs: Differences) -> None:
        """Count one step."""
        self.steps += 1
        self.state += not differs.keys() & set(STATE)
        self.text += not differs

    def __str__(self) -> str:
        return f"{self.steps:5} steps  state {100 * self.state / self.steps:5.1f} %  text {100 * self.text / self.steps:5.1f} %"


@functools.cache
def groups(tool: str) -> dict[str, list[Scenario]]:
    """A tool's scenarios by group."""
    found: dict[str, list[Scenario]] = {}
    for scenario in scenarios(tool):
        found.setdefault(scenario["group"], []).append(scenario)
    return found


def score(wanted: list[Scenario], runner: Runner = in_process) -> tuple[Score, list[str]]:
    """The score of these scenarios, and the id and command of each step that differs."""
    total, differing = Score(), []
    for scenario in wanted:
        for step, differs in run(scenario, runner):
            total.add(differs)
            if differs:
                differing.append(f"{scenario['id']}: {' '.join(step['argv'])} ({', '.join(differs)})")
    return total, differing


def main() -> None:
    """Print scores, and differences when they are wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", nargs="*", choices=[[], *TOOLS])
    parser.add_argument("--only", default="", help="scenario ids that match this regular expression")
    parser.add_argument("--group", default="")
    parser.add_argument("-x", "--executables", action="store_true")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    options = parser.parse_args()
    runner = by_executable if options.executables else in_process
    for tool in options.tool or TOOLS:
        total = Score()
        for group, wanted in sorted(groups(tool).items()):
            part = Score()
            for scenario in wanted:
                if options.group in ("", group) and re.search(options.only, scenario["id"]):
                    _tell(scenario, run(scenario, runner), part, options.verbose)
            if part.steps and part.text < part.steps:
                print(f"{tool:6} {group:18} {part}")
            total = Score(total.steps + part.steps, total.state + part.state, total.text + part.text)
        if total.steps:
            print(f"{tool:6} {'':18} {total}")


def _tell(scenario: Scenario, results: list[tuple[Step, Differences]], part: Score, verbose: int) -> None:
    """Count a scenario's steps, and print as many differences as are wanted."""
    told = 0
    for step, differs in results:
        part.add(differs)
        if differs and told < (0, 1, 1000)[min(verbose, 2)]:
            told += 1
            print(f"\n{scenario['id']} ({scenario['about']})\n  $ {' '.join(step['argv'])}")
            for field, (wanted, got) in differs.items():
                print(f"    {field}\n      real: {wanted!r}\n      fake: {got!r}")


if __name__ == "__main__":
    main()
