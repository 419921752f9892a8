"""How a command of the fake ends when it does not succeed.

Exception
└── CommandFailed        message lines for stderr, and the exit status
    ├── ParameterErrors  the `400 Parameter verification failed.` family
    └── NotModelled      the fake does not know how: refused loudly, exit status 70
"""

from __future__ import annotations

NOT_MODELLED_STATUS = 70  # sysexits' EX_SOFTWARE: never a status of the real tools


class CommandFailed(Exception):
    """The command ends with `message` on stderr and exit status `status` (255 is Perl's plain `die`)."""

    def __init__(self, message: str, status: int = 255) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class ParameterErrors(CommandFailed):
    """`400 Parameter verification failed.` and one line a parameter, sorted by name, as the real tools print it."""

    def __init__(self, problems: dict[str, str]) -> None:
        lines = ["400 Parameter verification failed.", *(f"{name}: {problems[name]}" for name in sorted(problems))]
        super().__init__("\n".join(lines))
        self.problems = problems


class NotModelled(CommandFailed):
    """A feature of the real tool that the fake refuses instead of pretending."""

    def __init__(self, what: str) -> None:
        super().__init__(f"fake-pve: {what} is not modelled (see docs/fake-coverage.md)", NOT_MODELLED_STATUS)
