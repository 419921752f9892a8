"""What the user sees: results on stdout, the story on stderr, one JSON document with --json.

Whatever is written goes through render.clean or foreign.admitted last, so that no text of a guest's or a node's reaches
a terminal or a reader with anything in it that does more than show.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from phoenix_pve import fleet_words, local_process, render, ssh_config, terminal
from phoenix_pve.apply import Failed, Finished, Planned, StepStarted, Waiting
from phoenix_pve.errors import PhoenixError, RefusedError
from phoenix_pve.foreign import admit, admitted
from phoenix_pve.guest import Kind
from phoenix_pve.step_words import is_internal, percent, step_words
from phoenix_pve.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from phoenix_pve.apply import Event
    from phoenix_pve.inventory import Inventory
    from phoenix_pve.plan import Plan
    from phoenix_pve.ssh_config import Access, Target


ERASE = "\r\x1b[K"
"""Takes the live line away."""

COLOURS = ("auto", "always", "never")
"""What --color takes; `auto` heeds $NO_COLOR, $FORCE_COLOR, and whether the stream is a terminal that has colours."""

QUESTION = "Delete these for good? Type yes: "

TICK_SECONDS = 1.0
"""How often the live line is drawn anew while nothing happens."""


def is_coloured(stream: TextIO, environ: Mapping[str, str], wish: str) -> bool:
    """Return whether colours go to a stream."""
    if wish != "auto":
        return wish == "always"
    if environ.get("NO_COLOR"):  # no-color.org
        return False
    return environ.get("FORCE_COLOR", "0") not in {"", "0"} or (stream.isatty() and environ.get("TERM") != "dumb")


@dataclass(frozen=True)
class Doing:
    """What a guest is at, since when (time.monotonic), by which command; `wait` is what a wait says of itself."""

    words: str
    since: float
    line: str = ""
    wait: str = ""

    def text(self, now: float) -> str:
        """Return it for the live line, with the seconds that it takes, and how far it is when that is known."""
        if self.wait:
            return self.wait
        far = percent(local_process.latest(shlex.split(self.line, comments=True))) if self.line else ""
        seconds = int(now - self.since)
        return " ".join([self.words, *([far] if far else []), *([f"({seconds} s)"] if seconds else [])])


class Screen:
    """Two streams and how much to write on them. Threads may use it."""

    def __init__(
        self,
        out: TextIO,
        err: TextIO,
        environ: Mapping[str, str],
        *,
        json: bool,
        quiet: bool,
        verbose: bool,
        colour: str = "auto",
    ) -> None:
        self._out, self._err = out, err
        self._json, self._quiet, self._verbose = json, quiet, verbose
        self._colour_out, self._colour_err = is_coloured(out, environ, colour), is_coloured(err, environ, colour)
        self._colour_asking = colour == "always" or (
            colour == "auto" and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        )
        self._live = err.isatty() and not quiet and environ.get("TERM") != "dumb"
        self._names: Mapping[int, str] = {}
        self._fleet = False
        self._doing: dict[int, Doing] = {}
        self._expected = self._ended = 0
        self._lost = ""
        self._documented = False
        self._lock = threading.RLock()

    def about(self, names: Mapping[int, str], *, fleet: bool) -> None:
        """Say which guests this is about, by ID; of a fleet, which is several that were asked for, less is told."""
        self._names, self._fleet = names, fleet

    def say(self, *lines: str) -> None:
        """Tell a part of the story."""
        if lines and not self._quiet:
            self._line(*lines)

    def _line(self, *lines: str) -> None:
        with self._lock:
            self._put(self._err, self._fitted(self._err, lines), ERASE if self._live else "")

    @staticmethod
    def _fitted(stream: TextIO, lines: Iterable[str], hang: int | None = None) -> str:
        """Return lines as a text in which none is longer than the terminal is wide; elsewhere each is one line."""
        if stream.isatty():
            width = terminal.width(stream)
            lines = (piece for line in lines for piece in wrapped(line, width, hang))
        return "".join(f"{line}\n" for line in lines)

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
            self._line(f"error: not everything could be written: {self._lost}", "  hint: mend that and run it again")
        return status or int(bool(self._lost))

    def complain(self, error: PhoenixError) -> None:
        """Say what is wrong and what to do; also when quiet."""
        self._line(*render.error_lines(error, colour=self._colour_err))

    def _complain_of(self, vmid: int, name: str, error: PhoenixError) -> None:
        """Say what is wrong with a guest."""
        text = fleet_words.all_named(error.message, vmid, name, several=len(self._names) > 1)
        self.complain(PhoenixError(text, error.hint))

    def refusals(self, plans: Iterable[Plan]) -> None:
        """Say what stands against plans, and what to do about it."""
        for made in plans:
            for refusal in made.refusals:
                self._complain_of(made.vmid, made.name, RefusedError(refusal.message, refusal.hint))

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

    @contextmanager
    def working(self) -> Iterator[None]:
        """Keep the live line up to date while guests are worked on."""
        over = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(over,), daemon=True)
        if self._live:
            ticker.start()
        try:
            yield
        finally:
            over.set()
            self._clear()

    def _tick(self, over: threading.Event) -> None:
        while not over.wait(TICK_SECONDS):
            with self._lock:
                if not over.is_set():
                    self._draw()

    def event(self, event: Event) -> None:
        """Tell what happens; of a change with several commands, the words for it once."""
        with self._lock:
            known = isinstance(event, StepStarted) and self._is_at(event)
            self._note(event)
            if isinstance(event, Finished):
                self._finished(event)
            elif isinstance(event, Failed):
                self._complain_of(event.vmid, event.name, event.error)
            elif self._verbose or not known:
                self.say(*self._story(event))
            self._draw()

    def _finished(self, event: Finished) -> None:
        waits = bool(event.waiting or event.proof)
        folded = fleet_words.is_told_by_the_sum(event.plan.goal, alters=event.plan.alters, waits=waits)
        if not self._json and (self._verbose or not (self._fleet and folded)):
            self._clear()
            self._print(render.finished_line(event), *render.proof_lines(event))

    def _story(self, event: Event) -> Iterator[str]:
        """Yield the lines for an event: of a fleet a plan is one, and the steps are for the live line."""
        brief = self._fleet and not self._verbose
        if brief and isinstance(event, Planned):
            if event.plan.alters or event.plan.waiting:
                yield fleet_words.plan_line(event.plan)
            yield from (f"note: {note}" for note in event.plan.notes)
        elif not (brief and self._live and isinstance(event, StepStarted)):
            vmid = event.plan.vmid if isinstance(event, Planned | Finished) else event.vmid
            whom = f"{vmid} {self._names[vmid]}" if vmid in self._names else str(vmid)
            yield from render.event_lines(event, whom, verbose=self._verbose, colour=self._colour_err)

    def _is_at(self, event: StepStarted) -> bool:
        return event.vmid in self._doing and self._doing[event.vmid].words == step_words(event.change)

    def _note(self, event: Event) -> None:
        """Keep what every guest is doing, for the live line."""
        if isinstance(event, Finished | Failed):
            self._ended += 1
            self._doing.pop(event.vmid if isinstance(event, Failed) else event.plan.vmid, None)
        elif isinstance(event, StepStarted) and (self._verbose or not is_internal(event.change)):
            since = self._doing[event.vmid].since if self._is_at(event) else time.monotonic()
            self._doing[event.vmid] = Doing(step_words(event.change), since, event.line)
        elif isinstance(event, Waiting):
            words = f"waiting for the {event.for_what}"
            wait = f"{words} ({event.seconds:.0f} of {event.deadline:.0f} s)"
            self._doing[event.vmid] = Doing(words, time.monotonic(), wait=wait)

    def _draw(self) -> None:
        """On a terminal, show the live line at the bottom."""
        if self._live and self._doing:
            now = time.monotonic()
            doing = [(vmid, self._names.get(vmid, ""), at.text(now)) for vmid, at in self._doing.items()]
            line = fleet_words.live_line(self._ended, self._expected, doing, terminal.width(self._err))
            self._put(self._err, admit(line, None), ERASE)

    def _clear(self) -> None:
        if self._live:
            with self._lock:
                self._put(self._err, "", ERASE)

    def results(self, ends: list[Finished | Failed]) -> None:
        """Close a run over several guests: who failed, and the sum."""
        if self._json:
            good = all(isinstance(end, Finished) for end in ends)
            self._document({"ok": good, "guests": [render.result_json(end) for end in ends]})
        elif len(ends) > 1:
            self._print(*fleet_words.failed_lines(ends), fleet_words.sum_of_ends(ends))

    def plans(self, plans: list[Plan]) -> None:
        """Show plans and the commands that would carry them out; of a fleet what changes, and the sum."""
        if self._json:
            self._document({"ok": not any(p.refusals for p in plans), "plans": [render.plan_json(p) for p in plans]})
            return
        brief = self._fleet and not self._verbose
        for made in plans:
            waits = bool(made.waiting or made.refusals or made.notes)
            if brief and fleet_words.is_told_by_the_sum(made.goal, alters=made.alters, waits=waits):
                continue
            self._print(*render.plan_lines(made, colour=self._colour_out, reasons=len(plans) > 1))
            commands = [] if brief else list(render.command_lines(made))
            if commands:
                self._print("", *(f"  $ {line}" for line in commands), "")
        if len(plans) > 1:
            self._print(fleet_words.sum_of_plans(plans))

    def table(self, rows: list[dict[str, Any]]) -> None:
        """Show guests and their status."""
        if self._json:
            self._document({"ok": True, "guests": rows})
        else:
            lines, notes = render.table(rows)
            self._put(self._out, self._fitted(self._out, lines, notes))

    def ssh_config(self, access: Access, goals: list[Target]) -> None:
        """Show how OpenSSH reaches guests."""
        if self._json:
            rows = [{"id": goal.vmid, "name": goal.name, **dict(ssh_config.options(access, goal))} for goal in goals]
            self._document({"ok": True, "guests": rows})
        else:
            self._put(self._out, "\n".join(ssh_config.block(access, goal) for goal in goals).rstrip("\n") + "\n")

    def login(self, goal: Target, line: str) -> None:
        """Show the command that leads into a guest."""
        if self._json:
            self._document({"ok": True, "guests": [{"id": goal.vmid, "name": goal.name, "command": line}]})
        else:
            self._put(self._out, f"{line}\n")

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
        """Ask on the terminal whether to delete, listing what goes; only `yes` will do.

        Raises RefusedError without a terminal.
        """
        with terminal.opened() as there:
            if there is None:
                guests = f"{plans[0].vmid} {plans[0].name}" if len(plans) == 1 else f"{len(plans)} guests"
                raise RefusedError(
                    f"nothing was deleted: there is no terminal to ask on whether {guests} may go", "add --yes"
                )
            lines = [line for made in plans for line in render.plan_lines(made, colour=self._colour_asking)]
            width = terminal.width(there.writes)
            text = "".join(f"{piece}\n" for line in lines for piece in wrapped(line, width)) + QUESTION
            return self._is_yes(there, text)

    def _is_yes(self, there: terminal.Terminal, text: str) -> bool:
        """Return whether the answer is `yes`; whatever else ends the question ends its line, too."""
        encoding, line = self._err.encoding or "utf-8", b""
        try:
            there.say(text.encode(encoding, "backslashreplace"))
            line = there.answer()
        except OSError:  # the terminal is gone
            return False
        finally:
            if not line.endswith(b"\n"):
                with contextlib.suppress(OSError):
                    there.say(b"\n")
        return line == b"yes\n"

    def _print(self, *lines: str) -> None:
        self._put(self._out, self._fitted(self._out, lines))

    def _document(self, document: Mapping[str, Any] | Iterable[Any]) -> None:
        if not self._documented:
            self._put(self._out, json.dumps(admitted(document), indent=2, ensure_ascii=False) + "\n")
        self._documented = True
