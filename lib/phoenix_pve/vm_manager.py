"""The state machine of a virtual machine, PURE: from what should be and what is to Changes.

`plan_*` are the goals; ensure_vm_defined, create_vm, apply_vm_configurations, start_vm and destroy_vm are its steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_pve import node_needs
from phoenix_pve.guest import Power
from phoenix_pve.observe import snippet_name, snippet_path
from phoenix_pve.ownership import MARK, volumes
from phoenix_pve.plan import (
    Clone,
    Create,
    Destroy,
    Difference,
    Grow,
    RefreshCloudInit,
    Refusal,
    RemoveSnippet,
    Resume,
    Start,
    Stop,
    When,
    WriteSnippet,
)
from phoenix_pve.settings import (
    Setting,
    address_conflicts,
    common_settings,
    differing,
    properties,
    set_options,
    text_of,
)
from phoenix_pve.unfinished import is_noted, is_to_be_refreshed
from phoenix_pve.values import disk, ipconfig, nic, props, root, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from phoenix_pve.guest import GuestSpec, GuestState
    from phoenix_pve.observe import Seen
    from phoenix_pve.plan import Change

USER_DATA_BEGINS = ("#cloud-config", "#!", "#cloud-boothook", "#include", "#part-handler", "## template: jinja")
"""How cloud-init knows what user-data is, beside MIME; letters may be large or small, and blank lines come before."""

ROOT = "scsi0"
"""The root disk of a VM that phoenix makes from an image; that of any other is where its `boot` says."""

NEW_CPU = "x86-64-v2-AES"
"""The CPU type of a new VM without `cpu_type`: what Proxmox's own web interface proposes."""

LIVE = frozenset({"name", "description", "onboot", "startup", "tags", "protection", "net0"})
"""Options that `qm set` applies to a running VM at once; the others wait for its next start (qm-set-running-*)."""


def ensure_vm_defined(spec: GuestSpec, seen: Seen) -> Iterator[Change]:
    """Make the VM exist: nothing when it does."""
    if seen.state is None:
        yield from create_vm(spec, seen)


def create_vm(spec: GuestSpec, seen: Seen) -> Iterator[Change]:
    """One `qm create` with everything in it, and the root disk grown; or a full clone, which converges afterwards."""
    if spec.clone_from is not None:
        yield Clone(spec.clone_from, spec.name, spec.storage)
        return
    wanted = settings(spec, None)
    image = seen.image.bytes if seen.image else 0
    options = ((setting.option, setting.value) for setting in wanted if setting.value)
    yield Create((*_fixed_options(spec), *options), _summary(spec, wanted))
    if image < spec.disk_gb * size.GIB:
        yield Grow(ROOT, spec.disk_gb)


def _fixed_options(spec: GuestSpec) -> list[tuple[str, str]]:
    """Return what every VM of phoenix is created with and what is never compared afterwards."""
    return [
        ("ostype", "l26"),
        ("agent", "enabled=1"),
        ("scsihw", "virtio-scsi-single"),
        (ROOT, f"{spec.storage}:0,import-from={spec.image},discard=on,iothread=1"),
        ("boot", f"order={ROOT}"),
        ("serial0", "socket"),
        ("vga", "serial0"),
    ]


def _summary(spec: GuestSpec, wanted: list[Setting]) -> tuple[Difference, ...]:
    first = Difference(f"disk {ROOT}", "", f"{spec.disk_gb} GiB on {spec.storage}, from {spec.image}")
    return (first, *(line for setting in wanted if setting.value for line in setting.differences(When.NOW)))


def settings(spec: GuestSpec, state: GuestState | None, *, new: bool = False) -> list[Setting]:
    """Return every option that the specification states, beside what is there (nothing for a VM to be made).

    new  the VM is a clone that is not complete yet: where the source's address would stay, it gets that of a new VM
    """
    current = state.options if state else {}
    common = common_settings(
        spec, "name", current, state.tags if state else (), state.description if state else "", absent=state is None
    )
    return [
        *common,
        *_agent(spec, state),
        *_cpu(spec, current, absent=state is None),
        *_network(spec, current, new=new or state is None),
        *_cloud_init_drive(spec, current),
    ]


