"""What an image file cannot tell about itself: its snapshots, in a place of the fake's own.

One small text file a volume, a line a snapshot, oldest first: name, a blank, the virtual size in bytes that the image
had then. Beside it, `<volume>@<snapshot>`, a copy of an image that held data.
"""

from __future__ import annotations

import os

from fake_pve import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.node import Node


def place(node: Node, storage_id: str, name: str) -> str:
    """The text file of the volume `8001/vm-8001-disk-0.qcow2`."""
    return f"{node.root}/var/lib/fake-pve/snapshots/{storage_id}/{name}"


def load(node: Node, storage_id: str, name: str) -> dict[str, int]:
    """Snapshot name -> size in bytes; empty when the volume has none."""
    try:
        with open(place(node, storage_id, name), encoding="utf-8") as file:
            lines = [line.split() for line in file]
    except OSError:
        return {}
    return {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdecimal()}


def save(node: Node, storage_id: str, name: str, snapshots: dict[str, int]) -> None:
    """Replace the file atomically, or remove it when there is nothing to say."""
    path = place(node, storage_id, name)
    if not snapshots:
        forget(node, storage_id, name)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    files.replace(path, "".join(f"{snapshot} {size}\n" for snapshot, size in snapshots.items()))


def forget(node: Node, storage_id: str, name: str) -> None:
    """Remove what is known of the volume, which has no snapshots any more."""
    path = place(node, storage_id, name)
    folder, base = os.path.split(path)
    try:
        found = os.listdir(folder)
    except OSError:
        return
    for other in found:
        if other == base or other.startswith(base + "@"):
            os.unlink(f"{folder}/{other}")


def keep(node: Node, storage_id: str, name: str, snapshot: str, source: str) -> None:
    """Put a copy of the image file `source` aside."""
    from fake_pve.storage import copying  # only for images that hold data

    path = f"{place(node, storage_id, name)}@{snapshot}"
    try:
        with open(path, "wb") as file:
            file.truncate(os.path.getsize(source))
        copying.copy_sparse(source, path)
    except BaseException:
        files.remove(path)
        raise


def bring_back(node: Node, storage_id: str, name: str, snapshot: str, target: str) -> bool:
    """Replace the image file `target` by the copy, at once; False when there is none."""
    from fake_pve.storage import copying  # only for images that hold data

    path = f"{place(node, storage_id, name)}@{snapshot}"
    if not os.path.exists(path):
        return False
    temporary = f"{path}.tmp.{os.getpid()}"
    try:
        with open(temporary, "wb") as file:
            file.truncate(os.path.getsize(path))
        copying.copy_sparse(path, temporary)
        os.replace(temporary, target)
    except BaseException:
        files.remove(temporary)
        raise
    return True


def drop(node: Node, storage_id: str, name: str, snapshot: str) -> None:
    """Remove the copy, if there is one."""
    try:
        os.unlink(f"{place(node, storage_id, name)}@{snapshot}")
    except OSError:
        pass
