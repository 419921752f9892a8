"""Read a guest's configuration file, /etc/pve/{qemu-server,lxc}/ID.conf. PURE.

Format: the manual pages qm.conf(5) and pct.conf(5). Notes stand as `#` lines on top, percent-encoded; options as
`key: value`; then sections: `[PENDING]` for what waits for the next start, `[special:…]`, and one per snapshot.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from phoenix_pve.kinds import ON_THE_DRIVE
from phoenix_pve.values import nic
from phoenix_pve.values.text import SPACE, lines

if TYPE_CHECKING:
    from collections.abc import Mapping

OPTION = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*):")
CARD = ("model", "macaddr", "queues", "mtu")
"""The properties of a VM's network card that only a new card can have."""


@dataclass(frozen=True)
class GuestConf:
    """A configuration file, read.

    current  the options in force
    pending  options that replace them at the next start
    deleted  options that go at the next start
    stale    options for cloud-init that a running guest's drive does not hold yet: it gets them at the next start
    """

    description: str
    current: Mapping[str, str]
    pending: Mapping[str, str]
    deleted: frozenset[str]
    stale: frozenset[str]
    digest: str

    @property
    def options(self) -> dict[str, str]:
        """The options as they will be after the next start."""
        merged = {**self.current, **self.pending}
        return {key: value for key, value in merged.items() if key not in self.deleted}

    def waiting_needlessly(self, at_once: frozenset[str]) -> frozenset[str]:
        """Return what waits although a running guest takes it at once: what set it was killed in its middle."""
        return frozenset(key for key in self.pending.keys() | self.deleted if key in at_once or self._is_replugged(key))

    def _is_replugged(self, key: str) -> bool:
        """Return whether the guest's card stays and only what it is plugged into changes."""
        old, new = (nic.parse_vm(options.get(key, "")) for options in (self.current, self.pending))
        return key.startswith("net") and "bridge" in old and all(old.get(word) == new.get(word) for word in CARD)


def _stale(section: Mapping[str, str]) -> frozenset[str]:
    """Return the keys of `[special:cloudinit]`: `added: …` and old values. A name or card there is no news to it."""
    keys = {*section.get("added", "").split(","), *section} - {"added"}
    return frozenset(keys & ON_THE_DRIVE)


def parse(data: bytes) -> GuestConf:
    """Return what the file says. Lines that are no option are passed over, as Proxmox does; no argument holds a NUL."""
    sections: dict[str, dict[str, str]] = {"": {}}
    notes: list[str] = []
    section = ""
    for line in lines(data.replace(b"\0", b"").decode("utf-8", "surrogateescape")):
        if line.startswith("[") and line.rstrip(SPACE).endswith("]"):
            section = line.rstrip(SPACE)[1:-1]
            sections.setdefault(section, {})
        elif line.startswith("#"):
            notes += [unquote(line[1:])] if section == "" else []
        elif option := OPTION.match(line):
            sections[section][option[1]] = line[option.end() :].strip(SPACE)
    pending = dict(sections.get("PENDING", sections.get("pve:pending", {})))
    deleted = pending.pop("delete", "")
    return GuestConf(
        description="\n".join(notes),
        current=sections[""],
        pending=pending,
        deleted=frozenset(name.strip().lstrip("!") for name in deleted.split(",") if name.strip()),
        stale=_stale(sections.get("special:cloudinit", {})),
        digest=hashlib.sha1(data, usedforsecurity=False).hexdigest(),
    )
