"""`make shell`: what it says, and which configuration counts there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from places import ROOT

EDIT = """sed -i 's/"memory_mb": [0-9]*/"memory_mb": 7777/' config/phoenix_hypervisor_config.json
phoenix.py plan 8001
"""


def shell(tmp_path: Path, lines: str, **more: str) -> list[str]:
    """What is shown in a shell whose guests are power states."""
    own = ("PHOENIX_", "FAKE_PVE_", "XDG_")
    environ = {name: text for name, text in os.environ.items() if not name.startswith(own)}
    environ |= {"TMPDIR": str(tmp_path), "HOME": str(tmp_path), "FAKE_PVE_GUEST": "none", **more}
    done = subprocess.run(
        [str(ROOT / "fakes/qm/tools/shell.sh")],
        env=environ,
        input=lines,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_what_is_edited_in_the_shell_counts_there_and_nowhere_else(tmp_path: Path) -> None:
    before = (ROOT / "config/phoenix_hypervisor_config.json").read_bytes()
    said = shell(tmp_path, EDIT)
    assert "  + memory: 7777 MiB" in said
    assert (ROOT / "config/phoenix_hypervisor_config.json").read_bytes() == before
    counts = said.index("The configuration that counts is config/ here, a copy of the checkout's:")
    assert said[counts + 1].startswith(f"  {tmp_path}/pve1-you.")
    banner = said[: said.index("Every call is in $FAKE_PVE_ROOT/var/log/fake-pve/journal.jsonl")]
    assert max(len(line.replace(str(tmp_path), "/tmp")) for line in banner) <= 80, banner
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("pve1")] == [], "it goes with the shell"


@pytest.mark.slow
def test_a_folder_of_ones_own_is_kept_and_named(tmp_path: Path) -> None:
    said = shell(tmp_path, "phoenix.py list\n", PHOENIX_CONFIG_DIR=str(ROOT / "config"))
    assert f"The configuration that counts is yours: {ROOT / 'config'}" in said
    assert any(line.startswith("8001 ") for line in said)


def test_a_hint_works_as_it_is_written(tmp_path: Path) -> None:
    said = shell(tmp_path, "phoenix.py destroy 8001\nphoenix create 8001 -n\nphoenix --version\n")
    assert "  hint: write `phoenix delete 8001`" in said
    assert "8001 ubuntu-2404 (VM): will be created" in said
    assert any(line.startswith("phoenix ") and line[-1].isdigit() for line in said), said
    assert not any("not found" in line for line in said), said
