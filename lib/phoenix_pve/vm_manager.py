"""The state machine of a virtual machine, PURE: from what should be and what is to Changes.

`plan_*` are the goals; ensure_vm_defined, create_vm, apply_vm_configurations, start_vm and destroy_vm are its steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_pve import node_needs
from phoenix_pve.guest import Power
from phoenix_pve.observe import snippet_name, snippet_path
from phoenix_pve.ownership import MARK
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
    SetOptions,
    Start,
    Stop,
    When,
    WriteSnippet,
)
from phoenix_pve.settings import Setting, common_settings, differing, text_of
from phoenix_pve.unfinished import is_noted, is_to_be_refreshed
from phoenix_pve.values import disk, ipconfig, nic, props, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from phoenix_pve.guest import GuestSpec, GuestState
    from phoenix_pve.observe import Seen
    from phoenix_pve.plan import Change

ROOT = "scsi0"
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
    yield Create((*_fixed_options(spec), *((s.option, s.value) for s in wanted)), _summary(spec, wanted))
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
    root = Difference(f"disk {ROOT}", "", f"{spec.disk_gb} GiB on {spec.storage}, from {spec.image}")
    return (root, *(setting.difference(When.NOW) for setting in wanted))


def settings(spec: GuestSpec, state: GuestState | None) -> list[Setting]:
    """Return every option that the specification states, beside what is there (nothing for a VM to be made)."""
    current = state.options if state else {}
    common = common_settings(
        spec, "name", current, state.tags if state else (), state.description if state else "", absent=state is None
    )
    return [
        *common,
        *_agent(spec, state),
        *_cpu(spec, current, absent=state is None),
        *_network(spec, current),
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


def _network(spec: GuestSpec, current: Mapping[str, str]) -> Iterator[Setting]:
    """Yield the network card, its MAC address kept, and the address that cloud-init gives it."""
    card = nic.parse_vm(current.get("net0", ""))
    wanted = nic.wanted_vm(spec.network, card)
    yield Setting("net0", nic.format_vm(wanted), current.get("net0", ""), wanted == card, "network card net0")
    address = ipconfig.wanted(spec.network, current.get("ipconfig0", ""))
    yield Setting(
        "ipconfig0",
        address,
        current.get("ipconfig0", ""),
        ipconfig.same(address, current.get("ipconfig0", "")),
        "address",
    )
    if spec.network.nameserver:
        yield text_of(
            "nameserver", spec.network.nameserver, " ".join(current.get("nameserver", "").replace(",", " ").split())
        )
    if spec.network.searchdomain:
        yield text_of("searchdomain", spec.network.searchdomain, current.get("searchdomain", ""))


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
    changed = differing(settings(spec, state), state.stuck and state.stuck | (LIVE & state.pending))
    if changed:
        lines = tuple(s.difference(When.NEXT_START if running and s.option not in LIVE else When.NOW) for s in changed)
        made = any(s.option == "ide2" for s in changed)
        yield SetOptions(tuple((s.option, s.value) for s in changed), state.digest, lines, makes_volumes=made)
    yield from _grow(spec, state, rescan=is_noted(spec, seen))
    if running and (seen.snippet != user_data or is_to_be_refreshed(spec, seen)):
        yield RefreshCloudInit()


def _grow(spec: GuestSpec, state: GuestState, *, rescan: bool) -> Iterator[Change]:
    now = disk.parse(state.options.get(ROOT, "")).bytes
    if now is not None and now < spec.disk_gb * size.GIB:
        line = Difference(f"disk {ROOT}", size.shown(now), f"{spec.disk_gb} GiB")
        yield Grow(ROOT, spec.disk_gb, line, rescan=rescan)


def user_data_changes(spec: GuestSpec, seen: Seen, user_data: str) -> Iterator[Change]:
    """Store the user-data before anything refers to it; nothing when it is stored already."""
    path = snippet_path(seen.storages, spec.snippet_storage, spec.vmid)
    if path is None or seen.snippet == user_data:
        return
    running = seen.state is not None and seen.state.power is not Power.STOPPED
    old, new = ("none", "written") if seen.snippet is None else ("stored", "rewritten")
    line = Difference("cloud-init user-data", old, new, When.NEXT_START if running else When.NOW)
    yield WriteSnippet(f"{spec.snippet_storage}:snippets/{snippet_name(spec.vmid)}", path, user_data, (line,))


def start_vm(state: GuestState | None) -> Iterator[Change]:
    """Start the VM unless it runs; a paused one goes on."""
    if state is not None and state.power in {Power.PAUSED, Power.SUSPENDED}:
        yield Resume()
    elif state is None or state.power is Power.STOPPED:
        yield Start()


def destroy_vm(spec: GuestSpec, seen: Seen) -> Iterator[Change]:
    """Stop and destroy the VM, and remove its snippet, also one that an interrupted run left."""
    if seen.state is not None:
        if seen.state.power is not Power.STOPPED:
            yield Stop()
        yield Destroy(tuple(volumes(seen.state)))
    path = snippet_path(seen.storages, spec.snippet_storage, spec.vmid)
    if path is not None and seen.snippet is not None:
        yield RemoveSnippet(f"{spec.snippet_storage}:snippets/{snippet_name(spec.vmid)}", path)


def volumes(state: GuestState) -> Iterator[str]:
    """Yield the volumes that go with the guest; ISO images that are only inserted stay."""
    for key in sorted(state.options):
        drive = disk.parse(state.options[key]) if disk.is_slot(key) else None
        if drive and ":" in drive.volume and (drive.cloud_init or not drive.cdrom):
            yield drive.volume
    if "vmstate" in state.options:
        yield state.options["vmstate"]


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
    root = disk.parse(state.options.get(ROOT, ""))
    if not root.volume:
        yield Refusal(
            f"VM {spec.vmid} has no root disk {ROOT}",
            f"attach one, or remove the VM with `phoenix delete {spec.vmid}` and create it again",
        )
        return
    if root.bytes is not None and root.bytes > spec.disk_gb * size.GIB:
        yield Refusal(
            f"disk_size_gb: the root disk has {size.shown(root.bytes)}, and no disk is shrunk to {spec.disk_gb} GiB",
            f"set `disk_size_gb` to at least {-(-root.bytes // size.GIB)}",
        )
    if root.storage != spec.storage:
        unfit = list(_storage_problems(spec, seen, spec.storage, "images", "storage_pool"))
        move = Refusal(
            f"storage_pool: the root disk is on `{root.storage}`, the configuration says `{spec.storage}`",
            f"move it with `qm disk move {spec.vmid} {ROOT} {spec.storage} --delete 1`, or set `storage_pool` back",
        )
        yield from unfit or [move]
    if any(setting.option == "ide2" for setting in settings(spec, state)):
        yield from _drive_conflicts(spec.vmid, state)


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
