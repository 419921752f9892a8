"""The state machine of a container, PURE: the same steps as vm_manager's, in pct's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_pve import node_needs
from phoenix_pve.guest import Power
from phoenix_pve.ownership import volumes
from phoenix_pve.plan import (
    Clone,
    Create,
    Destroy,
    Difference,
    Grow,
    LookAgain,
    Refusal,
    SetOptions,
    SetPassword,
    Start,
    Stop,
    When,
)
from phoenix_pve.settings import (
    Setting,
    address_conflicts,
    common_settings,
    differing,
    number,
    properties,
    set_options,
    text_of,
)
from phoenix_pve.unfinished import KEYS_PATH, is_noted, is_noted_new
from phoenix_pve.values import disk, nic, props, size

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from phoenix_pve.guest import ContainerExtras, GuestSpec, GuestState, MountPoint
    from phoenix_pve.observe import Seen
    from phoenix_pve.plan import Change

ROOT = "rootfs"
LIVE = frozenset(
    {"hostname", "cores", "memory", "swap", "description", "onboot", "startup", "tags", "protection", "net0"}
)
"""Options that `pct set` applies to a running container at once; the others wait for its next start (pct-set-*)."""

OSTYPES = ("alpine", "archlinux", "centos", "debian", "devuan", "fedora", "gentoo", "nixos", "opensuse", "ubuntu")


def ensure_container_defined(spec: GuestSpec, seen: Seen) -> Iterator[Change]:
    """Make the container exist: nothing when it does."""
    if seen.state is None:
        yield from create_container(spec)


def create_container(spec: GuestSpec) -> Iterator[Change]:
    """One `pct create` with everything in it, or a full clone, which converges afterwards."""
    if spec.clone_from is not None:
        yield Clone(spec.clone_from, spec.name, spec.storage)
        return
    wanted = settings(spec, None)
    keys = "\n".join(spec.admin.ssh_authorized_keys) if spec.admin else ""
    options = [
        ("rootfs", f"{spec.storage}:{spec.disk_gb}"),
        ("unprivileged", str(int(_extras(spec).unprivileged is not False))),
    ]
    yield Create(
        (*options, *((setting.option, setting.value) for setting in wanted if setting.value)),
        _summary(spec, wanted),
        template=spec.image,
        keys=f"{keys}\n" if keys else "",
        keys_path=KEYS_PATH.format(vmid=spec.vmid),
    )


def _extras(spec: GuestSpec) -> ContainerExtras:
    assert spec.container is not None, "inventory.py gives every container its extras"
    return spec.container


def _summary(spec: GuestSpec, wanted: list[Setting]) -> tuple[Difference, ...]:
    root = Difference(f"disk {ROOT}", "", f"{spec.disk_gb} GiB on {spec.storage}, from {spec.image}")
    return (root, *(line for setting in wanted if setting.value for line in setting.differences(When.NOW)))


def settings(spec: GuestSpec, state: GuestState | None) -> list[Setting]:
    """Return every option that the specification states, beside what is there (nothing for one to be made)."""
    current = state.options if state else {}
    tags, notes = (state.tags, state.description) if state else ((), "")
    return [
        *common_settings(spec, "hostname", current, tags, notes, absent=state is None),
        *_swap(spec, current, absent=state is None),
        *_network(spec, current),
        *_features(spec, current),
        *_mount_points(spec, current, state.pending if state else frozenset()),
    ]


def _swap(spec: GuestSpec, current: Mapping[str, str], *, absent: bool) -> Iterator[Setting]:
    swap = _extras(spec).swap_mb
    if swap is not None:
        yield number("swap", swap, current.get("swap", ""), "" if absent else "512", " MiB")


def _network(spec: GuestSpec, current: Mapping[str, str]) -> Iterator[Setting]:
    """Yield the network card, its MAC address kept."""
    network, card = spec.network, current.get("net0", "")
    wanted = nic.wanted_container(network, _extras(spec).interface, nic.parse_container(card))
    stated = {"tag": network.vlan_tag, "ip": network.ip, "gw": network.gw}
    yield properties("net0", wanted, card, stated, "network card net0", read=nic.parse_container)
    if network.nameserver is not None:
        yield text_of("nameserver", network.nameserver, current.get("nameserver", ""))
    if network.searchdomain is not None:
        yield text_of("searchdomain", network.searchdomain, current.get("searchdomain", ""))


def _features(spec: GuestSpec, current: Mapping[str, str]) -> Iterator[Setting]:
    """Yield the features, those stated over those that are there."""
    stated = dict(_extras(spec).features)
    if stated:
        now = props.parse(current.get("features", ""))
        wanted = {**now, **{key: str(int(value)) for key, value in stated.items()}}
        same = all(props.is_true(now.get(key)) is value for key, value in stated.items())
        yield Setting("features", props.format_props(wanted), current.get("features", ""), same)


def _mount_points(spec: GuestSpec, current: Mapping[str, str], pending: Container[str]) -> Iterator[Setting]:
    for point in _extras(spec).mount_points:
        yield from _mount_point(point, current, waits=point.slot in pending)


def _mount_point(point: MountPoint, current: Mapping[str, str], *, waits: bool) -> Iterator[Setting]:
    """Yield a mount point that is missing or mounted elsewhere; its volume is never replaced.

    One whose volume could not be made waits as it was asked for, `local:1`: it is asked for again. `pct resize` writes
    the new size nowhere but into what is in force, so one that waits for a restart is set anew when its volume grows.
    """
    old = current.get(point.slot, "")
    if disk.is_asked_for(old):
        old = ""
    now = props.parse(old, "volume")
    label = f"mount point {point.slot}"
    if not old:
        yield Setting(point.slot, f"{point.storage}:{point.gib},mp={point.path}", "", same=False, label=label)
    else:
        grows = _grows(old, point.gib)
        kept = {key: value for key, value in now.items() if key != "volume"}
        sized = {"size": f"{point.gib}G"} if grows else {}
        new = props.format_props({"": now["volume"], **kept, "mp": point.path, **sized})
        yield Setting(point.slot, new, old, now.get("mp") == point.path and not (grows and waits), label)


def _grows(text: str, gib: int) -> bool:
    """Return whether a volume is smaller than it should be."""
    now = disk.parse(text).bytes
    return now is not None and now < gib * size.GIB


def apply_container_configurations(spec: GuestSpec, seen: Seen) -> Iterator[Change]:
    """One `pct set` for everything that differs, and volumes grown.

    A mount point of a running container that is both set and grown is grown first, so that what waits has its new size;
    the digest is another one then, so the container is looked at in between. Protection comes last where volumes are
    made: should that fail, a protected container would take no second try. It is looked at before, because real tools
    may fail and say nothing.
    """
    state = seen.state
    if state is None:
        return
    running = state.power is not Power.STOPPED
    changed = differing(settings(spec, state))
    made = any(setting.option.startswith("mp") and not setting.old for setting in changed)
    last = [setting for setting in changed if setting.option == "protection" and made]
    changed = [setting for setting in changed if setting not in last]
    grown = list(_growth(spec, state, rescan=is_noted(spec, seen)))
    first = running and any(setting.option in {grow.slot for grow in grown} for setting in changed)
    if first:
        yield from grown
        yield LookAgain()
    yield from _set(changed, "" if first else state.digest, running=running, makes_volumes=made)
    yield from () if first else grown
    if last:
        yield LookAgain()
        yield from _set(last, "", running=running)


def _set(changed: list[Setting], digest: str, *, running: bool, makes_volumes: bool = False) -> Iterator[SetOptions]:
    if changed:
        yield set_options(changed, digest, _is_live, running=running, volumes=makes_volumes)


def _growth(spec: GuestSpec, state: GuestState, *, rescan: bool) -> Iterator[Grow]:
    """Yield the volumes that are smaller than they should be."""
    for slot, _, gib in _volumes_wanted(spec):
        old = _in_force(state, slot)
        if _grows(old, gib):
            line = Difference(f"disk {slot}", size.shown(disk.parse(old).bytes or 0), f"{gib} GiB")
            yield Grow(slot, gib, line, rescan=rescan)


def _in_force(state: GuestState, slot: str) -> str:
    """Return the text of a volume with its size: `pct resize` writes that nowhere but into what is in force."""
    later, now = state.options.get(slot, ""), state.in_force.get(slot, "")
    return now if disk.parse(now).volume == disk.parse(later).volume else later


def _is_live(setting: Setting) -> bool:
    """Return whether a running container takes the option at once: also a mount point that is new."""
    return setting.option in LIVE or (setting.option.startswith("mp") and not setting.old)


def _volumes_wanted(spec: GuestSpec) -> list[tuple[str, str, int]]:
    """Return (slot, storage, GiB) of every volume."""
    return [(ROOT, spec.storage, spec.disk_gb), *((p.slot, p.storage, p.gib) for p in _extras(spec).mount_points)]


def start_container(spec: GuestSpec, seen: Seen) -> Iterator[Change]:
    """Start the container unless it runs; a new one then gets root's password, which no option of pct can take."""
    if seen.state is None or seen.state.power is Power.STOPPED:
        yield Start()
    if (seen.state is None or is_noted_new(spec, seen)) and spec.admin and spec.admin.password_hash:
        yield SetPassword("root", spec.admin.password_hash)


