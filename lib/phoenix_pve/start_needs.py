"""What the start of a guest checks, foreseen from files: so that no guest is shut down which cannot start again. PURE.

The checks and their order of importance are those that the real tools show (recordings: qm-start-*, pct-start-*,
qm-create-027…171, qm-cloudinit2-013, qm-misc-005): the volumes and their storages, the snippets, the bridges, the
processors. What no file shows, such as a volume of LVM, makes no statement.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from phoenix_pve import foreign
from phoenix_pve.guest import Kind
from phoenix_pve.kinds import FACTS
from phoenix_pve.node import WHOLE
from phoenix_pve.plan import Refusal, SetOptions
from phoenix_pve.settings import memory_of
from phoenix_pve.values import disk, props

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from phoenix_pve.cluster import Here
    from phoenix_pve.guest import GuestSpec, GuestState
    from phoenix_pve.node import File
    from phoenix_pve.observe import Seen
    from phoenix_pve.plan import Change
    from phoenix_pve.storage_cfg import Storage
    from phoenix_pve.surroundings import Surroundings

MAPPINGS = {"hostpci": "pci", "usb": "usb", "virtiofs": "directory"}
"""The options that may name a mapping of the cluster, and its file below /etc/pve/mapping."""

PCI_ADDRESS = re.compile(r"(?:([0-9a-f]{4}):)?([0-9a-f]{2}:[0-9a-f]{2})(?:\.([0-9a-f]))?", re.IGNORECASE)
DEFAULT_MEMORY = "512"


def files(state: GuestState, around: Surroundings) -> dict[str, int]:
    """Return the files to look at, with the most bytes that are wanted: one where only their being there counts."""
    found = dict.fromkeys(_places(state, around).values(), 1)
    return found | {_mapping_path(kind): WHOLE for kind, _ in _mapped(state.options).values()}


def lacking(state: GuestState, around: Surroundings, read: Mapping[str, File]) -> frozenset[str]:
    """Return what is not among the files read: volumes by name, bridges, devices by address, mappings as `pci gpu1`."""
    gone = {what for what, path in _places(state, around).items() if path not in read}
    for kind, name in _mapped(state.options).values():
        file = read.get(_mapping_path(kind))
        if not _is_mapped(name, around.here.name, file.data if file else b""):
            gone.add(f"{kind} {name}")
    return frozenset(gone)


def _places(state: GuestState, around: Surroundings) -> dict[str, str]:
    """Return, by what a start needs, the file that is there when that is."""
    volumes, bridges = _volume_paths(state, around.storages), _bridge_paths(state, around.bridges)
    return {**volumes, **bridges, **_device_paths(state)}


def volumes(options: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield (option, volume) for every volume that a start uses: drives, snippets for cloud-init, the hook script."""
    for key, text in options.items():
        volume = disk.parse(text).volume if disk.is_slot(key) and not key.startswith("unused") else ""
        if ":" in volume and not volume.startswith("/"):
            yield key, volume
    if any(disk.parse(text).cloud_init for key, text in options.items() if disk.is_slot(key)):
        yield from (("cicustom", volume) for volume in props.parse(options.get("cicustom", "")).values())
    if hook := options.get("hookscript"):
        yield "hookscript", hook


def _volume_paths(state: GuestState, storages: Mapping[str, Storage]) -> dict[str, str]:
    """Return, by volume, where it is on a storage that is a folder of the node itself."""
    found = {}
    for _, volume in volumes(state.options):
        storage, _, name = volume.partition(":")
        if storage in storages and storages[storage].type == "dir" and storages[storage].usable:
            found[volume] = _path(storages[storage], name)
    return {volume: path for volume, path in found.items() if path}


