"""`systemctl`, `shutdown` and the like of a simulated guest: answered by its first process from what is true."""

from __future__ import annotations

import fnmatch

from fake_pve.guests import units

TYPE_CHECKING = False  # typing costs each guest memory
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    from fake_pve.guests.loop import Child, Sleep

    Answer = tuple[int, str, str]  # exit status, stdout, stderr
    Waiting = Generator[Child | Sleep, Any, Answer]

WITH_VALUE = frozenset(
    {"-p", "--property", "-t", "--type", "-n", "--lines", "-o", "--output", "--state", "-s", "--signal", "--kill-who"}
)
CHANGES = frozenset(
    {"start", "stop", "restart", "try-restart", "reload", "reload-or-restart", "try-reload-or-restart", "force-reload"}
)
POWER = {"poweroff": "poweroff", "halt": "poweroff", "shutdown": "poweroff", "reboot": "reboot"}
NOT_ROOT = "Interactive authentication required."


class Request:
    """A parsed command line."""

    def __init__(self, argv: list[str]) -> None:
        self.flags: set[str] = set()
        self.values: dict[str, list[str]] = {}
        self.words: list[str] = []
        waiting = ""
        for word in argv:
            name, equals, value = word.partition("=")
            if waiting:
                self.values.setdefault(waiting, []).append(word)
                waiting = ""
            elif not word.startswith("-") or word == "-":
                self.words.append(word)
            elif equals:
                self.values.setdefault(name, []).append(value)
            elif word in WITH_VALUE:
                waiting = word
            else:
                self.flags.add(word)
        self.verb = self.words[0] if self.words else "list-units"
        self.names = self.words[1:]

    @property
    def quiet(self) -> bool:
        """Whether nothing is to be printed."""
        return bool(self.flags & {"-q", "--quiet"})

    def properties(self) -> list[str]:
        """The properties asked for; none means all."""
        given = [*self.values.get("-p", []), *self.values.get("--property", [])]
        return [name for value in given for name in value.split(",")]


def power(program: str, argv: list[str]) -> tuple[str, float] | None:
    """(how, seconds to wait) if this call ends the guest: `shutdown -r +1`, `systemctl poweroff` and the like."""
    words = [word for word in argv if not word.startswith("-")]
    flags = {word for word in argv if word.startswith("-")}
    if program == "systemctl":
        return (POWER[words[0]], 0.0) if words and words[0] in POWER else None
    if program == "shutdown":
        when = words[0].lstrip("+") if words else "1"
        how = "reboot" if flags & {"-r", "--reboot"} else "poweroff"
        return how, 60.0 * int(when) if when.isdigit() else 0.0
    return POWER[program], 0.0


