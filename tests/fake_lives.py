"""Lives of guests on a fake node, written down step by step, and how they are played.

A step is `command -> status`, then `| …` for a line of stdout and `! …` for one of stderr; with any of these, nothing
else may have been said there (`|` or `!` alone: nothing at all). `+ …` and `- …` are lines that the guests' files must
have, or must not have, afterwards; `* …` are shell lines that prepare the node.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from conformance import node
from conformance.likeness import lines, normal
from conformance.replay import in_process

SPARE_LVM = "\nlvmthin: local-lvm\n\tthinpool data\n\tvgname pve\n\tcontent rootdir,images\n\n"


def node_at(root: Path) -> None:
    node.prepare(root)
    with (root / "etc/pve/storage.cfg").open("a") as file:
        file.write(SPARE_LVM)


def play(root: Path, life: str) -> None:
    """Run the steps and compare."""
    for step in split(life):
        if step[0].startswith("* "):
            node.set_up(root, step[0][2:], os.environ["PATH"])
        else:
            compare(root, *step)


def split(life: str) -> list[list[str]]:
    """A life as steps, each with the lines that tell about it."""
    steps: list[list[str]] = []
    for line in filter(None, (line.strip() for line in life.splitlines())):
        if line[0] in "|!+-" and line[1:2] in {"", " "}:
            steps[-1].append(line)
        else:
            steps.append([line])
    return steps


def compare(root: Path, head: str, *told: str) -> None:
    command, _, status = head.rpartition(" -> ")
    argv = shlex.split(command)
    done, out, err = in_process(root, argv, "")
    assert (done, command) == (int(status), command), err
    for mark, text in (("|", out), ("!", err)):
        wanted = [line[2:].strip() for line in told if line[0] == mark]
        if wanted:
            wanted = [line for line in wanted if line]
            assert [line.strip() for line in lines(normal(text, str(root)), argv)] == wanted, command
    found = [line.rstrip() for line in "".join(node.confs(root).values()).splitlines()]
    for line in told:
        if line[0] in "+-":
            assert (line[2:] in found) == (line[0] == "+"), (command, line, found)
