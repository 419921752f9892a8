"""Every environment × every command: it ends as documented, and what it did is what it does in a nice shell."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.places import ROOT
from tests.reliability.faults import judged
from tests.reliability.flows import ADMIN, vm
from tests.reliability.lab import Config, Ended, Lab, differences

from fake_pve.testing import BIN

LETTERS = "Größe — ok 𝕏"
ABSENT, RUNNING, STOPPED = "absent", "running", "stopped"
COMMANDS = {
    "create 8001": ABSENT,
    "create 8001 --json": RUNNING,
    "plan 8001": ABSENT,
    "delete 8001 --yes": RUNNING,
    "list": RUNNING,
    "validate": ABSENT,
    "ssh-config 8001": RUNNING,
    "start 8001": STOPPED,
    "stop 8001 --force": RUNNING,
    "restart 8001 --force": RUNNING,
}
"""What is run, and what the guest is then."""

STATEFUL = {line: 8 for line in COMMANDS if line.split()[0] in {"create", "delete", "restart", "ssh-config"}}
"""What cannot go without a folder for host keys, and how it ends."""


@dataclass(frozen=True)
class Environment:
    """What phoenix is started from.

    name     what is odd about it
    environ  variables that are set, or not there when None; FOLDER stands for the lab's own folder
    prelude  what a shell does before
    ends     the status of commands that do not end with 0; those change nothing on the node
    silent   whether nothing is to be seen of errors
    """

    name: str
    environ: Mapping[str, str | None] = field(default_factory=dict)
    prelude: str = ""
    ends: Mapping[str, int] = field(default_factory=dict)
    silent: bool = False


def _variable(name: str, *values: str | None) -> list[Environment]:
    return [Environment(f"{name} {'unset' if value is None else repr(value)}", {name: value}) for value in values]


def _shell(*preludes: str) -> list[Environment]:
    return [Environment(prelude, prelude=prelude) for prelude in preludes]


def _state(name: str, place: str, prelude: str = "") -> Environment:
    return Environment(f"state folder {name}", {"XDG_STATE_HOME": place}, prelude, STATEFUL)


GONE = "mkdir -p gone && cd gone && rmdir ../gone"
ENVIRONMENTS = [
    Environment("as usual"),
    *_variable("LC_ALL", None, "C", "POSIX", "de_DE.ISO-8859-1", "nowhere"),
    *_variable("LANG", "C", "de_DE@euro"),
    *_variable("LANGUAGE", "de:fr"),
    *(
        Environment(f"ASCII Python, {locale}", {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
        for locale in ("C", "POSIX", "de_DE.ISO-8859-1")
    ),
    *_variable("PATH", f"{BIN}:/usr/bin:/bin", f"{BIN}::/bin:/usr/bin", f"{BIN}/:/bin/:/usr/bin/"),
    *_variable("HOME", None, "", "/", "relative", "/dev/null", "/nowhere/of/anybody"),
    Environment("HOME '/dev/null', no other place", {"HOME": "/dev/null", "XDG_STATE_HOME": None}, ends=STATEFUL),
    _state("a device", "/dev/null"),
    _state("below a file", "FOLDER/file/below", "touch file"),
    _state("not to be made", "/proc/nowhere"),
    _state("a link to itself", "FOLDER/loop", "ln -s loop loop"),
    _state("a pipe", "FOLDER/pipe", "mkfifo pipe"),
    Environment("state folder relative", {"XDG_STATE_HOME": "relative"}),
    Environment("working folder gone", prelude=GONE),
    Environment(
        "working folder gone, relative configuration", {"PHOENIX_CONFIG_DIR": "config"}, GONE, dict.fromkeys(COMMANDS, 3)
    ),
    Environment("relative configuration", {"PHOENIX_CONFIG_DIR": "config"}),
    *_variable("TMPDIR", None, "", "a b", "/nowhere", "/dev/null", "/tmp/%h${HOME}", "relative"),
    *_shell("exec <&-", "exec >&-", "exec <&- >&-"),
    *(Environment(prelude, prelude=prelude, silent=True) for prelude in ("exec 2>&-", "exec <&- >&- 2>&-", "exec 2>/dev/null")),
    *_shell("umask 000", "umask 027", "umask 077", "umask 777"),
    *_shell("ulimit -n 40", "ulimit -n 64", "ulimit -S -n 32", "ulimit -S -s 512", "ulimit -c 0", "ulimit -v 4000000"),
    *_shell("trap '' CHLD", "trap '' INT TERM HUP PIPE QUIT", "trap '' PIPE CHLD", "cd /", "cd /proc/self/fd"),
    *_variable("TERM", None, "", "dumb", "nowhere", "xterm-256color"),
    *_variable("COLUMNS", None, "", "0", "-1", "abc", "1", "99999999999999999999"),
    *_variable("PYTHONOPTIMIZE", "1", "2"),
    *_variable("PYTHONIOENCODING", "ascii", "latin-1", "utf-16", ":strict"),
    *_variable("PYTHONPATH", "/nowhere", "", ":"),
    *(
        Environment(f"{name} '1'", {name: "1"})
        for name in ("PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONSAFEPATH", "PYTHONINSPECT", "PYTHONNOUSERSITE",
                     "PYTHONDEVMODE", "PYTHONFAULTHANDLER", "PYTHONUTF8", "PYTHONHASHSEED", "POSIXLY_CORRECT", "NO_COLOR")
    ),
    *_variable("PYTHONWARNINGS", "error", "default"),
    *_variable("PYTHONMALLOC", "debug"),
    *_variable("USER", None, "", "näme"),
    *_variable("LOGNAME", "a\tb"),
    *_variable("TZ", "nowhere", ":/dev/null", "UTC+99"),
    *_variable("SHELL", None, "/bin/false"),
    *_variable("ENV", "/nowhere"),
    *_variable("IFS", "a/8"),
    *_variable("PHOENIX_HOST", None, ""),
    Environment("nothing at all but the node", dict.fromkeys(("HOME", "LC_ALL", "TMPDIR", "TERM", "USER"))),
]  # fmt: skip


@dataclass(frozen=True)
class Grounds:
    """Nodes with the guest in every state that commands begin with, and what commands make of them, as they are asked for."""

    folder: Path
    known: dict[str, dict[str, str]] = field(default_factory=dict)

    def ready(self, state: str, folder: Path) -> Lab:
        """Return a lab of its own in which the guest is in a state."""
        if not (self.folder / state).exists():
            lab = self.ready({RUNNING: ABSENT, STOPPED: RUNNING}[state], self.folder / state)
            run(lab, ENVIRONMENTS[0], {RUNNING: "create 8001", STOPPED: "stop 8001 --force"}[state])
        return Lab.copied(self.folder / state, folder)

    def wanted(self, line: str) -> dict[str, str]:
        """Return what a command makes of the node in an environment that is as usual."""
        if line not in self.known:
            lab = self.ready(COMMANDS[line], self.folder / "usual")
            done = run(lab, ENVIRONMENTS[0], line)
            assert done.status == 0, done.said
            self.known[line] = lab.state()
            shutil.rmtree(lab.folder)
        return self.known[line]


def prepare(folder: Path) -> Grounds:
    """Make the first node."""
    lab = Lab(folder / ABSENT)
    Config([vm(description=LETTERS, network_config={"ip": "10.0.0.9/24"})], admin=ADMIN).write(lab.folder / "config")
    return Grounds(folder)


def run(lab: Lab, environment: Environment, line: str) -> Ended:
    """Run phoenix as a process in an environment."""
    usual = {**lab.environ, "PATH": f"{BIN}:/usr/sbin:/usr/bin:/sbin:/bin", "XDG_STATE_HOME": str(lab.folder / "state")}
    values = {**usual, **environment.environ}
    environ = {name: value.replace("FOLDER", str(lab.folder)) for name, value in values.items() if value is not None}
    script = f'{environment.prelude or ":"}\nexec "$@"'
    argv = ["/bin/sh", "-c", script, "sh", sys.executable, str(ROOT / "phoenix.py"), *line.split()]
    begun = time.monotonic()
    done = subprocess.run(
        argv, env=environ, cwd=lab.folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
    )
    out, err = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
    return Ended(done.returncode, out, err, [], [], time.monotonic() - begun)


def fate(grounds: Grounds, environment: Environment, line: str, folder: Path) -> list[str]:
    """Run a command in an environment; return what is wrong."""
    lab = grounds.ready(COMMANDS[line], folder)
    before, expected = lab.state(), environment.ends.get(line, 0)
    done = run(lab, environment, line)
    problems = [] if done.status == expected else [f"status {done.status} in place of {expected}"]
    problems += [] if environment.silent else judged(done)
    problems += differences(before if expected else grounds.wanted(line), lab.state())
    problems += lab.settled()
    shutil.rmtree(folder)
    return problems and [*problems, f"{environment.name}: {line}: {done.said[-600:]!r}"]
