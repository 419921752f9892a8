"""Guests' configuration files, /etc/pve/nodes/<node>/{qemu-server,lxc}/<vmid>.conf: read, written, found.

A file is a main section and then, each after a blank line, `[PENDING]` (containers: `[pve:pending]`),
`[special:cloudinit]` and one section a snapshot. A section is `#` lines (the description, percent-encoded)
and `key: value` lines sorted by key.
Manual: https://pve.proxmox.com/pve-docs/qm.conf.5.html and pct.conf.5.html; details from the recordings named below.
"""

from __future__ import annotations

import os

from fake_pve import conf_keys, files
from fake_pve.errors import CommandFailed
from fake_pve.node import KIND_FOLDER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from fake_pve.node import Node

PENDING_HEAD = {"qemu": "[PENDING]", "lxc": "[pve:pending]"}
ENVIRONMENT = "lxc.environment.runtime"  # how a container's file holds `env` (pct-option-025)
CLOUDINIT_HEAD = "[special:cloudinit]"
DRIVES = ("ide", "sata", "scsi", "virtio", "efidisk", "tpmstate")
PLAIN = frozenset(map(chr, range(0x20, 0x7F))) - {
    ":",
    "%",
}  # what a description keeps as it is (qm-create-120, qm-config-002)


class Section:
    """One section: `options` as in the file, `description` decoded (None: no `#` line), `raw` lxc.* entries."""

    def __init__(self, options: dict[str, str] | None = None, description: str | None = None) -> None:
        self.options: dict[str, str] = {} if options is None else options
        self.description = description
        self.raw: list[tuple[str, str]] = []


class Conf(Section):
    """A guest's whole configuration.

    options         the main section's `key: value` lines, without the description
    pending         values that wait for a restart; `pending_delete` the names that will go (name -> with force)
    cloudinit       what the cloud-init drive of a running guest still says, where that differs from the options;
                    the section may be there and empty: `has_cloudinit` (qm-set-running-013)
    snapshots       name -> its section
    text            the file's text when it was read, "" for a new one
    complaints      lines that the real tool prints on stderr when it reads the file
    """

    def __init__(self, options: dict[str, str] | None = None, description: str | None = None) -> None:
        super().__init__(options, description)
        self.pending: dict[str, str] = {}
        self.pending_description: str | None = None
        self.pending_delete: dict[str, bool] = {}
        self.cloudinit: dict[str, str] = {}
        self.has_cloudinit = False
        self.snapshots: dict[str, Section] = {}
        self.text = ""
        self.complaints: list[str] = []


# --- where -----------------------------------------------------------------------------------------------


def exists(node: Node, kind: str, vmid: str | int) -> bool:
    """Whether the guest has a configuration file."""
    return os.path.exists(node.conf_path(kind, vmid))


def kind_of(node: Node, vmid: str | int) -> str | None:
    """Which kind the guest is, "qemu" or "lxc"; None when no guest has this ID."""
    return next((kind for kind in ("qemu", "lxc") if exists(node, kind, vmid)), None)


def place_of(node: Node, vmid: str | int) -> tuple[str, str] | None:
    """(kind, name of the node) of the guest with this ID, here or on another node of the cluster; None without one."""
    kind = kind_of(node, vmid)
    if kind is not None:
        return kind, node.name
    folder = f"{node.root}/etc/pve/nodes"
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        for other, sub in KIND_FOLDER.items():
            if os.path.exists(f"{folder}/{name}/{sub}/{vmid}.conf"):
                return other, name
    return None


def guests(node: Node, kind: str) -> list[int]:
    """The IDs of all guests of `kind`, sorted."""
    try:
        names = os.listdir(os.path.dirname(node.conf_path(kind, 0)))
    except FileNotFoundError:
        return []
    return sorted(int(name[:-5]) for name in names if name.endswith(".conf") and name[:-5].isdecimal())


def missing(node: Node, kind: str, vmid: str | int) -> CommandFailed:
    """What reading the configuration of no guest ends with (qm-unknown-vm)."""
    inside = node.conf_path(kind, vmid).removeprefix(node.root + "/etc/pve/")
    return CommandFailed(f"Configuration file '{inside}' does not exist", status=2)


