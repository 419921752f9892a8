"""`qm template <vmid>`: turn a VM into a template; its disks become read-only base volumes (qm-template-*)."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve.errors import CommandFailed
from fake_pve.lock import check_lock, guest_lock
from fake_pve.storage import volume
from fake_pve.vm import drive as drives
from fake_pve.vm import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf


def run(call: Call) -> None:
    """Check, mark the VM, then rename its volumes one by one."""
    vmid = call.params["vmid"]
    with guest_lock(call.node, "qemu", vmid):
        conf = confs.load(call.node, "qemu", vmid)
        check(call, conf)
        conf.options["template"] = "1"
        make_bases(call, conf)


def check(call: Call, conf: Conf) -> None:
    """Wording, order and statuses from qm-lock-*, qm-template-001, -002, -005."""
    check_lock(conf)
    if conf.snapshots:
        raise CommandFailed("unable to create template, because VM contains snapshots")
    if conf.options.get("template") == "1" and "disk" not in call.params:
        raise CommandFailed("you can't convert a template to a template")
    if volumes.is_running(call, call.params["vmid"]):
        raise CommandFailed("you can't convert a VM to template if VM is running", 25)


def make_bases(call: Call, conf: Conf) -> None:
    """Every disk that is not a base volume yet, or the one that --disk names; cloud-init drives stay as they are."""
    vmid = call.params["vmid"]
    chosen = [(name, drive) for name, drive in volumes.disks(conf.options) if call.params.get("disk") in (None, name)]
    for _, drive in chosen:
        found = volume.locate(call.node, drive["file"])[1]
        if not found.is_base and not volume.has_feature(call.node, drive["file"], "template"):
            raise CommandFailed(f"volume '{drive['file']}' does not support template/clone")
    confs.save(call.node, "qemu", vmid, conf)
    for name, drive in chosen:
        if not volume.locate(call.node, drive["file"])[1].is_base:
            drive["file"] = volume.make_base(call, drive["file"])
            conf.options[name] = drives.print_(drive)
            confs.save(call.node, "qemu", vmid, conf)
