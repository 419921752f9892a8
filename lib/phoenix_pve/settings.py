"""Options as values: what is wanted, what is there, and whether the two mean the same. PURE.

What is not stated (None) is no Setting at all; what is stated as none (Gone) is one without a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from phoenix_pve.guest import Gone, Kind
from phoenix_pve.ownership import MADE_BY, MARK
from phoenix_pve.plan import Difference, Refusal, SetOptions, When
from phoenix_pve.values import ipconfig, props
from phoenix_pve.values.text import lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from phoenix_pve.guest import GuestSpec, Network


@dataclass(frozen=True)
class Setting:
    """One option of qm or pct.

    value    the text for the command line; nothing for an option that is not to be set
    old      the text on the node; nothing when the option is not set
    same     whether both mean the same
    label    the option in a reader's words, with `shown_old` and `shown_new`
    gone     (what, its old text, the word for none in the file) of everything that the file takes away
    rest     whether anything but that is different
    """

    option: str
    value: str
    old: str
    same: bool
    label: str = ""
    shown_old: str = ""
    shown_new: str = ""
    gone: tuple[tuple[str, str, str], ...] = ()
    rest: bool = True

    def differences(self, when: When) -> tuple[Difference, ...]:
        """Return it as lines of a plan."""
        gone = tuple(Difference(what, old, "", when, f"{word} in the file") for what, old, word in self.gone)
        old, new = self.shown_old or self.old or "none", self.shown_new or self.value or "none"
        return (*gone, Difference(self.label or self.option, old, new, when)) if self.rest else gone


def text_of(option: str, value: str | Gone, old: str, label: str = "") -> Setting:
    """Return an option that compares as text."""
    if isinstance(value, Gone):
        gone = ((label or option, _first_line(old), value.value),) if old else ()
        return Setting(option, "", old, not old, label, gone=gone, rest=False)
    return Setting(option, value, old, value == old, label)


def properties(
    option: str,
    wanted: Mapping[str, str],
    old: str,
    stated: Mapping[str, object],
    label: str = "",
    words: Mapping[str, str] | None = None,
    read: Callable[[str], dict[str, str]] = props.parse,
    write: Callable[[Mapping[str, str]], str] = props.format_props,
) -> Setting:
    """Return an option that is a property string; without any property the option goes as a whole.

    What the file takes away of it is what is `stated` as Gone, in `words` of a reader.
    """
    now = read(old)
    gone = {key: why.value for key, why in stated.items() if isinstance(why, Gone) and key in now and key not in wanted}
    left = {key: value for key, value in now.items() if key not in gone}
    return Setting(
        option,
        write(wanted) if wanted else "",
        old,
        wanted == now,
        label,
        shown_old=write(left) if left and gone else "",
        gone=tuple(((words or {}).get(key, key), now[key], why) for key, why in gone.items()),
        rest=left != wanted,
    )


def number(option: str, value: int, old: str, default: str, unit: str = "", unset: str = "") -> Setting:
    """Return an option that is a number; where it is not set, Proxmox takes `default`, or it is `unset` in words."""
    effective = old or default
    return Setting(
        option,
        str(value),
        old,
        str(value) == effective,
        "",
        f"{effective}{unit}" if effective else unset,
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


def set_options(
    changed: Sequence[Setting], digest: str, is_live: Callable[[Setting], bool], *, running: bool, volumes: bool = False
) -> SetOptions:
    """Return the one call that sets what differs and takes away what is to go; what a running guest takes is live."""
    whens = [When.NEXT_START if running and not is_live(setting) else When.NOW for setting in changed]
    told = tuple(line for one, when in zip(changed, whens, strict=True) for line in one.differences(when))
    given = tuple((setting.option, setting.value) for setting in changed if setting.value)
    removed = tuple(setting.option for setting in changed if not setting.value)
    return SetOptions(given, digest, told, makes_volumes=volumes, removed=removed)


def cores(spec: GuestSpec, old: str, *, absent: bool) -> Setting:
    """Return the cores. A VM without has one; a container may use all of the node's (qm.conf(5), pct.conf(5))."""
    if spec.cores == 0:
        return text_of("cores", Gone.NULL, old)
    container = spec.kind is Kind.CONTAINER
    return number("cores", spec.cores, old, "" if absent or container else "1", unset="" if absent else "no limit")


def startup(spec: GuestSpec, old: str) -> Setting | None:
    """Return the start order and delay, what is stated over what is there."""
    stated = {"order": spec.boot_order, "up": spec.boot_delay}
    if not any(value is not None for value in stated.values()):
        return None
    wanted = props.laid_over(_startup(old), stated)
    words = {"order": "start order", "up": "start delay"}
    return properties("startup", wanted, old, stated, words=words, read=_startup)


def _startup(text: str) -> dict[str, str]:
    """`1,up=5` and `order=1,up=5` -> the same."""
    return props.parse(text, "order")


def tags(spec: GuestSpec, old: Iterable[str], old_text: str) -> Setting:
    """Return phoenix's mark with the stated tags; without stated ones, those that are there stay."""
    current = set(old)
    stated = () if isinstance(spec.tags, Gone) else spec.tags
    wanted = {MARK, *(current if stated is None else stated)}
    gone = current - wanted if isinstance(spec.tags, Gone) else set()
    return Setting(
        "tags",
        ";".join(sorted(wanted)),
        old_text,
        wanted == current,
        "",
        ", ".join(sorted(current - gone)),
        ", ".join(sorted(wanted)),
        (("tags", ", ".join(sorted(gone)), spec.tags.value),) if isinstance(spec.tags, Gone) and gone else (),
        rest=wanted != current - gone,
    )


def description(spec: GuestSpec, old: str, *, absent: bool) -> Setting | None:
    """Return the notes: those stated, or phoenix's own words for a new guest."""
    wanted = spec.description if spec.description is not None else MADE_BY if absent else None
    if wanted is None:
        return None
    if isinstance(wanted, Gone):
        return text_of("description", wanted, old.rstrip())
    return Setting(
        "description", wanted, old, wanted.rstrip() == old.rstrip(), "", _first_line(old), _first_line(wanted)
    )


def address_conflicts(network: Network, now: Mapping[str, str], *, new: bool = False) -> Iterator[Refusal]:
    """Yield that what is stated of address and gateway does not fit what is there of the other one."""
    there = props.format_props({key: now[key] for key in ("ip", "gw") if key in now}) or "no address"
    left = "a new guest gets dhcp" if new else f"the guest keeps what it has ({there})"
    missing = "ip" if network.ip is None else "gw"
    for problem in ipconfig.conflicts(network, now, new=new):
        yield Refusal(f"network_config.{problem}", f"`{missing}` is not stated, and {left}: state it as well")


def _first_line(text: str) -> str:
    first, *more = lines(text) or [""]
    return first + (" …" if more else "")


def common_settings(
    spec: GuestSpec, name_option: str, current: Mapping[str, str], tags_now: Iterable[str], notes: str, *, absent: bool
) -> list[Setting]:
    """Return the options that VMs and containers share; None in the specification leaves an option alone."""
    found = [
        text_of(name_option, spec.name, current.get(name_option, ""), "name"),
        cores(spec, current.get("cores", ""), absent=absent),
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
