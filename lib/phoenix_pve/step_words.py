"""What is being done, in words for the story. PURE."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from phoenix_pve.plan import (
    Clone,
    Create,
    Destroy,
    Grow,
    LookAgain,
    Mend,
    Note,
    RefreshCloudInit,
    Remember,
    RemoveSnippet,
    Resume,
    SetOptions,
    SetPassword,
    Shutdown,
    Start,
    Stop,
    Tidy,
    WaitFor,
    WaitForAgent,
    WaitForPower,
    WriteSnippet,
)

if TYPE_CHECKING:
    from phoenix_pve.plan import Change

STEP_WORDS: dict[type, str] = {
    WriteSnippet: "writing the user-data",
    RemoveSnippet: "removing the user-data",
    Create: "creating, importing the image",
    Clone: "cloning",
    Note: "noting what begins",
    Tidy: "noting that it is complete",
    Remember: "remembering what it is",
    Mend: "clearing away what an interrupted run left",
    SetPassword: "setting the password",
    SetOptions: "setting options",
    Grow: "growing the disk",
    RefreshCloudInit: "refreshing the cloud-init drive",
    LookAgain: "looking again",
    Start: "starting",
    Resume: "resuming",
    Shutdown: "shutting down",
    Stop: "stopping",
    Destroy: "destroying",
    WaitForAgent: "waiting for the guest agent",
}


def step_words(change: Change) -> str:
    """Return what is being done, for the story."""
    if isinstance(change, WaitFor):
        return f"waiting for the {change.stage.value}"
    if isinstance(change, WaitForPower):
        return f"waiting until HA has it {change.power.value}"
    if isinstance(change, Create) and change.template:
        return "creating from the template"
    return STEP_WORDS[type(change)]


def is_internal(change: Change) -> bool:
    """Return whether a change is phoenix's own bookkeeping, of which only --verbose tells."""
    return isinstance(change, Note | Remember | Tidy | LookAgain)


PERCENT = re.compile(r"\((\d{1,3})(?:\.\d+)?%\)")
"""`transferred 1.2 GiB of 3.5 GiB (34.29%)`, as qm says while it copies a disk (qm-create-*)."""


def percent(said: str) -> str:
    """Return how far a command is by the last that it said of that, `34 %`; nothing when it says nothing of it."""
    found = PERCENT.findall(said)
    return f"{found[-1]} %" if found else ""
