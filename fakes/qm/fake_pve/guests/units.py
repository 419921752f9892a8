"""The services of a simulated guest, by its own unit files: a small part of systemd, which cannot run there.

Understood: Type simple, exec, notify, forking and oneshot; ExecStartPre, ExecStart, ExecReload, EnvironmentFile,
Environment, User, RuntimeDirectory, RemainAfterExit, KillMode; enabling by links. No dependencies, timers, sockets or
restarts. A unit that needs more is refused, never reported as running.
"""

from __future__ import annotations

import os
import shlex
import signal

from fake_pve.guests.loop import Child, Sleep

TYPE_CHECKING = False  # typing costs each guest memory
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from fake_pve.guests.loop import Loop, Task

    Spawn = Callable[..., int]

FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
STARTED = frozenset({"simple", "exec", "notify", "notify-reload", "idle", "dbus"})
STOP_SECONDS = 5.0


def account(name: str) -> tuple[int, int, str]:
    """(uid, gid, home) by the guest's /etc/passwd; KeyError if there is no such user.

    Not by the C library: this process has the machine's, which must not load name service modules of the guest.
    """
    with open("/etc/passwd", encoding="utf-8", errors="replace") as file:
        for line in file:
            fields = line.rstrip("\n").split(":")
            if len(fields) == 7 and name in {fields[0], fields[2]}:
                return int(fields[2]), int(fields[3]), fields[5]
    raise KeyError(name)


class Unit:
    """A unit file: canonical name, path, values by (section, key); `masked` if a link to /dev/null."""

    def __init__(self, name: str, path: str, text: str, *, masked: bool) -> None:
        self.name = name
        self.path = path
        self.masked = masked
        self.values: dict[tuple[str, str], list[str]] = {}
        self._parse(text)

    def _parse(self, text: str) -> None:
        section = ""
        for raw in text.replace("\\\n", " ").splitlines():
            line = raw.strip()
            if line.startswith("[") and line.endswith("]"):
                section = line[1:-1]
            elif line and line[0] not in "#;":
                key, _, value = line.partition("=")
                values = self.values.setdefault((section, key.strip()), [])
                if value.strip():
                    values.append(value.strip())
                else:
                    values.clear()

    def all(self, key: str, section: str = "Service") -> list[str]:
        """Every value of a key."""
        return self.values.get((section, key), [])

    def get(self, key: str, default: str = "", section: str = "Service") -> str:
        """The last value of a key."""
        return (self.all(key, section) or [default])[-1]

    @property
    def type(self) -> str:
        """Its Type, as systemd derives it when it is not given."""
        return self.get("Type") or ("simple" if self.all("ExecStart") else "oneshot")


class State:
    """What became of a unit since boot: `active` and `sub` as systemctl says them, main process or 0, last status."""

    __slots__ = ("active", "pid", "status", "sub")

    def __init__(self, active: str = "inactive", sub: str = "dead") -> None:
        self.active = active
        self.sub = sub
        self.pid = 0
        self.status = 0


def full_name(name: str) -> str:
    """`ssh` -> `ssh.service`."""
    return name if "." in name.rpartition("@")[2] else f"{name}.service"


def load(name: str) -> Unit | None:
    """Read a unit file with its drop-ins; aliases lead to the real name. None if there is none."""
    name = full_name(name)
    for folder in FOLDERS:
        path = f"{folder}/{name}"
        if not os.path.lexists(path):
            continue
        real = os.path.realpath(path)
        if real == "/dev/null":
            return Unit(name, path, "", masked=True)
        if not os.path.isfile(real):
            continue
        true_name = os.path.basename(real)
        return Unit(true_name, real, _text(real) + "".join(_drop_ins(true_name)), masked=False)
    return None


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read() + "\n"


def _drop_ins(name: str) -> Generator[str, None, None]:
    for folder in reversed(FOLDERS):
        if os.path.isdir(f"{folder}/{name}.d"):
            for entry in sorted(os.listdir(f"{folder}/{name}.d")):
                if entry.endswith(".conf"):
                    yield _text(f"{folder}/{name}.d/{entry}")


