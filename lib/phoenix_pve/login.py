"""Into a guest: where it is, the ssh that leads there, the host keys that are remembered, and the proof of a login."""

from __future__ import annotations

import os
import pwd
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from phoenix_pve import address, folders, readiness, ssh_config, ssh_errors, waiting
from phoenix_pve.apply import Planned, StepDone, StepStarted
from phoenix_pve.errors import GuestError, NodeError, TooSlowError, UsageError, WaitTimeoutError
from phoenix_pve.foreign import admit, last_line
from phoenix_pve.instance import RENEWING
from phoenix_pve.kinds import conf_path
from phoenix_pve.node import LocalNode, Questions
from phoenix_pve.plan import Clone, Create, Destroy, Shutdown, Start, Stop
from phoenix_pve.readiness import Proof, Wait
from phoenix_pve.ssh_connection import SINCE_8_7

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from phoenix_pve.apply import Event
    from phoenix_pve.guest import GuestSpec
    from phoenix_pve.node import Completed, Node
    from phoenix_pve.ssh_config import Access, Target

PROOF_SCRIPT = f"hostname; uname -r; {readiness.RESULT_SCRIPT}"
SHORTEST_LOGIN = 10.0
"""Seconds that a login may take at least: an ssh that jumps, and a guest that has just come up."""

DUE = "# phoenix: the guest's next start gives it other keys\n"
"""Stands in a file of host keys from a change that makes cloud-init take the guest for another one until its boot."""


def wait_of(words: Mapping[str, Any]) -> tuple[Wait, bool]:
    """Return what the command line says about waiting, and whether it says anything. Raises UsageError."""
    text = words["--wait"]
    if words["--no-wait"]:
        if text not in {None, Wait.NONE.value}:
            raise UsageError(f"--no-wait contradicts --wait={text}", "give one of them")
        return Wait.NONE, True
    if text is None:
        return (Wait.CLOUD_INIT, True) if words["--verify"] else (Wait.AGENT, False)
    if text not in set(Wait):
        raise UsageError(f"--wait takes {', '.join(Wait)}; not `{text[:80]}`", "for example: --wait=cloud-init")
    return Wait(text), True


def target(node: Node, spec: GuestSpec, access: Access, seconds: float = waiting.MOST) -> Target:
    """Return where to log into a guest, which may be asked for so long.

    Raises RefusedError for one that is absent, GuestError without an address.
    """
    stated = address.stated(spec)
    if stated or access.proxy:
        path = conf_path(spec.kind, spec.vmid)
        if path not in node.look(Questions(files={path: 1})).files:
            raise waiting.absent(node, spec.kind, spec.vmid, spec)
        return ssh_config.target(spec, stated)
    return ssh_config.target(spec, _address(node, spec, seconds))


def _address(node: Node, spec: GuestSpec, seconds: float) -> str:
    longest = waiting.question_seconds(seconds)
    try:
        found = address.stated(spec) or waiting.address_of(node, spec.kind, spec.vmid, longest, spec)
    except TooSlowError as error:
        raise GuestError(f"{spec.vmid} {spec.name}: nobody can tell its address: {error.message}", error.hint) from None
    if not found:
        raise GuestError(
            f"{spec.vmid} {spec.name}: it has no address yet, or its agent does not answer",
            f"wait for it: phoenix create {spec.vmid} --wait=ssh; or state `ip` in the configuration",
        )
    return found


