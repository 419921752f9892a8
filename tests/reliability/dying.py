"""Run a tool of the fake node that dies at a change of the node's files: `dying.py COUNTS AT TOOL WORD…`.

Every change about to be made adds a byte to the file COUNTS; at number AT the tool is killed, as by `kill -9`. With AT 0 it
runs to its end, and the size of COUNTS is how many changes there were.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys

COUNTS, AT, TOOL = sys.argv[1], int(sys.argv[2]), sys.argv[3]
ROOT = os.path.realpath(os.environ["FAKE_PVE_ROOT"]) + "/"
NO_STATE = ("var/log/", "run/lock/", "run/phoenix/", "var/lib/fake-pve/faults", "var/lib/fake-pve/dice")
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink"}
counts = os.open(COUNTS, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
done = 0


def watch(event: str, details: tuple[object, ...]) -> None:
    """Hear of everything that Python is about to do; see `sys.addaudithook`."""
    global done  # noqa: PLW0603 - a hook has no other memory
    if not is_change(event, details):
        return
    os.write(counts, b".")
    done += 1
    if done == AT:
        os.kill(os.getpid(), signal.SIGKILL)


def is_change(event: str, details: tuple[object, ...]) -> bool:
    """Return whether a file that says something of guests is about to change."""
    if event == "open":
        flags = details[2]
        return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) and is_state(details[0])
    return event in CHANGES and (isinstance(details[0], int) or is_state(details[0]))


def is_state(path: object) -> bool:
    name = os.path.realpath(os.fsdecode(path)) if isinstance(path, (str, bytes)) else ""
    return name.startswith(ROOT) and not name.removeprefix(ROOT).startswith(NO_STATE)


sys.argv = sys.argv[3:]
sys.addaudithook(watch)
runpy.run_path(TOOL, run_name="__main__")
