"""Read /etc/pve/storage.cfg. PURE. Format: pvesm(1), "Storage Configuration"."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from phoenix_pve.values import props
from phoenix_pve.values.text import SPACE, lines

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDERS = {
    "images": "images",
    "rootdir": "private",
    "iso": "template/iso",
    "vztmpl": "template/cache",
    "backup": "dump",
    "snippets": "snippets",
    "import": "import",
}
"""Where a storage with a folder keeps each type of content, unless its `content-dirs` says otherwise (pvesm(1))."""

BOTH = "images,rootdir"
DEFAULT_CONTENT = {
    "dir": BOTH,
    "btrfs": BOTH,
    "lvmthin": BOTH,
    "zfspool": BOTH,
    "cephfs": "backup",
    "pbs": "backup",
} | {"esxi": "import"}
"""What a storage without `content` holds, by its type; the others (nfs, cifs, lvm, rbd, iscsi…) hold images."""

LOCAL = {"path": "/var/lib/vz", "content": "backup,images,import,iso,rootdir,snippets,vztmpl"}
"""The storage `local`, which is there also when the file has none."""

MOUNTED = frozenset({"nfs", "cifs", "cephfs", "glusterfs"})


@dataclass(frozen=True)
class Storage:
    """One storage.

    path         the folder of a storage that has one, or nothing
    nodes        the nodes that have it; all when it is empty
    elsewhere    whether its `nodes` leave out the node that was looked at
    folders      the folders of content types that are not where they usually are
    mountpoint   what must be mounted before the storage can be used (`is_mountpoint`), or nothing
    makes_folder whether Proxmox makes a missing `path` itself (`create-base-path`, the older `mkdir`)
    mounted      whether something is mounted there, as far as a look showed
    """

    id: str
    type: str
    path: str
    content: frozenset[str]
    disabled: bool
    nodes: frozenset[str]
    folders: Mapping[str, str] = field(default_factory=dict)
    mountpoint: str = ""
    makes_folder: bool = True
    mounted: bool = True
    elsewhere: bool = False

    @property
    def usable(self) -> bool:
        """Whether the node that was looked at can use it."""
        return not self.disabled and not self.elsewhere

    def folder(self, content: str) -> str:
        """Return where content of a type is on a storage that has a folder."""
        return f"{self.path}/{self.folders.get(content, FOLDERS.get(content, content))}"

    @property
    def snippets_folder(self) -> str:
        """Where snippets of a storage with a folder are."""
        return self.folder("snippets")


def _words(text: str) -> frozenset[str]:
    """`images,iso` -> its words; commas, semicolons and blanks separate, as in all of Proxmox's lists."""
    return frozenset(text.replace(",", " ").replace(";", " ").split())


def _storage(kind: str, name: str, options: Mapping[str, str], here: str) -> Storage:
    path = options.get("path", f"/mnt/pve/{name}" if kind in MOUNTED else "").rstrip("/")
    nodes = _words(options.get("nodes", ""))
    return Storage(
        id=name,
        type=kind,
        path=path,
        content=_words(options.get("content") or DEFAULT_CONTENT.get(kind, "images")),
        disabled="disable" in options and options["disable"] != "0",
        nodes=nodes,
        folders=_folders(options.get("content-dirs", "")),
        mountpoint=_mountpoint(options.get("is_mountpoint", ""), path),
        makes_folder=props.is_true(options.get("create-base-path", options.get("mkdir", "1"))),
        elsewhere=bool(here and nodes) and here not in nodes,
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


def parse(text: str, here: str = "") -> dict[str, Storage]:
    """`dir: local` with indented options below -> {"local": Storage(…)}; `here` is the node's name, if known."""
    found: dict[str, Storage] = {"local": _storage("dir", "local", LOCAL, here)}
    kind, name, options = "", "", dict[str, str]()
    for line in [*lines(text), "end:"]:
        if line[:1] in {" ", "\t"} and line.strip(SPACE):
            key, _, value = line.strip(SPACE).replace("\t", " ").partition(" ")
            options[key] = value.strip(SPACE)
        elif ":" in line and not line.startswith("#"):
            if name and not (name == "local" and kind != "dir"):
                found[name] = _storage(kind, name, options, here)
            kind, _, name = (part.strip(SPACE) for part in line.partition(":"))
            options = {}
    return found
