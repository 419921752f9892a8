"""The node that a scenario starts with, and what is on it after a step."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from conformance.likeness import normal
from conformance.recordings import HERE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Volume = tuple[str, str, str, int]  # storage, path, format, virtual size in bytes

FIXTURE: dict[str, Any] = json.loads((HERE / "fixture.json").read_text(encoding="utf-8"))
# Preparations use qemu-img to make or grow volumes; this stands in for it, so that it need not be installed.
QEMU_IMG = """qemu-img() { python3 - "$@" <<'PY'
import sys
words = [w for w in sys.argv[1:] if w != "-q"]
verb, form, path, size = words[0], words[2], words[3], words[4]
size = int(size[:-1]) << {"K": 10, "M": 20, "G": 30, "T": 40}[size[-1]]
with open(path, "r+b" if verb == "resize" else "wb") as f:
    if form == "qcow2":
        f.write(b"QFI\\xfb" + (3).to_bytes(4, "big") + bytes(16) + size.to_bytes(8, "big") + bytes(480))
    else:
        f.truncate(size)
PY
}
"""


def environment(root: Path) -> dict[str, str]:
    """How the fake is told about the node."""
    return {
        "FAKE_PVE_ROOT": str(root),
        "FAKE_PVE_NODE": "pve1",
        "FAKE_PVE_GUEST": "recorded",
        "FAKE_PVE_TIME_SCALE": "0",
        "LC_ALL": "C.UTF-8",
    }


def prepare(root: Path) -> None:
    """Put everything of fixture.json below `root`."""
    for path, entry in FIXTURE["files"].items():
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as sparse:
            sparse.write(content(entry))
            if "size" in entry and entry.get("format") != "qcow2":
                sparse.truncate(entry["size"])
        if "mode" in entry:
            file.chmod(int(entry["mode"], 8))
    for folder in FIXTURE["folders"]:
        (root / folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
    for link, to in FIXTURE["links"].items():
        at = root / link.lstrip("/")
        if not at.is_symlink() and not at.exists():
            at.symlink_to(to)


def content(entry: dict[str, Any]) -> bytes:
    """The bytes of a file of the fixture, as far as they are not zeros up to its size."""
    if "text" in entry:
        return str(entry["text"]).encode()
    if entry.get("format") == "qcow2":
        head = b"QFI\xfb" + (3).to_bytes(4, "big") + bytes(12) + (16).to_bytes(4, "big")
        return head + int(entry["size"]).to_bytes(8, "big") + bytes(480)
    data = base64.b64decode(entry.get("base64", ""))
    missing = entry["size"] - len(data)
    if missing > 8 and entry.get("pad") == "zstd":  # a frame that unpackers pass over
        return data + (0x184D2A50).to_bytes(4, "little") + (missing - 8).to_bytes(4, "little")
    return data


def write(root: Path, path: str, text: str) -> None:
    """A `write` step."""
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def set_up(root: Path, lines: str, path: str) -> None:
    """A `setup` step: shell lines whose absolute paths mean the node's; `path` finds programs, the fakes among them."""
    shell = re.sub(r"(?<![\w.])/(etc|var|root|srv)/", rf"{root}/\1/", lines).replace(f"tpath {root}/", "tpath /")
    env = {
        **environment(root),
        "FAKE_PVE_PYTHON": sys.executable,
        "PATH": path,
        "HOME": str(root / "root"),
    }
    subprocess.run(["bash", "-c", QEMU_IMG + shell], env=env, capture_output=True, check=False)


def confs(root: Path) -> dict[str, str]:
    """Every guest's configuration file by ID, with placeholders."""
    found = {}
    for kind in ("qemu-server", "lxc"):
        for file in sorted((root / "etc/pve/nodes/pve1" / kind).glob("*.conf")):
            found[file.stem] = normal(file.read_text(encoding="utf-8", errors="replace"), str(root))
    return found


def image(file: Path) -> tuple[str, int]:
    """(format, virtual size in bytes) of a volume's file."""
    try:
        with file.open("rb") as volume:
            head = volume.read(32)
            size = os.fstat(volume.fileno()).st_size
    except FileNotFoundError:  # a link that leads nowhere
        return "raw", 0
    if head[:4] == b"QFI\xfb":
        return "qcow2", int.from_bytes(head[24:32], "big")
    if head[:4] == b"KDMV":
        return "vmdk", int.from_bytes(head[12:20], "little") * 512
    return "raw", size


def volumes(root: Path, storages: set[str], pvesm_list: Callable[[str], str]) -> list[Volume]:
    """All volumes of the folder storages, and of the other `storages` what `pvesm list` says."""
    found: list[Volume] = []
    for storage, base in FIXTURE["folder_storages"].items():
        images = root / base.lstrip("/") / "images"
        for folder, folders, files in os.walk(images):
            subvolumes = [name for name in folders if name.endswith(".subvol")]
            folders[:] = [name for name in folders if name not in subvolumes]
            found += [(storage, os.path.relpath(f"{folder}/{name}", images), "subvol", 0) for name in subvolumes]
            for name in files:
                found.append((storage, os.path.relpath(f"{folder}/{name}", images), *image(images / folder / name)))
    for storage in sorted(storages - set(FIXTURE["folder_storages"])):
        for line in pvesm_list(storage).splitlines()[1:]:
            cells = line.split()
            if len(cells) >= 4:
                found.append((storage, cells[0].split(":", 1)[1], cells[1], int(cells[3])))
    return sorted(found)


def wanted_volumes(step: dict[str, Any]) -> list[Volume]:
    """The recorded volumes of a step in the same shape; what only a real LVM or container shows is left out."""
    kept = [v for v in step["volumes"] if ".subvol/" not in v["path"] and not v["path"].startswith("snap_")]
    return sorted((v["storage"], v["path"], v["format"], v["size"]) for v in kept)
