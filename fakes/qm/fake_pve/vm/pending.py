"""The [PENDING] section: what waits until the guest is off, and the views of a configuration with and without it.

The section's own description is kept apart in a Conf (`pending_description`); here it counts as one more option, so the
functions below take names such as "description" like any other.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.conf import Conf, Section


def get(section: Section, key: str) -> str | None:
    """The value of an option of the section's own, the description included."""
    return section.description if key == "description" else section.options.get(key)


def put(section: Section, key: str, value: str | None) -> None:
    """Set an option of the section's own; None removes it."""
    if key == "description":
        section.description = value
    elif value is None:
        section.options.pop(key, None)
    else:
        section.options[key] = value


def waiting(conf: Conf, key: str) -> str | None:
    """The value that waits for `key`."""
    return conf.pending_description if key == "description" else conf.pending.get(key)


def wait(conf: Conf, key: str, value: str) -> None:
    """Let a value wait; the name is no longer to be deleted."""
    conf.pending_delete.pop(key, None)
    if key == "description":
        conf.pending_description = value
    else:
        conf.pending[key] = value


def drop(conf: Conf, key: str) -> None:
    """Forget the value that waits for `key`."""
    if key == "description":
        conf.pending_description = None
    else:
        conf.pending.pop(key, None)


def wait_delete(conf: Conf, key: str, force: bool) -> None:
    """Let a deletion wait."""
    drop(conf, key)
    conf.pending_delete[key] = force


def names(conf: Conf) -> list[str]:
    """The options that wait with a value, sorted."""
    found = [*conf.pending, *(["description"] if conf.pending_description is not None else [])]
    return sorted(found)


def any_left(conf: Conf) -> bool:
    """Whether anything waits."""
    return bool(conf.pending or conf.pending_delete) or conf.pending_description is not None


def clean(conf: Conf) -> None:
    """Drop what would change nothing: equal values, deletions of what is not set (qm-set-running-026)."""
    for key in names(conf):
        if waiting(conf, key) == get(conf, key):
            drop(conf, key)
    for key in list(conf.pending_delete):
        if get(conf, key) is None:
            del conf.pending_delete[key]


def effective(conf: Conf) -> dict[str, str]:
    """All options as they will be once everything that waits has happened; the description decoded."""
    found = current(conf)
    for key in names(conf):
        found[key] = waiting(conf, key) or ""
    for key in conf.pending_delete:
        found.pop(key, None)
    return found


def current(section: Section) -> dict[str, str]:
    """All options as they are, the description (decoded) among them."""
    found = dict(section.options)
    if section.description is not None:
        found["description"] = section.description
    return found
