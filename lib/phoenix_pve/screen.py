"""What the user sees: results on stdout, the story on stderr, one JSON document with --json.

Whatever is written goes through render.clean or foreign.admitted last, so that no text of a guest's or a node's reaches
a terminal or a reader with anything in it that does more than show.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from phoenix_pve import render, ssh_config
from phoenix_pve.apply import Failed, Finished, StepStarted, Waiting
from phoenix_pve.foreign import admit, admitted
from phoenix_pve.guest import Kind
from phoenix_pve.step_words import step_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from phoenix_pve.apply import Event
    from phoenix_pve.errors import PhoenixError
    from phoenix_pve.inventory import Inventory
    from phoenix_pve.plan import Plan
    from phoenix_pve.ssh_config import Access, Target


ERASE = "\r\x1b[K"
"""Takes the live line away."""

NARROWEST = 80
"""Columns of a terminal that does not tell."""


class Screen:
    """Two streams and how much to write on them."""

    def __init__(
        self, out: TextIO, err: TextIO, environ: Mapping[str, str], *, json: bool, quiet: bool, verbose: bool
    ) -> None:
        self._out, self._err = out, err
        self._json, self._quiet, self._verbose = json, quiet, verbose
        plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
        self._colour_out, self._colour_err = out.isatty() and not plain, err.isatty() and not plain
        self._live = err.isatty() and not quiet and environ.get("TERM") != "dumb"
        self._doing: dict[int, str] = {}
        self._expected = self._ended = 0
        self._lost = ""
        self._documented = False

    def say(self, text: str) -> None:
        """Tell a part of the story."""
        if not self._quiet:
            self._line(text)

    def _line(self, text: str) -> None:
        self._put(self._err, text + "\n", ERASE if self._live else "")

    def _put(self, stream: TextIO, text: str, before: str = "") -> None:
        """Write; what nobody reads any more (`| head`) is no error, and work goes on when a disk is full."""
        encoding = stream.encoding or "utf-8"
        colour = self._colour_err if stream is self._err else self._colour_out
        text = before + render.clean(text, colour=colour)
        try:
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
        except OSError as error:
            self._lost = self._lost or ("" if isinstance(error, BrokenPipeError) else error.strerror or "unknown")
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

    def lost(self, status: int) -> int:
        """Return the exit status, which is 1 in place of 0 when something that was to be written is lost."""
        if self._lost:
            self._line(f"error: not everything could be written: {self._lost}\n  hint: mend that and run it again")
        return status or int(bool(self._lost))

    def complain(self, error: PhoenixError) -> None:
        """Say what is wrong and what to do; also when quiet."""
        for line in render.error_lines(error, colour=self._colour_err):
            self._line(line)

    def fail(self, error: PhoenixError) -> int:
        """End with an error; return its exit status."""
        if self._json:
            self._document({"ok": False, "error": render.error_json(error)})
        self.complain(error)
        return error.status

    def stopped(self, text: str, status: int) -> int:
        """End because somebody asked to, while nothing was being changed; return the exit status."""
        if self._json:
            self._document({"ok": False, "error": {"message": text, "hint": "", "status": status}})
        self.say(text)
        return status

    def expect(self, count: int) -> None:
        """Say how many guests will be worked on."""
        self._expected, self._ended = count, 0

    def event(self, event: Event) -> None:
        """Tell what happens; of a change with several commands, the words for it once."""
        told = isinstance(event, StepStarted) and self._doing.get(event.vmid) == step_words(event.change)
        self._note(event)
        if isinstance(event, Finished):
            if not self._json:
                self._clear()
                self._print(render.finished_line(event), *render.proof_lines(event))
        elif isinstance(event, Failed):
            self.complain(event.error)
        elif not told or self._verbose:
            for line in render.event_lines(event, verbose=self._verbose, colour=self._colour_err):
                self.say(line)
        self._draw()

    def _note(self, event: Event) -> None:
        """Keep what every guest is doing, for the live line."""
        if isinstance(event, Finished | Failed):
            self._ended += 1
            self._doing.pop(event.vmid if isinstance(event, Failed) else event.plan.vmid, None)
        elif isinstance(event, StepStarted):
            self._doing[event.vmid] = step_words(event.change)
        elif isinstance(event, Waiting):
            self._doing[event.vmid] = (
                f"waiting for the {event.for_what} ({event.seconds:.0f} of {event.deadline:.0f} s)"
            )

    def _draw(self) -> None:
        """On a terminal, show the live line at the bottom."""
        if self._live and self._doing:
            doing = " · ".join(f"{i} {what}" for i, what in self._doing.items())
            line = admit(f"[{self._ended}/{self._expected}] {doing}", None)
            self._put(self._err, line[: self._columns() - 1], ERASE)

    def _columns(self) -> int:
        """How wide the terminal is that the live line is on, also when stdout goes elsewhere."""
        with contextlib.suppress(OSError):
            return os.get_terminal_size(self._err.fileno()).columns or NARROWEST
        return NARROWEST

    def _clear(self) -> None:
        if self._live:
            self._put(self._err, "", ERASE)

    def results(self, ends: list[Finished | Failed]) -> None:
        """Close a run over several guests."""
        if self._json:
            good = all(isinstance(end, Finished) for end in ends)
            self._document({"ok": good, "guests": [render.result_json(end) for end in ends]})
        elif len(ends) > 1:
            self._print(render.summary(ends))

    def plans(self, plans: list[Plan]) -> None:
        """Show plans and the commands that would carry them out."""
        if self._json:
            self._document({"ok": not any(p.refusals for p in plans), "plans": [render.plan_json(p) for p in plans]})
            return
        for made in plans:
            self._print(*render.plan_lines(made, colour=self._colour_out))
            commands = list(render.command_lines(made))
            if commands:
                self._print("", *(f"  $ {line}" for line in commands), "")

    def table(self, rows: list[dict[str, Any]]) -> None:
        """Show guests and their status."""
        if self._json:
            self._document({"ok": True, "guests": rows})
        else:
            self._print(*render.table(rows))

    def ssh_config(self, access: Access, goals: list[Target]) -> None:
        """Show how OpenSSH reaches guests."""
        if self._json:
            rows = [{"id": goal.vmid, "name": goal.name, **dict(ssh_config.options(access, goal))} for goal in goals]
            self._document({"ok": True, "guests": rows})
        else:
            self._print("\n".join(ssh_config.block(access, goal) for goal in goals).rstrip("\n"))

    def login(self, goal: Target, line: str) -> None:
        """Show the command that leads into a guest."""
        if self._json:
            self._document({"ok": True, "guests": [{"id": goal.vmid, "name": goal.name, "command": line}]})
        else:
            self._print(line)

    def validated(self, inventory: Inventory) -> None:
        """Say that the configuration is good."""
        kinds = [spec.kind for spec in inventory.guests.values()]
        counts = {kind: kinds.count(kind) for kind in Kind}
        if self._json:
            self._document(
                {
                    "ok": True,
                    "vms": counts[Kind.VM],
                    "containers": counts[Kind.CONTAINER],
                    "notes": inventory.notes(),
                }
            )
            return
        for note in inventory.notes():
            self.say(f"note: {note}")
        vms, containers = (
            f"{n} {word}{'s' * (n != 1)}" for n, word in zip(counts.values(), ("VM", "container"), strict=True)
        )
        self._print(f"{inventory.folder}: valid; {vms}, {containers}")

    def confirm(self, plans: list[Plan]) -> bool:
        """Ask whether to delete, listing the volumes; without a terminal the answer is yes."""
        if not (sys.stdin.isatty() and self._err.isatty()):
            return True
        for made in plans:
            for line in render.plan_lines(made, colour=self._colour_err):
                self._line(line)
        self._put(self._err, "Delete these for good? Type yes: ")
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def _print(self, *lines: str) -> None:
        self._put(self._out, "".join(f"{line}\n" for line in lines))

    def _document(self, document: Mapping[str, Any] | Iterable[Any]) -> None:
        if not self._documented:
            self._put(self._out, json.dumps(admitted(document), indent=2, ensure_ascii=False) + "\n")
        self._documented = True
