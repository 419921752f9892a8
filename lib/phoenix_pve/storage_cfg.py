"""Read /etc/pve/storage.cfg. PURE. Format: pvesm(1), "Storage Configuration"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Storage:
    """One storage. `path` is the folder of a directory storage, or nothing; `snippets` is the folder for them in it.

    elsewhere  whether its `nodes` leave out the node that was looked at
    folders    where content is that is not where it usually is, by content type
    """

    id: str
    type: str
    path: str
    content: frozenset[str]
    disabled: bool
    nodes: frozenset[str]
    snippets: str = "snippets"
    elsewhere: bool = False
    folders: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def usable(self) -> bool:
        """Whether the node that was looked at can use it."""
        return not self.disabled and not self.elsewhere

    def folder(self, content: str) -> str:
        """Return where its volumes of a content type are: `iso`, `images`, `snippets`, `import`."""
        usual = {"iso": "template/iso", "vztmpl": "template/cache"}.get(content, content)
        return f"{self.path}/{self.folders.get(content, usual)}"

    @property
    def snippets_folder(self) -> str:
        """Where snippets of a storage with a folder are."""
        return f"{self.path}/{self.snippets}"


def _storage(kind: str, name: str, options: Mapping[str, str], here: str) -> Storage:
    mount = f"/mnt/pve/{name}" if kind in {"nfs", "cifs", "cephfs", "glusterfs"} else ""
    nodes = frozenset(filter(None, options.get("nodes", "").replace(" ", "").split(",")))
    folders = _folders(options.get("content-dirs", ""))
    return Storage(
        id=name,
        type=kind,
        path=options.get("path", mount).rstrip("/"),
        content=frozenset(options.get("content", "images,rootdir").split(",")),
        disabled="disable" in options and options["disable"] != "0",
        nodes=nodes,
        snippets=folders.get("snippets", "snippets"),
        elsewhere=bool(here and nodes) and here not in nodes,
        folders=folders,
    )


def _folders(text: str) -> dict[str, str]:
    """`iso=isos,snippets=my/snippets` -> the folders of content types that are not where they usually are."""
    pairs = (part.partition("=") for part in text.split(","))
    return {kind.strip(): folder.strip().strip("/") for kind, equals, folder in pairs if equals}


def parse(text: str, here: str = "") -> dict[str, Storage]:
    """`dir: local` with indented options below -> {"local": Storage(…)}; `here` is the node's name, if known."""
    found: dict[str, Storage] = {}
    kind, name, options = "", "", dict[str, str]()
    for line in [*text.splitlines(), "end:"]:
        if line[:1].isspace() and line.strip():
            key, _, value = line.strip().partition(" ")
            options[key] = value.strip()
        elif ":" in line and not line.startswith("#"):
            if name:
                found[name] = _storage(kind, name, options, here)
            kind, _, name = (part.strip() for part in line.partition(":"))
            options = {}
    return found
