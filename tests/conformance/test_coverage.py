"""docs/fake-coverage.md says what the code and the scores say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "fakes/qm/tools/coverage.py"


def test_coverage_document_is_fresh() -> None:
    done = subprocess.run([sys.executable, TOOL, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
