"""phoenix as pip installs it, and as a person meets it on a terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import terminals
from fake_pve.testing import FakeNode
from places import ROOT
from samples import VM
from wheels import installed


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    node = FakeNode(tmp_path / "pve1")
    node.add_image(VM["template_image"])
    config = tmp_path / "config"
    config.mkdir()
    (config / "phoenix_hypervisor_config.json").write_text(json.dumps({"vms": [VM]}))
    return {**node.environment, "PHOENIX_NODE_ROOT": str(node.root), "PHOENIX_CONFIG_DIR": str(config), "TERM": "xterm"}


@pytest.mark.slow
def test_the_wheel_brings_the_command_and_the_template(tmp_path: Path, environment: dict[str, str]) -> None:
    site = installed(ROOT, tmp_path)
    environment["PYTHONPATH"] = str(site)
    run = [sys.executable, "-c", "import phoenix, sys; sys.argv[0] = 'phoenix'; phoenix.run()"]
    done = subprocess.run(
        [*run, "create", "8001"], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "8001 ubuntu-2404: created" in done.stdout, done.stderr
    assert f"{site}/bin/phoenix" in map(str, site.rglob("phoenix"))


def on_a_terminal(environment: dict[str, str], words: list[str], answer: str) -> tuple[int, str]:
    """Run phoenix with a terminal for all three streams; answer its question; return exit status and screen."""
    return terminals.run([sys.executable, str(ROOT / "phoenix.py"), *words], environment, f"{answer}\n".encode())


def test_a_terminal_is_asked_once_before_anything_is_deleted(environment: dict[str, str]) -> None:
    status, screen = on_a_terminal(environment, ["create", "8001"], "")
    assert status == 0
    assert "\x1b[32m+\x1b[0m name: ubuntu-2404" in screen, "colours on a terminal"
    assert "[0/1] 8001" in screen, "live progress on a terminal"
    status, screen = on_a_terminal(environment, ["delete", "8001"], "no")
    assert status == 5
    assert "local:8001/vm-8001-disk-0.raw" in screen.split("Type yes")[0], "the volumes that go are listed first"
    assert "nothing was deleted" in screen
    status, screen = on_a_terminal(environment, ["delete", "8001"], "yes")
    assert (status, screen.count("Type yes")) == (0, 1)
    assert "8001 ubuntu-2404: deleted" in screen


def test_no_color_is_honoured(environment: dict[str, str]) -> None:
    _, screen = on_a_terminal({**environment, "NO_COLOR": "1"}, ["plan", "8001"], "")
    assert "+ name: ubuntu-2404" in screen


def test_yes_does_not_ask(environment: dict[str, str]) -> None:
    on_a_terminal(environment, ["create", "8001", "--no-wait"], "")
    status, screen = on_a_terminal(environment, ["delete", "8001", "--yes"], "")
    assert (status, "Type yes" in screen) == (0, False)


def test_a_closed_pipe_is_no_error(environment: dict[str, str]) -> None:
    line = f"{sys.executable} {ROOT}/phoenix.py --quiet plan 8001 | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""
