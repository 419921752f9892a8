"""`qm cloudinit pending <vmid>`: what the drive says against what the configuration says."""

from __future__ import annotations

from fake_pve import conf as conf_file
from fake_pve.qm.config import shown
from fake_pve.vm import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf


def run(call: Call) -> None:
    """Print `cur` and `new` lines sorted by key (qm-cloudinit-008, qm-set-running-022); what is deleted is not told."""
    conf = conf_file.load(call.node, "qemu", call.params["vmid"])
    keys = {key for key in record.SHOWN if conf.options.get(key, "0") not in ("", "0")} | record.added(conf)
    for key in sorted(keys):
        for line in _lines(conf, key):
            call.out(line)


def _lines(conf: Conf, key: str) -> list[str]:
    old, new = conf.cloudinit.get(key), conf.options.get(key)
    if key in record.added(conf):
        return [f"new {key}: {shown(key, new or '')}"]
    if old is None:
        return [f"cur {key}: {shown(key, new or '')}"]
    return [f"cur {key}: {shown(key, old)}", f"new {key}: {shown(key, new or '')}"]