def _agent(spec: GuestSpec, state: GuestState | None) -> Iterator[Setting]:
    """Yield the guest agent for a fresh clone of something that had none: phoenix waits for it."""
    now = state.options.get("agent", "") if state else ""
    if state and spec.clone_from is not None and MARK not in state.tags:
        yield Setting(
            "agent", "enabled=1", now, props.is_true(props.parse(now, "enabled").get("enabled")), "guest agent"
        )


def _cpu(spec: GuestSpec, current: Mapping[str, str], *, absent: bool) -> Iterator[Setting]:
    """Yield the CPU type; its flags stay."""
    wanted = spec.cpu_type or (NEW_CPU if absent else None)
    if wanted:
        now = props.parse(current.get("cpu", ""), "cputype")
        new = props.format_props({"cputype": wanted, **{k: v for k, v in now.items() if k != "cputype"}})
        yield Setting("cpu", new.removeprefix("cputype="), current.get("cpu", ""), now.get("cputype") == wanted)


def _network(spec: GuestSpec, current: Mapping[str, str], *, new: bool) -> Iterator[Setting]:
    """Yield the network card, its MAC address kept, and the address that cloud-init gives it."""
    network, card, config = spec.network, current.get("net0", ""), current.get("ipconfig0", "")
    wanted, stated = nic.wanted_vm(network, nic.parse_vm(card)), {"tag": network.vlan_tag}
    yield properties("net0", wanted, card, stated, "network card net0", read=nic.parse_vm, write=nic.format_vm)
    if new or network.ip is not None or network.gw is not None:
        address = props.parse(ipconfig.wanted(network, config, new=new))
        yield properties("ipconfig0", address, config, {"ip": network.ip, "gw": network.gw}, "address")
    if network.nameserver is not None:
        now = " ".join(current.get("nameserver", "").replace(",", " ").split())
        yield text_of("nameserver", network.nameserver, now)
    if network.searchdomain is not None:
        yield text_of("searchdomain", network.searchdomain, current.get("searchdomain", ""))


def _cloud_init_drive(spec: GuestSpec, current: Mapping[str, str]) -> Iterator[Setting]:
    """Yield the drive that carries cloud-init's data, and the snippet with the user-data in it."""
    if not any(disk.parse(value).cloud_init for key, value in current.items() if disk.is_slot(key)):
        yield Setting(
            "ide2", f"{spec.storage}:cloudinit", current.get("ide2", ""), same=False, label="cloud-init drive ide2"
        )
    now = props.parse(current.get("cicustom", ""))
    wanted = {**now, "user": f"{spec.snippet_storage}:snippets/{snippet_name(spec.vmid)}"}
    yield Setting(
        "cicustom", props.format_props(wanted), current.get("cicustom", ""), wanted == now, "cloud-init snippet"
    )


def apply_vm_configurations(spec: GuestSpec, seen: Seen, user_data: str) -> Iterator[Change]:
    """One `qm set` for everything that differs, the disk grown, and the cloud-init drive brought up to date."""
    state = seen.state
    if state is None:
        return
    running = state.power is not Power.STOPPED
    wanted = settings(spec, state, new=seen.source is not None)
    changed = differing(wanted, state.stuck and state.stuck | (LIVE & state.pending))
    if changed:
        made = any(setting.option == "ide2" for setting in changed)
        yield set_options(changed, state.digest, lambda s: s.option in LIVE, running=running, volumes=made)
    yield from _grow(spec, state, rescan=is_noted(spec, seen))
    if running and (seen.snippet != user_data or is_to_be_refreshed(spec, seen)):
        yield RefreshCloudInit()


def _grow(spec: GuestSpec, state: GuestState, *, rescan: bool) -> Iterator[Change]:
    slot = root.slot(state.options)
    now = disk.parse(state.options.get(slot, ""))
    if now.bytes is not None and now.bytes < spec.disk_gb * size.GIB and not now.passed_through:
        line = Difference(f"disk {slot}", size.shown(now.bytes), f"{spec.disk_gb} GiB")
        yield Grow(slot, spec.disk_gb, line, rescan=rescan)


