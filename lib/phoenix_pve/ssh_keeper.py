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
from phoenix_pve.lock_files import FOLDER, TOO_MANY, busy_path, left_over, lock_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# No exclamation mark, which some login shells expand even between single quotes, no single quote and no backslash.
SCRIPT = r"""
use Fcntl qw(:DEFAULT :flock); $| = 1; $/ = chr 10; sub out { print STDOUT $_[0], chr 10 }; my $tab = chr 9; my %held;
umask 0077;
sub at { my $h; sysopen($h, $_[0], O_RDWR|O_CREAT|O_NOFOLLOW, 0600) ? $h : undef }
sub failed { my $errno = 0 + ${chr 33}; out($errno == 23 || $errno == 24 ? "full" : "error") }
while (<STDIN>) {
  chomp; my ($do, $folder, $path, $busy, $who) = split $tab, $_, 5;
  if ($do eq "release") { delete $held{$path}; next }
  my $dir = ""; for (split m{/}, substr($folder, 1)) { $dir .= "/$_"; mkdir($dir) && chmod(0755, $dir) unless -d $dir }
  chmod 0700, $folder;
  my $h = at($path); unless ($h) { failed(); next }
  my $before = <$h>; $before = "" unless defined $before; chomp $before;
  unless (flock($h, LOCK_EX|LOCK_NB)) { out "taken$tab$before"; next }
  my $b = at($busy); unless ($b) { failed(); next }
  unless (flock($b, LOCK_EX|LOCK_NB)) { out "busy$tab$before"; next }
  truncate($h, 0); seek($h, 0, 0); syswrite($h, $who); $held{$path} = $h; out "held";
}
"""
# `${chr 33}` is errno, written without the mark. Every lock is an open file, so the program may have as many as it can.
# Says MARK when it is there. A host without Perl is no Proxmox VE node, and is told so when a lock is wanted.
HOLD = (
    'exec sh -c \'echo "$0"; cd /; ulimit -S -n "$(ulimit -H -n)" 2>/dev/null; export LC_ALL=C.UTF-8; '
    'command -v perl >/dev/null && exec perl -e "$1"; while read -r x; do echo none; done\''
    f" MARK '{SCRIPT.strip()}'"
).replace("\n", " ")

TOGETHER = 200
"""So many guests are asked for in one go: the answers to more might not fit between the two programs, which would wait
for each other."""


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
            wanted, taken = [vmid for vmid in vmids if vmid not in self._held], set[int]()
            for some in (wanted[at : at + TOGETHER] for at in range(0, len(wanted), TOGETHER)):
                lines = [self._line("hold", vmid, " ".join(who.split())) for vmid in some]
                found = dict(zip(some, self._ask(lines, len(lines), "lock"), strict=True))
                taken |= {vmid for vmid in found if found[vmid] == "held"}
                if refused := [vmid for vmid in found if vmid not in taken]:
                    self._ask([self._line("release", vmid, "") for vmid in taken], 0, "unlock")
                    word, _, before = found[refused[0]].partition("\t")
                    return TOO_MANY if word == "full" and taken else self._whose(refused[0], word, before)
            self._held |= taken
        return None

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
            case "full":
                raise NodeError(
                    f"{self._host}: guest {vmid} cannot be locked: too many open files",
                    "allow more there: ulimit -n, or LimitNOFILE of its SSH server",
                )
            case _:
                raise ssh_errors.not_root(self._host, f"guest {vmid} cannot be locked in {FOLDER}")
