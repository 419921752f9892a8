"""Every point at which a flow can die, found in the journal of an undisturbed run; and what comes of it."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.reliability.flows import Flow
from tests.reliability.lab import Crash, Ended, Lab, differences

CALLS = ("phoenix-before", "phoenix-during", "phoenix-after", "tool-before", "tool-after")
FILES = ("before", "middle", "after")


@dataclass(frozen=True)
class Ground:
    """A flow made ready, and what its undisturbed run leads to."""

    flow: Flow
    folder: Path
    calls: list[str]
    changes: tuple[int, ...]
    files: list[str]
    wanted: dict[str, str]


def prepare(flow: Flow, folder: Path) -> Ground:
    """Run a flow without trouble."""
    flow.ready(folder / "ready")
    lab = Lab.copied(folder / "ready", folder / "calm")
    done = lab.phoenix(flow.line, Crash("count"))
    assert done.status == 0, done.said
    assert len(done.changes) == len(done.calls)
    assert lab.strays() == []
    again = lab.phoenix(flow.line)
    assert again.status == 0, again.said
    return Ground(flow, folder, done.calls, done.changes, done.files, lab.state())


def points(ground: Ground) -> list[Crash]:
    """Return every point at which the flow can die."""
    calls = [Crash(how, call=n) for n in range(1, len(ground.calls) + 1) for how in CALLS]
    files = [
        Crash(how, file=n)
        for n, line in enumerate(ground.files, 1)
        for how in FILES
        if how != "middle" or line.startswith("write")
    ]
    middles = [
        Crash(f"tool-middle-{at}", call=n)
        for n, changes in enumerate(ground.changes, 1)
        for at in range(2, changes + 1)
        if ground.flow.is_ordered
    ]
    return [*calls, *middles, *files]


def describe(ground: Ground, crash: Crash) -> str:
    """Return the point in words: `create a VM: phoenix-during qm start 8001`."""
    what = ground.calls[crash.call - 1][:60] if crash.call else ground.files[crash.file - 1]
    return f"{ground.flow.name}: {crash.how} [{crash.call or crash.file}] {what}"


def fate(ground: Ground, crash: Crash, folder: Path) -> list[str]:
    """Let the flow die at one point and run it again; return what is wrong then."""
    lab = Lab.copied(ground.folder / "ready", folder)
    died = lab.phoenix(ground.flow.line, crash)
    again = _mended(lab, ground, lab.phoenix(ground.flow.line))
    strays = lab.settled()
    problems = [*came(crash, died), *_judged(died, again), *differences(ground.wanted, lab.state()), *strays]
    shutil.rmtree(folder)
    return problems and [*problems, f"first: {died.status} {died.said[-300:]!r}", f"second: {again.said[-900:]!r}"]


def _mended(lab: Lab, ground: Ground, refused: Ended) -> Ended:
    """Do what a refusal says where phoenix cannot know whose volumes or lock there are, and run it again."""
    named = re.search(
        r"(?:if nobody needs them: |if not: |left over goes with )`?(.+?)(?:`|;|$)", refused.said, re.MULTILINE
    )
    if refused.status != 5 or not named:
        return refused
    for command in named[1].split(" && "):
        assert lab.tool(*command.split()).returncode == 0
    return lab.phoenix(ground.flow.line)


def came(crash: Crash, died: Ended) -> list[str]:
    """Return that a crash which was asked for did not come: then nothing was shown."""
    killed = died.status == -9 if crash.kills_phoenix else died.status != -9
    return [] if died.crashed and killed else ["the crash did not come"]


def _judged(died: Ended, again: Ended) -> list[str]:
    found = [f"the second run ended with {again.status}"] if again.status else []
    return found + ["a traceback" for run in (died, again) if "Traceback" in run.said]
