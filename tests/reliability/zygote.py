"""A process that has phoenix loaded and forks a copy of itself for every run: a run costs no interpreter's start.

One JSON object a line on stdin, `{"argv", "environ", "folder", "output", "trouble", "tell"}`, one on stdout, `{"status"}`; the
status is negative for a run that a signal ended. `trouble` is `"3 middle"`: die in the middle of the third operation on
a file of the node; `tell` is written to the file `crash`, for tools that do not get phoenix's environment.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "lib"), str(ROOT / "fakes/qm"), str(ROOT)]

import docopt  # noqa: E402, F401
import jinja2.ext  # noqa: E402, F401
import phoenix  # noqa: E402

from phoenix_pve import app, inventory, node  # noqa: E402, F401


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Files:
    """Counts what is done to files of the node, and dies at one of them."""

    def __init__(self, log: Path, trouble: str) -> None:
        self.log = log
        self.at, _, self.how = trouble.partition(" ")
        self.numbers = itertools.count(1)  # each taken by one of the threads

    def around(self, name: str) -> None:
        original = getattr(node.LocalNode, name)

        def watched(this: Any, path: str, *rest: Any) -> None:
            mine = str(next(self.numbers)) == self.at
            with self.log.open("a") as file:
                file.write(f"{name} {path}\n")
            if mine and self.how == "before":
                die()
            if mine and self.how == "middle":
                os.fsync = lambda _: die()  # type: ignore[assignment]
            original(this, path, *rest)
            if mine:
                die()

        setattr(node.LocalNode, name, watched)


class Looks:
    """Counts the looks at the node, and lets somebody else disturb a guest right before one of them."""

    def __init__(self, log: Path, order: dict[str, str]) -> None:
        self.log, self.order = log, order
        self.numbers = itertools.count(1)
        self.original = node.LocalNode.look
        node.LocalNode.look = lambda *words: self.look(*words)  # type: ignore[method-assign] # noqa: PLW0108 - bound to the node

    def look(self, this: node.LocalNode, questions: node.Questions) -> node.Answers:
        from tests.reliability import swaps

        with self.log.open("a") as file:
            file.write(".")
        if str(next(self.numbers)) == self.order["look"]:
            swaps.act(self.order, Path(this.root))
        return self.original(this, questions)


def child(order: dict[str, Any]) -> None:
    """Become phoenix."""
    os.environ.clear()
    os.environ.update(order["environ"], VICTIM=str(os.getpid()))
    os.chdir(order["folder"])
    if order["tell"]:
        lines = [f"{name}={value}" for name, value in {**order["tell"], "VICTIM": str(os.getpid())}.items()]
        Path("crash").write_text("\n".join(lines) + "\n")
    for stream, name in ((0, "/dev/null"), (1, order["output"] + ".out"), (2, order["output"] + ".err")):
        file = os.open(name, os.O_RDWR if stream == 0 else os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, stream)
        os.close(file)
    watch = Files(Path(order["output"] + ".files"), order.get("trouble", ""))
    for name in ("write", "remove"):
        watch.around(name)
    if order["swap"]["look"]:
        Looks(Path(order["output"] + ".looks"), order["swap"])
    sys.argv = ["phoenix", *order["argv"]]
    try:
        phoenix.run()
    except BaseException:  # noqa: BLE001 - as the interpreter does at the end
        import traceback

        traceback.print_exc()
    os._exit(1)


def main() -> None:
    """Serve until stdin ends."""
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            child(order)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    main()
