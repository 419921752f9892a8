"""Property strings in general: `virtio=BC:24:11:00:80:01,bridge=vmbr0` is a dict with an order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from phoenix_pve.guest import Gone

if TYPE_CHECKING:
    from collections.abc import Mapping


def parse(text: str, default_key: str = "") -> dict[str, str]:
    """`a=1,b=2` -> {"a": "1", "b": "2"}; a part without `=` is the value of `default_key`."""
    found: dict[str, str] = {}
    for part in text.split(",") if text else ():
        key, equals, value = part.partition("=")
        found[key if equals else default_key] = value if equals else key
    return found


def format_props(values: Mapping[str, str]) -> str:
    """{"a": "1", "b": "2"} -> `a=1,b=2`, in the order given; the key "" stands for a bare value."""
    return ",".join(f"{key}={value}" if key else value for key, value in values.items())


def laid_over(current: Mapping[str, str], stated: Mapping[str, str | int | Gone | None]) -> dict[str, str]:
    """Return properties with what is stated laid over them: None leaves one alone, Gone takes it away."""
    kept = {key: value for key, value in current.items() if not isinstance(stated.get(key), Gone)}
    return kept | {
        key: str(value) for key, value in stated.items() if value is not None and not isinstance(value, Gone)
    }


YES, NO = frozenset({"1", "yes", "true", "on"}), frozenset({"0", "no", "false", "off"})


def mean_the_same(one: str, other: str) -> bool:
    """Return whether two texts differ in nothing but the order of properties and the words for yes and no."""
    return sorted(map(_plain, one.split(","))) == sorted(map(_plain, other.split(",")))


def _plain(part: str) -> tuple[str, str, str]:
    key, equals, value = part.partition("=")
    return key, equals, "1" if value.lower() in YES else "0" if value.lower() in NO else value


def is_true(text: str | None) -> bool:
    """Return whether Proxmox takes the text for a yes; nothing is a no."""
    return (text or "").lower() in YES


PROPERTY = re.compile(r"(?:[a-z][a-z0-9_-]*=)?[^=]*", re.IGNORECASE)


def differing(old: str, new: str) -> list[str]:
    """Return what two property strings do not have in common: `bridge vmbr0 → vmbr1`, `tag none → 30`.

    Nothing when they have nothing in common or are no such strings: then they are better shown whole.
    """
    if not (_are_properties(old) and _are_properties(new)):
        return []
    before, after = parse(old), parse(new)
    values = {key: (before.get(key, "none"), after.get(key, "none")) for key in (*before, *after)}
    changed = {key: pair for key, pair in values.items() if not mean_the_same(*(f"{key}={value}" for value in pair))}
    if len(changed) == len(values):
        return []
    return [f"{key} {one} → {other}".lstrip() for key, (one, other) in changed.items()]


def _are_properties(text: str) -> bool:
    """Return whether a text is of parts `key=value`, each key once; one part may be bare."""
    parts = text.split(",")
    return "=" in text and all(map(PROPERTY.fullmatch, parts)) and len(parse(text)) == len(parts)