def load(node: Node, kind: str, vmid: str | int) -> Conf:
    """The configuration of guest `vmid`; what cannot be understood is left out and told on stderr (qm-config-003)."""
    try:
        with open(node.conf_path(kind, vmid), encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            text = file.read()
    except FileNotFoundError:
        raise missing(node, kind, vmid) from None
    conf = parse(kind, text, vmid)
    for complaint in conf.complaints:
        node.complain(complaint)
    return conf


def save(node: Node, kind: str, vmid: str | int, conf: Conf) -> None:
    """Write the file in one step: a reader sees the old text or the new, never a part."""
    for key, value in (*conf.options.items(), *conf.pending.items()):
        check_value(kind, key, value)
    path = node.conf_path(kind, vmid)
    conf.text = render(kind, conf)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    files.replace(path, conf.text)


def check_value(kind: str, key: str, value: str) -> None:
    """Refuse what could not be read again: `+5` cores, or the end of a line, which would begin another."""
    try:
        if kind == "qemu" or "\n" in value or "\r" in value:
            conf_keys.checked(kind, key, value)
    except ValueError as problem:
        raise CommandFailed(f"unable to parse value of '{key}' - {problem}") from None


def remove(node: Node, kind: str, vmid: str | int) -> None:
    """Forget the guest."""
    os.unlink(node.conf_path(kind, vmid))


def digest(conf: Conf) -> str:
    """What `--digest` is compared with: the SHA-1 of the file's text."""
    from fake_pve.sha1 import sha1_hex  # only a call with --digest pays for it

    return sha1_hex(conf.text.encode("utf-8", "surrogateescape"))


# --- text of descriptions --------------------------------------------------------------------------------


def encode(text: str) -> str:
    """Percent-encode what a `#` line cannot hold: control characters, `:`, `%` and all beyond ASCII (as UTF-8)."""
    if PLAIN.issuperset(text):
        return text
    return "".join(
        c if c in PLAIN else "".join(f"%{b:02X}" for b in c.encode("utf-8", "surrogateescape")) for c in text
    )


def decode(text: str) -> str:
    """The reverse of `encode`; a `%` that no two hexadecimal digits follow stays."""
    head, *parts = text.encode("utf-8", "surrogateescape").split(b"%")
    found = bytearray(head)
    for part in parts:
        code = part[:2]
        coded = len(code) == 2 and all(byte in b"0123456789abcdefABCDEF" for byte in code)
        found += bytes([int(code, 16)]) + part[2:] if coded else b"%" + part
    return found.decode("utf-8", "surrogateescape")


# --- reading ---------------------------------------------------------------------------------------------


def parse(kind: str, text: str, vmid: str | int = 0) -> Conf:
    """The text of a .conf file as a Conf; never fails, see `Conf.complaints`."""
    conf = Conf()
    conf.text = text
    reader = _Reader(kind, text, f"vm {vmid} - ")
    conf.options = _read_section(reader, conf)
    while reader.head is not None:
        _named_section(conf, reader, reader.head)
    conf.complaints = reader.complaints
    conf.pending_delete = reader.delete
    return conf


class _Reader:
    """The lines of a file, handed out a section at a time; `head` is the section head that ended the last one."""

    def __init__(self, kind: str, text: str, who: str) -> None:
        self.kind = kind
        self.who = who
        self.rest = iter(text.split("\n"))
        self.head: str | None = None
        self.complaints: list[str] = []
        self.delete: dict[str, bool] = {}

    def section(self) -> Iterable[str]:
        self.head = None
        for line in self.rest:
            if _is_head(line):
                self.head = line.strip()[1:-1]
                return
            if line and not line.isspace():
                yield line

    def complain(self, what: str) -> None:
        self.complaints.append(self.who + what)


def _is_head(line: str) -> bool:
    if line[:1] != "[":
        return False
    name = line.rstrip()[1:-1]
    plain = name.replace("-", "").replace("_", "").replace(":", "")
    return line.rstrip().endswith("]") and len(name) > 1 and plain.isalnum() and plain.isascii() and name[0].isalpha()


def _named_section(conf: Conf, reader: _Reader, name: str) -> None:
    section = Section()
    if f"[{name}]".lower() == PENDING_HEAD[reader.kind].lower():
        conf.pending = _read_section(reader, section, pending=True)
        conf.pending_description = section.description
    elif f"[{name}]".lower() == CLOUDINIT_HEAD:
        conf.cloudinit = _read_section(reader, section, check=False)
        conf.has_cloudinit = True
    else:
        section.options = _read_section(reader, section)
        conf.snapshots[name] = section


def _joined(kind: str, notes: list[str]) -> str | None:
    """The description that `#` lines make: `pct` keeps the last line's end (pct-clone-002), `qm` none."""
    if not notes:
        return None
    text = "".join(note + "\n" for note in notes)
    return text if kind == "lxc" else text.rstrip()


def _read_section(reader: _Reader, into: Section, *, pending: bool = False, check: bool = True) -> dict[str, str]:
    """The options of the section that starts here; `into` gets its description and lxc.* lines."""
    options: dict[str, str] = {}
    notes: list[str] = []
    for line in reader.section():
        if line[0] == "#":
            notes.append(decode(line[1:]))
            continue
        key, value = _split(line)
        if key == "description":
            notes.append(decode(value))
        elif key == "delete" and pending:
            reader.delete = parse_delete(value)
        elif key == "delete":
            reader.complain("property 'delete' is only allowed in [PENDING]")
        elif reader.kind == "lxc" and line.startswith("lxc."):
            entry = _split_raw(line)
            if entry[0] == ENVIRONMENT:
                options["env"] = "\0".join(filter(None, (options.get("env"), entry[1])))
            else:
                into.raw.append(entry)
        elif not key:
            reader.complain(f"unable to parse config: {line}")
        else:
            _keep(reader, options, key, value, check and key != "snapstate")
    into.description = _joined(reader.kind, notes)
    return options


def _keep(reader: _Reader, options: dict[str, str], key: str, value: str, check: bool) -> None:
    try:
        options[key] = conf_keys.checked(reader.kind, key, value) if check else value
    except ValueError as problem:
        reader.complain(f"unable to parse value of '{key}' - {problem}")


def _split(line: str) -> tuple[str, str]:
    """`key: value`; ("", "") for any other line. Blanks only are one blank: `boot: ` becomes `boot:  `."""
    key, colon, value = line.partition(":")
    if not colon or not value or not _is_key(key):
        return "", ""
    return key, value.strip() or " "


def _is_key(text: str) -> bool:
    letters = text.rstrip("0123456789").replace("_", "").replace("-", "")  # "allow-ksm", "bps_max0"
    return (
        letters.isalpha() and letters.isascii() and letters == letters.lower() and text[0].isalpha()
        if letters
        else False
    )


def _split_raw(line: str) -> tuple[str, str]:
    """`lxc.x.y: value` or `lxc.x.y = value`."""
    ends = [at for at in (line.find(":"), line.find("=")) if at > 0]
    at = min(ends, default=len(line))
    return line[:at].strip(), line[at + 1 :].strip()


def parse_delete(text: str) -> dict[str, bool]:
    """The `delete:` line of a pending section, "serial0,!scsi1": name -> whether by force."""
    names = text.replace(";", " ").replace(",", " ").split()
    return {name.lstrip("!"): name.startswith("!") for name in names}


# --- writing ---------------------------------------------------------------------------------------------


def render(kind: str, conf: Conf) -> str:
    """The text of the .conf file."""
    drop_used_unused(conf)
    env = [(ENVIRONMENT, part) for part in conf.options.get("env", "").split("\0") if kind == "lxc" and part]
    options = {key: value for key, value in conf.options.items() if key != "env"} if env else conf.options
    parts = [_section_text(options, conf.description, [*env, *conf.raw])]
    if conf.pending or conf.pending_delete or conf.pending_description is not None:
        parts.append(PENDING_HEAD[kind] + "\n" + _pending_text(conf))
    if conf.cloudinit or conf.has_cloudinit:
        parts.append(CLOUDINIT_HEAD + "\n" + _section_text(conf.cloudinit))
    for name in sorted(conf.snapshots):
        section = conf.snapshots[name]
        parts.append(f"[{name}]\n" + _section_text(section.options, section.description, section.raw))
    return "\n".join(parts)


def _pending_text(conf: Conf) -> str:
    options = dict(conf.pending)
    if conf.pending_delete:
        options["delete"] = ",".join(
            ("!" if conf.pending_delete[name] else "") + name for name in sorted(conf.pending_delete)
        )
    return _section_text(options, conf.pending_description)


def _section_text(options: dict[str, str], description: str | None = None, raw: Iterable[tuple[str, str]] = ()) -> str:
    lines = ["#" + encode(line) for line in _description_lines(description)]
    lines += [f"{key}: {options[key]}" for key in sorted(options)]
    lines += [f"{key}: {value}" for key, value in raw]
    return "".join(line + "\n" for line in lines)


def _description_lines(description: str | None) -> list[str]:
    return description.rstrip("\n").split("\n") if description and description.strip() else []


def drop_used_unused(conf: Conf) -> None:
    """Forget an `unusedN` whose volume a drive of the main or the pending section uses: it was attached again."""
    unused = [key for key in conf.options if key.startswith("unused")]
    if unused:
        used = {
            _volume(value)
            for options in (conf.options, conf.pending)
            for key, value in options.items()
            if key.startswith(DRIVES)
        }
        for key in unused:
            if conf.options[key] in used:
                del conf.options[key]


def _volume(value: str) -> str:
    words = value.split(",")
    return next((w.partition("=")[2] for w in words if w.startswith(("file=", "volume="))), words[0])