def with_home(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with a home to keep things in: that of the passwd database where $HOME names none.

    A relative $XDG_STATE_HOME does not count, as the XDG Base Directory Specification wants it.
    """
    kept = {name: value for name, value in environ.items() if name != "XDG_STATE_HOME" or value.startswith("/")}
    home = kept.get("HOME", "")
    if home.startswith("/") and home.strip("/"):
        return kept
    try:
        home = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:  # a user without an entry, as in containers
        home = "/"
    return {**kept, "HOME": home.rstrip("/")}


def prepare(access: Access) -> None:
    """Make the folder in which ssh remembers host keys. Raises NodeError."""
    try:
        folders.make(Path(access.known_hosts), folders.PRIVATE)
    except OSError as error:
        raise _unusable(access, f"cannot be made: {error.strerror}") from None


def check_state(access: Access) -> None:
    """Find out before anything is made whether host keys can be remembered and forgotten. Raises NodeError."""
    prepare(access)
    if not os.access(access.known_hosts, os.R_OK | os.W_OK | os.X_OK):
        raise _unusable(access, "cannot be written")
    with os.scandir(access.known_hosts) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                raise NodeError(
                    f"{entry.path} is a folder, not a file with host keys", f"remove it: rm -r {entry.path}"
                )


def _unusable(access: Access, what: str) -> NodeError:
    return NodeError(f"{access.known_hosts} {what}", "let $XDG_STATE_HOME name a folder of yours")


def become(argv: Sequence[str]) -> NoReturn:
    """Become the ssh command, which then has the terminal and the exit status. Raises NodeError."""
    try:
        os.execvp(argv[0], list(argv))  # noqa: S606 - it takes the place of this process
    except OSError:
        raise NodeError(f"there is no `{argv[0]}` here", "install it: apt-get install openssh-client") from None


def forgetting(access: Access, events: Iterable[Event]) -> Iterator[Event]:
    """Hand the events of one guest on, and forget its host key when it gets others.

    That is when it is made or destroyed, and at the boot after a change that makes cloud-init take it for another one
    (plan.renewing): at once for one that is down, and when phoenix stops or starts it for one that runs, which keeps
    its key until then. Raises NodeError when the key cannot be forgotten.
    """
    plan = None
    for event in events:
        match event:
            case Planned():
                plan = event.plan
            case StepStarted(change=Start()) | StepDone(change=Stop() | Shutdown()):
                if _is_due(access, event.vmid) or (plan and RENEWING & {*plan.waiting}):
                    _forget(access, event.vmid)
            case StepStarted() if plan and event.change in plan.renewing:
                _remember(access, event.vmid)
            case StepDone(change=Create() | Clone() | Destroy()):
                _forget(access, event.vmid)
            case StepDone() if plan and event.change in plan.renewing and not plan.running:
                _forget(access, event.vmid)
        yield event


def _forget(access: Access, vmid: int) -> None:
    """Forget the host key of a guest. Raises NodeError."""
    file = Path(ssh_config.known_hosts_file(access, vmid))
    try:
        file.unlink(missing_ok=True)
    except NotADirectoryError:
        return  # where no folder can be, no key is remembered
    except OSError as error:
        raise NodeError(f"{file} cannot be removed: {error.strerror}", f"remove it: rm -r {file}") from None


def _remember(access: Access, vmid: int) -> None:
    """Note that the key goes at the guest's next start; where no note can be kept, forget it now."""
    file = Path(ssh_config.known_hosts_file(access, vmid))
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not _is_due(access, vmid):
            with file.open("a", encoding="utf-8") as text:
                text.write(DUE)
    except OSError:
        _forget(access, vmid)


def _is_due(access: Access, vmid: int) -> bool:
    try:
        return DUE.encode() in Path(ssh_config.known_hosts_file(access, vmid)).read_bytes()
    except OSError:
        return False


def prove(node: Node, spec: GuestSpec, access: Access, seconds: float = SHORTEST_LOGIN) -> Proof:
    """Log in with the user's own key and look around. Raises GuestError when that fails or shows something wrong.

    Raises WaitTimeoutError for a login that hangs for longer than `seconds`, or SHORTEST_LOGIN if that is more.
    """
    longest = max(seconds, SHORTEST_LOGIN)
    goal = target(node, spec, access, longest)
    prepare(access)
    try:
        done = _logged_in(ssh_config.command(access, goal, [PROOF_SCRIPT], batch=True), longest)
    except TooSlowError:
        raise WaitTimeoutError(
            f"{spec.vmid} {spec.name}: the login did not end within {longest:g} s",
            f"the guest is left running; does this work? phoenix ssh {spec.vmid} -- hostname",
        ) from None
    if done.exit != 0:
        raise refused(spec, goal, ssh_config.known_hosts_file(access, spec.vmid), done.stderr)
    made = _proof(spec, goal, done.stdout)
    return made if made.address else replace(made, address=_address(node, spec, longest))


def _proof(spec: GuestSpec, goal: Target, printed: str) -> Proof:
    """Return what a login showed. Raises GuestError when it is another guest, or one whose cloud-init failed."""
    hostname, kernel, rest = (*printed.split("\n", 2), "", "")[:3]
    found = readiness.cloud_init(rest)
    if found.status == "error":
        raise waiting.failed_init(spec.vmid, spec.name, found)
    if hostname not in {spec.name, spec.name.partition(".")[0]}:
        raise GuestError(
            f"{spec.vmid} {spec.name}: its hostname is `{admit(hostname, 80)}`",
            f"`phoenix restart {spec.vmid}` lets cloud-init set it; is someone else at its address?",
        )
    told = "; ".join([found.status, *found.notes[:3]])
    return Proof(goal.user, hostname, admit(kernel, 80), goal.address, told)


def _logged_in(argv: Sequence[str], seconds: float) -> Completed:
    """Return how a login ended; what an OpenSSH before 8.7 does not know is left out there."""
    newer = [word for option in SINCE_8_7.values() for word in ("-o", option)]
    done = LocalNode().run([argv[0], *newer, *argv[1:]], seconds=seconds)
    return LocalNode().run(argv, seconds=seconds) if ssh_errors.unknown_option(done.stderr) else done


# what ssh says, what is wrong, and what to do
CAUSES = (
    (
        "HOST IDENTIFICATION HAS CHANGED",
        "it shows another host key than at the first contact",
        "was it installed anew? then: rm {file}; otherwise something else answers in its place",
    ),
    (
        "Permission denied",
        "{user} is not let in with any of your keys",
        "is the private half of one in `ssh_authorized_keys` loaded? see: ssh-add -l",
    ),
)


def refused(spec: GuestSpec, goal: Target, file: str, stderr: str) -> GuestError:
    """Return the error for a login that failed, from what ssh said."""
    told = {"file": file, "user": goal.user or "your user"}
    for words, message, hint in CAUSES:
        if words in stderr:
            return GuestError(f"{spec.vmid} {spec.name}: {message.format(**told)}", hint.format(**told))
    last = last_line(stderr, "ssh said nothing")
    return GuestError(f"{spec.vmid} {spec.name}: no login: {last}", f"does this work? phoenix ssh {spec.vmid}")
