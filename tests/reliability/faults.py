"""Every call of a flow × every way in which it can go wrong; and what comes of it."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.reliability.crashes import Ground, prepare
from tests.reliability.lab import Crash, Ended, Lab, differences

__all__ = ["prepare"]
FF = "\udcff"
FAULTS: dict[str, dict[str, Any]] = {
    "fails": {"exit": 255, "stderr": "some storage said no\n"},
    "says success without effect": {"effect": False, "exit": 0},
    "says success without effect and words": {"effect": False, "exit": 0, "stdout": ""},
    "prints garbage": {"stdout": "\x00\x1b[31m{]garbage\n", "stderr": "\x07garbage\n"},
    "prints bytes that are no text": {"stdout": FF * 3 + "\n", "stderr": FF + "\n"},
    "fails in bytes that are no text": {"exit": 255, "stderr": FF + FF + "\n"},
    "hangs": {"hang": True},
    "is slow": {"delay": 0.3},
    "finds the storage full": {"full": "local"},
    "finds a lock for a while": {"lock": 0.2},
    "finds a lock for ever": {"lock": "forever"},
    "comes after somebody else's change": {},
}
OTHERS = {"VM": ("qm set {} --tablet 0", "tablet: 0\n"), "container": ("pct set {} --cpuunits 500", "cpuunits: 500\n")}
"""What somebody else changes, an option that no flow has, and the line that it becomes."""
SILENT = re.compile(r"^qm (agent|cloudinit)|^pct exec")
"""Calls whose effect cannot be read back: a success without effect stays unseen."""


@dataclass(frozen=True)
class Trouble:
    """What goes wrong at which call."""

    name: str
    call: int
    rule: dict[str, Any]


def troubles(ground: Ground) -> list[Trouble]:
    """Return every fault at every call."""
    return [
        Trouble(f"{ground.flow.name}: call {n} ({call[:50]}) {name}", n, rule)
        for n, call in enumerate(ground.calls, 1)
        for name, rule in FAULTS.items()
    ]


def fate(ground: Ground, trouble: Trouble, folder: Path) -> list[str]:
    """Let a call go wrong, judge what is said, run it again; return what is wrong."""
    lab = Lab.copied(ground.folder / "ready", folder)
    if not trouble.rule:
        return _beside_others(ground, trouble, lab)
    lab.node.faults({"match": "*", **trouble.rule, "nth": trouble.call})
    # a lock that stays is waited for for ten seconds by the tools, here for a twentieth of that
    scale = {"FAKE_PVE_TIME_SCALE": "0.05"} if "lock" in trouble.rule else {}
    scale = {"FAKE_PVE_TIME_SCALE": "1"} if "delay" in trouble.rule else scale
    first = lab.phoenix(ground.flow.line + " --call-timeout 1.5", **scale)
    lab.node.faults()
    problems = [*judged(first), *_false_success(ground, trouble, lab, first)]
    again = lab.phoenix(ground.flow.line)
    strays = lab.settled()
    unseen = "without effect" in trouble.name and SILENT.search(ground.calls[trouble.call - 1])
    problems += [*judged(again), *([] if unseen else differences(ground.wanted, lab.state())), *strays]
    problems += [f"the second run ended with {again.status}"] if again.status else []
    shutil.rmtree(folder)
    return problems and [*problems, f"first: {first.status} {first.said[-400:]!r}", f"second: {again.said[-600:]!r}"]


def _beside_others(ground: Ground, trouble: Trouble, lab: Lab) -> list[str]:
    """Let somebody else change the guest just before a call: that stays, is never overwritten unseen, and no error."""
    vmid = re.findall(r"\d{3,}", ground.flow.line)[0]
    command, line = OTHERS["VM" if len(vmid) == 4 else "container"]
    first = lab.phoenix(ground.flow.line, Crash("other", call=trouble.call), CRASH_OTHER=command.format(vmid))
    again = lab.phoenix(ground.flow.line)
    problems = [*judged(first), *judged(again), *_unseen(ground, trouble, first), *lab.settled()]
    conf = lab.node.conf(int(vmid))
    if first.crashed and conf.exists():
        if line not in conf.read_text():
            problems.append("somebody else's change was overwritten")
        conf.write_text(conf.read_text().replace(line, ""))
    problems += [
        *differences(ground.wanted, lab.state()),
        *([f"the second run: {again.status}"] if again.status else []),
    ]
    shutil.rmtree(lab.folder)
    return problems and [*problems, f"first: {first.status} {first.said[-400:]!r}", f"second: {again.said[-600:]!r}"]


def _unseen(ground: Ground, trouble: Trouble, run: Ended) -> list[str]:
    """Return that an update did not notice the change before it."""
    call = ground.calls[trouble.call - 1].split()
    if call[1] != "set" or not run.crashed:
        return []
    seen = run.status == 6 and "someone changed the guest meanwhile" in run.err
    return [] if seen else ["the change was not noticed"]


def judged(run: Ended) -> list[str]:
    """Return what is wrong with how a run ended: a traceback, a status that is not documented, no advice."""
    found = ["a traceback"] if "Traceback" in run.said else []
    found += [f"status {run.status}"] if run.status not in range(12) or run.status == 1 else []
    if run.status and not re.search(r"^error: .*\n(error: .*\n)*  hint: .", run.err, re.MULTILINE):
        found.append("no error with a hint")
    return found + ([f"took {run.seconds:.0f} s"] if run.seconds > 20 else [])


def _false_success(ground: Ground, trouble: Trouble, lab: Lab, run: Ended) -> list[str]:
    """Return that a run claims success although the node is not as it should be."""
    call = ground.calls[trouble.call - 1]
    if run.status or SILENT.search(call):
        return []
    return [f"false success: {line}" for line in differences(ground.wanted, lab.state())]
