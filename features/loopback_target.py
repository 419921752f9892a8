"""A fake node behind a real SSH server: phoenix has no tool of Proxmox beside it, only `--host`."""

from __future__ import annotations

from dataclasses import dataclass

from tests import apart
from tests.needs import lacking
from tests.remote.sshd import HOST, MISSING, Sshd

from features.guest_target import GuestTarget
from features.target import FakeTarget, Result

SEEN_BY_PHOENIX = ("HOME", "LC_ALL", "SSH_AUTH_SOCK", "XDG_STATE_HOME")


@dataclass(repr=False)
class LoopbackTarget(FakeTarget):
    """Its server lives as long as the target."""

    def __post_init__(self) -> None:
        if MISSING:
            lacking(MISSING)
        super().__post_init__()
        self.server = Sshd(self.folder / "sshd", self.environment)

    def close(self) -> None:
        """Stop the server."""
        super().close()
        self.server.stop()

    @property
    def phoenix_environment(self) -> dict[str, str]:
        """The environment of phoenix, with the way to the node in place of the node."""
        mine = super().phoenix_environment
        kept = {name: text for name, text in mine.items() if name.startswith("PHOENIX_") or name in SEEN_BY_PHOENIX}
        return {**kept, "PATH": apart.path(self.server.bin), "PHOENIX_HOST": HOST}

    def phoenix(self, line: str) -> Result:
        """Run phoenix; the server gives its sessions what the node has by now."""
        self.server.set_environment(self.environment)
        return super().phoenix(line)


@dataclass(repr=False)
class LoopbackGuestTarget(LoopbackTarget, GuestTarget):
    """The same with guests that boot. The way into them is not through the server: they are on this machine."""
