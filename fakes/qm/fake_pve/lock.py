"""Locks: the flock that a call holds while it works on a guest, and the `lock:` that a configuration may carry."""

from __future__ import annotations

import fcntl
import os
import time

from fake_pve.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from fake_pve.conf import Conf
    from fake_pve.node import Node

LOCK_FILE = {"qemu": "/run/lock/qemu-server/lock-{}.conf", "lxc": "/run/lock/lxc/pve-config-{}.lock"}
SHOWN_FILE = {"qemu": "/var/lock/qemu-server/lock-{}.conf", "lxc": "/run/lock/lxc/pve-config-{}.lock"}
LABEL = {"qemu": "VM", "lxc": "CT"}
POLL_S = 0.005


class guest_lock:  # noqa: N801 - used like a function: `with guest_lock(node, "qemu", vmid):`
    """Hold the lock of guest `vmid` while the block runs; may be nested. Fails after `timeout` seconds, as on a node.

    `shared`: several may hold it that only read the configuration, nobody who changes it.

    The wait is for other processes of this machine, so it is real seconds and never shorter than `timeout`, whatever
    the node's time scale: a fast clock must not make parallel calls fail.
    """

    def __init__(self, node: Node, kind: str, vmid: str | int, timeout: float = 10, *, shared: bool = False) -> None:
        self.node = node
        self.mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        self.path = node.root + LOCK_FILE[kind].format(vmid)
        self.shown = node.path(SHOWN_FILE[kind].format(vmid))
        self.timeout = timeout * max(1.0, node.time_scale)
        self.file = -1

    def __enter__(self) -> None:
        if self.path in self.node.locks:  # the outer block of this very call holds it
            return
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        self.file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            self._acquire()
        except BaseException:
            os.close(self.file)
            raise
        self.node.locks.add(self.path)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.file >= 0:
            self.node.locks.discard(self.path)
            os.close(self.file)

    def _acquire(self) -> None:
        if _try(self.file, self.mode):
            return
        deadline = time.monotonic() + self.timeout
        while time.monotonic() < deadline:
            time.sleep(POLL_S)
            if _try(self.file, self.mode):
                self.node.complain("trying to acquire lock... OK")
                return
        self.node.complain("trying to acquire lock...")
        raise CommandFailed(f"can't lock file '{self.shown}' - got timeout")


def _try(file: int, mode: int) -> bool:
    try:
        fcntl.flock(file, mode | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def check_lock(conf: Conf, skiplock: bool = False, kind: str = "qemu") -> None:
    """Refuse to go on when the configuration carries a `lock:`: `VM is locked (backup)`, `CT is locked (…)`."""
    lock = conf.options.get("lock")
    if lock is not None and not skiplock:
        raise CommandFailed(f"{LABEL[kind]} is locked ({lock})")
