"""`pvesm set <storage>`: change a section of storage.cfg (pvesm-add-010, pvesm-set-*)."""

from __future__ import annotations

from fake_pve.errors import CommandFailed
from fake_pve.storage import config, foreign, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Change and write; without any option nothing changes."""
    foreign.read_secrets(call)
    try:
        with config.config_lock(call.node):
            update(call)
    except CommandFailed as problem:
        if problem.status != 255:
            raise
        raise CommandFailed(f"update storage failed: {problem.message}") from None


def update(call: Call) -> None:
    """Deletions first, then the new values."""
    name = call.params["storage"]
    storages = config.load(call.node)
    if name not in storages:
        raise CommandFailed(f"storage '{name}' does not exist")
    given = {key: value for key, value in call.params.items() if key not in ("storage", "delete", "digest")}
    check_digest(call)
    old = storages[name]
    new = {**old.options, **options.checked(old.type, given, call.err, old.options)}
    for key in config.content_types(call.params.get("delete", "")):
        options.check_delete(old.type, key, given)
        new.pop(key, None)
        if key == "content":  # what the section does not say is filled in when it is read (pvesm-add2-018)
            new[key] = config.default_content(old.type)
    storages[name] = config.Storage(old.type, name, new)
    config.save(call.node, storages)


def check_digest(call: Call) -> None:
    """--digest must be that of the file as it is now."""
    wanted = call.params.get("digest")
    if wanted and wanted != config.digest(call.node):
        raise CommandFailed("detected modified configuration - file changed by other user? Try again.")
