"""Wait until a guest is so far: ask cheaply, ever more rarely, up to a deadline of each stage's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from phoenix_pve import address, pve_conf, readiness
from phoenix_pve.errors import GuestError, RefusedError, TooSlowError, WaitTimeoutError
from phoenix_pve.foreign import last_line
from phoenix_pve.guest import Kind
from phoenix_pve.kinds import FACTS, conf_path
from phoenix_pve.node import WHOLE, LocalNode, Questions
from phoenix_pve.readiness import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from phoenix_pve.commands import Await
    from phoenix_pve.node import Completed, Node

FIRST_PAUSE, LONGEST_PAUSE, FACTOR = 0.2, 2.0, 1.5
"""Seconds between two questions: they grow by the factor up to the longest."""

LEAST, MOST = 3.0, 60.0
"""Seconds that a question may take: what is left of its stage's time, and no less than the one, no more than the other.

The tools of a node need a second or two of their own.
"""

SPARE = 2.0
"""Seconds more for a probe that ends by itself in time."""

LATE = {
    Stage.ADDRESS: (
        "its network card had no address",
        "does something on its bridge give addresses by DHCP? `ip` in the configuration states one",
    ),
    Stage.SSH: (
        "no SSH server answered",
        "is openssh-server in its image, and can the node reach the address?",
    ),
    Stage.CLOUD_INIT: (
        "cloud-init was not done",
        "is cloud-init in its image? what it does: phoenix ssh {vmid} -- tail /var/log/cloud-init-output.log",
    ),
}


@dataclass
class _Watch:
    """What is known of the guest while it is waited for; `note` is what to tell although all went well.

    seconds  how long the next question may take
    """

    node: Node
    step: Await
    name: str
    address: str
    note: str = ""
    seconds: float = MOST


def wait(
    node: Node, step: Await, name: str, timeout: float, now: Callable[[], float], sleep: Callable[[float], None]
) -> Iterator[float | str]:
    """Wait until the stage is reached; yield the seconds waited after every question, and in the end maybe a note.

    Raises WaitTimeoutError after `timeout` seconds, and GuestError when waiting longer would be in vain.
    """
    watch, started, pause = _Watch(node, step, name, step.what.address), now(), FIRST_PAUSE
    while reason := _asked(watch, started + timeout - now()):
        waited = now() - started
        if waited >= timeout:
            raise _late(watch, timeout, reason)
        yield waited
        sleep(min(pause, max(0.0, timeout - waited)))
        pause = min(pause * FACTOR, LONGEST_PAUSE)
    if watch.note:
        yield watch.note


def _asked(watch: _Watch, left: float) -> str:
    """Ask once; a question that hangs is asked again while there is time."""
    watch.seconds = question_seconds(left)
    try:
        return PROBES[watch.step.what.stage](watch)
    except TooSlowError:
        return f"the node's question to the guest hung for {watch.seconds:.0f} s"


def question_seconds(left: float) -> float:
    """Return how long a question may take when so many seconds are left to wait."""
    return min(MOST, max(LEAST, left))


def _late(watch: _Watch, timeout: float, reason: str) -> WaitTimeoutError:
    step = watch.step
    what, hint = LATE[step.what.stage]
    return WaitTimeoutError(
        f"{step.vmid} {watch.name}: {what} within {timeout:g} s: {reason}",
        f"the guest is left running, and --timeout S waits longer; {hint.format(vmid=step.vmid)}",
    )


# each returns "" when the stage is reached, else why it is not


def _has_address(watch: _Watch) -> str:
    step = watch.step
    watch.address = watch.address or address_of(watch.node, step.kind, step.vmid, watch.seconds)
    return "" if watch.address else "it has none yet, or only link-local ones"


def _answers(watch: _Watch) -> str:
    """Look for an SSH server the way a login will go."""
    if watch.step.what.proxy:
        done = LocalNode().run(
            readiness.proxy_probe(watch.step.what.proxy, watch.seconds), seconds=watch.seconds + SPARE
        )
        return "" if done.stdout.startswith("SSH-") else said(done, "the proxy command leads to nobody")
    if reason := _has_address(watch):
        return reason
    done = watch.node.run(readiness.port_probe(watch.address, watch.seconds), seconds=watch.seconds + SPARE)
    return "" if done.stdout.startswith("SSH-") else f"{watch.address} port 22 is silent"


def _is_done(watch: _Watch) -> str:
    step = watch.step
    done = watch.node.run(readiness.result_question(step.vmid), seconds=watch.seconds)
    if "has been disabled" in done.stderr or "not been found" in done.stderr:
        raise GuestError(
            f"{step.vmid} {watch.name}: its agent may not run commands, so nobody can ask for cloud-init's result",
            "allow guest-exec in /etc/default/qemu-guest-agent of its image, or wait with --wait=ssh",
        )
    printed = readiness.executed(done.stdout) if done.exit == 0 else None
    if printed is None:
        check_power(step.kind, step.vmid, watch.name, done)
        return said(done, "its agent does not answer")
    found = readiness.cloud_init(printed)
    if found.status == "error":
        raise failed_init(step.vmid, watch.name, found)
    watch.note = noted(step.vmid, watch.name, found)
    return "" if found.ended else f"it is {found.status}" if found.status == "absent" else "it is still at work"


PROBES: dict[Stage, Callable[[_Watch], str]] = {
    Stage.ADDRESS: _has_address,
    Stage.SSH: _answers,
    Stage.CLOUD_INIT: _is_done,
}


def address_of(node: Node, kind: Kind, vmid: int, seconds: float = MOST) -> str:
    """Return the address that a running guest has on its first network card, "" while it has none.

    Raises RefusedError for a guest that does not exist or has no card, GuestError for one that does not run, and
    TooSlowError for one that gives no answer in so many seconds.
    """
    path = conf_path(kind, vmid)
    files = node.look(Questions(files={path: WHOLE})).files
    if path not in files:
        raise absent(kind, vmid)
    mac = address.mac_of(kind, pve_conf.parse(files[path].data).options)
    if not mac:
        raise RefusedError(f"{vmid} has no network card net0", "give it one: phoenix create makes net0")
    done = node.run(address.question(kind, vmid), seconds=seconds)
    if done.exit != 0:
        check_power(kind, vmid, "", done)
    return address.choose(kind, done.stdout, mac) if done.exit == 0 else ""


def absent(kind: Kind, vmid: int) -> RefusedError:
    """Return the error for a guest that the node does not have."""
    return RefusedError(
        f"{FACTS[kind].word} {vmid} does not exist on the node", f"make it with `phoenix create {vmid}`"
    )


def check_power(kind: Kind, vmid: int, name: str, done: Completed) -> None:
    """Raise GuestError when a command failed because the guest does not run."""
    words = {
        Kind.VM: (f"VM {vmid} is not running",),
        Kind.CONTAINER: (f"CT {vmid} not running", f"'{vmid}' not running"),
    }
    if any(text in done.stderr for text in words[kind]):
        raise GuestError(
            f"{vmid}{' ' if name else ''}{name}: it does not run",
            f"start it with `phoenix start {vmid}`; what it said last is on its console",
        )


def check_agent(kind: Kind, vmid: int, name: str, done: Completed) -> None:
    """Raise GuestError when a guest's agent will not answer however long one waits."""
    check_power(kind, vmid, name, done)
    if "No QEMU guest agent configured" in done.stderr:
        raise GuestError(
            f"{vmid} {name}: the VM has no guest agent configured, so nobody can tell when it is ready",
            f"`qm set {vmid} --agent enabled=1` and restart it, or wait for less: --wait=none",
        )


def said(done: Completed, otherwise: str) -> str:
    """Return the last line that a command said."""
    return last_line(done.stderr, otherwise)


def failed_init(vmid: int, name: str, found: readiness.CloudInit) -> GuestError:
    """Return the error for a guest whose cloud-init ended with errors."""
    return GuestError(
        f"{vmid} {name}: cloud-init ended with errors: {'; '.join(found.notes[:3])}",
        f"the guest is left running; see more: phoenix ssh {vmid} -- sudo less /var/log/cloud-init-output.log",
    )


def noted(vmid: int, name: str, found: readiness.CloudInit) -> str:
    """Return what to tell of a cloud-init that ended without errors, "" if all is well."""
    details = f": {'; '.join(found.notes[:3])}" if found.notes else ""
    return f"note: {vmid} {name}: cloud-init is {found.status}{details}" if found.status != "done" else ""
