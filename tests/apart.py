"""Keep apart from a Proxmox VE that this machine may be: nothing that a test starts ever finds one of its real tools.

Three things see to it, because phoenix adds /usr/sbin to PATH by itself:

- Every process gets a PATH of its own making: the fake's tools first, then `ordinary()`, a folder of links to all programs
  of this machine but Proxmox's.
- Where there must be no `qm` at all, `without_tools` runs a command in a mount namespace whose folders of programs lack
  Proxmox's. On a machine that has none to begin with, nothing is to be done, and nothing is.
- What runs inside pytest's own process is watched by `forbid`.

`screaming` is what tests the others: a mount namespace where each folder of programs has tools that write down that they
ran. `python tests/apart.py COMMAND…` runs a command there and ends with 99 if one of them did.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

FAKES = Path(__file__).resolve().parent.parent / "fakes/qm/bin"
OUTER, PLAIN = "TESTS_OUTER_PATH", "TESTS_PLAIN_PATH"
"""Variables with the PATH from which the tests were started, and with the folder of ordinary programs made for them."""

SYSTEM = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
NAMES = ("qm", "pct", "pvesm", "pvesh", "pveversion", "pvecm", "ha-manager")
"""Tools that a test or phoenix might call; those that scream."""

Change = Callable[[Path], object]


def is_proxmox(name: str) -> bool:
    """Return whether a program of this name comes with Proxmox VE."""
    return name in {"qm", "pct", "qmrestore", "qmeventd", "vzdump", "pmxcfs"} or name.startswith(("pve", "ha-manager"))


def outer_folders() -> list[str]:
    """Return every folder in which a program may be looked for: of the outer PATH, and of the system; each once."""
    path = os.environ.get(OUTER) or os.environ.get("PATH", os.defpath)
    named = [os.path.realpath(folder) for folder in [*path.split(os.pathsep), *SYSTEM] if folder]
    ours = {str(FAKES), os.environ.get(PLAIN, "")}
    return [folder for folder in dict.fromkeys(named) if Path(folder).is_dir() and folder not in ours]


def real_tools() -> list[str]:
    """Return the tools of Proxmox that this machine has where a program may be looked for."""
    return [str(Path(folder, name)) for folder in outer_folders() for name in NAMES if Path(folder, name).exists()]


def real(program: str, path: str) -> str:
    """Return where a program is that a PATH leads to, if that is a folder of this machine and not of a test."""
    found = program if "/" in program else shutil.which(program, path=path)
    return found if found and os.path.realpath(Path(found).parent) in outer_folders() else ""


# a PATH of our own making


def ordinary() -> str:
    """Return the folder of ordinary programs. The first process of a run makes it, and removes it at its end."""
    if not os.environ.get(PLAIN):
        folder = Path(tempfile.mkdtemp(prefix="phoenix-programs-"), "bin")
        folder.mkdir()
        atexit.register(shutil.rmtree, folder.parent, ignore_errors=True)
        for place in outer_folders():
            _link(Path(place), folder, Path(place))
        os.environ[PLAIN] = str(folder)
    return os.environ[PLAIN]


def _link(place: Path, folder: Path, found: Path) -> None:
    """Fill a folder with links to the programs of a place, which is or will be `found`; the first of a name stays."""
    for program in place.iterdir():
        link = folder / program.name
        if not is_proxmox(program.name) and not link.is_symlink():
            link.symlink_to(os.path.realpath(program) if program.is_symlink() else found / program.name)


def path(*first: object) -> str:
    """Return a PATH: some folders, then the ordinary programs."""
    return os.pathsep.join([*map(str, first), ordinary()])


def settle() -> None:
    """Give this process and all that it starts such a PATH. Raises RuntimeError where the fakes could be passed over."""
    os.environ.setdefault(OUTER, os.environ.get("PATH", os.defpath))
    os.environ["PATH"] = path()
    if lame := [tool for tool in ("qm", "pct", "pvesm") if not os.access(FAKES / tool, os.X_OK)]:
        raise RuntimeError(f"{FAKES}/{lame[0]} cannot be executed, and a real one would be found in its place")
    forbid()


# inside this process


@cache
def forbid() -> None:
    """Let this process find none of Proxmox's tools in the folders of this machine, as if there was none."""
    sys.addaudithook(lambda event, words: _refuse(words) if event in STARTS else None)


