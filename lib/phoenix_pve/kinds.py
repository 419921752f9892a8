"""How the two kinds differ by data: the tool's name, the folder of configuration files, the words."""

from __future__ import annotations

from dataclasses import dataclass

from phoenix_pve.guest import Kind


@dataclass(frozen=True)
class KindFacts:
    """What is true of every guest of one kind.

    content     the content type that a storage needs for its disks
    root_slot   the configuration key of the root disk of a guest that phoenix makes; see values/root.py for other VMs
    name_option the option that holds the guest's name
    at_once     options that the tool stores as waiting and then always applies to a running guest (qm-set-running-*)
    """

    tool: str
    folder: str
    word: str
    short: str
    content: str
    root_slot: str
    name_option: str
    at_once: frozenset[str] = frozenset()


ON_THE_DRIVE = frozenset({"ipconfig0", "nameserver", "searchdomain"})
"""Options of a VM that cloud-init carries into it."""

_AT_ONCE = ON_THE_DRIVE | {"name", "description", "onboot", "startup", "tags", "protection", "cicustom"}
FACTS = {
    Kind.VM: KindFacts("qm", "qemu-server", "VM", "vm", "images", "scsi0", "name", _AT_ONCE),
    Kind.CONTAINER: KindFacts("pct", "lxc", "container", "ct", "rootdir", "rootfs", "hostname"),
}


def conf_path(kind: Kind, vmid: int) -> str:
    """Return the path of a guest's configuration file on its own node."""
    return f"/etc/pve/{FACTS[kind].folder}/{vmid}.conf"
