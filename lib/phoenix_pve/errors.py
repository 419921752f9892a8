"""What phoenix says when it cannot go on, and the exit status that goes with it.

    PhoenixError                  1  a bug of phoenix, or something nobody thought of
    ├── UsageError                2  the command line
    ├── ConfigError               3  a configuration file; carries every problem found, not only the first
    ├── UndefinedGuestError       4  an ID that no configuration file defines
    ├── RefusedError              5  phoenix will not do it: foreign, locked, protected, would lose data
    ├── CommandFailedError        6  qm, pct or pvesm failed on the node, or did not end (TooSlowError)
    ├── WaitTimeoutError          7  the guest did not get ready in time; it is left as it is
    ├── NodeError                 8  the node cannot be worked with: no qm on it, not reachable, not root
    ├── NotConvergedError         9  everything was applied, yet the read-back still differs
    └── GuestError               11  the guest is there, yet not well: cloud-init failed, nobody can log in, it stopped

`plan --exit-code` ends with 10 (PENDING_CHANGES) when something would change.
"""

from __future__ import annotations

import errno

from phoenix_pve.foreign import admit

PENDING_CHANGES = 10
INTERRUPTED = 130
TERMINATED = 143


class PhoenixError(Exception):
    """One line that says what is wrong and where, one that says what to do, and the exit status.

    Whatever the message quotes, there is nothing in it that a terminal would obey.
    """

    status = 1

    def __init__(self, message: str, hint: str = "") -> None:
        self.message, self.hint = (admit(text, None, lines=True) for text in (message, hint))
        super().__init__(self.message)


class UsageError(PhoenixError):
    """The command line cannot be understood."""

    status = 2


class ConfigError(PhoenixError):
    """A configuration file cannot be used; `problems` has one line for each thing to mend."""

    status = 3

    def __init__(self, problems: list[str], hint: str = "") -> None:
        super().__init__("\n".join(problems), hint)
        self.problems = problems


class UndefinedGuestError(PhoenixError):
    """The ID stands in no configuration file."""

    status = 4


class RefusedError(PhoenixError):
    """Doing it would touch what is not ours, or lose something."""

    status = 5


class CommandFailedError(PhoenixError):
    """A command on the node failed; `died` says that it did not end by itself, so that it may have stopped anywhere."""

    status = 6

    def __init__(self, message: str, hint: str = "", *, died: bool = False) -> None:
        super().__init__(message, hint)
        self.died = died


class TooSlowError(CommandFailedError):
    """A command did not end before its deadline; what it would have said is not known."""


class WaitTimeoutError(PhoenixError):
    """A guest did not reach a stage before its deadline."""

    status = 7


class NodeError(PhoenixError):
    """The node itself cannot be worked with."""

    status = 8


def of_file(what: str, error: OSError) -> NodeError:
    """Return the error for a file of this machine: what cannot be done with it, and why."""
    denied = error.errno in {errno.EACCES, errno.EPERM}
    hint = "phoenix must run as root on the node" if denied else "mend that, then run the same command again"
    return NodeError(f"{what}: {error.strerror}", hint)


class ContradictionError(NodeError):
    """A tool and the configuration files disagree about which guests there are, as while one is being made."""


class NotConvergedError(PhoenixError):
    """The node does not show what was applied."""

    status = 9


class GuestError(PhoenixError):
    """The guest is there, yet not as it should be; it is left as it is."""

    status = 11


class StoppedError(PhoenixError):
    """Somebody asked to stop; `who` is Ctrl-C or SIGTERM."""

    def __init__(self, who: str, status: int, message: str = "") -> None:
        super().__init__(message or f"stopped by {who}", "run the same command again: it goes on from what is there")
        self.who = who
        self.status = status
