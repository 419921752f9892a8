"""Container templates, tar archives of a root file system: which system is in one, for which processor.

The first bytes of the members that tell are read by hand: importing tarfile costs more than a whole call may.
"""

from __future__ import annotations

from fake_pve.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

BLOCK = 512
CHUNK = 1 << 16
MACHINES = {3: "i386", 40: "armhf", 62: "amd64", 183: "arm64", 243: "riscv64"}  # an ELF file's e_machine
RELEASES = ("etc/os-release", "usr/lib/os-release")
SHELLS = tuple(f"{folder}/{name}" for folder in ("bin", "usr/bin") for name in ("sh", "dash", "bash", "busybox"))
TELLING = frozenset((*RELEASES, *SHELLS, "etc/debian_version", "etc/alpine-release"))
FLAGS = {".gz": "-z", ".tgz": "-z", ".xz": "-J", ".bz2": "-j", ".zst": "--zstd", ".lzo": "--lzop"}
OSTYPES = ("debian", "devuan", "ubuntu", "centos", "fedora", "opensuse", "archlinux", "alpine", "gentoo", "nixos")
IDS = {"arch": "archlinux", "rhel": "centos", "rocky": "centos", "almalinux": "centos", "sles": "opensuse"}


class Contents:
    """What was found in a template.

    ostype  "debian", … or None; `id` is what /etc/os-release says, "" for nothing
    arch    "amd64", … or None
    size    bytes read
    """

    __slots__ = ("arch", "id", "ostype", "size")

    def __init__(self, ostype: str | None, arch: str | None, size: int, id_: str = "") -> None:
        self.id = id_
        self.ostype = ostype
        self.arch = arch
        self.size = size


def look(path: str) -> Contents:
    """Look into the archive; CommandFailed as tar's failure when it is none."""
    if path.endswith(".zst"):
        return named(path)
    found: dict[str, bytes] = {}
    size = 0
    try:
        with open(path, "rb") as file:
            for name, head, length in members(unpacked(path, file)):
                size += BLOCK + -(-length // BLOCK) * BLOCK
                if name in TELLING and head:
                    found[name] = head
                if ostype_of(found) and arch_of(found):
                    break
    except (OSError, EOFError, ValueError):
        raise CommandFailed(f"command '{tar_command(path)}' failed: exit code 2") from None
    return Contents(ostype_of(found), arch_of(found), size, id_of(found))


def named(path: str) -> Contents:
    """What the file's name says, by the convention of Proxmox's templates: `debian-12-standard_12.7-1_amd64.tar.zst`.

    zstd cannot be unpacked with the standard library of Python 3.13 and before.
    """
    name = path.rpartition("/")[2]
    first = name.partition("-")[0].partition(".")[0].partition("_")[0].lower()
    ostype = IDS.get(first, first)
    arch = name.removesuffix(".zst").removesuffix(".tar").rpartition("_")[2]
    known_arch = arch if arch in ("i386", "armhf", "amd64", "arm64", "riscv64", "riscv32") else None
    return Contents(ostype if ostype in OSTYPES else None, known_arch, 0)


def unpacked(path: str, file: BinaryIO) -> Iterator[bytes]:
    """The archive's bytes in chunks; what follows the end of the packed stream is passed over, as tar's helpers do."""
    if path.endswith((".gz", ".tgz")):
        import zlib

        packed = zlib.decompressobj(31)
    elif path.endswith(".xz"):
        import lzma

        packed = lzma.LZMADecompressor()  # type: ignore[assignment]
    elif path.endswith(".bz2"):
        import bz2

        packed = bz2.BZ2Decompressor()  # type: ignore[assignment]
    else:
        yield from iter(lambda: file.read(CHUNK), b"")
        return
    try:
        while not packed.eof:
            yield packed.decompress(file.read(CHUNK) or _end())
    except (OSError, EOFError):
        raise
    except Exception as problem:  # zlib.error and its like have no common base
        raise ValueError from problem


def members(chunks: Iterator[bytes]) -> Iterator[tuple[str, bytes, int]]:
    """(name without `./`, first block, length in bytes) of every member of a tar stream; ValueError if it is none."""
    buffer = bytearray()

    def take(count: int, keep: int) -> bytes:
        """`count` bytes of the stream, of which only the first `keep` are handed out."""
        kept = bytearray()
        while count:
            if not buffer:
                buffer.extend(next(chunks, b"") or _end())
            part = buffer[:count]
            del buffer[: len(part)]
            count -= len(part)
            if len(kept) < keep:
                kept += part[: keep - len(kept)]
        return bytes(kept)

    while True:
        header = take(BLOCK, BLOCK)
        if not header.strip(b"\0"):
            return
        if header[257:262] != b"ustar":
            raise ValueError("not a tar archive")
        length = int(header[124:136].strip(b" \0") or b"0", 8)
        name = header[:100].rstrip(b"\0").decode(errors="replace")
        data = take(-(-length // BLOCK) * BLOCK, min(length, BLOCK))
        yield name.removeprefix("./"), data, length


def _end() -> bytes:
    raise EOFError


def ostype_of(found: dict[str, bytes]) -> str | None:
    """The system that /etc/os-release names, or the files by which older ones are told."""
    ostype = ostype_for(id_of(found))
    if ostype is not None:
        return ostype
    if "etc/debian_version" in found:
        return "debian"
    return "alpine" if "etc/alpine-release" in found else None


def ostype_for(id_: str) -> str | None:
    """Proxmox's word for a system with this ID."""
    ostype = "opensuse" if id_.startswith("opensuse") else IDS.get(id_, id_)
    return ostype if ostype in OSTYPES else None


def id_of(found: dict[str, bytes]) -> str:
    """The ID that /etc/os-release names, "" without one."""
    text = next((found[name] for name in RELEASES if name in found), b"").decode(errors="replace")
    ids = [line[3:].strip("\"'") for line in text.splitlines() if line.startswith("ID=")]
    return ids[0] if ids else ""


def arch_of(found: dict[str, bytes]) -> str | None:
    """The processor that /bin/sh was built for."""
    head = next((found[name] for name in SHELLS if name in found), b"")
    if head[:4] != b"\x7fELF" or len(head) < 20:
        return None
    machine = int.from_bytes(head[18:20], "little")
    return "riscv32" if machine == 243 and head[4] == 1 else MACHINES.get(machine)


def tar_command(path: str) -> str:
    """The command that the real tool shows when unpacking fails."""
    flag = next((flag for ending, flag in FLAGS.items() if path.endswith(ending)), "")
    return (
        "lxc-usernsexec -m u:0:100000:65536 -m g:0:100000:65536 -- tar xpf - "
        f"{flag} --totals --one-file-system -p --sparse --numeric-owner --acls --xattrs '--xattrs-include=user.*' "
        "'--xattrs-include=security.capability' '--warning=no-file-ignored' '--warning=no-xattr-write' "
        "-C /var/lib/lxc/rootfs --skip-old-files --anchored --exclude './dev/*'"
    )
