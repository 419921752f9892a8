"""A run of the features as evidence: steps, times and node calls of each scenario; a real node claimed and released.

Everything is kept on the reports that pytest hands around, so that it works with several processes as well.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from features import real_target, report
from features.settings import SettingsError
from features.target import is_behind_ssh
from phoenix_pve.errors import PhoenixError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from _pytest.terminal import TerminalReporter
    from pytest_bdd.parser import Feature, Step

    from features.target import FakeTarget

RECORD = pytest.StashKey[dict[str, Any]]()
FAILED = pytest.StashKey[bool]()
GUEST: list[str] = []
"""The system in a guest, as soon as one has told it."""


def configure(config: pytest.Config) -> None:
    """Take part in this run, and claim the node if it is a real one."""
    if config.pluginmanager.has_plugin("acceptance"):
        return
    host = os.environ.get("ACCEPTANCE_HOST", "")
    config.pluginmanager.register(Recorder(), "acceptance")
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(Worker(config), "acceptance-worker")
        return
    config.pluginmanager.register(Summary(host), "acceptance-summary")
    if host:
        _claim(host)


def _claim(host: str) -> None:
    try:
        real_target.claim(host)
    except (SettingsError, PhoenixError) as error:
        pytest.exit(told(error), returncode=2)


def told(error: SettingsError | PhoenixError) -> str:
    return f"{error}\n  hint: {error.hint}" if isinstance(error, PhoenixError) else str(error)


def finish(item: pytest.Item, target: FakeTarget) -> None:
    """Keep what the target knows, then end it; with KEEP=failed a failed scenario's guests stay, and the run ends."""
    record = item.stash.get(RECORD, {})
    record["calls"] = target.node_calls()
    record["node"] = target.version() if wanted() else ""
    record["guest"] = _guest(target) if wanted() else ""
    if (
        isinstance(target, real_target.RealTarget)
        and os.environ.get("KEEP") == "failed"
        and item.stash.get(FAILED, False)
    ):
        target.keep = True
        item.session.shouldstop = "KEEP=failed: the guests of the failed scenario are still there"
    target.close()


def _guest(target: FakeTarget) -> str:
    """Ask until one has answered; a guest's system does not change within a run."""
    if not GUEST and (told := target.guest_version()):
        GUEST.append(told)
    return GUEST[0] if GUEST else ""


def feature_of(item: pytest.Item) -> str:
    """Return the name of the file of the scenario that runs: `create` of create.feature."""
    return str(item.stash[RECORD]["file"])


def wanted() -> Path | None:
    """Return the folder for the report."""
    folder = os.environ.get("ACCEPTANCE_REPORT")
    return Path(folder) if folder else None


def _title(item: pytest.Item) -> str:
    """Return the scenario as the feature file calls it: pytest-bdd says `FILE: NAME` of its function."""
    name = (
        (getattr(item.obj, "__doc__", None) or item.name).partition(": ")[2]
        if isinstance(item, pytest.Function)
        else ""
    )
    example = item.name.partition("[")[2].removesuffix("]")
    return (name or item.name) + (f" [{example}]" if example and name else "")


