"""A small event loop for a guest's first process: tasks are generators that yield what they wait for.

asyncio does the same and would cost every guest as much memory as its sshd.
"""

from __future__ import annotations

import heapq
import os
import select
import signal
import time

TYPE_CHECKING = False  # typing costs each guest memory
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any

    Task = Generator["Child | Sleep", Any, Any]

READ, WRITE = select.POLLIN, select.POLLOUT


class Child:
    """Wait for the end of a process: `yield Child(pid)` gives its exit status, negative for a signal."""

    __slots__ = ("pid",)

    def __init__(self, pid: int) -> None:
        self.pid = pid


class Sleep:
    """Wait: `yield Sleep(0.5)`."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Loop:
    """Files, children and time."""

    def __init__(self) -> None:
        self.poll = select.poll()
        self.files: dict[int, Callable[[int], None]] = {}
        self.children: dict[int, Task] = {}
        self.expected: set[int] = set()  # children that a task will wait for; all others are orphans of the guest
        self.ended: dict[int, int] = {}
        self.timers: list[tuple[float, int, Task]] = []
        self.count = 0
        self.signals_read, self.signals_write = os.pipe()
        for fd in (self.signals_read, self.signals_write):
            os.set_blocking(fd, False)
        self.watch(self.signals_read, READ, self._signalled)
        self.on_signal: Callable[[int], None] = lambda _: None

    def catch(self, *signals: int) -> None:
        """Hand these signals to `on_signal`; ends of children are always seen."""
        signal.set_wakeup_fd(self.signals_write, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, *signals):
            signal.signal(number, lambda *_: None)

    def watch(self, fd: int, events: int, callback: Callable[[int], None]) -> None:
        """Call back with the events of a file, replacing what was watched for it."""
        self.files[fd] = callback
        self.poll.register(fd, events)

    def forget(self, fd: int) -> None:
        """Stop watching a file."""
        if self.files.pop(fd, None):
            self.poll.unregister(fd)

    def start(self, task: Task) -> None:
        """Run a task until it first waits."""
        self.step(task, None)

    def step(self, task: Task, value: Any) -> None:
        """Give a task what it waited for."""
        try:
            wish = task.send(value)
        except StopIteration:
            return
        if isinstance(wish, Child):
            if wish.pid in self.ended:
                self.expected.discard(wish.pid)
                self.step(task, self.ended.pop(wish.pid))
            else:
                self.children[wish.pid] = task
        else:
            self.count += 1
            heapq.heappush(self.timers, (time.monotonic() + wish.seconds, self.count, task))

    def _signalled(self, _: int) -> None:
        for number in os.read(self.signals_read, 512):
            if number == signal.SIGCHLD:
                self.reap()
            else:
                self.on_signal(number)

    def reap(self) -> None:
        """Collect every child that ended, also those that were left to us."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            code = os.waitstatus_to_exitcode(status)
            task = self.children.pop(pid, None)
            if task is not None:
                self.expected.discard(pid)
                self.step(task, code)
            elif pid in self.expected:
                self.ended[pid] = code

    def turn(self) -> None:
        """Wait for the next event and serve it."""
        wait = None if not self.timers else max(0.0, self.timers[0][0] - time.monotonic())
        for fd, events in self.poll.poll(None if wait is None else wait * 1000 + 1):
            callback = self.files.get(fd)
            if callback is not None:
                callback(events)
        now = time.monotonic()
        while self.timers and self.timers[0][0] <= now:
            self.step(heapq.heappop(self.timers)[2], None)
