"""Random life cycles of a fleet with random trouble: `make soak`, or `python tests/reliability/soak.py [COUNT [SEED]]`.

A life cycle draws commands, edits of the configuration, faults and crashes, then asks for what the configuration says
and for nothing at all, both without trouble: the first must converge, the second must leave nothing. A failure prints the
seed that repeats it.
"""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(place) for place in (ROOT / "lib", ROOT / "fakes/qm", ROOT / "tests", ROOT)]

from tests.reliability.crashes import CALLS  # noqa: E402
from tests.reliability.faults import FAULTS, judged  # noqa: E402
from tests.reliability.flows import ADMIN, KEY, container, vm  # noqa: E402
from tests.reliability.lab import Config, Crash, Ended, Lab, zygote  # noqa: E402

IDS = ["8001", "8002", "8003", "101", "102", "--all"]
VERBS = ["create", "create", "create", "delete --yes", "stop --force", "start", "restart", "plan", "status"]
KINDS = [name for name, rule in FAULTS.items() if rule and name != "finds a lock for ever"]


def config(draw: random.Random) -> Config:
    """Return what a person might have written today."""
    vms = [
        vm(8001, "web", cores=draw.choice([1, 2, 4]), memory_mb=draw.choice([1024, 2048])),
        vm(8002, "db", dependencies=[8001], tags=draw.choice([None, ["db"]])),
        vm(8003, "copy", template_image=None, clone_from_vmid=8002),
    ]
    boxes = {"101": container(cores=draw.choice([1, 2])), "102": container("ct2", template=None, clone_from_ctid=101)}
    keys = [KEY, *([KEY.replace("canary@", "second@")] if draw.random() < 0.3 else [])]
    return Config(vms, boxes, {**ADMIN, "ssh_authorized_keys": keys})


def disturbed(lab: Lab, draw: random.Random) -> Ended:
    """Run one command with or without trouble."""
    verb, _, option = draw.choice(VERBS).partition(" ")
    line = f"{verb} {draw.choice(IDS)} {option} --timeout 3 --call-timeout 1.5"
    crash = Crash()
    match draw.randrange(4):
        case 0:
            crash = Crash(draw.choice(CALLS), call=draw.randint(1, 9))
        case 1:
            crash = Crash(draw.choice(["before", "middle", "after"]), file=draw.randint(1, 6))
        case 2:
            lab.node.faults({"match": "*", "nth": draw.randint(1, 9), **FAULTS[draw.choice(KINDS)]})
    done = lab.phoenix(line, crash)
    lab.node.faults()
    return done


def life(seed: int, folder: Path) -> list[str]:
    """Return what went wrong in one life cycle."""
    draw = random.Random(seed)
    lab = Lab(folder)
    problems: list[str] = []
    for _ in range(draw.randint(2, 6)):
        config(draw).write(folder / "config")
        done = disturbed(lab, draw)
        problems += [] if done.status == -9 else [f"{p}: {done.said[-500:]}" for p in judged(done)]
    problems += calm(lab, "stop --all --force --timeout 10", {0, 5})
    problems += calm(lab, "create --all --timeout 10", {0})
    problems += calm(lab, "create --all --timeout 10", {0}, "5 no changes")
    problems += calm(lab, "delete --all --yes --timeout 10", {0})
    return problems + lab.settled() + left(lab)


def calm(lab: Lab, line: str, statuses: set[int], words: str = "") -> list[str]:
    """Run one command without trouble; return what is wrong with how it ended."""
    done = lab.phoenix(line)
    good = done.status in statuses and words in done.out and "Traceback" not in done.said
    return [] if good else [f"`{line}` ended with {done.status}: {done.said[-1500:]}"]


def left(lab: Lab) -> list[str]:
    """Return what of the guests is left on the node."""
    return [name for name in lab.state() if any(i in name for i in (*IDS[:5], "phoenix")) and "fake-pve" not in name]


def figures() -> tuple[int, int]:
    """Return how many files this process and its helper have open, and their largest memory in KiB."""
    count = 0
    for pid in (os.getpid(), zygote().process.pid):
        with contextlib.suppress(OSError):
            count += len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(count: int, first: int) -> int:
    """Run so many life cycles from a seed on; return an exit status."""
    begun, before, failed = time.monotonic(), None, []
    for seed in range(first, first + count):
        folder = Path(tempfile.mkdtemp(prefix="phoenix-soak-"))
        if problems := life(seed, folder / "lab"):
            failed.append(seed)
            print(
                f"seed {seed} fails; repeat it with: python tests/reliability/soak.py 1 {seed}", *problems, sep="\n  "
            )
        shutil.rmtree(folder)
        before = before or figures()
    after = figures()
    seconds = time.monotonic() - begun
    print(f"{count} life cycles from seed {first}, {len(failed)} failed {failed or ''} in {seconds:.0f} s")
    print(f"open files {before} -> {after} (count, KiB)" if before else "")
    grown = before and (after[0] > before[0] or after[1] > 1.5 * before[1])
    return 1 if failed or grown else 0


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*(numbers + [500, random.SystemRandom().randrange(10**6)][len(numbers) :])))
