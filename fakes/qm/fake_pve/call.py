"""One call of a subcommand: what it was given, and where its answers go."""

from __future__ import annotations

from fake_pve.node import speaks_utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from fake_pve.node import Node


def perl_bytes(text: str) -> bytes:
    """The bytes that Perl prints for a text: Latin-1 if that can hold it, else UTF-8 (qm-config-002)."""
    if text.isascii():
        return text.encode()
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")


def undecoded(text: str) -> str:
    """What Perl makes of an argument in a POSIX locale: each byte that is not ASCII is a letter nobody knows."""
    return text.encode("utf-8", "surrogateescape").decode("ascii", "replace")


class Call:
    """What a subcommand's `run` is given.

    tool, command  "qm", "disk resize" (canonical names)
    params         validated values by option or positional name; a boolean is "1" or "0"
    extra          the words of the positional `extra-args`
    misread        whether letters were lost on the way in, because the caller has no UTF-8 locale
    """

    __slots__ = (
        "_heard", "_stderr", "_stdin", "_stdout", "command", "extra", "misread", "node", "params", "stdin_text", "tool",
    )  # fmt: skip

    def __init__(self, node: Node, tool: str, streams: tuple[BinaryIO, BinaryIO, BinaryIO]) -> None:
        self.node = node
        self.tool = tool
        self.command = ""
        self.params: dict[str, str] = {}
        self.extra: list[str] = []
        self.misread = False
        self.stdin_text: str | None = None
        self._stdin, self._stdout, self._stderr = streams
        self._heard = (self._stdout, self._stderr)
        node.complain = self.err

    def decode(self) -> None:
        """Read descriptions as Perl does: without a UTF-8 locale their letters are lost, and nobody is told."""
        given = self.params.get("description", "")
        if not given.isascii() and not speaks_utf8(self.node.environ):
            self.params["description"] = undecoded(given)
            self.misread = True

    def write(self, text: str) -> None:
        """Text to stdout as it is."""
        self._stdout.write(perl_bytes(text))
        if self.misread and "\ufffd" in text:
            self.err("Wide character in print")

    def out(self, text: str) -> None:
        """One line to stdout."""
        self.write(text + "\n")

    def err(self, text: str) -> None:
        """One line to stderr, after what was written to stdout before."""
        self.prompt(text + "\n")

    def prompt(self, text: str) -> None:
        """Text to stderr without a line's end, after what was written to stdout before."""
        self._stdout.flush()
        self._stderr.write(perl_bytes(text))
        self._stderr.flush()

    def raw(self, data: bytes, *, error: bool = False) -> None:
        """Bytes to stdout, or to stderr, whatever they mean."""
        self._stdout.flush()
        (self._stderr if error else self._stdout).write(data)

    def mute(self) -> None:
        """Say nothing from here on, until `unmute`: a fault speaks instead."""
        import io

        self._stdout, self._stderr = io.BytesIO(), io.BytesIO()

    def unmute(self) -> None:
        """Be heard again; what was said meanwhile is lost."""
        self._stdout, self._stderr = self._heard

    def flush(self) -> None:
        """Let the caller see what was written so far; to be called before waiting."""
        self._stdout.flush()

    def flag(self, name: str) -> bool:
        """Whether the boolean option `name` was given as true."""
        return self.params.get(name) == "1"

    def stdin(self) -> str:
        """All of stdin; what is read is remembered for the journal."""
        if self.stdin_text is None:
            self.stdin_text = self._stdin.read().decode("utf-8", "surrogateescape")
        return self.stdin_text
