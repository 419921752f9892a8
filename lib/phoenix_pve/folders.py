"""Folders of phoenix's own, with the mode that they should have, whatever the umask is."""

from __future__ import annotations

import contextlib
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE = 0o700


def make(path: Path, mode: int | None = None) -> None:
    """Make a folder and those above it, 0755 whatever the umask; with `mode` it has that, also if it was there before.

    Raises OSError.
    """
    for folder in [] if path.is_dir() else [*reversed(path.parents), path]:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(0o700)
            folder.chmod(0o755 if mode is None or folder != path else mode)
    if mode is not None and stat.S_IMODE(path.stat().st_mode) != mode:
        with contextlib.suppress(PermissionError):  # somebody else's: whether it can be used is seen when it is
            path.chmod(mode)
