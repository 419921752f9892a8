"""Options as values: what is wanted, what is there, and whether the two mean the same. PURE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from phoenix_pve.ownership import MADE_BY, MARK
from phoenix_pve.plan import Difference, When
from phoenix_pve.values import props

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from phoenix_pve.guest import GuestSpec


@dataclass(frozen=True)
class Setting:
    """One option of qm or pct.

    value    the text for the command line
    old      the text on the node; nothing when the option is not set
    same     whether both mean the same
    label    the option in a reader's words, with `shown_old` and `shown_new`
    """

    option: str
    value: str
    old: str
    same: bool
    label: str = ""
    shown_old: str = ""
    shown_new: str = ""

    def difference(self, when: When) -> Difference:
        """Return it as a line of a plan."""
        return Difference(
            self.label or self.option,
            self.shown_old or self.old or "none",
            self.shown_new or self.value or "none",
            when,
        )


def text_of(option: str, value: str, old: str, label: str = "") -> Setting:
    """Return an option that compares as text."""
    return Setting(option, value, old, value == old, label)


def number(option: str, value: int, old: str, default: str, unit: str = "") -> Setting:
    """Return an option that is a number; where it is not set, Proxmox takes `default`."""
    effective = old or default
    return Setting(
        option,
        str(value),
        old,
        str(value) == effective,
        "",
        f"{effective}{unit}" if effective else "",
        f"{value}{unit}",
    )


def flag(option: str, value: bool, old: str) -> Setting:
    """Return an option that is on or off; not set means off."""
    words = {True: "yes", False: "no"}
    return Setting(
        option, str(int(value)), old, props.is_true(old) is value, "", words[props.is_true(old)], words[value]
    )


def differing(settings: Iterable[Setting], stuck: frozenset[str] = frozenset()) -> list[Setting]:
    """Return the settings that have to be set, those that are `stuck` once more."""
    return [setting for setting in settings if not setting.same or setting.option in stuck]


def memory_of(text: str) -> str:
    """`2048` and `current=2048` -> `2048`."""
    return props.parse(text, "current").get("current", "")


def startup(spec: GuestSpec, old: str) -> Setting | None:
    """Return the start order and delay, what is stated over what is there."""
    if spec.boot_order is None and spec.boot_delay is None:
        return None
    current = props.parse(old, "order")
    stated = {"order": spec.boot_order, "up": spec.boot_delay}
    wanted = {**current, **{key: str(value) for key, value in stated.items() if value is not None}}
    return Setting("startup", props.format_props(wanted), old, wanted == current)


def tags(spec: GuestSpec, old: Iterable[str], old_text: str) -> Setting:
    """Return phoenix's mark with the stated tags; without stated ones, those that are there stay."""
    current = set(old)
    wanted = {MARK, *(current if spec.tags is None else spec.tags)}
    return Setting(
        "tags",
        ";".join(sorted(wanted)),
        old_text,
        wanted == current,
        "",
        ", ".join(sorted(current)),
        ", ".join(sorted(wanted)),
    )


def description(spec: GuestSpec, old: str, *, absent: bool) -> Setting | None:
    """Return the notes: those stated, or phoenix's own words for a new guest."""
    wanted = spec.description if spec.description is not None else MADE_BY if absent else None
    if wanted is None:
        return None
    return Setting(
        "description", wanted, old, wanted.rstrip() == old.rstrip(), "", _first_line(old), _first_line(wanted)
    )


def _first_line(text: str) -> str:
    lines = text.splitlines() or [""]
    return lines[0] + (" …" if len(lines) > 1 else "")


def common_settings(
    spec: GuestSpec, name_option: str, current: Mapping[str, str], tags_now: Iterable[str], notes: str, *, absent: bool
) -> list[Setting]:
    """Return the options that VMs and containers share; None in the specification leaves an option alone."""
    found = [
        text_of(name_option, spec.name, current.get(name_option, ""), "name"),
        number("cores", spec.cores, current.get("cores", ""), "" if absent else "1"),
        number("memory", spec.memory_mb, memory_of(current.get("memory", "")), "" if absent else "512", " MiB"),
        tags(spec, tags_now, current.get("tags", "")),
        description(spec, notes, absent=absent),
        startup(spec, current.get("startup", "")),
        *(
            flag(option, value, current.get(option, ""))
            for option, value in (("onboot", spec.onboot), ("protection", spec.protection))
            if value is not None
        ),
    ]
    return [setting for setting in found if setting is not None]
