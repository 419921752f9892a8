"""Packages as a user installs them: built as wheels, then installed without any of what they depend on."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from hatchling.builders.wheel import WheelBuilder

if TYPE_CHECKING:
    from pathlib import Path


def installed(source: Path, folder: Path) -> Path:
    """Build the package in `source` and install it; return where."""
    wheel = next(WheelBuilder(str(source)).build(directory=str(folder), versions=["standard"]))
    site = folder / "site"
    words = ["install", "--quiet", "--no-index", "--no-deps", "--target", str(site), wheel]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True, capture_output=True)
    return site