def user_data_changes(spec: GuestSpec, seen: Seen, user_data: str) -> Iterator[Change]:
    """Store the user-data before anything refers to it; nothing when it is stored already."""
    path = snippet_path(seen.storages, spec.snippet_storage, spec.vmid)
    if path is None or seen.snippet == user_data:
        return
    running = seen.state is not None and seen.state.power is not Power.STOPPED
    old, new = ("none", "written") if seen.snippet is None else ("stored", "rewritten")
    line = Difference("cloud-init user-data", old, new, When.NEXT_START if running else When.NOW)
    yield WriteSnippet(f"{spec.snippet_storage}:snippets/{snippet_name(spec.vmid)}", path, user_data, (line,))


def ignored_user_data(spec: GuestSpec, changes: Sequence[Change]) -> Iterator[str]:
    """Yield a note where cloud-init would not know the user-data that is stored: it ignores that without a word."""
    for change in changes:
        if isinstance(change, WriteSnippet):
            text = change.text.lower()
            if not text.lstrip().startswith(USER_DATA_BEGINS) and "mime-version:" not in text[:4096]:
                yield (
                    f"cloud-init will ignore the user-data of {spec.vmid}, so it has neither user nor key: "
                    "its first line is not `#cloud-config`"
                )


def start_vm(state: GuestState | None) -> Iterator[Change]:
    """Start the VM unless it runs; a paused one goes on."""
    if state is not None and state.power in {Power.PAUSED, Power.SUSPENDED}:
        yield Resume()
    elif state is None or state.power is Power.STOPPED:
        yield Start()


def destroy_vm(seen: Seen) -> Iterator[Change]:
    """Stop and destroy the VM, and remove its snippet, also one that an interrupted run left."""
    if seen.state is not None:
        if seen.state.power is not Power.STOPPED:
            yield Stop()
        yield Destroy(tuple(volumes(seen.state)))
    for volume, path in seen.snippets.items():
        if not seen.snippet_users.get(volume):
            yield RemoveSnippet(volume, path)


def kept_snippets(spec: GuestSpec, seen: Seen) -> Iterator[str]:
    """Yield which user-data stays when the VM goes: another guest refers to it, and could not start without."""
    for volume, users in seen.snippet_users.items():
        if users:
            named = f"{', '.join(map(str, users))} refer{'' if len(users) > 1 else 's'} to it"
            yield f"{spec.vmid} {spec.name}: its user-data {volume} stays, because {named}"


def _storage_problems(spec: GuestSpec, seen: Seen, name: str, content: str, key: str) -> Iterator[Refusal]:
    """Yield why a storage cannot hold `content`; where it is to hold disks and snippets, the advice allows both."""
    both = ("images", "snippets") if spec.storage == spec.snippet_storage else ()
    yield from node_needs.storage_problems(seen.storages, name, content, key, both)


def refusals_to_create(spec: GuestSpec, seen: Seen) -> Iterator[Refusal]:
    """Yield what stands against making the VM."""
    yield from _storage_problems(spec, seen, spec.storage, "images", "storage_pool")
    yield from _storage_problems(spec, seen, spec.snippet_storage, "snippets", "snippet_storage")
    yield from node_needs.bridge_problems(seen.bridges, spec.network.bridge, "network_bridge")
    if spec.clone_from is not None:
        return
    yield from address_conflicts(spec.network, {}, new=True)
    if seen.image is None:
        yield Refusal(
            f"template_image: the node has no file {spec.image}",
            "download the cloud image to that place first; see the README",
        )
    elif seen.image.problem:
        yield Refusal(
            f"template_image: {spec.image} {seen.image.problem}",
            "download it again and compare its checksum with the publisher's",
        )
    elif seen.image.bytes > spec.disk_gb * size.GIB:
        yield Refusal(
            f"disk_size_gb: {spec.disk_gb} GiB is smaller than the image {spec.image} ({size.shown(seen.image.bytes)})",
            f"set `disk_size_gb` to at least {-(-seen.image.bytes // size.GIB)}",
        )


def refusals_to_apply(spec: GuestSpec, seen: Seen) -> Iterator[Refusal]:
    """Yield what stands against converging an existing VM: what would lose data or move it."""
    state = seen.state
    if state is None:
        return
    yield from _storage_problems(spec, seen, spec.snippet_storage, "snippets", "snippet_storage")
    if nic.parse_vm(state.options.get("net0", "")).get("bridge") != spec.network.bridge:
        yield from node_needs.bridge_problems(seen.bridges, spec.network.bridge, "network_bridge")
    now = props.parse(state.options.get("ipconfig0", ""))
    yield from address_conflicts(spec.network, now, new=seen.source is not None)
    yield from root_problems(spec.vmid, state)
    if slot := root.slot(state.options):
        yield from _root_conflicts(spec, seen, slot, disk.parse(state.options[slot]))
    if any(setting.option == "ide2" for setting in settings(spec, state)):
        yield from _drive_conflicts(spec.vmid, state)


