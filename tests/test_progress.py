"""How far a command is while it runs, by what it says."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from phoenix_pve import local_process
from phoenix_pve.step_words import percent

QM = "transferred 352.0 MiB of 3.5 GiB (9.82%)\ntransferred 1.2 GiB of 3.5 GiB (34.29%)\n"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (QM, "34 %"),
        (f"{QM}transferred 3.5 GiB of 3.5 GiB (100.00%)\n", "100 %"),
        ("(5%)", "5 %"),
        ("progress 40% (read 1 GiB)", ""),
        ("Formatting '/x/vm-8001-disk-0.raw', fmt=raw", ""),
        ("", ""),
    ],
)
def test_the_last_that_a_tool_says_of_its_way_counts(said: str, expected: str) -> None:
    assert percent(said) == expected


def test_what_a_command_says_is_seen_while_it_runs_and_no_longer(tmp_path: Path) -> None:
    go = tmp_path / "go"
    script = f"head -c 9000 /dev/zero | tr '\\0' x; echo '(34.29%)'; until [ -e {go} ]; do sleep 0.01; done"
    words = ["sh", "-c", script, "qm", "create", "8001"]
    done: list[tuple[int, str, str]] = []
    run = threading.Thread(target=lambda: done.append(local_process.run(["env", *words], None, 20)))
    run.start()
    deadline = time.monotonic() + 10
    while not (seen := local_process.latest(words)).endswith("(34.29%)\n"):
        assert time.monotonic() < deadline, seen
        time.sleep(0.01)
    assert len(seen) == local_process.LATEST_BYTES
    assert local_process.latest(["qm", "create", "9"]) == ""
    assert local_process.latest([]) == ""
    go.touch()
    run.join()
    assert done[0][0] == 0
    assert local_process.latest(words) == ""
