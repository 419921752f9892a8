"""Calls of the fake in this process."""

from __future__ import annotations

import io

from fake_pve.main import main


def call(root, *argv, stdin=b"", **environ):
    """(exit status, stdout, stderr) of one command on the node below `root`; bytes are shown as Latin-1."""
    out, err = io.BytesIO(), io.BytesIO()
    env = {
        "FAKE_PVE_ROOT": str(root),
        "FAKE_PVE_GUEST": "none",
        "FAKE_PVE_TIME_SCALE": "0",
        "LC_ALL": "C.UTF-8",
        **environ,
    }
    status = main(argv[0], list(argv[1:]), env, io.BytesIO(stdin), out, err)
    return status, out.getvalue().decode("latin-1"), err.getvalue().decode("latin-1")