def destroy_container(seen: Seen) -> Iterator[Change]:
    """Stop and destroy the container."""
    if seen.state is not None:
        if seen.state.power is not Power.STOPPED:
            yield Stop()
        yield Destroy(tuple(volumes(seen.state)))


def refusals_to_create(spec: GuestSpec, seen: Seen) -> Iterator[Refusal]:
    """Yield what stands against making the container."""
    for slot, storage, _ in _volumes_wanted(spec):
        yield from node_needs.storage_problems(seen.storages, storage, "rootdir", _keys_of(slot)[0])
    yield from node_needs.bridge_problems(seen.bridges, spec.network.bridge, "network_config.bridge")
    if spec.clone_from is None and seen.image is None:
        yield Refusal(
            f"template: the node has no file {spec.image}",
            "fetch it on the node: pveam update && pveam download local <template>",
        )
    elif spec.clone_from is None and seen.image and seen.image.problem:
        yield Refusal(
            f"template: {spec.image} {seen.image.problem}",
            "remove it and fetch it again: pveam download local <template>",
        )


def refusals_to_clone(spec: GuestSpec, source: GuestState) -> Iterator[Refusal]:
    """Yield what of a clone cannot be planned before it is there: its volumes get names that nobody knows yet."""
    for point in _extras(spec).mount_points:
        old = source.options.get(point.slot, "")
        path = props.parse(old, "volume").get("mp")
        if old and path != point.path:
            yield Refusal(
                f"mount_points.{point.slot}.path: container {source.vmid}, which {spec.vmid} is cloned from, mounts it "
                f"at {path}, and so will the clone",
                f"state {path}, and change it when the clone is made",
            )


