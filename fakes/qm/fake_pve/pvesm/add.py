"""`pvesm add <type> <storage>`: a new section in storage.cfg (pvesm-add-*)."""

from __future__ import annotations

from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.storage import config, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.storage.config import Storage


def run(call: Call) -> None:
    """Check the options, make the storage ready, and write it down only when that worked."""
    type_, name = call.params["type"], call.params["storage"]
    if type_ not in options.TYPES:
        raise NotModelled(f"adding a storage of type '{type_}'")
    given = {key: value for key, value in call.params.items() if key not in ("type", "storage")}
    storage = config.Storage(type_, name, options.checked(type_, given))
    try:
        with config.config_lock(call.node):
            add(call, storage)
    except CommandFailed as problem:
        raise CommandFailed(f"create storage failed: {problem.message}", problem.status) from None


def add(call: Call, storage: Storage) -> None:
    """Put the storage into storage.cfg."""
    storages = config.load(call.node)
    if storage.id in storages:
        raise CommandFailed(f"storage ID '{storage.id}' already defined")
    if not storage.disabled and config.on_this_node(call.node, storage):
        config.activate(call.node, storage)
    storages[storage.id] = storage
    config.save(call.node, storages)
