#!/usr/bin/env python3
"""phoenix: a few lines of JSON become running Proxmox guests.

Usage:
  phoenix [options] (create | plan | delete) (--all | <ID>...)
  phoenix [options] (start | stop | restart | status) (--all | <ID>...)
  phoenix [options] adopt <ID>...
  phoenix [options] ssh <ID> [--] [<COMMAND>...]
  phoenix [options] ssh-config (--all | <ID>...)
  phoenix [options] list
  phoenix [options] validate
  phoenix [options] <ID>
  phoenix (-h | --help)
  phoenix --version

Commands:
  create     Make guests exist, configured as written, running; `phoenix <ID>`
             is short for it. A second run changes nothing; after an edit it
             applies the difference. What a guest depends on comes up first.
  plan       Show what create would change, and with which commands.
  delete     Stop and destroy guests that phoenix made, with their disks.
  start, stop, restart
             Power; stop asks the guest to shut down, with --force it pulls the
             plug.
  status     Show the status of guests; list shows that of all.
  adopt      Take over an existing guest: mark it as phoenix's, then do as
             create does.
  ssh        Log into a running guest, or run a command there:
             phoenix ssh 8001 -- uname -a
  ssh-config Print a block for ~/.ssh/config by which ssh and its friends find
             guests.
  validate   Check the configuration files.

Options:
  -n --dry-run   Print the plan and the exact commands, and change nothing.
  --config DIR   Folder of the configuration files; else $PHOENIX_CONFIG_DIR,
                 else config/ beside phoenix.py.
  --host HOST    Work on the node HOST over SSH; else on $PHOENIX_HOST, else on
                 this machine.
  --json         Print one JSON document on stdout.
  -v --verbose   Show every command; of a fleet also what is unchanged.
  -q --quiet     Show only results and errors.
  --color WHEN   Colours: auto, always or never (auto without).
  --all          All guests that the configuration defines.
  --jobs N       Work on at most so many guests at the same time (4 without).
  --restart      Restart a running guest when changes wait for it.
  --wait STAGE   How far a started guest must be: agent, ssh, cloud-init or
                 none (agent without).
  --no-wait      The same as --wait=none.
  --timeout S    Wait at most so many seconds for each stage of a guest (300
                 without).
  --call-timeout S  End a command on the node that takes longer, here one that
                 copies disks (14400 without); others have at most 600 seconds,
                 those that only look 60.
  --verify       With create: log in at the end with your key, and say what was
                 seen.
  --force        Touch guests that phoenix did not make; stop without asking
                 the guest.
  --yes          Delete without asking; without a terminal it must be given.
  --exit-code    With plan: end with status 10 when something would change.
  -h --help      Show this text; so does `phoenix help`.
  --version      Show the version; so does `phoenix version`.

Exit status:
  0 done   1 bug   2 command line   3 configuration   4 unknown ID   5 refused
  6 command on the node failed   7 timeout   8 node unusable
  9 read-back differs   10 plan --exit-code: changes pending
  11 guest not well: cloud-init failed, no login, or it stopped
  130 Ctrl-C   143 SIGTERM
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).resolve().parent
CHECKOUT = (HERE / "lib" / "phoenix_pve").is_dir()


def run() -> NoReturn:
    """Be the program: do what the command line says, and end with its exit status."""
    gc.disable()  # a run is over before collecting would pay
    # With `trap '' CHLD` in the shell before, every command would seem to succeed.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        status = main()
    except KeyboardInterrupt:
        status = 130  # before it has begun, or when it is done
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # which was told, and is in the status, when it was to be written
            stream.flush()
    os._exit(status)  # taking everything apart first would be a seventh of a short run


def main() -> int:
    """Parse the command line and hand it on; return the exit status."""
    _open_what_is_closed()
    if sys.argv[1:] in (["-h"], ["--help"]) and __doc__:
        return _told(__doc__.strip())
    _become_the_right_python()
    if CHECKOUT:
        _use_checkout()
    from phoenix_pve import __version__, command_line

    return carry_out(command_line.parse(__doc__, sys.argv[1:], __version__), os.environ, HERE)


def carry_out(words: dict[str, Any] | str | int, environ: Mapping[str, str], here: Path) -> int:
    """Do what command_line.parse found: run a command, tell a text, or just end; return the exit status."""
    match words:
        case str():
            return _told(words)
        case int():
            return words
    from phoenix_pve import app  # which mistakes and help need not wait for

    return app.run(words, environ, here)


def _told(text: str) -> int:
    """Print what was asked for; return the exit status. That its reader has left, as `| head` does, is no error."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        return 0
    except OSError as error:
        print(
            f"error: not everything could be written: {error.strerror}\n  hint: mend that and run it again",
            file=sys.stderr,
        )
        return 1
    return 0


def _open_what_is_closed() -> None:
    """Put /dev/null where a standard stream is closed (`>&-`): no lock and no file may come to stand there."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, number)
            if null != number:
                os.close(null)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))


def _become_the_right_python() -> None:
    """Be the Python that `make setup` made, where there is one, and speak UTF-8 to files and tools in every locale.

    Otherwise a letter that an 8-bit locale lacks could stand in no path and in no argument of a command.
    """
    environment = HERE / ".venv"
    python = environment / "bin" / "python"
    there = CHECKOUT and os.path.exists(python)  # noqa: PTH110 - never raises
    elsewhere = there and Path(sys.prefix).resolve() != environment.resolve()
    foreign = sys.getfilesystemencoding() != "utf-8"
    stripped = __doc__ is None  # by PYTHONOPTIMIZE=2; it says which words the command line has
    if stripped:
        os.environ.pop("PYTHONOPTIMIZE", None)
    if elsewhere or ((foreign or stripped) and sys.executable):
        chosen = [str(python) if elsewhere else sys.executable, *(["-X", "utf8"] if foreign else [])]
        os.execv(chosen[0], [*chosen, str(Path(__file__).resolve()), *sys.argv[1:]])  # noqa: S606 - becomes itself
    if "utf8" in sys._xoptions and "PYTHONIOENCODING" not in os.environ:
        _heed_the_terminal()


def _heed_the_terminal() -> None:
    """Write to the terminal in its own encoding, where that is neither UTF-8 nor a part of it."""
    import codecs
    import locale

    with contextlib.suppress(LookupError):
        name = codecs.lookup(locale.getencoding()).name
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            if name not in {"utf-8", "ascii"} and isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(encoding=name, errors="backslashreplace")


def _use_checkout() -> None:
    """Run from this checkout, with its lib/."""
    sys.path.insert(0, str(HERE / "lib"))
    try:
        import docopt  # noqa: F401 - any of the packages would do
    except ImportError:
        sys.exit(f"error: phoenix is not set up yet\n  hint: run once: make -C {HERE} setup")


if __name__ == "__main__":
    run()