def refusals_to_apply(spec: GuestSpec, seen: Seen) -> Iterator[Refusal]:
    """Yield what stands against converging an existing container: what cannot change, or would lose data."""
    state = seen.state
    if state is None:
        return
    stated = _extras(spec).unprivileged
    if stated is not None and props.is_true(state.options.get("unprivileged")) is not stated:
        word = "unprivileged" if stated else "privileged"
        yield Refusal(
            f"unprivileged: container {spec.vmid} was not made {word}, and that cannot change",
            f"set `unprivileged` back, or delete the container and create it again: phoenix delete {spec.vmid}",
        )
    yield from _other_system(spec, state)
    if nic.parse_container(state.options.get("net0", "")).get("bridge") != spec.network.bridge:
        yield from node_needs.bridge_problems(seen.bridges, spec.network.bridge, "network_config.bridge")
    yield from address_conflicts(spec.network, nic.parse_container(state.options.get("net0", "")))
    for slot, storage, gib in _volumes_wanted(spec):
        now = disk.parse(_in_force(state, slot))
        if taken := _taken_by(spec.vmid, now):
            yield _taken(slot, taken, f"a volume of {gib} GiB on `{storage}`")
        else:
            yield from _shrinking(slot, gib, now)
            yield from _moving(spec.vmid, slot, storage, now, seen)
    yield from _protected_points(spec, state)


