"""What is asked of a node elsewhere, as one shell script, and its answer, taken apart again. PURE.

The script travels on the standard input of `BOOT`, so that neither machine shows a word of it in its list of processes
and no limit on arguments applies. It is one `{ … }`: cut short by a lost connection it is a syntax error and does
nothing.

Every part of the answer stands behind a line `MARK kind …`, in standard output and standard error alike. MARK is a
random word that nothing on the node can know, so that whatever a login shell or a tool says cannot be taken for it.
"""

from __future__ import annotations

import posixpath
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from phoenix_pve import folders
from phoenix_pve.node import WHOLE, Completed, File, temporary_of
from phoenix_pve.notes import FOLDER as NOTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from phoenix_pve.node import Questions

BOOT = "exec sh -c 'eval \"$(cat)\"'"
"""The command for the login shell of the node, whichever that is: read all of a script, then run it."""

LATE = frozenset({124, 137})
"""How timeout(1) ends when it had to end a command."""

PRELUDE = r"""{
export LC_ALL=C.UTF-8 LANG=C.UTF-8
unset LANGUAGE
umask 022
cd /
case ":$PATH:" in ::|*:/usr/bin:*|*:/bin:*) PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin ;; esac
mark() { printf '\n%s %s\n' "$phoenix_mark" "$*"; }
both() { mark "$@"; mark "$@" >&2; }
run() {
  if command -v "$1" >/dev/null; then both run; "$@"; both exit "$?"; else both missing; fi
}
bounded() {
  most=$1 span=$2; shift 2
  if command -v "$1" >/dev/null; then
    both run
    {
      code=$(
        { { { timeout -k 1 "$span" "$@" 3>&- 4>&- 5>&- 6>&-; echo "$?" >&3; } 2>&4 | head -c "$most" >&5; } 4>&1 |
          head -c "$most" >&6; } 3>&1
      )
    } 5>&1 6>&2
    both exit "$code"
  else both missing; fi
}
read_files() {
  limit=$1
  shift
  for each in "$@"; do
    if [ ! -f "$each" ]; then
      if [ -e "$each" ]; then mark odd; printf %s "$each"; fi
    elif [ ! -r "$each" ]; then mark denied; printf %s "$each"
    else
      mark path; printf %s "$each"
      if [ "$limit" = all ]; then mark file; head -c 16777216 <"$each"
      else mark file "$(wc -c <"$each")"; head -c "$limit" <"$each"
      fi
      mark read "$?"
    fi
  done
}
read_folder() { read_files all "$1"/* "$1"/.[!.]*; }
mounted() {
  for each in "$@"; do
    if ! command -v mountpoint >/dev/null || mountpoint -q -- "$each" 2>/dev/null
    then mark mounted; printf %s "$each"
    fi
  done
}
read_times() { mark times; find "$@" -maxdepth 1 -printf '%T@ %p\0' 2>/dev/null; }
write_file() (
  set -e
  umask 022
  mkdir -p -- "$1"
  [ -z "$5" ] || chmod -- "$5" "$1"
  rm -f -- "$2"
  trap 'rm -f -- "$2"' EXIT
  trap 'exit 1' HUP INT TERM PIPE
  umask 077
  set -C
  printf %s "$4" >"$2"
  sync -- "$2"
  mv -fT -- "$2" "$3"
)
"""
"""As local_process does for a command here: UTF-8, the folders of the tools on PATH, modes that no umask changes, in /.
16777216 is node.WHOLE."""

TOGETHER = 200
"""So many paths are one command of the script, and so many commands one block: a shell walks a list of commands by
recursion (dash dies of 105,000), and does not nest deeper than that here."""

PATHS = 1000
"""How many paths go to one find(1): far below what an argument list holds."""


@dataclass(frozen=True)
class Section:
    """A part of an answer: the words behind the mark, and the bytes up to the next mark."""

    words: tuple[str, ...]
    data: bytes


@dataclass(frozen=True)
class Reply:
    """An answer in its parts; `whole` is False when the end is missing, `noise` is what stands before all marks."""

    out: tuple[Section, ...]
    err: tuple[Section, ...]
    whole: bool
    noise: str


def script(mark: str, lines: Iterable[str]) -> bytes:
    """Return the script that does `lines` and says so at the end."""
    text = "\n".join([f"{PRELUDE}phoenix_mark={mark}", *_nested(list(lines)), "mark end", "}", ""])
    return text.encode("utf-8", "surrogateescape")


def _nested(lines: list[str]) -> list[str]:
    """Return the lines as blocks of blocks, none with more than TOGETHER commands."""
    while len(lines) > TOGETHER:
        lines = ["\n".join(["{", *some, "}"]) for some in _batches(lines)]
    return lines


def _batches(items: Sequence[str]) -> Iterator[Sequence[str]]:
    return (items[at : at + TOGETHER] for at in range(0, len(items), TOGETHER))


def words(argv: Sequence[str]) -> str:
    """Return words as a shell reads them back. Raises ValueError for a NUL, which no argument can hold."""
    if any("\0" in word for word in argv):
        raise ValueError("an argument cannot hold a NUL")
    return " ".join(map(shlex.quote, argv))


