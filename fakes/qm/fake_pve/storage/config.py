"""storage.cfg: which storages there are, what they may hold, and whether they can be used on this node."""

from __future__ import annotations

import os

from fake_pve import files
from fake_pve.errors import CommandFailed, NotModelled, ParameterErrors
from fake_pve.storage.names import is_storage_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_pve.node import Node

OFF = ("disable", "0")  # is not written
# Of a section that does not say what it may hold, by type.
DEFAULT_CONTENT = {
    "btrfs": "images,rootdir",
    "cephfs": "backup",
    "dir": "images,rootdir",
    "esxi": "import",
    "lvmthin": "images,rootdir",
    "pbs": "backup",
    "zfspool": "images,rootdir",
}
TYPES = frozenset(
    "btrfs cephfs cifs dir esxi iscsi iscsidirect lvm lvmthin nfs pbs rbd zfs zfspool".split()  # noqa: SIM905
)
# What a section must have; also its first options when it is written.
REQUIRED = {
    "btrfs": ("path",),
    "cifs": ("server", "share"),
    "dir": ("path",),
    "esxi": ("server", "username"),
    "iscsi": ("portal", "target"),
    "iscsidirect": ("portal", "target"),
    "lvm": ("vgname",),
    "lvmthin": ("thinpool", "vgname"),
    "nfs": ("export", "server"),
    "pbs": ("datastore", "server"),
    "zfs": ("iscsiprovider", "pool", "portal", "target"),
    "zfspool": ("pool",),
}
DEFAULT_LOCAL_CONTENT = "backup,images,import,iso,rootdir,snippets,vztmpl"
CONTENT_WORD = {"images": "vm images", "rootdir": "container directories"}


class Storage:
    """One section of storage.cfg.

    id       the storage's name, "local"
    type     "dir", "lvmthin", …
    path     the folder of a file storage as written in storage.cfg, else ""
    content  what may lie there: {"images", "iso", …}
    disabled whether it is switched off
    options  all options as written, text -> text; a flag without value is "1"
    """

    __slots__ = ("content", "disabled", "id", "options", "path", "type")

    def __init__(self, type_: str, name: str, options: dict[str, str]) -> None:
        self.type = type_
        self.id = name
        self.options = options
        self.path = options.get("path", "").rstrip("/")
        self.content = frozenset(content_types(options.get("content", default_content(type_))))
        self.disabled = options.get("disable", "0") not in ("0", "")

    @property
    def is_file_storage(self) -> bool:
        """Whether volumes are files below `path`."""
        return self.type == "dir"

    @property
    def vgname(self) -> str:
        """The volume group of an LVM storage."""
        return self.options.get("vgname", "")


def default_content(type_: str) -> str:
    """What a storage of this type may hold when nobody says."""
    return DEFAULT_CONTENT.get(type_, "images")


def content_types(text: str) -> list[str]:
    """`images,iso` -> its words; commas, semicolons and blanks separate, as in all Proxmox lists."""
    return [word for word in text.replace(",", " ").replace(";", " ").replace("\0", " ").split() if word != "none"]


def config_path(node: Node) -> str:
    """Where storage.cfg is."""
    return f"{node.root}/etc/pve/storage.cfg"


Line = tuple[int, str]  # its number and its text


def parse(text: str, complain: Callable[[str], None] = lambda _: None) -> dict[str, Storage]:
    """The text of storage.cfg -> its storages by name, in the file's order.

    A section is a header and indented options below it, and ends at an empty line. A line that fits nowhere is told
    and passed over, and so is a section of an unknown type or without what it must have: no such storage exists.
    """
    storages: dict[str, Storage] = {}

    def tell(number: int, what: str) -> None:
        complain(f"file /etc/pve/storage.cfg line {number} {what}")

    for block in blocks(text):
        while block and not header(block[0][1])[1]:
            number, line = block.pop(0)
            tell(number, f"- ignore config line: {line}")
        storage = section(block, tell) if block else None
        if storage is not None:
            storages[storage.id] = storage
    return storages


def blocks(text: str) -> list[list[Line]]:
    """The lines between empty ones, without comments."""
    found: list[list[Line]] = [[]]
    for number, line in enumerate(text.split("\n"), 1):
        if not line:
            found.append([])
        elif not line.lstrip().startswith("#"):
            found[-1].append((number, line))
    return found


