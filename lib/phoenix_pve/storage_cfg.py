"""Read /etc/pve/storage.cfg. PURE. Format: pvesm(1), "Storage Configuration"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Storage:
    """One storage.

    path        the folder of a directory storage, or nothing
    snippets    the folder for snippets in it
    mountpoint  the path where something must be mounted before the storage can be used, or nothing
    mounted     whether something is, as far as a look showed
    """

    id: str
    type: str
    path: str
    content: frozenset[str]
    disabled: bool
    nodes: frozenset[str]
    snippets: str = "snippets"
    mountpoint: str = ""
    mounted: bool = True

    @property
    def snippets_folder(self) -> str:
        """Where snippets of a storage with a folder are."""
        return f"{self.path}/{self.snippets}"


def _storage(kind: str, name: str, options: Mapping[str, str]) -> Storage:
    mount = f"/mnt/pve/{name}" if kind in {"nfs", "cifs", "cephfs", "glusterfs"} else ""
    path = options.get("path", mount).rstrip("/")
    return Storage(
        id=name,
        type=kind,
        path=path,
        content=frozenset(options.get("content", "images,rootdir").split(",")),
        disabled="disable" in options and options["disable"] != "0",
        nodes=frozenset(filter(None, options.get("nodes", "").split(","))),
        snippets=_folders(options.get("content-dirs", "")).get("snippets", "snippets"),
        mountpoint=_mountpoint(options.get("is_mountpoint", ""), path),
    )


def _mountpoint(text: str, path: str) -> str:
    """`is_mountpoint yes` is about the storage's own folder, `is_mountpoint /mnt/usb` about another one."""
    if text.lower() in {"", "0", "no", "off", "false"}:
        return ""
    return path if text.lower() in {"1", "yes", "on", "true"} else text.rstrip("/")


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
