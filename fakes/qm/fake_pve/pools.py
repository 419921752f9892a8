"""Resource pools: the `pool:` lines of /etc/pve/user.cfg, `pool:prod:comment:101,102:local:`."""

from __future__ import annotations

from fake_pve import files
from fake_pve.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_pve.node import Node

NAME, GUESTS, STORAGES = 1, 3, 4  # fields of a line
ORDER = (("user", "token"), ("group",), ("pool",), ("role",), ("acl",))  # the file's paragraphs, by first field


def path(node: Node) -> str:
    """The file that knows the pools."""
    return f"{node.root}/etc/pve/user.cfg"


def read(node: Node) -> list[str]:
    """The file's lines; none when there is no file."""
    try:
        with open(path(node), encoding="utf-8", errors="surrogateescape") as file:
            return file.read().splitlines()
    except OSError:
        return []


def check(node: Node, name: str | None) -> None:
    """Refuse a pool that does not exist (pct-create-077, qm-clone-012); None is no pool."""
    if name is not None and not any(line.split(":")[: NAME + 1] == ["pool", name] for line in read(node)):
        raise CommandFailed(f"403 Permission check failed (pool '{name}' does not exist)", 2)


def add(node: Node, name: str | None, vmid: str | int) -> None:
    """Put the guest into the pool, if one is named."""
    if name is None:
        return

    def changed(pool: str, guests: set[str]) -> set[str]:
        return guests | {str(vmid)} if pool == name else guests

    rewrite(node, changed)


def remove(node: Node, vmid: str | int) -> None:
    """Take the guest out of whatever pool it is in."""
    rewrite(node, lambda _, guests: guests - {str(vmid)})


def rewrite(node: Node, changed: Callable[[str, set[str]], set[str]]) -> None:
    """Replace each pool's guests by what `changed` (its name, its guests) says; parallel calls wait for each other."""
    if not any(line.startswith("pool:") for line in read(node)):
        return
    import fcntl  # only where there are pools

    with open(path(node) + ".lock", "a", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        old = read(node)
        new = [rewritten(line, changed) for line in old]
        if [line.rstrip(":") for line in new] != [line.rstrip(":") for line in old]:
            save(node, in_order(new))


def rewritten(line: str, changed: Callable[[str, set[str]], set[str]]) -> str:
    """One line with the guests that it should have."""
    fields = line.split(":")
    if fields[0] != "pool" or len(fields) <= GUESTS:
        return line
    guests = changed(fields[NAME], set(filter(None, fields[GUESTS].replace(";", ",").split(","))))
    fields[GUESTS] = ",".join(sorted(guests, key=lambda vmid: (len(vmid), vmid)))
    storages = fields[STORAGES] if len(fields) > STORAGES else ""
    return ":".join((*fields[:STORAGES], storages, ""))


def in_order(lines: list[str]) -> list[str]:
    """The lines as the tools write them: users, groups, pools by name, roles, rights, a blank line between each two."""
    found = []
    for number, kinds in enumerate(ORDER):
        part = [line for line in lines if line.partition(":")[0] in kinds]
        found += [""] if number else []
        found += sorted(part) if "pool" in kinds else part
    return found


def save(node: Node, lines: list[str]) -> None:
    """Replace the file at once."""
    files.replace(path(node), "".join(line + "\n" for line in lines))
