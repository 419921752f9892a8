"""`qm listsnapshot <vmid>`: the tree of snapshots, each below its parent, and where the VM is now (qm-snapshot-001)."""

from __future__ import annotations

import time

from fake_pve import conf as confs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf


def run(call: Call) -> None:
    """Print the tree."""
    for line in tree(confs.load(call.node, "qemu", call.params["vmid"])):
        call.out(line)


def tree(conf: Conf) -> list[str]:
    """One line a snapshot, oldest first on each level; `current` is below its parent, behind its siblings."""
    children: dict[str, list[str]] = {}
    for name in sorted(conf.snapshots, key=lambda name: (taken_at(conf, name), name)):
        children.setdefault(parent_of(conf, conf.snapshots[name].options), []).append(name)
    children.setdefault(parent_of(conf, conf.options), []).append("current")
    return below(conf, children, "", "")


def parent_of(conf: Conf, options: dict[str, str]) -> str:
    """The parent's name; "" without one that exists."""
    parent = options.get("parent", "")
    return parent if parent in conf.snapshots else ""


def taken_at(conf: Conf, name: str) -> int:
    """Seconds since 1970."""
    text = conf.snapshots[name].options.get("snaptime", "0")
    return int(text) if text.isdecimal() else 0


def below(conf: Conf, children: dict[str, list[str]], parent: str, indent: str) -> list[str]:
    """The lines of everything below `parent`."""
    lines = []
    for name in children.pop(parent, []):
        if name == "current":
            lines.append(line(indent, name, "", "You are here!"))
            continue
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(taken_at(conf, name)))
        description = (conf.snapshots[name].description or "").split("\n")[0]
        lines.append(line(indent, name, when, description or "no-description"))
        lines += below(conf, children, name, indent + " ")
    return lines


def line(indent: str, name: str, when: str, text: str) -> str:
    """Columns: tree, time, description."""
    return f"{indent + '`-> ' + name:<31} {when:<23} {text}"
