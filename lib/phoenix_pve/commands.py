"""Change -> what is done on the node. `steps` is PURE; run_qm_command and run_pct_command are the way to the node."""

from __future__ import annotations

import random
import shlex
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from phoenix_pve import records
from phoenix_pve.complaints import advice, lock_is_busy, reason
from phoenix_pve.errors import CommandFailedError
from phoenix_pve.foreign import quoted
from phoenix_pve.guest import Kind
from phoenix_pve.kinds import FACTS
from phoenix_pve.ownership import MADE_BY
from phoenix_pve.plan import (
    Clone,
    Create,
    Destroy,
    Grow,
    LookAgain,
    Mend,
    Note,
    RefreshCloudInit,
    Remember,
    RemoveSnippet,
    Resume,
    SetOptions,
    SetPassword,
    Shutdown,
    Start,
    Stop,
    Tidy,
    WaitFor,
    WaitForAgent,
    WaitForPower,
    WriteSnippet,
)
from phoenix_pve.readiness import REACHED
from phoenix_pve.values.text import lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from phoenix_pve.node import Completed, Node
    from phoenix_pve.plan import Change

LOCK_DEADLINE = 60.0
"""Seconds to keep trying while another process holds a guest's configuration file."""


@dataclass(frozen=True)
class Run:
    """Run a command on the node; `stdin` is secret. A failure with the words `needless` says all was done before."""

    argv: tuple[str, ...]
    stdin: str = field(default="", repr=False)
    needless: str = ""


@dataclass(frozen=True)
class WriteFile:
    """Write a file on the node that only root may read. The text is secret."""

    path: str
    text: str = field(repr=False)


@dataclass(frozen=True)
class RemoveFile:
    """Remove a file on the node."""

    path: str


@dataclass(frozen=True)
class AwaitAgent:
    """Run `argv` again and again until it succeeds."""

    argv: tuple[str, ...]


@dataclass(frozen=True)
class Await:
    """Wait until the guest has reached a stage after its agent; waiting.py knows how."""

    kind: Kind
    vmid: int
    what: WaitFor


@dataclass(frozen=True)
class AwaitPower:
    """Wait until HA has switched the guest off or on; ha_waiting.py knows how."""

    kind: Kind
    vmid: int
    what: WaitForPower


Step = Run | WriteFile | RemoveFile | AwaitAgent | Await | AwaitPower


def steps(kind: Kind, vmid: int, change: Change) -> tuple[Step, ...]:
    """Return what carries out one change."""
    match change:
        case WriteSnippet() | Note() | Remember():
            text = records.text(change.record) if isinstance(change, Remember) else change.text
            return (WriteFile(change.path, text),)
        case LookAgain():
            return ()
        case Tidy():
            return tuple(RemoveFile(path) for path in change.paths)
        case Mend():
            return tuple(Run(argv) for argv in _mending(FACTS[kind].tool, str(vmid), change))
        case RemoveSnippet():
            return (RemoveFile(change.path),)
        case WaitForAgent():
            return (AwaitAgent(("qm", "agent", str(vmid), "ping")),)
        case WaitFor():
            return (Await(kind, vmid, change),)
        case WaitForPower():
            return (AwaitPower(kind, vmid, change),)
        case SetPassword():
            return (Run(("pct", "exec", str(vmid), "--", "chpasswd", "-e"), f"{change.user}:{change.hash}\n"),)
        case Grow():
            return tuple(_growing(kind, str(vmid), change))
        case Create() if change.keys:
            create = Run((FACTS[kind].tool, *_arguments(kind, str(vmid), change)))
            return (WriteFile(change.keys_path, change.keys), create, RemoveFile(change.keys_path))
        case _:
            return (Run((FACTS[kind].tool, *_arguments(kind, str(vmid), change))),)


def _mending(tool: str, vmid: str, change: Mend) -> Iterator[tuple[str, ...]]:
    if change.source is not None:
        yield (tool, "unlock", str(change.source))
    if change.configuration:
        yield (tool, "unlock", vmid)
        yield (tool, "destroy", vmid, "--purge", "1")
    for volume in change.volumes:
        yield ("pvesm", "free", volume)


def _growing(kind: Kind, vmid: str, change: Grow) -> Iterator[Run]:
    """Yield what grows a disk; what an interrupted run grew is first noted in the configuration (pct-rescan-*)."""
    tool = FACTS[kind].tool
    if change.rescan:
        yield Run((tool, *(["disk"] if kind is Kind.VM else []), "rescan", "--vmid", vmid))
    resize = ["disk", "resize"] if kind is Kind.VM else ["resize"]
    yield Run((tool, *resize, vmid, change.slot, f"{change.gib}G"), needless="disk is already at specified size")