STARTS = {"subprocess.Popen", "os.exec", "os.posix_spawn"}


def _refuse(words: Sequence[object]) -> None:
    """Raise FileNotFoundError for a start of a real tool."""
    program = os.fsdecode(words[0]) if isinstance(words[0], (str, bytes, os.PathLike)) else ""
    if not is_proxmox(Path(program).name):
        return
    environ = next((word for word in reversed(words) if isinstance(word, Mapping)), os.environ)
    path = environ.get("PATH") or environ.get(b"PATH") or os.defpath
    if real(program, os.fsdecode(path)):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)


# mount namespaces


@cache
def why_no_namespaces() -> str:
    """Return why no mount namespace can be made here, or nothing."""
    done = subprocess.run([*_unshare(), "true"], capture_output=True, text=True, check=False)
    return f"no mount namespace can be made here: {done.stderr.strip()}" if done.returncode else ""


def _unshare() -> list[str]:
    return ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]


def _within(folder: Path, places: Iterable[str], change: Change) -> list[str]:
    """Return what runs a command where each place holds links to what it held, and what `change` made of them.

    Links to binds instead of an overlay: that works whatever file system is below, and as often as wanted.
    """
    lines = ["set -e"]
    for n, place in enumerate(places):
        was, now = folder / f"{n}-was", folder / f"{n}-now"
        for made in (was, now):
            made.mkdir()
        _link(Path(place), now, was)
        change(now)
        lines += [shlex.join(["mount", "--bind", place, str(was)]), shlex.join(["mount", "--bind", str(now), place])]
    back = [] if os.geteuid() == 0 else ["unshare", "--user", f"--map-user={os.getuid()}", f"--map-group={os.getgid()}"]
    lines.append(f'exec {shlex.join(back)} "$@"')
    return [*_unshare(), "sh", "-c", "\n".join(lines), "sh"]


def without_tools(argv: Sequence[str]) -> list[str]:
    """Return the command that runs `argv` on a machine without Proxmox's tools: as it is, where this one has none."""
    return [*_hiding(), *argv]


@cache
def _hiding() -> list[str]:
    """Return what stands before a command that is to find none of them."""
    places = list(dict.fromkeys(str(Path(tool).parent) for tool in real_tools()))
    if not places:
        return []
    if reason := why_no_namespaces():
        from needs import lacking  # which needs pytest

        lacking(f"this machine has {real_tools()[0]}, and {reason}")
    folder = Path(tempfile.mkdtemp(dir=Path(ordinary()).parent))  # which goes with the run
    return _within(folder, places, lambda _: None)


@contextlib.contextmanager
def screaming(argv: Sequence[str], log: Path) -> Iterator[list[str]]:
    """Give the command that runs `argv` where Proxmox's tools are in every folder of programs and write into `log`."""

    def plant(folder: Path) -> None:
        for name in NAMES:
            tool = folder / name
            tool.write_text(f'#!/bin/sh\necho "$0 $*" >>{shlex.quote(str(log))}\nexit 99\n')
            tool.chmod(tool.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)

    with tempfile.TemporaryDirectory(prefix="phoenix-screaming-") as folder:
        yield [*_within(Path(folder), outer_folders(), plant), *argv]


def main(argv: Sequence[str]) -> int:
    """Run a command where real tools would scream; return 99 if they did, else its status."""
    with tempfile.TemporaryDirectory(prefix="phoenix-screams-") as folder:
        log = Path(folder) / "screams"
        with screaming(argv, log) as command:
            status = subprocess.run(command, check=False).returncode
        if log.exists():
            print("real tools of Proxmox were run:", log.read_text(), sep="\n", file=sys.stderr)
            return 99
        return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
