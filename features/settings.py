"""config/acceptance.json: what the features may use on a real node."""

from __future__ import annotations

import functools
import json
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parent.parent / "config/acceptance.json"
OPTIONAL = frozenset({"second_bridge", "second_storage", "template", "gateway"})
LITERALS = (8001, 8002, 8003, 8004, 8005, 8009, 8099, 101, 102, 103)
"""The IDs that the feature files write; on a real node each stands for one of the range."""


class SettingsError(Exception):
    """The file cannot be used."""


@dataclass(frozen=True)
class Settings:
    """What the file says.

    ids             first and last ID that the run may use; nothing else is touched
    image           path of a cloud image on the node, with qemu-guest-agent inside or installed by its user-data
    template        volume of a Debian container template, such as local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst
    storage         for disks; second_storage: another one, LVM-thin
    bridge          of the guests; second_bridge: another one
    address         "dhcp", or address and prefix of the first guest: those after it count up
    """

    ids: tuple[int, int]
    image: str
    storage: str
    bridge: str
    address: str = "dhcp"
    gateway: str = ""
    template: str = ""
    second_storage: str = ""
    second_bridge: str = ""

    def given(self, key: str) -> bool:
        """Return whether an optional setting is there."""
        return bool(getattr(self, key))

    @property
    def vmids(self) -> dict[int, int]:
        """The ID on the node for each that the feature files write."""
        return {literal: self.ids[0] + i for i, literal in enumerate(LITERALS)}


@functools.cache
def load() -> Settings:
    """Read $ACCEPTANCE_CONFIG or config/acceptance.json. Raises SettingsError."""
    path = Path(os.environ.get("ACCEPTANCE_CONFIG") or FILE)
    try:
        return parse(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, SettingsError) as error:
        raise SettingsError(f"{path}: {error}") from None


def parse(document: Any) -> Settings:
    """Check the document. Raises SettingsError."""
    if not isinstance(document, dict):
        raise SettingsError("must be an object")
    names = {field.name for field in fields(Settings)}
    if wrong := sorted((document.keys() - names) | ({"ids", "image", "storage", "bridge"} - document.keys())):
        raise SettingsError(f"unknown or missing: {', '.join(wrong)}")
    if texts := [key for key in names & document.keys() - {"ids"} if not isinstance(document[key], str)]:
        raise SettingsError(f"{texts[0]}: must be a string")
    return Settings(**{**document, "ids": _ids(document["ids"])})


def _ids(value: Any) -> tuple[int, int]:
    if not (isinstance(value, list) and len(value) == 2 and all(type(vmid) is int for vmid in value)):
        raise SettingsError("ids: must be the first and the last ID, such as [9900, 9909]")
    first, last = value
    if not 100 <= first <= last - len(LITERALS) + 1 <= 999_999_999:
        raise SettingsError(f"ids: must be at least {len(LITERALS)} IDs from 100 on")
    return first, last
