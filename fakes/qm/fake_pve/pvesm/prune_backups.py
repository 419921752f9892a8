"""`pvesm prune-backups <storage>`: backups are not modelled, but the refusal without any rule is (pvesm-cli-010)."""

from __future__ import annotations

from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.storage import config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

REFUSED = tuple(f"keep-{kept}" for kept in ("all", "daily", "hourly", "last", "monthly", "weekly", "yearly"))


def run(call: Call) -> None:
    """The storage does not say what to keep: an error."""
    name = call.params["storage"]
    storage = config.usable(call.node, name)
    if "prune-backups" not in storage.options:
        raise CommandFailed(f"no prune-backups options configured for storage '{name}'")
    raise NotModelled("pruning backups")