def names() -> list[str]:
    """Every service that has a unit file."""
    found: set[str] = set()
    for folder in FOLDERS:
        if os.path.isdir(folder):
            found.update(name for name in os.listdir(folder) if name.endswith(".service"))
    return sorted(found)


def wanted_links(name: str) -> list[str]:
    """The links that enable a unit."""
    top = FOLDERS[0]
    folders = (
        [entry for entry in os.listdir(top) if entry.endswith((".wants", ".requires"))] if os.path.isdir(top) else []
    )
    return [f"{top}/{folder}/{name}" for folder in folders if os.path.lexists(f"{top}/{folder}/{name}")]


def enabled(unit: Unit) -> str:
    """What `systemctl is-enabled` says."""
    if unit.masked:
        return "masked"
    if wanted_links(unit.name):
        return "enabled"
    return "disabled" if unit.all("WantedBy", "Install") or unit.all("RequiredBy", "Install") else "static"


def enable(unit: Unit) -> list[str]:
    """Make the links of the [Install] section; a line for each."""
    said = []
    for key, kind in (("WantedBy", "wants"), ("RequiredBy", "requires")):
        for target in " ".join(unit.all(key, "Install")).split():
            folder = f"{FOLDERS[0]}/{target}.{kind}"
            link = f"{folder}/{unit.name}"
            os.makedirs(folder, exist_ok=True)
            if not os.path.lexists(link):
                os.symlink(unit.path, link)
                said.append(f"Created symlink {link} → {unit.path}.")
    return said


def disable(unit: Unit) -> list[str]:
    """Remove the links that enable a unit; a line for each."""
    links = wanted_links(unit.name)
    for link in links:
        os.unlink(link)
    return [f'Removed "{link}".' for link in links]


