"""Cluster files that name guests: backup jobs (/etc/pve/jobs.cfg), HA resources (/etc/pve/ha/resources.cfg)."""

from __future__ import annotations

import os

from fake_pve import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.node import Node


def _sections(path: str) -> list[list[str]]:
    """A section file as lists of lines: the head, then its indented options."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            lines = file.read().split("\n")
    except OSError:
        return []
    sections: list[list[str]] = []
    for line in lines:
        if line.strip() and not line[0].isspace():
            sections.append([line])
        elif line.strip() and sections:
            sections[-1].append(line)
    return sections


def _save(path: str, sections: list[list[str]]) -> None:
    files.replace(path, "".join("\n".join(section) + "\n\n" for section in sections))


def _resources(node: Node) -> str:
    return f"{node.root}/etc/pve/ha/resources.cfg"


def add_to_ha(node: Node, vmid: str, state: str, kind: str = "vm") -> None:
    """Make the guest an HA resource that is wanted in `state`, "started" or "stopped"."""
    os.makedirs(os.path.dirname(_resources(node)), exist_ok=True)
    _save(_resources(node), [*_sections(_resources(node)), [f"{kind}: {vmid}", f"\tstate {state}"]])


def ha_resource(node: Node, vmid: str | int, kind: str = "vm") -> list[str] | None:
    """The lines of the guest's HA resource, or None."""
    name = f"{kind}:{vmid}"
    return next((lines for lines in _sections(_resources(node)) if lines[0].replace(" ", "") == name), None)


def set_ha_state(node: Node, vmid: str | int, state: str, kind: str = "vm") -> None:
    """Write what is requested of HA for the guest."""
    sections = _sections(_resources(node))
    for lines in sections:
        if lines[0].replace(" ", "") == f"{kind}:{vmid}":
            lines[1:] = [*(line for line in lines[1:] if line.split()[:1] != ["state"]), f"\tstate {state}"]
    _save(_resources(node), sections)


def remove_from_ha(node: Node, vmid: str, kind: str = "vm") -> bool:
    """Take the guest out of the HA resources -> whether it was one."""
    sections = _sections(_resources(node))
    left = [section for section in sections if section[0].replace(" ", "") != f"{kind}:{vmid}"]
    if left == sections:
        return False
    _save(_resources(node), left)
    return True


def remove_from_backups(node: Node, vmid: str) -> None:
    """Take the guest out of backup jobs; a job that was for it alone goes."""
    path = f"{node.root}/etc/pve/jobs.cfg"
    sections = _sections(path)
    left = [kept for section in sections if (kept := _without(section, vmid))]
    if left != sections:
        _save(path, left)


def _without(section: list[str], vmid: str) -> list[str]:
    kept = []
    for line in section:
        key, _, value = line.strip().partition(" ")
        if key == "vmid" and vmid in value.split(","):
            others = [word for word in value.split(",") if word != vmid]
            if not others:
                return []
            line = f"\tvmid {','.join(others)}"  # noqa: PLW2901
        kept.append(line)
    return kept
