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

from phoenix_pve.node import WHOLE, Completed, File, temporary_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from phoenix_pve.node import Questions

BOOT = "exec sh -c 'eval \"$(cat)\"'"
"""The command for the login shell of the node, whichever that is: read all of a script, then run it."""

PRELUDE = r"""{
PATH=$PATH:/usr/sbin:/sbin
mark() { printf '\n%s %s\n' "$phoenix_mark" "$*"; }
both() { mark "$@"; mark "$@" >&2; }
run() {
  if command -v "$1" >/dev/null; then both run; "$@"; both exit "$?"; else both missing; fi
}
read_file() {
  if [ ! -f "$2" ]; then :
  elif [ ! -r "$2" ]; then mark denied; printf %s "$2"
  else
    mark path; printf %s "$2"
    if [ "$1" = all ]; then mark file; cat <"$2"; else mark file "$(wc -c <"$2")"; head -c "$1" <"$2"; fi
    mark read "$?"
  fi
}
read_folder() { for each in "$1"/* "$1"/.[!.]*; do read_file all "$each"; done; }
write_file() (
  set -e
  mkdir -p -- "$1"
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
    text = "\n".join([f"{PRELUDE}phoenix_mark={mark}", *lines, "mark end", "}", ""])
    return text.encode("utf-8", "surrogateescape")


def words(argv: Sequence[str]) -> str:
    """Return words as a shell reads them back. Raises ValueError for a NUL, which no argument can hold."""
    if any("\0" in word for word in argv):
        raise ValueError("an argument cannot hold a NUL")
    return " ".join(map(shlex.quote, argv))


def run_line(argv: Sequence[str], stdin: str | None = None) -> str:
    """Return the line that runs a command; printf is part of the shell, so that no process shows `stdin`."""
    return f"printf %s {words([stdin])} | run {words(argv)}" if stdin else f"run {words(argv)} </dev/null"


def write_line(path: str, text: str) -> str:
    """Return the line that writes a file of mode 0600 in one step; it ends as a command does."""
    return f"run write_file {words([posixpath.dirname(path), temporary_of(path), path, text])} </dev/null"


def look_lines(questions: Questions, root: str) -> Iterator[str]:
    """Yield the lines that find something out; `root` stands before every path."""
    for argv in questions.commands:
        yield run_line(argv)
    for path, limit in questions.files.items():
        yield f"read_file {'all' if limit >= WHOLE else limit} {words([root + path])}"
    for folder in questions.folders:
        yield f"read_folder {words([root + folder])}"
    for pattern in questions.patterns:
        fitting = "*".join(words([part]) for part in pattern.split("*"))
        yield f'for each in {words([root])}{fitting}; do read_file all "$each"; done'


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
    found = {}
    for path, file, end in zip(reply.out, reply.out[1:], reply.out[2:], strict=False):
        if path.words == ("path",) and end.words == ("read", "0"):
            size = int(file.words[1]) if len(file.words) > 1 else len(file.data)
            found[path.data.decode("utf-8", "surrogateescape").removeprefix(root)] = File(size, file.data)
    return found
