"""Killed anywhere while the node is elsewhere: the connection goes with phoenix, and the next run completes the work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import apart
from tests.needs import lacking
from tests.reliability.crashes import Ground, describe, fate, points, prepare
from tests.reliability.flows import BY_NAME
from tests.reliability.lab import HERE, Lab
from tests.reliability.sampling import record, sample

from remote.sshd import MISSING, running

FLOWS = [
    "create a VM", "create a container", "change everything", "change a container", "change and restart", "restart",
    "restart a container", "delete a VM", "delete a container", "clone a VM", "clone a container", "create a fleet", "delete a fleet",
]  # fmt: skip


@pytest.fixture(params=FLOWS)
def ground(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    """A flow made ready here, which then runs on a node behind an SSH server."""
    if MISSING:
        lacking(MISSING)
    made = prepare(BY_NAME[request.param], tmp_path)
    there = Lab(tmp_path / "x")
    with running(
        tmp_path / "sshd", {**there.environ, "PATH": f"{HERE / 'over_ssh'}:{there.environ['PATH']}"}
    ) as server:
        more = {"PHOENIX_HOST": "pve1", "PATH": apart.path(server.bin)}
        monkeypatch.setattr(Lab, "over_ssh", more)
        yield made


@pytest.mark.whole
def test_a_flow_that_dies_somewhere_is_completed_by_the_next_run(ground: Ground, tmp_path: Path) -> None:
    import shutil

    shutil.rmtree(tmp_path / "x")
    every = [crash for crash in points(ground) if crash.call and not crash.how.startswith("tool-middle")]
    chosen = sample(every, ground.flow.name, 4)
    wrong = [
        (describe(ground, crash), problems) for crash in chosen if (problems := fate(ground, crash, tmp_path / "x"))
    ]
    record("crashes", f"{ground.flow.name}, over SSH", len(chosen), len(wrong))
    assert wrong == []