def _protected_points(spec: GuestSpec, state: GuestState) -> Iterator[Refusal]:
    """Yield that pct changes no mount point of a protected container, not even when the protection goes as well."""
    points = [setting.option for setting in differing(settings(spec, state)) if setting.option.startswith("mp")]
    if points and props.is_true(state.options.get("protection")):
        yield Refusal(
            f"mount_points: container {spec.vmid} is protected, so {', '.join(points)} cannot be changed",
            f"take the protection off first: pct set {spec.vmid} --protection 0",
        )


def _other_system(spec: GuestSpec, state: GuestState) -> Iterator[Refusal]:
    """Yield that the template's distribution is another one than the container's: templates cannot be swapped."""
    name = spec.image.rsplit("/", 1)[-1]
    wanted = next((ostype for ostype in OSTYPES if name.startswith(ostype)), "")
    if wanted and state.options.get("ostype") in OSTYPES and state.options["ostype"] != wanted:
        yield Refusal(
            f"template: container {spec.vmid} holds {state.options['ostype']}, and its template cannot become {name}",
            f"set `template` back, or delete the container and create it again: phoenix delete {spec.vmid}",
        )


def _keys_of(slot: str) -> tuple[str, str]:
    """Return the keys of the configuration that state the storage and the size of a volume."""
    if slot == ROOT:
        return "storage_pool", "storage_size_gb"
    return f"mount_points.{slot}.storage_pool", f"mount_points.{slot}.size_gb"


def _taken_by(vmid: int, now: disk.Disk) -> str:
    """Return what is in a volume's slot that is no volume of the container, or nothing."""
    if now.passed_through:
        return f"{'the device' if now.volume.startswith('/dev/') else 'the folder'} {now.volume} of the node"
    return f"{now.volume}, a volume of guest {now.owner}" if now.owner not in {None, vmid} else ""


def _taken(slot: str, taken: str, wanted: str) -> Refusal:
    """Return that a slot holds something else than the volume that is wanted there; nothing is replaced."""
    key = _keys_of(slot)[0].rpartition(".")[0] or "storage_pool"
    other = "take it out of the configuration, or state it under a slot that is free"
    return Refusal(
        f"{key}: {slot} is {taken}, and the configuration wants {wanted} there; nothing is replaced",
        "give the container another ID: its root disk is none that phoenix makes" if slot == ROOT else other,
    )


def _shrinking(slot: str, gib: int, now: disk.Disk) -> Iterator[Refusal]:
    if now.bytes is not None and now.bytes > gib * size.GIB:
        key = _keys_of(slot)[1]
        yield Refusal(
            f"{key}: {slot} has {size.shown(now.bytes)}, and no disk is shrunk to {gib} GiB",
            f"set `{key}` to at least {-(-now.bytes // size.GIB)}",
        )


def _moving(vmid: int, slot: str, storage: str, now: disk.Disk, seen: Seen) -> Iterator[Refusal]:
    """Yield that a volume is on another storage, or that one to be made has no place where it is wanted."""
    if now.storage == storage:
        return
    key = _keys_of(slot)[0]
    unfit = list(node_needs.storage_problems(seen.storages, storage, "rootdir", key))
    move = Refusal(
        f"{key}: {slot} is on `{now.storage}`, the configuration says `{storage}`",
        f"move it with `pct move-volume {vmid} {slot} {storage} --delete 1`, or set `{key}` back",
    )
    yield from unfit or ([move] if now.storage else [])