class Systemctl:
    """Answers for one guest; `booted` says whether its boot is over."""

    def __init__(self, services: units.Units, booted: Callable[[], bool]) -> None:
        self.services = services
        self.booted = booted

    def run(self, argv: list[str], uid: int) -> Waiting:
        """One call by user `uid`."""
        request = Request(argv)
        verb = request.verb
        if verb in {"daemon-reload", "daemon-reexec", "reset-failed", "preset", "set-default"}:
            return 0, "", ""
        if verb == "is-system-running":
            return (0, "running\n", "") if self.booted() else (1, "starting\n", "")
        if verb == "get-default":
            return 0, "multi-user.target\n", ""
        if verb in CHANGES or verb in {"enable", "disable", "mask", "unmask", "reenable"}:
            return (yield from self._change(request, uid))
        query = QUERIES.get(verb)
        if query is None:
            return 1, "", f"Unknown command verb {verb}.\n"
        return query(self, request)

    def _change(self, request: Request, uid: int) -> Waiting:
        out, err, status = "", "", 0
        for name in request.names:
            full = units.full_name(name)
            unit = units.load(name)
            if uid != 0:
                return 4, "", f"Failed to {request.verb} {full}: {NOT_ROOT}\n"
            if unit is None:
                return (
                    5 if request.verb in CHANGES else 1,
                    "",
                    f"Failed to {request.verb} {full}: Unit {full} not found.\n",
                )
            said, problem = yield from self._change_one(request, unit)
            out += "" if request.quiet else said
            if problem:
                err, status = f"{err}{problem}\n", 1
        return status, "", out + err  # systemctl talks on stderr

    def _change_one(self, request: Request, unit: units.Unit) -> Generator[Child | Sleep, Any, tuple[str, str]]:
        verb, services = request.verb, self.services
        if verb in {"enable", "reenable"}:
            said = "".join(f"{line}\n" for line in units.enable(unit))
            problem = (yield from services.start(unit)) if "--now" in request.flags else ""
            return said, problem
        if verb == "disable":
            said = "".join(f"{line}\n" for line in units.disable(unit))
            problem = (yield from services.stop(unit)) if "--now" in request.flags else ""
            return said, problem
        if verb in {"mask", "unmask"}:
            return "", f"{verb} is not modelled in a simulated guest."
        active = services.state(unit.name).active == "active"
        if verb.startswith("try-") and not active:
            return "", ""
        if verb == "start":
            return "", (yield from services.start(unit))
        if verb == "stop":
            return "", (yield from services.stop(unit))
        if verb == "reload" or ("reload" in verb and active and unit.all("ExecReload")):
            return "", (yield from services.reload(unit))
        return "", (yield from services.restart(unit))

    def _is_active(self, request: Request) -> Answer:
        states = [self._active(name) for name in request.names]
        wanted = "failed" if request.verb == "is-failed" else "active"
        found = wanted in states
        return (
            0 if found else 3 if wanted == "active" else 1,
            "" if request.quiet else "".join(f"{s}\n" for s in states),
            "",
        )

    def _active(self, name: str) -> str:
        unit = units.load(name)
        return self.services.state(unit.name if unit else units.full_name(name)).active

    def _is_enabled(self, request: Request) -> Answer:
        out, err, status = "", "", 0
        for name in request.names:
            unit = units.load(name)
            if unit is None:
                err += f"Failed to get unit file state for {units.full_name(name)}: No such file or directory\n"
                status = 1
            else:
                said = "alias" if unit.name != units.full_name(name) else units.enabled(unit)
                out += f"{said}\n"
                status = status or (0 if said in {"enabled", "static", "alias"} else 1)
        return status, "" if request.quiet else out, err

    def _show(self, request: Request) -> Answer:
        wanted = request.properties()
        blocks = []
        for name in request.names or [""]:
            values = self._properties(name)
            shown = {key: value for key, value in values.items() if not wanted or key in wanted}
            lines = shown.values() if "--value" in request.flags else (f"{key}={value}" for key, value in shown.items())
            blocks.append("".join(f"{line}\n" for line in lines))
        return 0, "\n".join(blocks), ""

    def _properties(self, name: str) -> dict[str, str]:
        unit = units.load(name)
        full = unit.name if unit else units.full_name(name)
        state = self.services.state(full)
        return {
            "Type": unit.type if unit else "",
            "MainPID": str(state.pid),
            "Id": full,
            "Names": full,
            "Description": unit.get("Description", full, "Unit") if unit else full,
            "LoadState": "not-found" if unit is None else "masked" if unit.masked else "loaded",
            "ActiveState": state.active,
            "SubState": state.sub,
            "FragmentPath": unit.path if unit else "",
            "UnitFileState": units.enabled(unit) if unit else "",
            "ExecMainStatus": str(state.status),
        }

    def _status(self, request: Request) -> Answer:
        out, err, status = "", "", 0
        for name in request.names:
            values = self._properties(name)
            if values["LoadState"] == "not-found":
                err += f"Unit {values['Id']} could not be found.\n"
                status = 4
                continue
            out += (
                f"● {values['Id']} - {values['Description']}\n"
                f"     Loaded: {values['LoadState']} ({values['FragmentPath']}; {values['UnitFileState']})\n"
                f"     Active: {values['ActiveState']} ({values['SubState']})\n"
            )
            out += f"   Main PID: {values['MainPID']}\n" if values["MainPID"] != "0" else ""
            status = status or (0 if values["ActiveState"] == "active" else 3)
        return status, out, err

    def _list_units(self, request: Request) -> Answer:
        rows = []
        for name in sorted(self.services.states):
            state = self.services.states[name]
            unit = units.load(name)
            if (state.active != "inactive" or "--all" in request.flags) and _matches(name, request.names):
                title = unit.get("Description", name, "Unit") if unit else name
                rows.append(f"{name} loaded {state.active} {state.sub} {title}\n")
        return 0, "".join(rows), ""

    def _list_unit_files(self, request: Request) -> Answer:
        rows = []
        for name in units.names():
            unit = units.load(name)
            if unit is not None and _matches(name, request.names):
                rows.append(f"{name} {'alias' if unit.name != name else units.enabled(unit)} -\n")
        return 0 if rows else 1, "".join(rows), ""

    def _cat(self, request: Request) -> Answer:
        out = ""
        for name in request.names:
            unit = units.load(name)
            if unit is None or unit.masked:
                return 1, out, f"No files found for {units.full_name(name)}.\n"
            with open(unit.path, encoding="utf-8") as file:
                out += f"# {unit.path}\n{file.read()}"
        return 0, out, ""


def _matches(name: str, patterns: list[str]) -> bool:
    return not patterns or any(fnmatch.fnmatch(name, units.full_name(pattern)) for pattern in patterns)


QUERIES: dict[str, Callable[[Systemctl, Request], Answer]] = {
    "is-active": Systemctl._is_active,
    "is-failed": Systemctl._is_active,
    "is-enabled": Systemctl._is_enabled,
    "show": Systemctl._show,
    "status": Systemctl._status,
    "list-units": Systemctl._list_units,
    "list-unit-files": Systemctl._list_unit_files,
    "cat": Systemctl._cat,
}
