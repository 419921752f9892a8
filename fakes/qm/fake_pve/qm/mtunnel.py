"""`qm mtunnel`: what the other node of a migration talks to; only its greeting and `quit` (qm-misc-001)."""

from __future__ import annotations

from fake_pve.errors import NotModelled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Greet, then follow stdin until it ends or says `quit`."""
    call.out("tunnel online")
    call.flush()
    for line in call.stdin().splitlines():
        if line == "quit":
            call.out("OK")
            return
        raise NotModelled(f"qm mtunnel's command '{line}'")
