"""Lines of text as Proxmox reads them."""

from __future__ import annotations

SPACE = " \t\n\r\f\v"
"""What Perl's `\\s` is for bytes: Python's strip() and isspace() take many more characters for blanks."""


def lines(text: str) -> list[str]:
    r"""Return the lines of a text of Proxmox or its tools: they end at \n alone; U+0085, U+2028, \v, \f… are text.

    As with splitlines(), an empty text has no line, and the end of the last one begins no further one.
    """
    return text.removesuffix("\n").split("\n") if text else []
