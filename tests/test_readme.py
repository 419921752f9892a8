"""What README.md shows is what happens."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import phoenix

from fake_pve.testing import FakeNode
from phoenix_pve import errors
from places import ROOT
from samples import KEY

README = (ROOT / "README.md").read_text()


def without_times(text: str) -> str:
    return re.sub(r"\(\d+\.\d s\)", "(… s)", text)


def test_the_session_is_what_a_user_sees(tmp_path: Path) -> None:
    session = re.search(r"^```\n(\$ phoenix\.py create 8001\n.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert session
    config = shutil.copytree(ROOT / "config", tmp_path / "config")
    path = config / "phoenix_hypervisor_config.json"
    document = json.loads(path.read_text())
    document["admin"]["ssh_authorized_keys"] = [KEY]
    path.write_text(json.dumps(document))
    node = FakeNode(tmp_path / "pve1")
    node.add_image(document["vms"][0]["template_image"])
    environment = {**node.environment, "PHOENIX_NODE_ROOT": str(node.root), "PHOENIX_CONFIG_DIR": str(config)}
    seen = ""
    for line in re.findall(r"^\$ phoenix\.py (.*)", session[1], re.MULTILINE):
        run = [sys.executable, str(ROOT / "phoenix.py"), *line.split()]
        done = subprocess.run(
            run,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        seen += f"$ phoenix.py {line}\n{done.stdout}\n"
    assert without_times(seen.rstrip("\n")) == without_times(session[1].rstrip("\n"))


def test_the_configuration_shown_is_valid(tmp_path: Path) -> None:
    shown = re.search(r"^```json\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert shown
    text = shown[1].replace("ssh-ed25519 AAAA… me@example", KEY)
    (tmp_path / "phoenix_hypervisor_config.json").write_text(text)
    run = [sys.executable, str(ROOT / "phoenix.py"), "--config", str(tmp_path), "validate"]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_exit_statuses_are_those_of_the_help_and_of_the_code() -> None:
    found = {error.status for error in vars(errors).values() if isinstance(error, type) and hasattr(error, "status")}
    found |= {0, errors.PENDING_CHANGES, errors.INTERRUPTED, errors.TERMINATED}
    helped = {int(n) for n in re.findall(r"(?<=  )(\d+) ", (phoenix.__doc__ or "").partition("Exit status:")[2])}
    table = README.partition("| status | meaning |")[2].partition("## ")[0]
    shown = {int(n) for cell in re.findall(r"\| ([\d, ]+) \|", table) for n in cell.split(",")}
    assert (helped, shown) == (found, found)
