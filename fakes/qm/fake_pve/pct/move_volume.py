"""`pct move-volume`: move a mount point's volume to another storage, or hand it to another container."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve import lock
from fake_pve.errors import CommandFailed, ParameterErrors
from fake_pve.lxc import disks, mountpoint, power
from fake_pve.pct.set import check_digest
from fake_pve.storage import config, volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf


def run(call: Call) -> None:
    """The old volume becomes an unused one, or goes with `--delete` (pct-misc-005)."""
    params = call.params
    if "target-vmid" in params:
        reassign(call, params["vmid"], params["target-vmid"])
        return
    if "storage" not in params:
        raise ParameterErrors({"storage": "missing, pass either storage or target-vmid"})
    vmid, key = params["vmid"], params["volume"]
    with lock.guest_lock(call.node, "lxc", vmid):
        conf = conf_files.load(call.node, "lxc", vmid)
        power.check_lock(conf)
        check_digest(conf, params.get("digest"))
        properties = mountpoint.parse(key, conf.options.get(key))
        check_movable(call, vmid, key, properties["volume"], conf)
        config.usable(call.node, params["storage"])
        move(call, vmid, conf, key, properties)


def check_movable(call: Call, vmid: str, key: str, volid: str, conf: Conf) -> None:
    """Only a volume of a stopped container moves, and one that snapshots need must stay."""
    if mountpoint.kind(volid) != "volume":
        raise CommandFailed(f"you can't move a {mountpoint.kind(volid)} mount point ('{key}')")
    if power.is_running(call.node, vmid):
        raise CommandFailed("cannot move volumes of a running container")
    snapshots = conf.snapshots.values()
    if call.flag("delete") and any(volid in dict(mountpoint.volumes(s.options)).values() for s in snapshots):
        raise CommandFailed(f"Cannot delete volume '{volid}': it is used by a snapshot")


def move(call: Call, vmid: str, conf: Conf, key: str, properties: dict[str, str]) -> None:
    """Copy, write the configuration, then deal with the old volume."""
    old = properties["volume"]
    new = disks.copy(call, old, call.params["storage"], vmid)
    if mountpoint.is_unused(key):
        conf.options[key] = new
    else:
        conf.options[key] = mountpoint.render(key, disks.sized(call.node, properties | {"volume": new}))
    if not call.flag("delete"):
        mountpoint.add_unused(conf, old)
    power.save(call, vmid, conf)
    if call.flag("delete"):
        disks.free_own(call, vmid, old)


# --- to another container --------------------------------------------------------------------------------


def reassign(call: Call, vmid: str, target: str) -> None:
    """Give the volume to container `target`, under the same or another name."""
    key = call.params["volume"]
    target_key = call.params.get("target-volume", key)
    if "storage" in call.params:
        raise ParameterErrors({"storage": "storage cannot be set with target-vmid, only one can be passed"})
    if vmid == target:
        problem = "must be different than source VMID to reassign disk to another container"
        raise ParameterErrors({"target-vmid": problem})
    first, second = sorted((vmid, target))
    with lock.guest_lock(call.node, "lxc", first), lock.guest_lock(call.node, "lxc", second):
        source, receiver = conf_files.load(call.node, "lxc", vmid), conf_files.load(call.node, "lxc", target)
        check_digest(source, call.params.get("digest"))
        check_digest(receiver, call.params.get("target-digest"))
        check_reassignable(call, (vmid, source, key), (target, receiver, target_key))
        hand_over(call, (vmid, source, key), (target, receiver, target_key))


End = tuple[str, "Conf", str]  # a container's ID, its configuration, the key of its volume


def check_reassignable(call: Call, from_: End, to: End) -> None:
    """The volume may go and its new place is free."""
    (vmid, source, key), (target, receiver, target_key) = from_, to
    for conf in (source, receiver):
        power.check_lock(conf)
    if key == "rootfs" or target_key == "rootfs":
        raise CommandFailed("cannot move rootfs to another container")
    if key not in source.options:
        raise CommandFailed(f"Volume '{key}' for container '{vmid}' does not exist")
    if target_key in receiver.options:
        raise CommandFailed(f"Target volume key '{target_key}' is already in use for container '{target}'")
    if mountpoint.kind(mountpoint.volume(source.options[key])) != "volume":
        raise CommandFailed("You can only reassign volumes")
    if power.is_running(call.node, vmid):
        raise CommandFailed("cannot move volumes of a running container")


def hand_over(call: Call, from_: End, to: End) -> None:
    """Rename the volume and write both configurations."""
    (vmid, source, key), (target, receiver, target_key) = from_, to
    properties = mountpoint.parse(key, source.options.pop(key))
    new = volume.rename(call, properties["volume"], target)
    power.save(call, vmid, source)
    if mountpoint.is_unused(target_key):
        receiver.options[target_key] = new
    else:
        receiver.options[target_key] = mountpoint.render(target_key, properties | {"volume": new})
    power.save(call, target, receiver)
    call.out(f"moved volume '{key}' of container '{vmid}' to '{target_key}' of container '{target}'")
