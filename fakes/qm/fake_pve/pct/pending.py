"""`pct pending`: current values (`cur`), waiting ones (`new`) and waiting deletions (`del`)."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve.lxc import changes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf


def run(call: Call) -> None:
    """One block of lines a key, sorted (pct-set-019)."""
    conf = conf_files.load(call.node, "lxc", call.params["vmid"])
    waiting = changes.waiting(conf)
    keys = {*conf.options, *waiting}
    if conf.description is not None:
        keys.add("description")
    for key in sorted(keys):
        for line in lines(conf, waiting, key):
            call.out(line)


def lines(conf: Conf, waiting: dict[str, str], key: str) -> list[str]:
    """The lines of one key."""
    found = []
    now = changes.current(conf, key)
    if now is not None and key in conf.pending_delete:
        return [f"del {key}: {shown(key, now)}"]
    if now is not None:
        found.append(f"cur {key}: {shown(key, now)}")
    if key in waiting:
        found.append(f"new {key}: {shown(key, waiting[key])}")
    return found


def shown(key: str, value: str) -> str:
    """A value as it is printed: a description percent-encoded."""
    return conf_files.encode(value) if key == "description" else value