def run_line(argv: Sequence[str], stdin: str | None = None, bounds: tuple[int, float] | None = None) -> str:
    """Return the line that runs a command; printf is part of the shell, so that no process shows `stdin`.

    bounds  the most bytes of either stream and the seconds after which it is ended, with status LATE
    """
    run = "run" if bounds is None else f"bounded {bounds[0]} {bounds[1]:.1f}"
    return f"printf %s {words([stdin])} | {run} {words(argv)}" if stdin else f"{run} {words(argv)} </dev/null"


def write_line(path: str, text: str) -> str:
    """Return the line that writes a file of mode 0600 in one step; it ends as a command does."""
    folder = posixpath.dirname(path)
    mode = f"{folders.PRIVATE:o}" if folder.endswith(NOTES) else ""
    return f"run write_file {words([folder, temporary_of(path), path, text, mode])} </dev/null"


def look_lines(questions: Questions, root: str) -> Iterator[str]:
    """Yield the lines that find something out; `root` stands before every path."""
    for argv in questions.commands:
        yield run_line(argv)
    limits = {"all" if limit >= WHOLE else str(limit) for limit in questions.files.values()}
    for wanted in sorted(limits):
        paths = [root + p for p, n in questions.files.items() if wanted == ("all" if n >= WHOLE else str(n))]
        yield from (f"read_files {wanted} {words(some)}" for some in _batches(paths))
    for folder in questions.folders:
        yield f"read_folder {words([root + folder])}"
    for start in range(0, len(questions.times), PATHS):
        yield f"read_times {words([root + path for path in questions.times[start : start + PATHS]])}"
    if questions.mounts:
        yield f"mounted {words([root + path for path in questions.mounts])}"
    for pattern in questions.patterns:
        fitting = "*".join(words([part]) for part in pattern.split("*"))
        yield f"read_files all {words([root])}{fitting}"


def reply(mark: str, out: bytes, err: bytes) -> Reply:
    """Take an answer apart."""
    before, sections = _sections(mark, out)
    noise, errors = _sections(mark, err)
    whole = bool(sections) and sections[-1].words == ("end",)
    return Reply(sections, errors, whole, noise or before)


def _sections(mark: str, stream: bytes) -> tuple[str, tuple[Section, ...]]:
    """Return what stands before the first mark, and the parts behind the marks."""
    before, *parts = stream.split(f"\n{mark} ".encode())
    pairs = [part.partition(b"\n") for part in parts]
    found = tuple(Section(tuple(head.decode("ascii", "replace").split()), data) for head, _, data in pairs)
    return before.decode("utf-8", "replace"), found


def commands_in(reply: Reply, argvs: Sequence[Sequence[str]]) -> tuple[Completed, ...]:
    """Return how the commands ended, of a whole reply without a missing one."""
    outs, errs = (_texts(sections) for sections in (reply.out, reply.err))
    exits = [int(section.words[1]) for section in reply.out if section.words[:1] == ("exit",)]
    return tuple(
        Completed(tuple(argv), code, out, err) for argv, code, out, err in zip(argvs, exits, outs, errs, strict=True)
    )


def _texts(sections: Iterable[Section]) -> list[str]:
    return [section.data.decode("utf-8", "replace") for section in sections if section.words == ("run",)]


def missing_in(reply: Reply, argvs: Sequence[Sequence[str]]) -> str | None:
    """Return the first command that the node does not have."""
    ends = [section.words[0] for section in reply.out if section.words[:1] in {("exit",), ("missing",)}]
    return next((argv[0] for argv, end in zip(argvs, ends, strict=False) if end == "missing"), None)


def denied_in(reply: Reply) -> str | None:
    """Return the first file that may not be read."""
    return next((s.data.decode("utf-8", "replace") for s in reply.out if s.words == ("denied",)), None)


def files_in(reply: Reply, root: str) -> dict[str, File]:
    """Return the files that were read, by path without `root`; one that went away meanwhile is left out."""
    found: dict[str, File] = {}
    for path, file, end in zip(reply.out, reply.out[1:], reply.out[2:], strict=False):
        if path.words == ("path",) and end.words == ("read", "0"):
            size = int(file.words[1]) if len(file.words) > 1 else len(file.data)
            found[path.data.decode("utf-8", "surrogateescape").removeprefix(root)] = File(size, file.data)
    return found


def times_in(reply: Reply, root: str) -> dict[str, float]:
    """Return when files and folders were last changed, by path without `root`."""
    lines = [line for section in reply.out if section.words == ("times",) for line in section.data.split(b"\0")]
    pairs = [line.decode("utf-8", "surrogateescape").partition(" ")[::2] for line in lines if b" " in line]
    return {path.removeprefix(root): float(time) for time, path in pairs}


def named_in(reply: Reply, word: str, root: str) -> frozenset[str]:
    """Return the paths, without `root`, behind a mark: `odd` or `mounted`."""
    found = (s.data.decode("utf-8", "surrogateescape") for s in reply.out if s.words == (word,))
    return frozenset(path.removeprefix(root) for path in found)
