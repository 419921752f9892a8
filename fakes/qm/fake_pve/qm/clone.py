"""`qm clone <vmid> <newid>`: copy a VM, or link it to a template's base volumes (qm-clone-*)."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve import firewall, pools, power
from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.lock import check_lock, guest_lock
from fake_pve.storage import config, volume
from fake_pve.vm import cloning, volumes
from fake_pve.vm import drive as drives

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf, Section
    from fake_pve.vm.drive import Drive


def run(call: Call) -> None:
    """Check everything, claim the new number, copy drive by drive; a failure leaves nothing of the new VM behind."""
    vmid, newid = call.params["vmid"], call.params["newid"]
    check_target(call)
    with guest_lock(call.node, "qemu", vmid, shared=True):  # several clones at a time, but no change meanwhile
        power.must_exist(call.node, vmid)
        source = confs.load(call.node, "qemu", vmid)
        section, full = check(call, source)
        copies = cloning.drives_to_copy(call, section, full)
        if call.params.get("target", call.node.name) not in (call.node.name, "localhost"):
            raise far(call, copies)
        with guest_lock(call.node, "qemu", newid):
            claim(call, newid)
            target = cloning.new_conf(call, section, source)
            try:
                copy_drives(call, target, copies, full)
            except CommandFailed as problem:
                confs.remove(call.node, "qemu", newid)
                if isinstance(problem, NotModelled):
                    raise
                raise CommandFailed(f"clone failed: {problem.message}") from None
            confs.save(call.node, "qemu", newid, target)
            firewall.copy(call.node, vmid, newid)
    pools.add(call.node, call.params.get("pool"), newid)


def check_target(call: Call) -> None:
    """Pool, node and storage come before the VM itself (qm-clone-012)."""
    pools.check(call.node, call.params.get("pool"))
    node = call.params.get("target", call.node.name)
    if node not in (call.node.name, "localhost") and not call.node.has_member(node):
        raise CommandFailed(f"no such cluster node '{node}'", 2)
    if "storage" in call.params:
        config.usable(call.node, call.params["storage"])


def far(call: Call, copies: dict[str, Drive]) -> CommandFailed:
    """Why there is no clone on another node: its disks are on this one alone; the rest is not modelled."""
    for drive in copies.values():
        if volume.locate(call.node, drive["file"])[0].options.get("shared", "0") != "1":
            return CommandFailed(f"can't clone VM to node '{call.params['target']}' (VM uses local storage)", 2)
    return NotModelled("qm clone --target another node")


def check(call: Call, source: Conf) -> tuple[Section, bool]:
    """What is cloned, the VM or one of its snapshots, and whether in full; problems in the real tool's order.

    The status behind the lock's check is what looking for the VM's process left in errno (qm-clone-007).
    """
    check_lock(source)
    snapshot = call.params.get("snapname")
    full = call.flag("full") if "full" in call.params else source.options.get("template") != "1"
    problem = first_problem(call, source, full)
    if problem:
        raise CommandFailed(problem, 25 if volumes.is_running(call, call.params["vmid"]) else 2)
    return (source if snapshot is None else source.snapshots[snapshot]), full


def first_problem(call: Call, source: Conf, full: bool) -> str | None:
    """What forbids this clone, else None."""
    snapshot, storage, newid = (call.params.get(name) for name in ("snapname", "storage", "newid"))
    if snapshot is not None and snapshot not in source.snapshots:
        return f"snapshot '{snapshot}' does not exist"
    for name in ("storage", "format"):
        if name in call.params and not full:
            return f"parameter '{name}' not allowed for linked clones"
    if storage is not None and "images" not in config.get(call.node, storage).content:
        return f"storage '{storage}' does not support vm images"
    if confs.exists(call.node, "qemu", str(newid)):
        return f"unable to create VM {newid}: config file already exists"
    return None


def claim(call: Call, newid: str) -> None:
    """Reserve the number; wording for a container's or another node's: qm-clone-008, qm-other-node-007."""
    call.out(f"creating a clone of VM {call.params['vmid']} with ID {newid}")
    if confs.place_of(call.node, newid) is not None:
        path = call.node.path(f"/etc/pve/nodes/{call.node.name}/qemu-server/{newid}.conf")
        raise CommandFailed(f"close (rename) atomic file '{path}' failed: File exists")
    confs.save(call.node, "qemu", newid, confs.Conf({"lock": "clone"}))


def copy_drives(call: Call, target: Conf, copies: dict[str, Drive], full: bool) -> None:
    """Fill in the drives, sorted by name; what was made is removed again when one fails."""
    made: list[str] = []
    try:
        for name in sorted(copies):
            drive = cloning.copy_drive(call, name, copies[name], full)
            made.append(drive["file"])
            target.options[name] = drives.print_(drive)
    except CommandFailed:
        for volid in made:
            volume.free(call, volid)
        raise
