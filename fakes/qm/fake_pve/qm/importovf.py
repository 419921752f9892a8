"""`qm importovf <vmid> <manifest> <storage>`: only a manifest that is not there is told (qm-misc-006)."""

from __future__ import annotations

import os

from fake_pve.errors import CommandFailed, NotModelled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Refuse what is no file; reading a manifest is not modelled."""
    manifest = call.params["manifest"]
    if not os.path.isfile(call.node.path(os.path.join("/", manifest))):
        raise CommandFailed(f"{manifest}: non-existent or non-regular file", 2)
    raise NotModelled("qm importovf")