def root_problems(vmid: int, state: GuestState, whose: str = "") -> Iterator[Refusal]:
    """Yield that nothing says which disk of a VM is its root disk; `whose` says more of the VM."""
    disks = root.hard_disks(state.options)
    if not disks:
        yield Refusal(
            f"VM {vmid}{whose} has no hard disk to boot from",
            f"attach its root disk, and name it: qm set {vmid} --boot order=<slot>",
        )
    elif not root.slot(state.options):
        yield Refusal(
            f"VM {vmid}{whose} has several hard disks ({', '.join(disks)}), and its boot order names none of them, so "
            "nothing says which is the root disk",
            f"say so: qm set {vmid} --boot order=<slot>",
        )


def refusals_to_clone(spec: GuestSpec, source: GuestState) -> Iterator[Refusal]:
    """Yield why the root disk of a clone cannot be foreseen from its source."""
    whose = f", which {spec.vmid} is cloned from,"
    yield from root_problems(source.vmid, source, whose)
    now = disk.parse(source.options.get(root.slot(source.options), ""))
    if now.passed_through:
        what = f"boots from {now.volume}, which is passed through from the node: Proxmox copies no such disk"
        yield Refusal(f"VM {source.vmid}{whose} {what}", "clone a VM whose root disk is on a storage")


def _root_conflicts(spec: GuestSpec, seen: Seen, slot: str, now: disk.Disk) -> Iterator[Refusal]:
    """Yield that the root disk cannot become what is stated: it would shrink or move, or is none of Proxmox's."""
    if now.passed_through:
        yield from _passed_through(spec, slot, now)
        return
    if now.bytes is not None and now.bytes > spec.disk_gb * size.GIB:
        shown = f"{size.shown(now.bytes)}, and no disk is shrunk to {spec.disk_gb} GiB"
        least = f"set `disk_size_gb` to at least {-(-now.bytes // size.GIB)}"
        yield Refusal(f"disk_size_gb: the root disk {slot} has {shown}", least)
    if now.storage != spec.storage:
        unfit = list(_storage_problems(spec, seen, spec.storage, "images", "storage_pool"))
        move = Refusal(
            f"storage_pool: the root disk {slot} is on `{now.storage}`, the configuration says `{spec.storage}`",
            f"move it with `qm disk move {spec.vmid} {slot} {spec.storage} --delete 1`, or set `storage_pool` back",
        )
        yield from unfit or [move]


def _passed_through(spec: GuestSpec, slot: str, now: disk.Disk) -> Iterator[Refusal]:
    """Yield that a device of the node has another size than stated; it is on no storage, so `storage_pool` is void."""
    least, most = (0, 0) if now.bytes is None else (now.bytes // size.GIB, -(-now.bytes // size.GIB))
    if now.bytes is not None and spec.disk_gb not in {least, most}:
        yield Refusal(
            f"disk_size_gb: the root disk {slot} is {now.volume}, passed through from the node: it has "
            f"{size.shown(now.bytes)}, which phoenix cannot make {spec.disk_gb} GiB",
            f"set `disk_size_gb` to {max(most, 1)}",
        )


def _drive_conflicts(vmid: int, state: GuestState) -> Iterator[Refusal]:
    """Yield that the slot for the cloud-init drive is taken: by something else, or by one that is about to go."""
    taken = disk.parse(state.options.get("ide2", "none")).volume
    if taken != "none":
        yield Refusal(
            f"ide2 holds {taken}, where the cloud-init drive would go", f"free it: qm set {vmid} --delete ide2"
        )
    elif "ide2" in state.pending and "ide2" not in state.options:
        keep = f"keep it with `qm set {vmid} --revert ide2`, or let it go with `phoenix stop {vmid}`"
        yield Refusal("the cloud-init drive ide2 is to be removed at the next start", keep)
