"""storage.cfg: which storages there are, what they may hold, and whether they can be used on this node."""

from __future__ import annotations

import os

from fake_pve.errors import CommandFailed, NotModelled, ParameterErrors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.node import Node

DEFAULT_CONTENT = "images,rootdir"  # of a section that does not say what it may hold
TYPES = frozenset(
    "btrfs cephfs cifs dir esxi iscsi iscsidirect lvm lvmthin nfs pbs rbd zfs zfspool".split()  # noqa: SIM905
)
REQUIRED = {"dir": ("path",), "lvmthin": ("thinpool", "vgname")}  # also a section's first options when it is written
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
        self.content = frozenset(content_types(options.get("content", DEFAULT_CONTENT)))
        self.disabled = options.get("disable", "0") not in ("0", "")

    @property
    def is_file_storage(self) -> bool:
        """Whether volumes are files below `path`."""
        return self.type == "dir"

    @property
    def vgname(self) -> str:
        """The volume group of an LVM storage."""
        return self.options.get("vgname", "")


def content_types(text: str) -> list[str]:
    """`images,iso` -> its words; commas, semicolons and blanks separate, as in all Proxmox lists."""
    return [word for word in text.replace(",", " ").replace(";", " ").replace("\0", " ").split() if word != "none"]


def config_path(node: Node) -> str:
    """Where storage.cfg is."""
    return f"{node.root}/etc/pve/storage.cfg"


def parse(text: str) -> dict[str, Storage]:
    """The text of storage.cfg -> its storages by name, in the file's order.

    A line that fits nowhere is passed over, and so is a section of an unknown type or without what it must have: such a
    storage does not exist (not recorded).
    """
    storages: dict[str, Storage] = {}
    type_ = name = ""
    options: dict[str, str] = {}
    for line in [*text.split("\n"), "end:"]:
        if line[:1] in ("\t", " ") and line.strip() and name:
            key, _, value = line.strip().partition(" ") if " " in line.strip() else line.strip().partition("\t")
            options[key] = value.strip() or "1"
        elif ":" in line and not line.startswith("#"):
            if name and type_ in TYPES and all(key in options for key in REQUIRED.get(type_, ())):
                storages[name] = Storage(type_, name, options)
            head, _, tail = line.partition(":")
            type_, name, options = head.strip(), tail.strip(), {}
    return storages


def with_local(storages: dict[str, Storage]) -> dict[str, Storage]:
    """There is always a `local` at /var/lib/vz (pvesm-set-002: `pvesm remove local` leaves it)."""
    local = storages.get("local")
    if local is None or local.type != "dir":
        options = {"path": "/var/lib/vz", "content": DEFAULT_LOCAL_CONTENT}
        storages["local"] = Storage("dir", "local", options)
    return storages


def load(node: Node) -> dict[str, Storage]:
    """All storages by name. A file that is not there means only `local`; an unreadable one is an error."""
    try:
        with open(config_path(node), encoding="utf-8", errors="replace") as file:
            text = file.read().replace("\0", "")
    except FileNotFoundError:
        text = ""
    except OSError as problem:
        raise CommandFailed(f"can't open '{config_path(node)}' - {problem.strerror}") from None
    return with_local(parse(text))


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
    """Make a storage ready, as every use of it does: its folder is made unless that is switched off.

    Wording from pvesm-add-012 and pvesm-add-013.
    """
    if storage.type == "lvmthin":
        return
    if storage.type != "dir":
        raise NotModelled(f"storage type '{storage.type}'")
    path = folder(node, storage)
    start = f"unable to activate storage '{storage.id}' - directory"
    if storage.options.get("is_mountpoint", "0") not in ("0", "no") and not os.path.ismount(path):
        raise CommandFailed(f"{start} is expected to be a mount point but is not mounted: '{path}'")
    if not os.path.isdir(path) and not makes_folder(storage):
        raise CommandFailed(f"{start} '{path}' does not exist or is unreachable")
    make_folder(path)


def makes_folder(storage: Storage) -> bool:
    """Whether a missing folder of the storage is made when it is used."""
    switch = storage.options.get("create-base-path", storage.options.get("mkdir", "1"))
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
    """storage.cfg as Proxmox writes it: sections with a blank line behind each, flags without value."""
    sections = []
    for storage in storages.values():
        lines = [f"{storage.type}: {storage.id}"]
        lines += [option_line(key, value) for key, value in storage.options.items()]
        sections.append("\n".join(lines) + "\n\n")
    return "".join(sections)


def option_line(key: str, value: str) -> str:
    """One indented line of a section."""
    return f"\t{key}" if key in ("disable", "sparse") and value == "1" else f"\t{key} {value}"


def save(node: Node, storages: dict[str, Storage]) -> None:
    """Replace storage.cfg atomically."""
    path = config_path(node)
    temporary = f"{path}.tmp.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text_of(storages))
    os.replace(temporary, path)


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
