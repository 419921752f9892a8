"""`qm snapshot <vmid> <snapname>` (qm-snapshot-*)."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.lock import check_lock, guest_lock
from fake_pve.vm import snapshots, volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf


def run(call: Call) -> None:
    """Snapshot the volumes and remember the configuration."""
    vmid, name = call.params["vmid"], call.params["snapname"]
    if name.lower() in snapshots.RESERVED:
        raise CommandFailed(f"unable to use snapshot name '{name.lower()}' (reserved name)")
    with guest_lock(call.node, "qemu", vmid):
        conf = confs.load(call.node, "qemu", vmid)
        check(call, conf, name)
        snapshots.take(call, conf, name, call.params.get("description"))
        confs.save(call.node, "qemu", vmid, conf)


def check(call: Call, conf: Conf, name: str) -> None:
    """What forbids a snapshot, in the real tool's order."""
    if conf.options.get("template") == "1":
        raise CommandFailed("you can't take a snapshot if it's a template")
    check_lock(conf)
    snapshots.check_new(call, conf, name)
    if call.flag("vmstate") and volumes.is_running(call, call.params["vmid"]):
        raise NotModelled("qm snapshot --vmstate of a running VM")
