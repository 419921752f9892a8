"""Can simulated guests run on this machine? Found out by doing, in a process of its own, all that they need."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import NoReturn

from fake_pve.guests import GuestFailed, launcher, userns

ENTRY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "entry.py")


def why_not() -> str:
    """Why simulated guests cannot run here and what helps, or ""."""
    with tempfile.TemporaryDirectory(prefix="fake-pve-") as folder:
        argv = [sys.executable, "-I", "-S", ENTRY, "probe", folder]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        userns.remove_tree(f"{folder}/disk")
    return "" if done.returncode == 0 else done.stderr.strip() or "simulated guests cannot run here"


def try_all(folder: str) -> int:
    """Namespaces, ids, an overlay of an empty tree, a file system of each kind, a network card; the exit status."""
    os.chdir(folder)
    os.makedirs("tree/proc")
    os.mkdir("tree/sys")
    ids = userns.mapping()
    launcher.make_disk(ids)
    os.chmod("tree", 0o755)  # noqa: S103 - the guest's root may be another user
    lower = launcher.lower_folder(f"{folder}/tree", ids)
    os.chdir("disk")
    middle = userns.fork_into(launcher.NAMESPACES, ids, lambda: _inside(lower))
    if os.waitstatus_to_exitcode(os.waitpid(middle, 0)[1]):
        raise GuestFailed("this machine does not let a guest mount its file systems: " + userns.FORBIDDEN)
    return 0


def _inside(lower: str) -> NoReturn:
    launcher.set_boot_time()
    pid = os.fork()
    if pid:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    userns.never_return(lambda: _mount_all(lower), lambda: os._exit(0))


def _mount_all(lower: str) -> None:
    launcher.mount_root(lower)
    userns.mount("proc", "proc", "proc", userns.MS_NOSUID | userns.MS_NODEV | userns.MS_NOEXEC)
    wire = launcher.Wire()
    wire.add({"name": "eth0", "mac": "bc:24:11:00:00:01", "cidr": "", "gateway": "", "cidr6": "", "gateway6": ""})
    wire.finish()
    userns.mount("sysfs", "sys", "sysfs", userns.MS_RDONLY)
