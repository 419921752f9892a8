"""`pct move-volume`: move a mount point's volume to another storage, or hand it to another container."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve import lock
from fake_pve.errors import CommandFailed, ParameterErrors
from fake_pve.lxc import changes, disks, mountpoint, power
from fake_pve.pct.set import check_digest
from fake_pve.storage import config, volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf


def run(call: Call) -> None:
    """The old volume becomes an unused one, or goes with `--delete` (pct-misc-005)."""
    params = call.params
    if "target-vmid" in params and "storage" in params:
        raise CommandFailed("either set storage or target-vmid, but not both")
    if "target-vmid" in params:
        reassign(call, params["vmid"], params["target-vmid"])
        return
    if "storage" not in params:
        problem = "both 'storage' and 'target-vmid' missing, either needs to be set"
        raise ParameterErrors({"storage": problem, "target-vmid": problem})
    vmid, key = params["vmid"], params["volume"]
    with lock.guest_lock(call.node, "lxc", vmid):
        conf = conf_files.load(call.node, "lxc", vmid)
        power.check_lock(conf)
        properties = movable(call, vmid, key, conf)
        check_digest(conf, params.get("digest"))
        config.usable(call.node, params["storage"])
        power.activate(call, properties["volume"])
        move(call, vmid, conf, key, properties)


def movable(call: Call, vmid: str, key: str, conf: Conf) -> dict[str, str]:
    """The mount point to move: one of a stopped container; its volume must stay if a snapshot needs it."""
    if power.is_running(call.node, vmid):
        raise CommandFailed("cannot move volumes of a running container")
    if mountpoint.is_unused(key):
        raise CommandFailed(f"cannot move volume '{key}', only configured volumes can be moved to another storage")
    properties = mountpoint.parse(key, conf.options.get(key))
    if call.flag("delete") and in_snapshot(conf, properties["volume"]):
        raise CommandFailed("you can't move a volume with snapshots and delete the source")
    return properties


def in_snapshot(conf: Conf, volid: str) -> bool:
    """Whether a snapshot holds the volume."""
    return any(volid == used for section in conf.snapshots.values() for _, used in mountpoint.volumes(section.options))


def move(call: Call, vmid: str, conf: Conf, key: str, properties: dict[str, str]) -> None:
    """Copy, write the configuration, then deal with the old volume."""
    old = properties["volume"]
    new = disks.copy(call, old, call.params["storage"], vmid)
    if conf.options.get("template") == "1":
        new = volume.make_base(call, new)
    conf.options[key] = mountpoint.render(key, disks.sized(call.node, properties | {"volume": new}))
    if not call.flag("delete"):
        mountpoint.add_unused(conf, old)
    power.save(call, vmid, conf)
    if call.flag("delete"):
        disks.free_own(call, vmid, old)


# --- to another container --------------------------------------------------------------------------------

End = tuple[str, "Conf", str]  # a container's ID, its configuration, the key of its volume


def reassign(call: Call, vmid: str, target: str) -> None:
    """Give the volume to container `target`, under the same or another name."""
    key = call.params["volume"]
    target_key = call.params.get("target-volume", key)
    check_keys(key, target_key)
    for wanted in (vmid, target):
        if conf_files.kind_of(call.node, wanted) is None:
            raise CommandFailed(f"could not find CT {wanted}")
    first, second = sorted((vmid, target))
    with lock.guest_lock(call.node, "lxc", first):
        if first == second:
            exchange(call, (vmid, key), (target, target_key))
            return
        with lock.guest_lock(call.node, "lxc", second):
            exchange(call, (vmid, key), (target, target_key))


def check_keys(key: str, target_key: str) -> None:
    """A root file system stays, and an unused volume is unused at its new owner's, too."""
    if "rootfs" in (key, target_key):
        raise CommandFailed("Cannot move to/from 'rootfs'")
    if mountpoint.is_unused(key) and not mountpoint.is_unused(target_key):
        raise CommandFailed("Moving an unused volume to a used one is not possible")


def exchange(call: Call, from_: tuple[str, str], to: tuple[str, str]) -> None:
    """Check both ends and hand the volume over; the caller holds the locks."""
    (vmid, key), (target, target_key) = from_, to
    source = conf_files.load(call.node, "lxc", vmid)
    receiver = source if target == vmid else conf_files.load(call.node, "lxc", target)
    check_ends(call, (vmid, source, key), (target, receiver, target_key))
    check_volume(call, vmid, key, source)
    hand_over(call, (vmid, source, key), (target, receiver, target_key))


def check_ends(call: Call, from_: End, to: End) -> None:
    """Both containers may be changed, and the volume's new place is free."""
    (vmid, source, key), (target, receiver, target_key) = from_, to
    for conf in (source, receiver):
        power.check_lock(conf)
    if "1" in (source.options.get("template"), receiver.options.get("template")):
        raise CommandFailed("Can't move volumes from or to template CT")
    wanted, target_wanted = call.params.get("digest"), call.params.get("target-digest")
    for owner, conf, digest in ((vmid, source, wanted), (target, receiver, target_wanted)):
        try:
            check_digest(conf, digest)
        except CommandFailed as problem:
            problem.message = f"Container {owner}: {problem.message}"
            raise
    if key not in source.options:
        raise CommandFailed(f"volume '{key}' for container '{vmid}' does not exist")
    if target_key in receiver.options:
        raise CommandFailed(f"Target volume key '{target_key}' is already in use for container '{target}'")


def check_volume(call: Call, vmid: str, key: str, source: Conf) -> None:
    """The volume may go: its storage can rename it, and neither a snapshot nor a running container needs it."""
    volid = mountpoint.parse(key, source.options[key])["volume"]
    if in_snapshot(source, volid):
        raise CommandFailed("Cannot move volume used by a snapshot to another container")
    if mountpoint.kind(volid) != "volume" or not volume.has_feature(call.node, volid, "rename"):
        raise CommandFailed("Storage does not support moving of this disk to another container")
    if power.is_running(call.node, vmid) and not mountpoint.is_unused(key):
        raise CommandFailed("Cannot move in-use volume while the source CT is running - detach or shutdown first")


def hand_over(call: Call, from_: End, to: End) -> None:
    """Rename the volume and write both configurations."""
    (vmid, source, key), (target, receiver, target_key) = from_, to
    call.out(f"moving volume '{key}' from container '{vmid}' to '{target}'")
    properties = mountpoint.parse(key, source.options.pop(key))
    new = volume.rename(call, properties["volume"], target)
    call.out(f"removing volume '{key}' from container '{vmid}' config")
    power.save(call, vmid, source)
    if mountpoint.is_unused(target_key):
        receiver.options[target_key] = new
    else:
        attach(call, to, mountpoint.render(target_key, properties | {"volume": new}))
    power.save(call, target, receiver)
    call.out(f"target container '{target}' updated with '{target_key}'")


def attach(call: Call, to: End, value: str) -> None:
    """Mount the volume as `pct set` does; what goes wrong is only told."""
    target, receiver, key = to
    running = power.is_running(call.node, target)
    for problem in changes.update(call, target, receiver, running, {key: value}, [], []).values():
        call.err(f"WARN: {problem}")
