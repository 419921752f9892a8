"""`pvesm remove <storage>`: take a section out of storage.cfg; its volumes stay (pvesm-add-001, pvesm-add-010)."""

from __future__ import annotations

from fake_pve.errors import CommandFailed
from fake_pve.storage import config, foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Forget the storage. `local` comes back by itself, with its defaults (pvesm-set-002)."""
    name = call.params["storage"]
    with config.config_lock(call.node):
        storages = config.load(call.node)
        if name not in storages:
            raise CommandFailed(f"delete storage failed: storage '{name}' does not exist")
        if any(storage.options.get("base", "").startswith(f"{name}:") for storage in storages.values()):
            raise CommandFailed(
                "delete storage failed: can't remove storage - storage is used as base of another storage"
            )
        del storages[name]
        config.save(call.node, storages)
        foreign.removed(call.node, name)
