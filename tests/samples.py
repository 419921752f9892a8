"""Sample values that tests start from and change by keyword."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

from phoenix_pve.commands import shell, steps
from phoenix_pve.guest import Admin, GuestSpec, GuestState, Kind, Network, Power
from phoenix_pve.image import Image
from phoenix_pve.observe import Seen
from phoenix_pve.plan import LookAgain, Note, Plan, Remember, SetOptions, Tidy
from phoenix_pve.storage_cfg import Storage

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n me@example"
HASH = "$6$saltsalt$" + "a" * 86
USER_DATA = "#cloud-config\n"

VM = {
    "vmid": 8001,
    "name": "ubuntu-2404",
    "cores": 2,
    "memory_mb": 2048,
    "disk_size_gb": 32,
    "storage_pool": "local",
    "template_image": "/var/lib/vz/template/iso/noble.img",
    "network_bridge": "vmbr0",
}
CONTAINER = {
    "name": "debian-12",
    "cores": 1,
    "memory_mb": 512,
    "template": "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst",
    "storage_pool": "local",
    "storage_size_gb": 8,
    "network_config": {"name": "eth0", "bridge": "vmbr0", "ip": "dhcp"},
}
OPTIONS = {
    "agent": "enabled=1",
    "boot": "order=scsi0",
    "cicustom": "user=local:snippets/phoenix-8001-user.yaml",
    "cores": "2",
    "cpu": "x86-64-v2-AES",
    "ide2": "local:8001/vm-8001-cloudinit.qcow2,media=cdrom",
    "ipconfig0": "ip=dhcp",
    "memory": "2048",
    "name": "ubuntu-2404",
    "net0": "virtio=BC:24:11:00:80:01,bridge=vmbr0",
    "scsi0": "local:8001/vm-8001-disk-0.raw,discard=on,iothread=1,size=32G",
    "tags": "phoenix",
}
STORAGES = {
    "local": Storage("local", "dir", "/var/lib/vz", frozenset({"images", "iso", "snippets"}), False, frozenset()),
    "local-lvm": Storage("local-lvm", "lvmthin", "", frozenset({"images", "rootdir"}), False, frozenset()),
    "isos": Storage("isos", "dir", "/isos", frozenset({"iso"}), False, frozenset()),
    "off": Storage("off", "dir", "/off", frozenset({"images", "snippets"}), True, frozenset()),
}


def spec(**changes: Any) -> GuestSpec:
    """The Ubuntu VM of the sample configuration."""
    network = changes.pop("network", {})
    made = GuestSpec(
        vmid=8001,
        name="ubuntu-2404",
        cores=2,
        memory_mb=2048,
        storage="local",
        disk_gb=32,
        image="/var/lib/vz/template/iso/noble.img",
        network=replace(Network("vmbr0"), **network),
        admin=Admin("admin", None, (KEY,)),
    )
    return replace(made, **changes)


def state(
    power: Power = Power.RUNNING, *, description: str = "", pending: tuple[str, ...] = (), **options: str | None
) -> GuestState:
    """The VM as it is when it is just as `spec()` wants it; an option set to None is not there."""
    merged = {**OPTIONS, **options}
    return GuestState(
        Kind.VM, 8001, power, {k: v for k, v in merged.items() if v is not None}, description, frozenset(pending), "d1"
    )


def seen(state: GuestState | None = None, **changes: Any) -> Seen:
    """A node with or without the VM, and with everything that the VM needs."""
    made = Seen(state, STORAGES, USER_DATA if state else None, None if state else Image("qcow2", 4 << 30))
    made = replace(made, **changes)
    places = {"local:snippets/phoenix-8001-user.yaml": "/var/lib/vz/snippets/phoenix-8001-user.yaml"}
    return replace(made, snippets=made.snippets or (places if made.snippet else {}))


def commands(made: Plan) -> list[str]:
    """The commands without the notes about what is unfinished, which test_unfinished has; each `set` is guarded."""
    changes = [change for change in made.changes if not isinstance(change, Note | Tidy | Remember)]
    for before, change in pairwise([None, *changes]):
        if isinstance(change, SetOptions):
            assert change.digest or isinstance(before, LookAgain), "nothing shows what someone else changed meanwhile"
    return [shell(step) for change in changes for step in steps(made.kind, made.vmid, change)]
