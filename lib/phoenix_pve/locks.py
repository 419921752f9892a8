"""One run at a time works on a guest; the others wait, and say for whom."""

from __future__ import annotations

import getpass
import os
import platform
import time
from typing import TYPE_CHECKING, Self

from phoenix_pve import interrupts
from phoenix_pve.apply import Blocked
from phoenix_pve.errors import WaitTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType

    from phoenix_pve.guest import GuestSpec
    from phoenix_pve.node import Node

POLL_SECONDS = 0.25
TELL_SECONDS = 30.0
"""How often a wait says again for whom."""


def myself(command: str) -> str:
    """Return how this run introduces itself to others that wait for it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    since = time.strftime("%H:%M:%S")
    return f"`phoenix {command}` (process {os.getpid()} of {user} on {platform.node()}, since {since})"


class Locks:
    """The guests that this run holds on a node, until it is left.

    who       how this run introduces itself
    patience  seconds to wait for another run
    """

    def __init__(
        self,
        node: Node,
        who: str,
        patience: float,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = interrupts.sleep,
    ) -> None:
        self._node, self._who, self._patience = node, who, patience
        self._now, self._sleep = now, sleep
        self._held: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for vmid in list(self._held):
            self.drop(vmid)

    def holds(self, vmid: int) -> bool:
        """Return whether this run holds a guest."""
        return vmid in self._held

    def try_all(self, vmids: Iterable[int]) -> bool:
        """Take all guests or none: whoever holds some while waiting for others could wait for ever."""
        return self._try(sorted(vmids)) is None

    def take(self, spec: GuestSpec) -> Iterator[Blocked]:
        """Wait until the guest is free, and take it; yield who holds it. Raises WaitTimeoutError, StoppedError."""
        started, told = self._now(), float("-inf")
        while who := self._try([spec.vmid]):
            now = self._now()
            if now - started >= self._patience:
                raise WaitTimeoutError(
                    f"{spec.vmid} {spec.name}: held for {self._patience:g} s by {who}",
                    "wait until that is done, or end it; --timeout S waits longer",
                )
            if now - told >= TELL_SECONDS:
                told = now
                yield Blocked(spec.vmid, who)
            self._sleep(min(POLL_SECONDS, self._patience))

    def drop(self, vmid: int) -> None:
        """Let others have a guest."""
        if vmid in self._held:
            self._held.discard(vmid)
            self._node.release(vmid)

    def _try(self, vmids: Sequence[int]) -> str | None:
        wanted = [vmid for vmid in vmids if vmid not in self._held]
        who = self._node.hold(wanted, self._who)
        if who is None:
            self._held |= set(wanted)
        return who
