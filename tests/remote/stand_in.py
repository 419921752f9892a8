"""Stand in for a real node: a fake one behind sshd, under other names than the feature files use; then run a command.

usage: python -m tests.remote.stand_in COMMAND…

COMMAND finds `ssh` on PATH that knows the host stand-in, and the settings that fit it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import apart
from tests.remote.sshd import FAKES, MISSING, running

from fake_pve import seed

IMAGE = "/srv/images/ubuntu.img"
TEMPLATE = "tank:vztmpl/debian-12.tar.zst"
STORAGE_CFG = """dir: local
	path /var/lib/vz
	content images,iso,vztmpl,snippets,backup,import,rootdir

dir: tank
	path /srv/tank
	content images,rootdir,vztmpl

lvmthin: thin
	thinpool data
	vgname pve
	content rootdir,images

"""
SETTINGS = {
    "ids": [9900, 9919],
    "image": IMAGE,
    "template": TEMPLATE,
    "storage": "tank",
    "second_storage": "thin",
    "bridge": "vmbr7",
    "second_bridge": "vmbr8",
    "address": "192.0.2.100/24",
    "gateway": "192.0.2.1",
}


def make_node(root: Path) -> None:
    """A node with other storages and bridges than a fresh fake one has."""
    root.mkdir()
    seed.new_node(str(root), storage_cfg=STORAGE_CFG)
    seed.add_image(str(root), IMAGE)
    seed.add_template(str(root), "/srv/tank/template/cache/debian-12.tar.zst")
    interfaces = root / "etc/network/interfaces"
    interfaces.write_text(interfaces.read_text().replace("vmbr0", "vmbr7").replace("vmbr1", "vmbr8"))


def make_version(folder: Path) -> Path:
    """A pveversion, which is none of the fake's tools."""
    folder.mkdir()
    tool = folder / "pveversion"
    tool.write_text("#!/bin/sh\necho pve-manager/9.2.0-fake/0 '(running kernel: none)'\n")
    tool.chmod(0o755)
    return folder


def main(argv: list[str]) -> int:
    """Run the command, return its status."""
    if MISSING:
        print(f"skipped: {MISSING}")
        return 0
    with tempfile.TemporaryDirectory(prefix="stand-in-") as folder:
        here, root = Path(folder), Path(folder) / "node"
        make_node(root)
        (here / "acceptance.json").write_text(json.dumps(SETTINGS))
        there = {
            "PATH": apart.path(make_version(here / "bin"), FAKES),
            "FAKE_PVE_ROOT": str(root),
            "FAKE_PVE_NODE": "pve1",
            "FAKE_PVE_GUEST": "none",
            "FAKE_PVE_TIME_SCALE": "0.02",
        }
        with running(here / "sshd", there) as server:
            mine = {
                "PATH": apart.path(server.bin),
                "PHOENIX_NODE_ROOT": str(root),
                "ACCEPTANCE_CONFIG": str(here / "acceptance.json"),
            }
            return subprocess.run(argv, env=os.environ | mine, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