class Recorder:
    """Keep what happens in each scenario, where it runs."""

    def pytest_bdd_before_scenario(self, request: pytest.FixtureRequest, feature: Feature) -> None:
        """A scenario begins."""
        item = request.node
        item.stash[RECORD] = {
            "feature": feature.name,
            "file": Path(feature.filename).stem,
            "about": feature.description.strip(),
            "scenario": _title(item),
            "steps": [],
        }

    def pytest_bdd_before_step(self, request: pytest.FixtureRequest, step: Step) -> None:
        """A step begins."""
        steps = request.node.stash[RECORD]["steps"]
        steps.append({"keyword": step.keyword, "name": step.name, "began": time.time(), "seconds": 0.0, "ok": False})

    def pytest_bdd_after_step(self, request: pytest.FixtureRequest) -> None:
        """It ended well."""
        self._ended(request, ok=True)

    def pytest_bdd_step_error(self, request: pytest.FixtureRequest) -> None:
        """It did not."""
        self._ended(request, ok=False)

    def _ended(self, request: pytest.FixtureRequest, *, ok: bool) -> None:
        step = request.node.stash[RECORD]["steps"][-1]
        step.update(seconds=time.time() - step["began"], ok=ok)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the record on the report of the last phase."""
        made = yield
        item.stash[FAILED] = item.stash.get(FAILED, False) or made.failed
        if made.when == "teardown" and RECORD in item.stash:
            record = item.stash[RECORD]
            made.__dict__["acceptance"] = {**record, "ok": not item.stash[FAILED]}
        if made.skipped and isinstance(made.longrepr, tuple):
            made.__dict__["left_out"] = (_title(item), made.longrepr[2].removeprefix("Skipped: "))
        return made


def _reason(made: pytest.TestReport) -> str:
    """Return why it failed: what the assertion says, without the way there through pytest."""
    crash = getattr(made.longrepr, "reprcrash", None)
    return str(crash.message if crash else made.longreprtext)[:8000]


def _why_not(item: pytest.Item) -> str:
    if mark := item.get_closest_marker("skip"):
        return str(mark.kwargs["reason"])
    slow = item.get_closest_marker("slow")
    return "takes long; continuous integration runs it" if slow else "not chosen on the command line"


class Worker:
    """One of several processes that run the tests: it tells the first one what the command line leaves out."""

    def __init__(self, config: pytest.Config) -> None:
        self.output: dict[str, Any] = config.__dict__["workeroutput"]

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Tell it."""
        self.output.setdefault("not_chosen", []).extend((_title(item), _why_not(item)) for item in items)


class Summary:
    """Where the reports come together: count, name what was left out, write the page."""

    def __init__(self, host: str) -> None:
        self.host, self.began = host, time.time()
        self.records: list[dict[str, Any]] = []
        self.skipped: list[tuple[str, str]] = []
        self.not_chosen: list[tuple[str, str]] = []
        self.errors: dict[str, str] = {}
        self.not_run = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count what is to run."""
        self.not_run = len(session.items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect."""
        self.not_run -= report.when == "teardown"
        if report.failed:
            self.errors.setdefault(report.nodeid, _reason(report))
        if record := getattr(report, "acceptance", None):
            self.records.append({**record, "error": self.errors.get(report.nodeid, "")})
        if left_out := getattr(report, "left_out", None):
            self.skipped.append(tuple(left_out))

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Name what the command line leaves out, too."""
        self.not_chosen += [(_title(item), _why_not(item)) for item in items]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Hear it from a process that ran tests; all of them say the same."""
        told = getattr(node, "workeroutput", {}).get("not_chosen", self.not_chosen)  # one that crashed says nothing
        self.not_chosen = [tuple(one) for one in told]

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        """Say what ran and what did not."""
        if self.host or wanted():
            for line in self.lines():
                terminalreporter.write_line(line)

    def lines(self) -> Iterator[str]:
        """Yield the summary, and write the report on the way."""
        place = self.host or ("the fake node behind SSH" if is_behind_ssh("") else "the fake node")
        good = sum(record["ok"] for record in self.records)
        left_out = [*self.skipped, *self.not_chosen]
        yield f"{len(self.records)} scenarios ran on {place}, {good} passed, {len(left_out)} left out"
        if self.not_run > 0:
            yield f"  {self.not_run} more did not run, since this one was stopped"
        yield from (f"  left out: {name}: {why}" for name, why in left_out)
        if folder := wanted():
            folder.mkdir(parents=True, exist_ok=True)
            page = folder / "report.html"
            page.write_text(report.page(place, self.began, self.records, left_out), encoding="utf-8")
            yield f"report: {page}"
        if self.host:
            yield from self._release()

    def _release(self) -> Iterator[str]:
        try:
            left = real_target.release(self.host)
        except (SettingsError, PhoenixError) as error:
            yield told(error)
            return
        if left:
            yield f"still there: {', '.join(map(str, left))}; remove with: make acceptance-clean HOST={self.host}"


def main(argv: list[str]) -> int:
    """Remove leftovers: python -m features.acceptance HOST."""
    if len(argv) != 1 or not argv[0]:
        print("usage: make acceptance-clean HOST=pve1", file=sys.stderr)
        return 2
    try:
        for line in real_target.clean(argv[0]):
            print(line)
        real_target.connection(argv[0]).close()
    except (SettingsError, PhoenixError) as error:
        print(f"error: {told(error)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