def _path(storage: Storage, name: str) -> str:
    """`iso/x.iso` -> its path; "" for what may be a folder. A linked clone is named `9000/base-…/8001/vm-…`."""
    content, _, rest = name.partition("/")
    if content in {"iso", "snippets", "import"}:
        return f"{storage.folder(content)}/{rest}"
    owner, _, file = name.rpartition("/")
    if not file.endswith((".raw", ".qcow2", ".vmdk")) or not owner:
        return ""
    return f"{storage.folder('images')}/{owner.rpartition('/')[2]}/{file}"


def _cards(options: Mapping[str, str]) -> dict[str, str]:
    """Return the bridge of every network card, by option."""
    cards = {key: props.parse(text).get("bridge") for key, text in options.items() if re.fullmatch(r"net\d+", key)}
    return {key: bridge for key, bridge in cards.items() if bridge}


def _bridge_paths(state: GuestState, bridges: frozenset[str] | None) -> dict[str, str]:
    """Return, by bridge that no file defines, where the kernel shows one that is there all the same."""
    unknown = set() if bridges is None else set(_cards(state.options).values()) - bridges
    return {bridge: f"/sys/class/net/{bridge}/ifindex" for bridge in unknown if "/" not in bridge}


def _device_paths(state: GuestState) -> dict[str, str]:
    """Return, by address, where the kernel shows a PCI device of the node."""
    texts = [text for key, text in state.options.items() if re.fullmatch(r"hostpci\d+", key)]
    words = [props.parse(text, "host").get("host", "") for text in texts]
    matches = {word: PCI_ADDRESS.fullmatch(word) for text in words for word in text.split(";")}
    return {
        word: f"/sys/bus/pci/devices/{found[1] or '0000'}:{found[2]}.{found[3] or '0'}/vendor".lower()
        for word, found in matches.items()
        if found
    }


