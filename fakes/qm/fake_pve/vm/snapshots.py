"""Snapshots of a VM: sections of its configuration, and snapshots of its volumes.

What a section holds, what a rollback brings back and which volumes become unused follows the recordings qm-snapshot-*
and qm-lvm-020; see also the chapter "Snapshots" of https://pve.proxmox.com/pve-docs/chapter-qm.html.
"""

from __future__ import annotations

from fake_pve import dice
from fake_pve.conf import Section
from fake_pve.errors import CommandFailed
from fake_pve.storage import volume
from fake_pve.vm import volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf

RESERVED = ("current", "pending")
NOT_COPIED = ("snapstate", "snaptime", "vmstate", "lock", "runningmachine", "runningcpu", "running-nets-host-mtu")


def copied(options: dict[str, str]) -> dict[str, str]:
    """The options that pass between the configuration and a snapshot of it; unused volumes stay where they are."""
    return {key: value for key, value in options.items() if key not in NOT_COPIED and not key.startswith("unused")}


def missing(name: str) -> CommandFailed:
    """Wording from qm-walk-015."""
    return CommandFailed(f"snapshot '{name}' does not exist")


def check_new(call: Call, conf: Conf, name: str) -> None:
    """Every volume must be able to have a snapshot, and the name must be free (qm-snapshot-002, qm-walk-001)."""
    if name in conf.snapshots:
        raise CommandFailed(f"snapshot name '{name}' already used")
    for _, drive in volumes.disks(conf.options):
        if not volume.has_feature(call.node, drive["file"], "snapshot"):
            raise CommandFailed("snapshot feature is not available")


def take(call: Call, conf: Conf, name: str, description: str | None) -> None:
    """Snapshot every volume, then enter the section; a failure undoes the volumes that were done."""
    vmid = call.params["vmid"]
    running = volumes.is_running(call, vmid)
    if running:
        freeze(call, conf, vmid)
    done: list[str] = []
    try:
        for key, drive in volumes.disks(conf.options):
            snapshot_volume(call, key, drive["file"], name, running)
            done.append(drive["file"])
    except CommandFailed:
        for volid in done:
            volume.snapshot_delete(call, volid, name)
        raise
    section = Section(copied(conf.options), description or None)
    section.options["snaptime"] = str(dice.now(call.node))
    conf.snapshots[name] = section
    conf.options["parent"] = name


def snapshot_volume(call: Call, key: str, volid: str, name: str, running: bool) -> None:
    """One volume; QEMU itself does it for a running guest's qcow2 image (qm-snapshot-021)."""
    call.out(f"snapshotting 'drive-{key}' ({volid})")
    if running and volume.locate(call.node, volid)[1].format == "qcow2":
        call.out("internal qemu snapshot")
    volume.snapshot(call, volid, name)


def freeze(call: Call, conf: Conf, vmid: str) -> None:
    """Say why the guest's file systems are not frozen, where they are not."""
    from fake_pve import behaviour, power, runtime  # only for running guests

    off = [
        f"{key}={no}"
        for key in ("freeze-fs", "freeze-fs-on-backup", "guest-fsfreeze")
        for no in ("0", "off", "no", "false")
    ]
    state = runtime.read(call.node, "qemu", vmid)
    if not power.has_agent(conf) or any(part in off for part in conf.options["agent"].split(",")):
        call.out("skipping guest filesystem freeze - disabled in VM options")
    elif state is None or not behaviour.agent_answers(call.node, vmid, state):
        call.out("skipping guest filesystem freeze - agent configured but not running?")


def roll_back(call: Call, conf: Conf, name: str) -> None:
    """Volumes and options as they were; the description stays, volumes it does not know become unused."""
    section = conf.snapshots[name]
    for _, drive in volumes.disks(section.options):
        volume.snapshot_rollback(call, drive["file"], name)
    known = {drive["file"] for _, drive in volumes.disks(section.options)}
    orphans = [drive["file"] for _, drive in volumes.disks(conf.options) if drive["file"] not in known]
    options = copied(section.options)
    options |= {key: value for key, value in conf.options.items() if key.startswith("unused") and value not in known}
    for volid in orphans:
        volumes.add_unused(options, volid)
    if "vmgenid" in options:
        options["vmgenid"] = dice.uuid(call.node)
    options["parent"] = name
    conf.options = options
    conf.pending, conf.pending_delete, conf.pending_description = {}, {}, None
    conf.cloudinit, conf.has_cloudinit = {}, False


def delete(call: Call, conf: Conf, name: str, force: bool) -> None:
    """Remove the volumes' snapshots and the section; its children get its parent (qm-snapshot-001)."""
    section = conf.snapshots[name]
    for _, drive in volumes.disks(section.options):
        try:
            volume.snapshot_delete(call, drive["file"], name)
        except CommandFailed as problem:
            if not force:
                raise
            call.err(problem.message)
    del conf.snapshots[name]
    for options in (conf.options, *(other.options for other in conf.snapshots.values())):
        if options.get("parent") == name:
            adopt(options, section.options.get("parent"))
    used = {drive["file"] for _, drive in volumes.disks(conf.options)}
    for _, drive in volumes.disks(section.options):
        if drive["file"] not in used:
            volumes.add_unused(conf.options, drive["file"])


def adopt(options: dict[str, str], parent: str | None) -> None:
    """Set or forget the parent."""
    if parent is None:
        del options["parent"]
    else:
        options["parent"] = parent
