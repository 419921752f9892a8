#!/usr/bin/env python3
"""Replay the recordings in tests/conformance through the fake; see --help."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]

if __name__ == "__main__":
    sys.path[:0] = [str(PROJECT / "tests"), str(PROJECT / "fakes/qm")]
    runpy.run_module("conformance.replay", run_name="__main__")
