"""The locks of guests on a node elsewhere; see lock_files for what they are.

One Perl on the node, which every Proxmox VE has, holds them for a whole run: it ends with the connection, and its locks
with it. It is asked a line at a time on its standard input and answers with one.
"""

from __future__ import annotations

from threading import Lock
from typing import IO, TYPE_CHECKING, Protocol

from phoenix_pve.errors import NodeError
from phoenix_pve.lock_files import FOLDER, busy_path, left_over, lock_path

if TYPE_CHECKING:
    from collections.abc import Callable

# No exclamation mark, which some login shells expand even between single quotes, no single quote and no backslash.
SCRIPT = r"""
use Fcntl qw(:DEFAULT :flock); $| = 1; $/ = chr 10; sub out { print STDOUT $_[0], chr 10 }; my $tab = chr 9; my %held;
sub at { my $h; sysopen($h, $_[0], O_RDWR|O_CREAT|O_NOFOLLOW, 0600) ? $h : undef }
while (<STDIN>) {
  chomp; my ($do, $folder, $path, $busy, $who) = split $tab, $_, 5;
  if ($do eq "release") { delete $held{$path}; out "done"; next }
  my $dir = ""; for (split m{/}, substr($folder, 1)) { $dir .= "/$_"; mkdir $dir, 0700 unless -d $dir }
  my $h = at($path); unless ($h) { out "error"; next }
  my $before = <$h>; $before = "" unless defined $before; chomp $before;
  unless (flock($h, LOCK_EX|LOCK_NB)) { out "taken$tab$before"; next }
  my $b = at($busy); unless ($b && flock($b, LOCK_EX|LOCK_NB)) { out "busy$tab$before"; next }
  truncate($h, 0); seek($h, 0, 0); syswrite($h, $who); $held{$path} = $h; out "held";
}
"""
COMMAND = "exec perl -e '" + SCRIPT.strip().replace("\n", " ") + "'"


class Process(Protocol):
    """What is needed of the process that leads to the node."""

    stdin: IO[bytes] | None
    stdout: IO[bytes] | None


class SshKeeper:
    """The locks that one run holds on a node; `start` begins COMMAND there when the first lock is wanted."""

    def __init__(self, host: str, root: str, start: Callable[[], Process]) -> None:
        self._host, self._root, self._start = host, root, start
        self._process: Process | None = None
        self._held: set[int] = set()
        self._mutex = Lock()

    def holds(self, vmid: int | None) -> bool:
        """Return whether this run holds the guest."""
        return vmid in self._held

    def hold(self, vmid: int, who: str) -> str | None:
        """Take a guest's lock for `who`; return nothing, or who else has it. Raises NodeError."""
        with self._mutex:
            if vmid in self._held:
                return None
            word, _, before = self._asked("hold", vmid, " ".join(who.split())).partition("\t")
        match word:
            case "held":
                self._held.add(vmid)
                return None
            case "taken":
                return before or "another run of phoenix"
            case "busy":
                return left_over(before)
            case _:
                raise NodeError(
                    f"{self._host}: guest {vmid} cannot be locked in {FOLDER}",
                    "log in as root; does `perl -v` work there?",
                )

    def release(self, vmid: int) -> None:
        """Give a guest's lock back."""
        with self._mutex:
            if vmid in self._held:
                self._held.discard(vmid)
                self._asked("release", vmid, "")

    def _asked(self, do: str, vmid: int, who: str) -> str:
        """Send one line, return the one that comes back; nothing when the connection is gone."""
        self._process = self._process or self._start()
        assert self._process.stdin
        assert self._process.stdout
        words = [do, *(self._root + path for path in (FOLDER, lock_path(vmid), busy_path(vmid))), who]
        try:
            self._process.stdin.write("\t".join(words).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            return ""
        return self._process.stdout.readline().decode("utf-8", "replace").rstrip("\n")
