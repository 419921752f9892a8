"""`pct rescan`: bring sizes and unused volumes in configurations in line with what the storages hold."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve import lock, sizes
from fake_pve.lxc import mountpoint, power
from fake_pve.storage import config, volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf


def run(call: Call) -> None:
    """All containers, or the one of `--vmid`; `--dryrun` only tells."""
    if call.flag("dryrun"):
        call.out("NOTE: running in dry-run mode, won't write changes out!")
    call.out("rescan volumes...")
    wanted = call.params.get("vmid")
    ids = [wanted] if wanted else [str(vmid) for vmid in conf_files.guests(call.node, "lxc")]
    found = on_storages(call)
    for vmid in ids:
        with lock.guest_lock(call.node, "lxc", vmid):
            conf = conf_files.load(call.node, "lxc", vmid)
            if refresh(call, vmid, conf, found) and not call.flag("dryrun"):
                power.save(call, vmid, conf)


def on_storages(call: Call) -> dict[str, tuple[int | None, int]]:
    """Volume id -> (guest, size in bytes), of all volumes that containers may have."""
    found = {}
    for storage in config.load(call.node).values():
        if "rootdir" in storage.content and not storage.disabled and config.on_this_node(call.node, storage):
            for seen in volume.list_volumes(call.node, storage.id):
                if seen.type in ("rootdir", "images") and seen.size:
                    found[seen.volid] = (seen.vmid, seen.size)
    return found


def refresh(call: Call, vmid: str, conf: Conf, found: dict[str, tuple[int | None, int]]) -> bool:
    """Whether anything in the configuration changed."""
    changed = False
    used = set()
    for key, volid in mountpoint.volumes(conf.options):
        used.add(volid)
        properties = mountpoint.parse(key, conf.options[key])
        if volid in found and sizes.text(found[volid][1]) != properties.get("size"):
            conf.options[key] = mountpoint.render(key, properties | {"size": sizes.text(found[volid][1])})
            call.out(f"CT {vmid} updated volume size of '{volid}' in config.")
            changed = True
    used |= {mountpoint.volume(conf.options[key]) for key in mountpoint.unused(conf.options)}
    used |= {volid for section in conf.snapshots.values() for _, volid in mountpoint.volumes(section.options)}
    for volid in sorted(volid for volid, (owner, _) in found.items() if str(owner) == vmid and volid not in used):
        mountpoint.add_unused(conf, volid)
        key = next(key for key in mountpoint.unused(conf.options) if conf.options[key] == volid)
        call.out(f"CT {vmid} add unreferenced volume '{volid}' as '{key}' to config.")
        changed = True
    return changed
