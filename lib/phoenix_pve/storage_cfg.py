"""Read /etc/pve/storage.cfg. PURE. Format: pvesm(1), "Storage Configuration"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Storage:
    """One storage. `path` is the folder of a directory storage, or nothing."""

    id: str
    type: str
    path: str
    content: frozenset[str]
    disabled: bool
    nodes: frozenset[str]

    @property
    def snippets_folder(self) -> str:
        """Where snippets of a storage with a folder are."""
        return f"{self.path}/snippets"


def _storage(kind: str, name: str, options: Mapping[str, str]) -> Storage:
    mount = f"/mnt/pve/{name}" if kind in {"nfs", "cifs", "cephfs", "glusterfs"} else ""
    return Storage(
        id=name,
        type=kind,
        path=options.get("path", mount).rstrip("/"),
        content=frozenset(options.get("content", "images,rootdir").split(",")),
        disabled="disable" in options and options["disable"] != "0",
        nodes=frozenset(filter(None, options.get("nodes", "").split(","))),
    )


def parse(text: str) -> dict[str, Storage]:
    """`dir: local` with indented options below -> {"local": Storage(…)}."""
    found: dict[str, Storage] = {}
    kind, name, options = "", "", dict[str, str]()
    for line in [*text.splitlines(), "end:"]:
        if line[:1].isspace() and line.strip():
            key, _, value = line.strip().partition(" ")
            options[key] = value.strip()
        elif ":" in line and not line.startswith("#"):
            if name:
                found[name] = _storage(kind, name, options)
            kind, _, name = (part.strip() for part in line.partition(":"))
            options = {}
    return found