def _options(options: Sequence[tuple[str, str]]) -> list[str]:
    return [word for name, value in options for word in (f"--{name}", value)]


def _arguments(
    kind: Kind,
    vmid: str,
    change: Create | Clone | SetOptions | RefreshCloudInit | Start | Resume | Shutdown | Stop | Destroy,
) -> list[str]:
    match change:
        case Create():
            keys = ["--ssh-public-keys", change.keys_path] if change.keys else []
            return ["create", vmid, *([change.template] if change.template else []), *_options(change.options), *keys]
        case Clone():
            return ["clone", str(change.source), vmid, *_options(_clone_options(kind, change))]
        case SetOptions():
            removed = ["--delete", ",".join(change.removed)] if change.removed else []
            guard = ["--digest", change.digest] if change.digest else []
            return ["set", vmid, *_options(change.options), *removed, *guard]
        case RefreshCloudInit():
            return ["cloudinit", "update", vmid]
        case Start():
            return ["start", vmid]
        case Resume():
            return ["resume", vmid]
        case Stop():
            return ["stop", vmid]
        case Shutdown():
            return ["shutdown", vmid, "--timeout", str(change.timeout), *(["--forceStop", "1"] if change.force else [])]
        case Destroy():
            return ["destroy", vmid, "--purge", "1"]
        case _:
            assert_never(change)


def _clone_options(kind: Kind, change: Clone) -> list[tuple[str, str]]:
    """Return the options of a full clone; its description marks it as phoenix's until the tags are set."""
    name = FACTS[kind].name_option
    return [(name, change.name), ("full", "1"), ("storage", change.storage), ("description", MADE_BY)]


def shell(step: Step) -> str:
    """Return a step as a line that a shell would understand; secrets do not stand in it."""
    match step:
        case Run():
            return " ".join(map(quoted, step.argv)) + (" <<< '***'" if step.stdin else "")
        case WriteFile():
            what = "the rendered user-data" if step.path.endswith("-user.yaml") else "not shown"
            return f"install -D -m 600 /dev/stdin {shlex.quote(step.path)}   # {what}"
        case RemoveFile():
            return f"rm -f {shlex.quote(step.path)}"
        case AwaitAgent():
            return f"until {shlex.join(step.argv)}; do sleep 1; done"
        case Await():
            return f"# wait until {REACHED[step.what.stage]}"
        case AwaitPower():
            status = f"{FACTS[step.kind].tool} status {step.vmid}"
            return f"until {status} | grep -q {step.what.power.value}; do sleep 1; done   # HA was only asked"
        case _:
            assert_never(step)


def run_qm_command(node: Node, arguments: Sequence[str]) -> Completed:
    """Run one `qm` command. On a node opened for a dry run, which can only look, a changing one is refused.

    Raises CommandFailedError.
    """
    return run_command(node, ["qm", *arguments])


def run_pct_command(node: Node, arguments: Sequence[str], stdin: str | None = None) -> Completed:
    """Run one `pct` command, as run_qm_command does for VMs. Raises CommandFailedError."""
    return run_command(node, ["pct", *arguments], stdin)


def run_command(
    node: Node,
    argv: Sequence[str],
    stdin: str | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    patience: float = LOCK_DEADLINE,
    needless: str = "",
    log: str = "",
) -> Completed:
    """Run a changing command; while someone else holds the guest's file or storage, try again, LOCK_DEADLINE seconds.

    A failure with the words `needless` is none. In `log` the node writes when the command begins and ends.
    """
    deadline = clock() + min(LOCK_DEADLINE, patience)
    while True:
        done = node.run(argv, stdin, log=log)
        if done.exit == 0 or (needless and needless in done.stderr + done.stdout):
            return done
        if not lock_is_busy(done) or clock() >= deadline:
            raise _failure(done)
        sleep(random.uniform(0.2, 1.0))  # noqa: S311 - spreads retries, no secret


def warnings(done: Completed) -> list[str]:
    """Return what a command that ended well warns of: what it could not remove, say (`WARN: …`)."""
    said = [line.strip() for text in (done.stdout, done.stderr) for line in lines(text)]
    return list(dict.fromkeys(line for line in said if line.startswith(("WARN:", "WARNING:"))))


def _failure(done: Completed) -> CommandFailedError:
    return CommandFailedError(
        f"`{shlex.join(done.argv[:3])}` failed (exit status {done.exit}): {reason(done)}",
        advice(done),
        died=not 0 <= done.exit <= 255 or 128 < done.exit <= 128 + 64,
    )