def section(lines: list[Line], tell: Callable[[int, str], None]) -> Storage | None:
    """The storage of a header and the lines below it; None, and told, where there cannot be one."""
    type_, name = header(lines[0][1])
    problem = unfit(type_, name)
    if problem:
        tell(lines[0][0], f"(skip section '{name}'): {problem}")
        return None
    options: dict[str, str] = {}
    for number, line in lines[1:]:
        key, _, value = line.strip().replace("\t", " ").partition(" ")
        if line[0] not in " \t" or not key:
            tell(number, f"(section '{name}') - ignore config line: {line}")
        elif key in options:
            tell(number, f"(section '{name}') - unable to parse value of '{key}': duplicate attribute")
        else:
            options[key] = value.strip() or "1"
    for key in REQUIRED.get(type_, ()):
        if key not in options:
            tell(lines[-1][0], f"(skip section '{name}'): missing value for required option '{key}'")
            return None
    options.setdefault("content", default_content(type_))
    return Storage(type_, name, options)


def header(line: str) -> tuple[str, str]:
    """The type and the name that begin a section; ("", "") for another line."""
    type_, colon, rest = line.partition(":")
    words = rest.split()
    fits = bool(colon) and bool(type_) and type_.split() == [type_] and len(words) == 1
    return (type_.lower(), words[0]) if fits else ("", "")


def unfit(type_: str, name: str) -> str:
    """Why there cannot be a storage of this type and name, "" if there can."""
    if len(name) < 2:
        return f"storage ID '{name}' cannot be shorter than 2 characters"
    if not is_storage_id(name):
        return f"storage ID '{name}' contains illegal characters"
    return "" if type_ in TYPES else f"unsupported type '{type_}'"


def with_local(storages: dict[str, Storage]) -> dict[str, Storage]:
    """There is always a `local` at /var/lib/vz (pvesm-set-002: `pvesm remove local` leaves it)."""
    local = storages.get("local")
    if local is None or local.type != "dir":
        options = {"path": "/var/lib/vz", "content": DEFAULT_LOCAL_CONTENT}
        storages["local"] = Storage("dir", "local", options)
    return storages


def load(node: Node) -> dict[str, Storage]:
    """All storages by name. A file that is not there means only `local`; one that cannot be opened is an error."""
    try:
        with open(config_path(node), encoding="utf-8", errors="replace") as file:
            text = file.read().replace("\0", "")
    except FileNotFoundError:
        text = ""
    except OSError as problem:
        raise CommandFailed(f"can't open '{config_path(node)}' - {problem.strerror}") from None
    return with_local(parse(text, node.complain_once))


def get(node: Node, name: str) -> Storage:
    """The storage `name`; CommandFailed `storage 'x' does not exist`."""
    storage = load(node).get(name)
    if storage is None:
        raise CommandFailed(f"storage '{name}' does not exist")
    return storage


def on_this_node(node: Node, storage: Storage) -> bool:
    """Whether the storage's `nodes`, if it names any, have this one."""
    nodes = content_types(storage.options.get("nodes", ""))
    return not nodes or node.name in nodes


def usable(node: Node, name: str, content: str | None = None) -> Storage:
    """The storage `name`, if it is enabled here and may hold `content` ("images", "rootdir", …).

    Wording: `storage 'off' is disabled` (pvesm-alloc-011), `storage: storage 'isoonly' does not support vm images`
    (qm-create-storage-002).
    """
    storage = get(node, name)
    if storage.disabled:
        raise CommandFailed(f"storage '{name}' is disabled")
    if not on_this_node(node, storage):
        raise CommandFailed(f"storage '{name}' is not available on node '{node.name}'")
    if content is not None and content not in storage.content:
        raise ParameterErrors({"storage": f"storage '{name}' does not support {CONTENT_WORD.get(content, content)}"})
    return storage


def folder(node: Node, storage: Storage) -> str:
    """The file storage's folder on this machine."""
    return node.path(storage.path)


