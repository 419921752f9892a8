"""`qm pending`: current and waiting values side by side."""

from __future__ import annotations

from fake_pve import conf as conf_file
from fake_pve.qm.config import shown
from fake_pve.vm import pending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Print `cur`, `new` and `del` lines sorted by key (qm-pending-001)."""
    conf = conf_file.load(call.node, "qemu", call.params["vmid"])
    for key in sorted({*pending.current(conf), *pending.names(conf)}):
        value, new = pending.get(conf, key), pending.waiting(conf, key)
        if value is not None and key in conf.pending_delete:
            call.out(f"del {key}: {shown(key, value)}")
            continue
        if value is not None:
            call.out(f"cur {key}: {shown(key, value)}")
        if new is not None:
            call.out(f"new {key}: {shown(key, new)}")
