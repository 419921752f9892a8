"""`qm monitor <vmid>`: QEMU's human monitor, reading commands from stdin (qm-misc-001, -002)."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve.errors import NotModelled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

PROMPT = "qm> "


def run(call: Call) -> None:
    """Greet and prompt until stdin ends or says `quit`; any other command is refused: there is no QEMU behind it."""
    vmid = call.params["vmid"]
    confs.load(call.node, "qemu", vmid)
    call.out(f"Entering QEMU Monitor for VM {vmid} - type 'help' for help")
    call.prompt(PROMPT)
    for line in call.stdin().splitlines():
        if line.strip() in ("quit", "q"):
            return
        if line.strip():
            raise NotModelled(f"monitor command '{line.strip()}'")
        call.prompt(PROMPT)