def activate(node: Node, storage: Storage) -> None:
    """Make a storage ready, as every use of it does: its folders are made unless that is switched off.

    Wording from pvesm-add-012 and pvesm-add-013.
    """
    if storage.type == "lvmthin":
        return
    if storage.type != "dir":
        raise NotModelled(f"storage type '{storage.type}'")
    path = folder(node, storage)
    start = f"unable to activate storage '{storage.id}' - directory"
    mounted = mount_point(node, storage)
    if mounted and not os.path.ismount(mounted):
        raise CommandFailed(f"{start} is expected to be a mount point but is not mounted: '{mounted}'")
    if not os.path.isdir(path) and not makes_folder(storage):
        raise CommandFailed(f"{start} '{path}' does not exist or is unreachable")
    make_folder(path)
    if makes_folder(storage, "create-subdirs"):
        from fake_pve.storage import dir as directory  # it knows which content lies where

        for kind in storage.content & directory.FOLDERS.keys():
            make_folder(directory.content_folder(node, storage, kind))


def mount_point(node: Node, storage: Storage) -> str:
    """The folder that must be mounted before the storage is used, "" if none: `is_mountpoint` is yes, no, or a path."""
    wanted = storage.options.get("is_mountpoint", "no")
    if wanted.startswith("/"):
        return node.path(wanted)
    return "" if wanted.lower() in ("0", "no", "off", "false") else folder(node, storage)


def makes_folder(storage: Storage, option: str = "create-base-path") -> bool:
    """Whether a missing folder of the storage, or with `create-subdirs` one inside it, is made when it is used."""
    switch = storage.options.get(option, storage.options.get("mkdir", "1"))
    return switch not in ("0", "no")


def make_folder(path: str) -> None:
    """Make a folder and those above it; one that is there is fine, also one that others make or remove just now."""
    while not os.path.isdir(path):
        try:
            os.makedirs(path, exist_ok=True)
        except OSError as problem:
            if os.path.lexists(path) and not os.path.isdir(path):
                raise CommandFailed(f"mkdir {path}: {problem.strerror}") from None
            if not isinstance(problem, (FileExistsError, FileNotFoundError)):
                raise CommandFailed(f"mkdir {path}: {problem.strerror}") from None


def text_of(storages: dict[str, Storage]) -> str:
    """storage.cfg as Proxmox writes it: sections with a blank line behind each, flags without value.

    `disable` is a section's first option, then comes what it must have, then the rest, each sorted.
    """
    sections = []
    for storage in storages.values():
        required = ("path", *REQUIRED.get(storage.type, ()))
        order = sorted(storage.options, key=lambda key: (key != "disable", key not in required, key))
        lines = [f"{storage.type}: {storage.id}"]
        lines += [option_line(key, storage.options[key]) for key in order if (key, storage.options[key]) != OFF]
        sections.append("\n".join(lines) + "\n\n")
    return "".join(sections)


def option_line(key: str, value: str) -> str:
    """One indented line of a section."""
    return f"\t{key}" if key in ("disable", "sparse") and value == "1" else f"\t{key} {value}"


def save(node: Node, storages: dict[str, Storage]) -> None:
    """Replace storage.cfg atomically."""
    files.replace(config_path(node), text_of(storages))


class config_lock:  # noqa: N801 - used like a function: `with config_lock(node):`
    """Hold storage.cfg's lock while the block runs, so that parallel changes do not undo each other."""

    def __init__(self, node: Node) -> None:
        self.path = f"{node.root}/run/lock/fake-pve-storage.cfg"
        self.file = -1

    def __enter__(self) -> None:
        import fcntl  # only what changes storage.cfg takes the lock

        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        self.file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self.file)


def digest(node: Node) -> str:
    """What `--digest` is compared with: the SHA-1 of the file's text."""
    import hashlib  # only a call with --digest pays for it

    try:
        with open(config_path(node), "rb") as file:
            return hashlib.sha1(file.read(), usedforsecurity=False).hexdigest()
    except OSError:
        return hashlib.sha1(b"", usedforsecurity=False).hexdigest()


def capacity(storage: Storage) -> int:
    """The size in KiB that the fake's disks have: 98 GiB behind a directory, 80 GiB in a thin pool."""
    return (80 if storage.type == "lvmthin" else 98) * 1024 * 1024
