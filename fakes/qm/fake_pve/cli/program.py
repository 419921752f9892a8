"""The fake's own programs, `python3 -m fake_pve.…`: `--help` explains, a mistake ends with status 2."""

from __future__ import annotations

import argparse


def parser(module: str, about: str | None) -> argparse.ArgumentParser:
    """A parser for the program `module`, whose docstring `about` is its help."""
    return argparse.ArgumentParser(
        prog=f"python3 -m {module}",
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
