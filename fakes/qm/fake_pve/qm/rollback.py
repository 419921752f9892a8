"""`qm rollback <vmid> <snapname>`: back to a snapshot; a running VM is stopped (qm-snapshot-001, -022, -023)."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve import runtime
from fake_pve.errors import CommandFailed
from fake_pve.lock import check_lock, guest_lock
from fake_pve.vm import snapshots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf


def run(call: Call) -> None:
    """A task: whatever goes wrong, the exit status is 255 (qm-unknown-vm-026)."""
    try:
        with guest_lock(call.node, "qemu", call.params["vmid"]):
            roll_back(call)
    except CommandFailed as problem:
        problem.status = 255 if problem.status < 64 else problem.status
        raise
    if call.flag("start"):
        from fake_pve import starting  # only with --start

        starting.start(call, call.params["vmid"])


def roll_back(call: Call) -> None:
    """Stop, bring back volumes and options, write."""
    vmid, name = call.params["vmid"], call.params["snapname"]
    conf = confs.load(call.node, "qemu", vmid)
    check(conf, name)
    if runtime.running(call.node, "qemu", vmid):
        from fake_pve import power  # few rollbacks meet a running VM

        power.switch_off(call, vmid, conf)
    snapshots.roll_back(call, conf, name)
    confs.save(call.node, "qemu", vmid, conf)


def check(conf: Conf, name: str) -> None:
    """What forbids a rollback, in the real tool's order."""
    if conf.options.get("template") == "1":
        raise CommandFailed("you can't rollback if vm is a template")
    if name not in conf.snapshots:
        raise snapshots.missing(name)
    state = conf.snapshots[name].options.get("snapstate")
    if state:
        raise CommandFailed(f"unable to rollback to incomplete snapshot (snapstate = {state})")
    check_lock(conf)
