"""`pvesm add <type> <storage>`: a new section in storage.cfg (pvesm-add-*)."""

from __future__ import annotations

from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.storage import config, foreign, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.storage.config import Storage

# pvesm-nodes-008
DEPRECATED = (
    "NOTE: The 'mkdir' option set for '{name}' is deprecated and will be removed in Proxmox VE 9."
    " Use 'create-base-path' or 'create-subdirs' instead."
)


def run(call: Call) -> None:
    """Check the options, make the storage ready, and write it down only when that worked."""
    type_, name = call.params["type"], call.params["storage"]
    foreign.read_secrets(call)
    given = {key: value for key, value in call.params.items() if key not in ("type", "storage")}
    stored = foreign.defaults(type_, name) | options.checked(type_, given, call.err)
    storage = config.Storage(type_, name, stored)
    try:
        with config.config_lock(call.node):
            add(call, storage)
    except NotModelled:
        raise
    except CommandFailed as problem:
        raise CommandFailed(f"create storage failed: {problem.message}", problem.status) from None


def add(call: Call, storage: Storage) -> None:
    """Put the storage into storage.cfg."""
    storages = config.load(call.node)
    if storage.id in storages:
        raise CommandFailed(f"storage ID '{storage.id}' already defined")
    if "mkdir" in storage.options:
        call.err(DEPRECATED.format(name=storage.id))
    if not storage.disabled and config.on_this_node(call.node, storage):
        config.activate(call.node, storage)
    foreign.added(call, storage.type, storage.id)
    storages[storage.id] = storage
    config.save(call.node, storages)