def _mapped(options: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return, by option, the kind and name of the mapping that it uses: `hostpci0` -> ("pci", "gpu1")."""
    found = {}
    for key, text in options.items():
        kind = MAPPINGS.get(key.rstrip("0123456789"), "")
        name = props.parse(text, "dirid").get("dirid" if kind == "directory" else "mapping", "") if kind else ""
        if name:
            found[key] = (kind, name)
    return found


def _mapping_path(kind: str) -> str:
    return f"/etc/pve/mapping/{kind}.cfg"


def _is_mapped(name: str, node: str, text: bytes) -> bool:
    """Return whether a mapping has an entry for the node: a line with its name, then `map node=pve1,…` indented."""
    current = ""
    for line in text.decode("utf-8", "replace").split("\n"):
        if line[:1].strip():
            current = line.strip()
        elif current == name and line.split()[:1] == ["map"]:
            on = props.parse(line.strip().removeprefix("map").strip()).get("node", "")
            if not node or on == node:
                return True
    return False


def after(state: GuestState, changes: Iterable[Change]) -> dict[str, str]:
    """Return the options that a guest will have when the changes are made."""
    options = dict(state.options)
    for change in changes:
        if isinstance(change, SetOptions):
            options = {key: value for key, value in options.items() if key not in change.removed} | dict(change.options)
    return options


def problems(spec: GuestSpec, seen: Seen, options: Mapping[str, str]) -> Iterator[Refusal]:
    """Yield why a guest with these options would not start on the node that was seen."""
    tool = FACTS[spec.kind].tool
    yield from _volume_problems(spec, seen, options)
    for key, bridge in _cards(options).items():
        if bridge in seen.lacking:
            known = ", ".join(sorted(seen.bridges or ())) or "none"
            text = f"{key}: the node has no bridge `{bridge}`, so {spec.vmid} would not start; it has: {known}"
            yield Refusal(
                text, f"define the bridge in /etc/network/interfaces, or see `{tool} set {spec.vmid} --{key}`"
            )
    if spec.kind is Kind.VM:
        yield from processor_problems(options, seen.here)
        yield from _balloon_problems(options)
        yield from _device_problems(spec, seen, options)


def _volume_problems(spec: GuestSpec, seen: Seen, options: Mapping[str, str]) -> Iterator[Refusal]:
    for key, volume in volumes(options):
        storage = volume.partition(":")[0]
        what = f"{key}: the storage `{storage}` of {volume}"
        if storage not in seen.storages:
            yield Refusal(f"{what} does not exist, so {spec.vmid} would not start", _free(spec, key, options[key]))
        elif seen.storages[storage].disabled:
            enable = f"enable it: pvesm set {storage} --disable 0"
            yield Refusal(f"{what} is disabled, so {spec.vmid} would not start", enable)
        elif seen.storages[storage].elsewhere:
            nodes = ",".join(sorted(seen.storages[storage].nodes))
            yield Refusal(
                f"{what} is not for this node, only for {nodes}, so {spec.vmid} would not start",
                f"let the node have it, if it can: pvesm set {storage} --nodes {seen.here.name},{nodes}",
            )
        elif volume in seen.lacking:
            yield Refusal(
                f"{key}: the volume {volume} does not exist, so {spec.vmid} would not start",
                _free(spec, key, options[key]),
            )


def _free(spec: GuestSpec, key: str, text: str) -> str:
    """Return what to do about a volume that is gone."""
    change = f"{FACTS[spec.kind].tool} set {spec.vmid}"
    if key == "cicustom" and f"phoenix-{spec.vmid}-user.yaml" in text:
        return f"bring it back; `phoenix create {spec.vmid}` writes its own user-data anew"
    if disk.is_slot(key) and disk.parse(text).cdrom:
        return f"bring it back, or take it out: {change} --{key} none,media=cdrom"
    return f"bring it back, or take it out: {change} --delete {key}"


def processor_problems(options: Mapping[str, str], here: Here) -> Iterator[Refusal]:
    """Yield that a VM has more processors than the node: `qm start` says `MAX 8 vcpus allowed` (qm-start-008)."""
    cores, sockets = (_number(options.get(key, ""), 1) for key in ("cores", "sockets"))
    if here.processors is None or cores * sockets <= here.processors:
        return
    what = f"cores: {cores}" if sockets == 1 else f"cores × sockets: {cores} × {sockets} = {cores * sockets}"
    fit = here.processors // sockets
    yield Refusal(
        f"{what} is more than the node has, {here.processors} processors, and Proxmox starts no such VM",
        f"set `cores` to at most {fit}" if fit else "set the VM's sockets to 1: qm set <ID> --sockets 1",
    )


def _balloon_problems(options: Mapping[str, str]) -> Iterator[Refusal]:
    memory, balloon = memory_of(options.get("memory", "")) or DEFAULT_MEMORY, options.get("balloon", "")
    least = _number(balloon, 0)
    if least > _number(memory, least):
        yield Refusal(
            f"memory: {memory} MiB is less than what the balloon leaves the VM at least, {balloon} MiB, and Proxmox "
            "starts no such VM",
            f"set `memory_mb` to at least {balloon}, or let the balloon leave less: qm set <ID> --balloon {memory}",
        )


def _device_problems(spec: GuestSpec, seen: Seen, options: Mapping[str, str]) -> Iterator[Refusal]:
    for key, (kind, name) in _mapped(options).items():
        if f"{kind} {name}" in seen.lacking:
            yield Refusal(
                f"{key}: there is no {kind} mapping `{name}` for this node, so {spec.vmid} would not start",
                f"define it (Datacenter, Resource Mappings), or take it out: qm set {spec.vmid} --delete {key}",
            )
    for key in (key for key in options if re.fullmatch(r"hostpci\d+", key)):
        for address in props.parse(options[key], "host").get("host", "").split(";"):
            if address in seen.lacking:
                text = f"{key}: the node has no PCI device {address}, so {spec.vmid} would not start"
                yield Refusal(text, f"take it out: qm set {spec.vmid} --delete {key}")


def _number(text: str, default: int) -> int:
    """Return the number that an option says, the default for anything that Proxmox itself would take for none."""
    found = foreign.number(text)
    return default if found is None else found
