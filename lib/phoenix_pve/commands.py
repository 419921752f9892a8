"""Change -> what is done on the node. `steps` is PURE; run_qm_command and run_pct_command are the way to the node."""

from __future__ import annotations

import random
import shlex
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from phoenix_pve.errors import CommandFailedError
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
        case WriteSnippet() | Note():
            return (WriteFile(change.path, change.text),)
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
            guard = ["--digest", change.digest] if change.digest else []
            return ["set", vmid, *_options(change.options), *guard]
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
            return shlex.join(step.argv) + (" <<< '***'" if step.stdin else "")
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
) -> Completed:
    """Run a changing command; while someone else holds the guest's file, try again: at most LOCK_DEADLINE seconds.

    A failure with the words `needless` is none.
    """
    deadline = clock() + min(LOCK_DEADLINE, patience)
    while True:
        done = node.run(argv, stdin)
        if done.exit == 0 or (needless and needless in done.stderr):
            return done
        if not _file_is_locked(done) or clock() >= deadline:
            raise _failure(done)
        sleep(random.uniform(0.2, 1.0))  # noqa: S311 - spreads retries, no secret


def _file_is_locked(done: Completed) -> bool:
    """Return whether Proxmox gave up waiting for the lock of a configuration file."""
    return "can't lock file" in done.stderr and "got timeout" in done.stderr


def _failure(done: Completed) -> CommandFailedError:
    said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    telling = [line for line in said if not line.startswith("400 Parameter") and not line.endswith("[OPTIONS]")]
    reason = "; ".join(telling[:4]) or "it said nothing"
    return CommandFailedError(
        f"`{shlex.join(done.argv[:3])}` failed (exit status {done.exit}): {reason[:500]}", _advice(reason, done.argv[0])
    )


def _advice(reason: str, tool: str) -> str:
    if "VM is locked" in reason or "CT is locked" in reason:
        return f"wait until what holds it is done; a stale lock goes with `{tool} unlock <ID>`"
    if "got timeout" in reason and "lock" in reason:
        return "another process works on this guest; run the same command again when it is done"
    if "by other user" in reason:
        return "someone changed the guest meanwhile, and nothing of that was overwritten; run the same command again"
    if "already at specified size" in reason:
        return (
            "the configuration names another size than the volume has; mend that with `pct rescan`, then run it again"
        )
    if "powerdown failed" in reason:
        return "the guest does not react; wait longer, or stop it at once with `phoenix stop <ID> --force`"
    if "No space left" in reason or "storage full" in reason.lower():
        return "make room on the storage, then run the same command again: it goes on from here"
    return "mend the cause, then run the same command again: it goes on from what is there"
