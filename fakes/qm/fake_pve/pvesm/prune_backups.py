"""`pvesm prune-backups <storage>`: backups are not modelled, but the refusal without any rule is (pvesm-cli-010)."""

from __future__ import annotations

from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.storage import config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Neither the call nor the storage says what to keep: an error."""
    name = call.params["storage"]
    storage = config.usable(call.node, name)
    if not any(key.startswith("keep-") for key in call.params) and "prune-backups" not in storage.options:
        raise CommandFailed(f"no prune-backups options configured for storage '{name}'")
    raise NotModelled("pruning backups")
