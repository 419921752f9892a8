"""The locks of guests on a node elsewhere; see lock_files for what they are.

The program that holds the connection holds them as well: a Perl, which every Proxmox VE has. It ends with the
connection, and its locks with it. It is asked a line at a time on its standard input, and says whether it holds a lock.
"""

from __future__ import annotations

import contextlib
from threading import Lock
from typing import TYPE_CHECKING

from phoenix_pve import ssh_errors
from phoenix_pve.errors import NodeError
from phoenix_pve.lock_files import FOLDER, busy_path, left_over, lock_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# No exclamation mark, which some login shells expand even between single quotes, no single quote and no backslash.
SCRIPT = r"""
use Fcntl qw(:DEFAULT :flock); $| = 1; $/ = chr 10; sub out { print STDOUT $_[0], chr 10 }; my $tab = chr 9; my %held;
sub at { my $h; sysopen($h, $_[0], O_RDWR|O_CREAT|O_NOFOLLOW, 0600) ? $h : undef }
while (<STDIN>) {
  chomp; my ($do, $folder, $path, $busy, $who) = split $tab, $_, 5;
  if ($do eq "release") { delete $held{$path}; next }
  my $dir = ""; for (split m{/}, substr($folder, 1)) { $dir .= "/$_"; mkdir $dir, 0700 unless -d $dir }
  my $h = at($path); unless ($h) { out "error"; next }
  my $before = <$h>; $before = "" unless defined $before; chomp $before;
  unless (flock($h, LOCK_EX|LOCK_NB)) { out "taken$tab$before"; next }
  my $b = at($busy); unless ($b && flock($b, LOCK_EX|LOCK_NB)) { out "busy$tab$before"; next }
  truncate($h, 0); seek($h, 0, 0); syswrite($h, $who); $held{$path} = $h; out "held";
}
"""
# Says MARK when it is there. A host without Perl is no Proxmox VE node, and is told so when a lock is wanted.
HOLD = (
    'exec sh -c \'echo "$0"; command -v perl >/dev/null && exec perl -e "$1"; while read -r x; do echo none; done\''
    f" MARK '{SCRIPT.strip()}'"
).replace("\n", " ")


class SshKeeper:
    """The locks that one run holds on a node; `ask` sends lines to the program there and returns so many answers."""

    def __init__(self, host: str, root: str, ask: Callable[[Sequence[str], int, str], list[str]]) -> None:
        self._host, self._root, self._ask = host, root, ask
        self._held: set[int] = set()
        self._mutex = Lock()

    def holds(self, vmid: int | None) -> bool:
        """Return whether this run holds the guest."""
        return vmid in self._held

    def hold(self, vmids: Sequence[int], who: str) -> str | None:
        """Take guests' locks for `who`, all or none; return nothing, or who else has one. Raises NodeError."""
        with self._mutex:
            wanted = [vmid for vmid in vmids if vmid not in self._held]
            lines = [self._line("hold", vmid, " ".join(who.split())) for vmid in wanted]
            found = dict(zip(wanted, self._ask(lines, len(lines), "lock"), strict=True)) if lines else {}
            refused = [vmid for vmid in found if found[vmid] != "held"]
            if not refused:
                self._held |= found.keys()
                return None
            self._ask([self._line("release", vmid, "") for vmid in found if found[vmid] == "held"], 0, "unlock")
        return self._whose(refused[0], *found[refused[0]].partition("\t")[::2])

    def release(self, vmid: int) -> None:
        """Give a guest's lock back. When the connection is gone, so is the lock."""
        with self._mutex:
            if vmid in self._held:
                self._held.discard(vmid)
                with contextlib.suppress(NodeError):
                    self._ask([self._line("release", vmid, "")], 0, "unlock")

    def _line(self, do: str, vmid: int, who: str) -> str:
        return "\t".join([do, *(self._root + path for path in (FOLDER, lock_path(vmid), busy_path(vmid))), who]) + "\n"

    def _whose(self, vmid: int, word: str, before: str) -> str:
        match word:
            case "taken":
                return before or "another run of phoenix"
            case "busy":
                return left_over(before)
            case "none":
                raise ssh_errors.missing(self._host, "perl")
            case _:
                raise ssh_errors.not_root(self._host, f"guest {vmid} cannot be locked in {FOLDER}")
