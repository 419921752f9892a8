"""`pvesm status`: which storages there are and how full they are (pvesm-add-001, qm-lvm-001)."""

from __future__ import annotations

import os

from fake_pve.errors import CommandFailed, ParameterErrors
from fake_pve.storage import config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.node import Node
    from fake_pve.storage.config import Storage

HEAD = ("Type", "Status", "Total (KiB)", "Used (KiB)", "Available (KiB)", "%")


def run(call: Call) -> None:
    """A table sorted by name."""
    rows = [row(call, storage) for storage in chosen(call)]
    for line in table(rows):
        call.out(line)


def chosen(call: Call) -> list[Storage]:
    """The storages that the call's filters leave."""
    only = call.params.get("storage")
    storages = config.load(call.node)
    if only is not None and only not in storages:
        raise ParameterErrors({"storage": "No such storage."})
    target = call.params.get("target", call.node.name)
    wanted = set(config.content_types(call.params.get("content", "")))
    return [
        storage
        for name, storage in sorted(storages.items())
        if only in (None, name)
        and (not wanted or (wanted & storage.content and is_on(call.node, storage)))
        and (target == call.node.name or shared_with(storage, target))
        and not (call.params.get("enabled") == "1" and not is_on(call.node, storage))
    ]


def is_on(node: Node, storage: Storage) -> bool:
    """Whether the storage is switched on, and on this node; another node's is shown as disabled (pvesm-nodes-001)."""
    return not storage.disabled and config.on_this_node(node, storage)


def shared_with(storage: Storage, target: str) -> bool:
    """Whether the node `target` has the storage, too."""
    nodes = config.content_types(storage.options.get("nodes", ""))
    return storage.options.get("shared", "0") == "1" and (not nodes or target in nodes)


class Row:
    """A storage and its state: "active", "inactive" or "disabled"; sizes in KiB."""

    __slots__ = ("state", "storage", "total", "used")

    def __init__(self, storage: Storage, state: str, total: int = 0, used: int = 0) -> None:
        self.storage = storage
        self.state = state
        self.total = total
        self.used = used


def row(call: Call, storage: Storage) -> Row:
    """The state of one storage; one that cannot be made ready is told on stderr and shown as inactive."""
    if not is_on(call.node, storage):
        return Row(storage, "disabled")
    try:
        config.activate(call.node, storage)
    except CommandFailed as problem:
        call.err(problem.message)
        return Row(storage, "inactive")
    return Row(storage, "active", config.capacity(storage), used_kib(call.node, storage))


def used_kib(node: Node, storage: Storage) -> int:
    """What the storage's files take."""
    top = f"{node.root}/dev/{storage.vgname}" if storage.type == "lvmthin" else config.folder(node, storage)
    total = 0
    for folder, _, files in os.walk(top):
        for name in files:
            try:
                total += os.lstat(f"{folder}/{name}").st_blocks // 2
            except OSError:
                continue
    return total


def table(rows: list[Row]) -> list[str]:
    """The text; a disabled storage has no percentage."""
    width = 1 + max((len(row.storage.id) for row in rows), default=0)
    cells = [("Name", *HEAD)]
    for found in rows:
        share = "N/A" if found.state == "disabled" else f"{100 * found.used / max(1, found.total):.2f}%"
        sizes = (str(found.total), str(found.used), str(found.total - found.used))
        cells.append((found.storage.id, found.storage.type, found.state, *sizes, share))
    return [
        f"{name:<{width}}{type_:>11} {state:>10} {total:>15} {used:>15} {free:>15} {share:>8}"
        for name, type_, state, total, used, free, share in cells
    ]
