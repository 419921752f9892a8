"""The node that a call of the fake works on: its root folder, its name, its clock and its dice."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KIND_FOLDER = {"qemu": "qemu-server", "lxc": "lxc"}
SHARED_CACHE = "/var/cache/fake-pve"


GUESTS = ("none", "recorded", "simulated", "virtual")


def misuse(environ: Mapping[str, str]) -> str:
    """Why no node can be made of these variables, "" if one can."""
    root = environ.get("FAKE_PVE_ROOT")
    if not root:
        return "FAKE_PVE_ROOT is not set: it must name the folder that stands for the node's /"
    if not os.path.isdir(root):
        return f"FAKE_PVE_ROOT names no folder: {root}"
    if os.path.samefile(root, "/"):
        return "FAKE_PVE_ROOT is /, but this machine is no node to play with"
    guest = environ.get("FAKE_PVE_GUEST") or "none"
    if guest not in GUESTS:
        return f"FAKE_PVE_GUEST is {guest!r}, not one of {', '.join(GUESTS)}"
    scale = environ.get("FAKE_PVE_TIME_SCALE") or "1"
    try:
        fits = 0 <= float(scale) < float("inf")
    except ValueError:
        fits = False
    return "" if fits else f"FAKE_PVE_TIME_SCALE is {scale!r}, not a number from 0"


def speaks_utf8(environ: Mapping[str, str]) -> bool:
    """Whether the locale of these variables encodes letters as UTF-8; without any it is POSIX, which has none."""
    if environ is os.environ:
        environ = _environ_at_start()
    named = next((text for name in ("LC_ALL", "LC_CTYPE", "LANG") if (text := environ.get(name))), "")
    return named.lower().partition("@")[0].replace("-", "").endswith(".utf8")


def _environ_at_start() -> dict[str, str]:
    """What this process was started with: Python itself sets LC_CTYPE in a POSIX locale (PEP 538)."""
    try:
        with open("/proc/self/environ", encoding="utf-8", errors="surrogateescape") as file:
            words = file.read().split("\0")
    except OSError:
        return dict(os.environ)
    return dict(word.partition("=")[::2] for word in words)


def _ignore(line: str) -> None:
    """What happens to complaints until somebody listens."""


def cache(environ: Mapping[str, str]) -> str:
    """The folder into which this user builds what guests are made of."""
    if environ.get("FAKE_PVE_CACHE"):
        return os.path.abspath(environ["FAKE_PVE_CACHE"])
    if environ.get("XDG_CACHE_HOME"):
        return f"{environ['XDG_CACHE_HOME']}/fake-pve"
    if os.geteuid() == 0:
        return SHARED_CACHE
    return f"{environ.get('HOME') or os.path.expanduser('~')}/.cache/fake-pve"


def proof(environ: Mapping[str, str]) -> str:
    """The file that is there while `make guest-image` has found that simulated guests run here for this user."""
    return f"{cache(environ)}/simulated-guests-run"


def default_guest(environ: Mapping[str, str]) -> str:
    """What stands behind a guest where nobody says: one file is looked for, because every call asks."""
    return "simulated" if os.path.exists(proof(environ)) else "none"


class Node:
    """Where state lives and how the world outside behaves.

    root        absolute path of the folder that stands for `/` of the node (no trailing slash)
    name        the node's name, `pve1`
    guest       what stands behind a started guest: "none" obeys at once, "recorded" is the recordings' stand-in,
                "simulated" and "virtual" can be entered
    time_scale  what takes n seconds on a node takes n times this
    seed        None, or the text that makes clock, MAC addresses and UUIDs repeatable
    locks       the lock files that this call holds (see lock.py)
    full_storages  storages that a fault says have no room left; copy_seconds: how long a fault lets copying a disk take
    complain    where a stderr line goes that no subcommand says itself, such as a bad line of a .conf: a Call sets it
    complained  what `complain_once` said
    """

    __slots__ = (
        "complain", "complained", "copy_seconds", "environ", "full_storages", "guest", "locks", "name", "root", "seed",
        "time_scale",
    )  # fmt: skip

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.root = os.path.realpath(environ["FAKE_PVE_ROOT"])
        self.name = environ.get("FAKE_PVE_NODE") or "pve1"
        self.guest = environ.get("FAKE_PVE_GUEST") or default_guest(environ)
        self.time_scale = float(environ.get("FAKE_PVE_TIME_SCALE") or 1)
        self.seed = environ.get("FAKE_PVE_SEED")
        self.locks: set[str] = set()
        self.full_storages: set[str] = set()
        self.copy_seconds = 0.0
        self.complain: Callable[[str], None] = _ignore
        self.complained: set[str] = set()

    def path(self, inside: str) -> str:
        """The file here that stands for the node's absolute path `inside`, which may carry the root already."""
        return inside if inside == self.root or inside.startswith(self.root + "/") else self.root + inside

    def conf_path(self, kind: str, vmid: str | int) -> str:
        """The configuration file of guest `vmid`; `kind` is "qemu" or "lxc"."""
        return f"{self.root}/etc/pve/nodes/{self.name}/{KIND_FOLDER[kind]}/{vmid}.conf"

    def has_member(self, name: str) -> bool:
        """Whether the cluster has a node `name`, this one included."""
        return os.path.isdir(f"{self.root}/etc/pve/nodes/{name}")

    def complain_once(self, line: str) -> None:
        """Complain of what a call sees several times."""
        if line not in self.complained:
            self.complained.add(line)
            self.complain(line)

    def sleep(self, seconds: float) -> None:
        """Wait for what takes `seconds` on a real node."""
        if seconds * self.time_scale > 0:
            time.sleep(seconds * self.time_scale)