class Units:
    """The services of a running guest."""

    def __init__(self, loop: Loop, spawn: Spawn, log: Callable[[str], None]) -> None:
        self.loop = loop
        self.spawn = spawn
        self.log = log
        self.states: dict[str, State] = {}

    def state(self, name: str) -> State:
        """The state of a unit by its canonical name."""
        return self.states.setdefault(name, State())

    def mark(self, name: str) -> None:
        """A unit whose work the guest's first process does itself is done."""
        state = self.state(name)
        state.active, state.sub = "active", "exited"

    def start(self, unit: Unit) -> Generator[Child | Sleep, Any, str]:
        """Start a service; the reason if that failed."""
        state = self.state(unit.name)
        if state.active in {"active", "activating"}:
            return ""
        problem = self._refusal(unit)
        if problem:
            return problem
        state.active, state.sub = "activating", "start"
        self._runtime_folders(unit)
        for command in unit.all("ExecStartPre"):
            status = yield self._run(unit, command)
            if status and not command.startswith("-"):
                return self._failed(unit, status)
        if unit.type in STARTED:
            self._follow(unit, state)
            return ""
        for command in unit.all("ExecStart"):
            status = yield self._run(unit, command)
            if status and not command.startswith("-"):
                return self._failed(unit, status)
        self._finished(unit, state)
        return ""

    def _refusal(self, unit: Unit) -> str:
        if unit.masked:
            return f"Unit {unit.name} is masked."
        if not unit.name.endswith(".service") or unit.type not in {*STARTED, "oneshot", "forking"}:
            return f"{unit.name} needs more of systemd than a simulated guest has."
        return ""

    def _finished(self, unit: Unit, state: State) -> None:
        state.active, state.sub = "inactive", "dead"
        if unit.type == "forking":
            state.pid = self._pid_file(unit)
            state.active, state.sub = "active", "running"
        elif unit.get("RemainAfterExit") in {"yes", "true", "1", "on"}:
            state.active, state.sub = "active", "exited"

    def _pid_file(self, unit: Unit) -> int:
        try:
            text = _text(unit.get("PIDFile")).strip()
        except OSError:
            return 0
        return int(text) if text.isdigit() else 0

    def _failed(self, unit: Unit, status: int) -> str:
        state = self.state(unit.name)
        state.active, state.sub, state.status, state.pid = "failed", "failed", status, 0
        self.log(f"{unit.name} failed with status {status}")
        return f"Job for {unit.name} failed because the control process exited with error code."

    def _follow(self, unit: Unit, state: State) -> None:
        """Start the main process and watch for its end."""
        command = unit.get("ExecStart")
        wait = self._run(unit, command)
        state.pid = wait.pid
        state.active, state.sub = "active", "running"

        def watch() -> Task:
            status = yield wait
            if state.pid == wait.pid:
                state.pid = 0
                failed = status not in {0, -signal.SIGTERM} and not command.startswith("-")
                state.active, state.sub, state.status = (
                    ("failed", "failed", status) if failed else ("inactive", "dead", status)
                )

        self.loop.start(watch())

    def _run(self, unit: Unit, command: str) -> Child:
        environ = self._environment(unit)
        argv: list[str] = []
        for word in shlex.split(command.lstrip("-@:+!")):
            if word.startswith("$") and not word.startswith("${"):
                argv += environ.get(word[1:], "").split()
            else:
                argv.append(_expand(word, environ))
        return Child(self.spawn(argv, environ=environ, user=unit.get("User"), cwd=unit.get("WorkingDirectory") or "/"))

    def _environment(self, unit: Unit) -> dict[str, str]:
        environ = {"MAINPID": str(self.state(unit.name).pid)}
        lines = [word for value in unit.all("Environment") for word in shlex.split(value)]
        for path in unit.all("EnvironmentFile"):
            try:
                lines += [" ".join(shlex.split(line, comments=True)) for line in _text(path.lstrip("-")).splitlines()]
            except OSError:
                if not path.startswith("-"):
                    self.log(f"{unit.name}: cannot read {path}")
        environ.update((key, value) for key, equals, value in (line.partition("=") for line in lines) if equals)
        return environ

    def _runtime_folders(self, unit: Unit) -> None:
        for name in " ".join(unit.all("RuntimeDirectory")).split():
            path = f"/run/{name}"
            os.makedirs(path, exist_ok=True)
            os.chmod(path, int(unit.get("RuntimeDirectoryMode", "0755"), 8))
            if unit.get("User"):
                os.chown(path, *account(unit.get("User"))[:2])

    def stop(self, unit: Unit) -> Generator[Child | Sleep, Any, str]:
        """Stop a service: SIGTERM, then SIGKILL."""
        state = self.state(unit.name)
        waited = 0.0
        if state.pid:
            _kill(state.pid, signal.SIGTERM)
        while state.pid and os.path.exists(f"/proc/{state.pid}") and waited < STOP_SECONDS:
            yield Sleep(0.02)
            waited += 0.02
        if state.pid:
            _kill(state.pid, signal.SIGKILL)
        state.pid = 0
        state.active, state.sub = "inactive", "dead"
        return ""

    def restart(self, unit: Unit) -> Generator[Child | Sleep, Any, str]:
        """Stop and start."""
        yield from self.stop(unit)
        return (yield from self.start(unit))

    def reload(self, unit: Unit) -> Generator[Child | Sleep, Any, str]:
        """Run its ExecReload lines."""
        if self.state(unit.name).active != "active":
            return f"{unit.name} is not active, cannot reload."
        if not unit.all("ExecReload"):
            return f"Failed to reload {unit.name}: Job type reload is not applicable for unit {unit.name}."
        for command in unit.all("ExecReload"):
            status = yield self._run(unit, command)
            if status:
                return f"Job for {unit.name} failed because the control process exited with error code."
        return ""


def _expand(word: str, environ: dict[str, str]) -> str:
    for key, value in environ.items():
        word = word.replace("${" + key + "}", value).replace("$" + key, value)
    return word


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
