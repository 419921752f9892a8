"""Read /etc/pve/storage.cfg. PURE. Format: pvesm(1), "Storage Configuration"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Storage:
    """One storage. `path` is the folder of a directory storage, or nothing; `snippets` is the folder for them in it."""

    id: str
    type: str
    path: str
    content: frozenset[str]
    disabled: bool
    nodes: frozenset[str]
    snippets: str = "snippets"

    @property
    def snippets_folder(self) -> str:
        """Where snippets of a storage with a folder are."""
        return f"{self.path}/{self.snippets}"


def _storage(kind: str, name: str, options: Mapping[str, str]) -> Storage:
    mount = f"/mnt/pve/{name}" if kind in {"nfs", "cifs", "cephfs", "glusterfs"} else ""
    return Storage(
        id=name,
        type=kind,
        path=options.get("path", mount).rstrip("/"),
        content=frozenset(options.get("content", "images,rootdir").split(",")),
        disabled="disable" in options and options["disable"] != "0",
        nodes=frozenset(filter(None, options.get("nodes", "").split(","))),
        snippets=_folders(options.get("content-dirs", "")).get("snippets", "snippets"),
    )


def _folders(text: str) -> dict[str, str]:
    """`iso=isos,snippets=my/snippets` -> the folders of content types that are not where they usually are."""
    pairs = (part.partition("=") for part in text.split(","))
    return {kind.strip(): folder.strip().strip("/") for kind, equals, folder in pairs if equals}


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
