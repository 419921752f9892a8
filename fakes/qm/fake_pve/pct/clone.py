"""`pct clone`: a copy of a container, full or linked to a template's base volumes."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve import firewall, lock, pools
from fake_pve.conf import Conf
from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.lxc import disks, guest, mountpoint, network, power
from fake_pve.pct import unlock
from fake_pve.storage import config, volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Section

NOT_COPIED = frozenset(("lock", "template", "parent", "snaptime"))


def run(call: Call) -> None:
    """Both configurations are locked meanwhile; a failure leaves the source as it was and nothing of the clone."""
    params, node = call.params, call.node
    vmid, newid = params["vmid"], params["newid"]
    target = params.get("target", node.name)
    if target not in (node.name, "localhost"):
        if not node.has_member(target):
            raise CommandFailed(f"no such cluster node '{target}'")
        raise NotModelled("cloning to another node")
    pools.check(node, params.get("pool"))
    if "storage" in params:
        config.usable(node, params["storage"])
    source = unlock.put(call, vmid, "disk")
    try:
        claim(call, newid)
        try:
            clone(call, vmid, newid, source)
        except BaseException:
            conf_files.remove(node, "lxc", newid)
            raise
    finally:
        unlock.remove(call, vmid, "disk")


def claim(call: Call, vmid: str) -> None:
    """Take the new ID with a configuration that holds nothing but the lock `create`."""
    with lock.guest_lock(call.node, "lxc", vmid):
        kind, name = conf_files.place_of(call.node, vmid) or ("", "")
        if kind:
            label, status = ("CT", 255) if kind == "lxc" else ("VM", 2)
            raise CommandFailed(f"{label} {vmid} already exists on node '{name}'", status)
        conf_files.save(call.node, "lxc", vmid, Conf({"lock": "create"}))


def clone(call: Call, vmid: str, newid: str, source: Conf) -> None:
    """Check, copy, and write the new container's configuration."""
    section = chosen(source, call.params.get("snapname"))
    full = call.params.get("full", "0" if source.options.get("template") == "1" else "1") == "1"
    check(call, vmid, section, full)
    new = copied_options(call, section, newid)
    call.out(f"creating a clone of container {vmid} with ID {newid}")
    made: list[str] = []
    try:
        for key in mountpoint.keys(section.options):
            properties = mountpoint.parse(key, section.options[key])
            made.append(copied_volume(call, key, properties["volume"], newid, full))
            properties |= {"volume": made[-1]}
            new.options[key] = mountpoint.render(key, properties)
    except BaseException as problem:
        disks.remove(call, made)
        if isinstance(problem, CommandFailed) and not isinstance(problem, NotModelled):
            raise CommandFailed(f"clone failed: {problem.message}") from None
        raise
    guest.cloned(call, vmid, newid, new)
    firewall.copy(call.node, vmid, newid)
    conf_files.save(call.node, "lxc", newid, new)
    pools.add(call.node, call.params.get("pool"), newid)


def chosen(source: Conf, name: str | None) -> Section:
    """The section to copy: the current one or a snapshot's."""
    if name is None:
        return source
    if name not in source.snapshots:
        raise CommandFailed(f"snapshot '{name}' does not exist", 2)
    return source.snapshots[name]


def check(call: Call, vmid: str, section: Section, full: bool) -> None:
    """What makes a clone impossible. Status 2 is left in errno by the look for a firewall file (pct-clone-003)."""
    if "storage" in call.params and not full:
        raise CommandFailed("parameter 'storage' not allowed for linked clones", 2)
    running = power.is_running(call.node, vmid)
    for key in mountpoint.keys(section.options):
        source = mountpoint.volume(section.options[key])
        kind = mountpoint.kind(source)
        if kind != "volume":
            raise CommandFailed(f"unable to clone mountpoint '{key}' (type {kind})", 2)
        if full and running and "snapname" not in call.params:
            raise CommandFailed("Full clone of a running container is only possible from a snapshot", 2)
        if not full and not can_link(call, source):
            raise CommandFailed(f"Linked clone feature for '{source}' is not available", 2)


def can_link(call: Call, volid: str) -> bool:
    """A linked clone must be raw here, so a directory storage, which makes it a qcow2 image, cannot (pct-clone-005)."""
    storage, _ = volume.locate(call.node, volid)
    return storage.type != "dir" and volume.has_feature(call.node, volid, "clone", call.params.get("snapname"))


def copied_options(call: Call, section: Section, newid: str) -> Conf:
    """The new configuration without its volumes: other MAC addresses, name and description if given."""
    new = Conf(description=section.description)
    new.raw = list(section.raw)
    for key, value in section.options.items():
        if not (key in NOT_COPIED or mountpoint.is_key(key) or mountpoint.is_unused(key)):
            new.options[key] = network.with_new_mac(call.node, value) if network.is_key(key) else value
    if call.params.get("hostname"):
        new.options["hostname"] = call.params["hostname"]
    if call.params.get("description"):
        new.description = call.params["description"]
    new.options.setdefault("hostname", f"CT{newid}")
    return new


def copied_volume(call: Call, key: str, volid: str, newid: str, full: bool) -> str:
    """One volume for the clone -> its id. A snapshot can only be read where the image has some (pct-snapshot2-008)."""
    snapshot = call.params.get("snapname")
    on_files = volume.locate(call.node, volid)[0].type == "dir"
    if on_files and snapshot and not volume.has_feature(call.node, volid, "snapshot", snapshot):
        raise CommandFailed("can't snapshot this image format")
    call.out(f"create {'full clone of mountpoint' if full else 'linked clone of mount point'} {key} ({volid})")
    if not full:
        return volume.linked_clone(call, volid, newid)
    storage_id = call.params.get("storage") or volume.split(volid)[0]
    return disks.copy(call, volid, storage_id, newid)
