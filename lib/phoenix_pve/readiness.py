"""How far a started guest is, and how that is found out. PURE.

    running → agent → address → SSH port → cloud-init done

The agent answers long before cloud-init is done, so its ping says nothing of the stages after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from phoenix_pve import foreign
from phoenix_pve.address import plain
from phoenix_pve.guest import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Stage(StrEnum):
    """What is waited for, in the words of a message."""

    AGENT = "guest agent"
    ADDRESS = "address"
    SSH = "SSH port"
    CLOUD_INIT = "end of cloud-init"


REACHED = {
    Stage.AGENT: "its guest agent answers",
    Stage.ADDRESS: "its network card has an address",
    Stage.SSH: "its SSH server answers",
    Stage.CLOUD_INIT: "its cloud-init is done",
}
"""What is true of a guest that has reached a stage."""


class Wait(StrEnum):
    """What --wait takes: how far a guest must be."""

    NONE = "none"
    AGENT = "agent"
    SSH = "ssh"
    CLOUD_INIT = "cloud-init"


def stages(kind: Kind, wait: Wait, *, stated_address: bool) -> tuple[Stage, ...]:
    """Return what to wait for, in this order.

    A stated address needs neither agent nor waiting; containers have no agent and no cloud-init.
    """
    agent = kind is Kind.VM and (wait in {Wait.AGENT, Wait.CLOUD_INIT} or (wait is Wait.SSH and not stated_address))
    far = wait in {Wait.SSH, Wait.CLOUD_INIT}
    wanted = {
        Stage.AGENT: agent,
        Stage.ADDRESS: far and not stated_address,
        Stage.SSH: far,
        Stage.CLOUD_INIT: wait is Wait.CLOUD_INIT and kind is Kind.VM,
    }
    return tuple(stage for stage, is_wanted in wanted.items() if is_wanted)


LONGEST_PROBE = 5.0
"""Seconds that a look for an SSH server takes at most."""

PORT_SCRIPT = 'exec 3<>"/dev/tcp/$0/22" && IFS= read -r -t 4 -n 4 word <&3 && printf %s "$word"'


def port_probe(address: str, seconds: float = LONGEST_PROBE) -> tuple[str, ...]:
    """Return the command that prints `SSH-` when an SSH server answers at an address; it ends within its time."""
    return (*_bounded(seconds), "bash", "-c", PORT_SCRIPT, plain(address))


def proxy_probe(proxy: str, seconds: float = LONGEST_PROBE) -> tuple[str, ...]:
    """Return the same through a proxy command."""
    return (*_bounded(seconds), "sh", "-c", proxy)


def _bounded(seconds: float) -> tuple[str, ...]:
    return ("timeout", "-k", "1", f"{min(seconds, LONGEST_PROBE):.1f}")


RESULT_SCRIPT = (
    "cd /run/cloud-init 2>/dev/null || exit 0; "
    'for f in disabled status.json result.json; do [ -e "$f" ] && echo "== $f" && cat "$f" && echo; done; true'
)
"""Runs inside a guest, by its agent or over SSH."""


def result_question(vmid: int) -> tuple[str, ...]:
    """Return the command that asks a VM what became of its cloud-init."""
    return ("qm", "guest", "exec", str(vmid), "--", "sh", "-c", RESULT_SCRIPT)


def executed(answer: str) -> str | None:
    """Return what a command printed that `qm guest exec` ran; None when it says nothing about that."""
    found = foreign.mapping(foreign.document(answer))
    return foreign.word(found.get("out-data")) if found.get("exited") else None


@dataclass(frozen=True)
class CloudInit:
    """What became of cloud-init.

    status  "done", "degraded", "error", "disabled", "running" or "absent"
    notes   what went wrong, each beginning with the module or the stage: "scripts-user: RuntimeError('…')"
    """

    status: str
    notes: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether nothing more is to come."""
        return self.status not in {"running", "absent"}


@dataclass(frozen=True)
class Proof:
    """What a login into a guest showed."""

    user: str
    hostname: str
    kernel: str
    address: str
    cloud_init: str


def cloud_init(printed: str) -> CloudInit:
    """Read what RESULT_SCRIPT printed."""
    parts = _parts(printed)
    result, status = (_version_one(parts.get(name, "")) for name in ("result.json", "status.json"))
    if "disabled" in parts and not result:
        return CloudInit("disabled")
    if not result:
        return CloudInit("running" if parts else "absent")
    errors = _texts(result.get("errors") or [])
    if errors is None:
        return CloudInit("error", ("its result.json makes no sense",))
    if errors:
        return CloudInit("error", tuple(_named(error) for error in errors))
    degraded = tuple(_recoverable(status))
    return CloudInit("degraded", degraded) if degraded else CloudInit("done")


def _parts(printed: str) -> dict[str, str]:
    """`== name`, a line end, `text`, and so on -> {name: text}."""
    found = re.split(r"^== (\S+)$", printed, flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


def _version_one(text: str) -> Mapping[str, Any]:
    """Return the document below `v1`; nothing for a file that is missing or half written."""
    return foreign.mapping(foreign.mapping(foreign.document(text)).get("v1"))


def _texts(value: Any) -> list[str] | None:
    """Return a list of strings, None for anything else."""
    return value if isinstance(value, list) and all(isinstance(entry, str) for entry in value) else None


def _named(error: str) -> str:
    """`('scripts-user', RuntimeError('…'))` -> `scripts-user: RuntimeError('…')`."""
    match = re.fullmatch(r"\('([\w -]+)', (.*)\)", error.strip(), re.DOTALL)
    return foreign.admit(f"{match[1]}: {match[2]}" if match else error, foreign.LINE)


def _recoverable(status: Mapping[str, Any]) -> Iterator[str]:
    """Yield the problems that cloud-init got over: `recoverable_errors` of every stage, since cloud-init 23.4."""
    for stage, entry in status.items():
        for messages in foreign.mapping(foreign.mapping(entry).get("recoverable_errors")).values():
            told = _texts(messages)
            lines = ["something that makes no sense"] if told is None else told
            yield from (foreign.admit(f"{stage}: {line}", foreign.LINE) for line in lines)
