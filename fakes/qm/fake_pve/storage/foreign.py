"""What a section of a type that is not modelled brings along: where it is mounted, and its secrets."""

from __future__ import annotations

import os

from fake_pve import files
from fake_pve.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.node import Node

MOUNTED = frozenset(("cephfs", "cifs", "nfs"))
KEYRING = "/etc/pve/priv/ceph.client.admin.keyring"


def defaults(type_: str, name: str) -> dict[str, str]:
    """Options that the tool fills in: a share is mounted below /mnt/pve."""
    return {"path": f"/mnt/pve/{name}"} if type_ in MOUNTED else {}


def read_secrets(call: Call) -> None:
    """A key is given as a file on the node, which is read first of all (pvesm-add2-006)."""
    path = call.params.get("keyring")
    if path is not None and not os.path.isfile(call.node.path(path)):
        raise CommandFailed(f"can't open '{path}' - No such file or directory", 2)


def added(call: Call, type_: str, name: str) -> None:
    """Keep the password; a Ceph that is not the node's own has a key of its own, or does without (pvesm-add2-006)."""
    if "password" in call.params:
        path = password_file(call.node, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        files.replace(path, call.params["password"] + "\n", 0o600)
    own = "keyring" in call.params or os.path.exists(call.node.path(KEYRING))
    if type_ in ("cephfs", "rbd") and "monhost" in call.params and not own:
        call.err(f"{KEYRING} not found, authentication is disabled.")


def removed(node: Node, name: str) -> None:
    """Forget the password."""
    if os.path.exists(password_file(node, name)):
        os.unlink(password_file(node, name))


def password_file(node: Node, name: str) -> str:
    """Where a storage's password lies."""
    return f"{node.root}/etc/pve/priv/storage/{name}.pw"
