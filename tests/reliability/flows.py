"""What is disturbed: a node made ready, then one command of phoenix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.reliability.lab import Config, Lab, debian

from fake_pve import seed

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n canary@example"
HASH = "$6$canarysalt$" + "Canary" * 14
ADMIN = {"username": "admin", "ssh_authorized_keys": [KEY], "password_hash": HASH}


def vm(vmid: int = 8001, name: str = "web", **changes: Any) -> dict[str, Any]:
    made = {
        "vmid": vmid,
        "name": name,
        "cores": 2,
        "memory_mb": 2048,
        "disk_size_gb": 32,
        "storage_pool": "local",
        "template_image": seed.UBUNTU,
        "network_bridge": "vmbr0",
    }
    return {key: value for key, value in {**made, **changes}.items() if value is not None}


def container(name: str = "ct1", **changes: Any) -> dict[str, Any]:
    made = {
        "name": name,
        "cores": 1,
        "memory_mb": 512,
        "template": debian(),
        "storage_pool": "local",
        "storage_size_gb": 8,
        "network_config": {"name": "eth0", "bridge": "vmbr0", "ip": "dhcp"},
        "ssh_authorized_keys": [KEY],
        "password_hash": HASH,
    }
    return {key: value for key, value in {**made, **changes}.items() if value is not None}


@dataclass(frozen=True)
class Flow:
    """One command. `before` are commands with the configuration `old` that make the node ready."""

    name: str
    line: str
    config: Config
    old: Config | None = None
    before: tuple[str, ...] = ()
    then: Callable[[Lab], None] | None = None

    @property
    def is_ordered(self) -> bool:
        """Return whether its calls come in the same order in every run."""
        return "--all" not in self.line or "--jobs 1" in self.line

    def ready(self, folder: Path) -> Lab:
        """Make the node on which the command runs."""
        lab = Lab(folder)
        (self.old or self.config).write(folder / "config")
        for line in self.before:
            done = lab.phoenix(line)
            assert done.status == 0, done.said
        self.config.write(folder / "config")
        if self.then:
            self.then(lab)
        return lab


def one(**changes: Any) -> Config:
    return Config([vm(**changes)], admin=ADMIN)


def box(**changes: Any) -> Config:
    return Config([], {"101": container(**changes)})


def without_drive(lab: Lab) -> None:
    lab.node.run("qm", "stop", "8001")
    lab.node.run("qm", "set", "8001", "--delete", "ide2")


def without_mark(lab: Lab) -> None:
    lab.node.run("qm", "set", "8001", "--tags", "mine", "--description", "mine")


CREATE_VM, CREATE_CT = ("create 8001 --timeout 5",), ("create 101 --timeout 5",)
FLEET = Config(
    [vm(), vm(8002, "db", dependencies=[8001]), vm(8003, "copy", template_image=None, clone_from_vmid=8001)],
    {"101": container(), "102": container("ct2", template=None, clone_from_ctid=101)},
    ADMIN,
)
OTHER_KEY = replace(one(), admin={**ADMIN, "ssh_authorized_keys": [KEY, KEY.replace("canary@", "second@")]})
STATIC = {"ip": "192.0.2.5/24", "gw": "192.0.2.1"}
EVERYTHING = one(
    cores=4,
    memory_mb=4096,
    disk_size_gb=64,
    tags=["db"],
    description="changed",
    protection=True,
    network_bridge="vmbr1",
    mac_address="BC:24:11:00:80:01",
    network_config={**STATIC, "vlan_tag": 7, "nameserver": "192.0.2.53", "searchdomain": "example.test"},
    boot_order=3,
    boot_delay=5,
    start_at_boot=True,
    cpu_type="host",
)
NO_NETWORK = {"ip": None, "gw": None, "vlan_tag": None, "nameserver": None, "searchdomain": None}
NO_OPTIONS = {"tags": None, "description": None, "boot_order": None, "boot_delay": None}
NOTHING = Config([{**vm(disk_size_gb=64), **NO_OPTIONS, "network_config": NO_NETWORK}], admin=ADMIN)
POINT = {"mp0": {"storage_pool": "local", "size_gb": 1, "path": "/srv"}}
EVERY_BOX = box(
    cores=2,
    memory_mb=1024,
    swap_mb=256,
    storage_size_gb=16,
    tags=["db"],
    description="changed",
    protection=True,
    network_config={"name": "eth0", "bridge": "vmbr1", **STATIC},
    vlan_tag=7,
    nameservers=["192.0.2.53"],
    searchdomain="example.test",
    boot_order=3,
    start_at_boot=True,
    features={"nesting": True},
    mount_points=POINT,
)
NO_BOX = {
    **container(storage_size_gb=16, network_config={"name": "eth0", "bridge": "vmbr1", "ip": None}),
    **NO_OPTIONS,
    "cores": None,
    "vlan_tag": None,
    "nameservers": None,
    "searchdomain": None,
}
LARGER_POINT = box(mount_points={"mp0": {**POINT["mp0"], "size_gb": 2, "path": "/data"}})
LVM_POINT = box(mount_points={"mp0": {**POINT["mp0"], "storage_pool": "local-lvm"}})
FLOWS = [
    Flow("create a VM", CREATE_VM[0], one()),
    Flow("create a VM on LVM", CREATE_VM[0], one(storage_pool="local-lvm")),
    Flow("create a container", CREATE_CT[0], box()),
    Flow("create a container on LVM", CREATE_CT[0], box(storage_pool="local-lvm")),
    Flow("change everything", CREATE_VM[0], EVERYTHING, one(), CREATE_VM),
    Flow("change and restart", CREATE_VM[0] + " --restart", EVERYTHING, one(), CREATE_VM),
    Flow("change the card", CREATE_VM[0], one(network_bridge="vmbr1"), one(), CREATE_VM),
    Flow("change what is stopped", CREATE_VM[0], EVERYTHING, one(), (*CREATE_VM, "stop 8001")),
    Flow("take everything away", CREATE_VM[0], NOTHING, EVERYTHING, CREATE_VM),
    Flow("take everything away from a container", CREATE_CT[0], Config([], {"101": NO_BOX}), EVERY_BOX, CREATE_CT),
    Flow("make the cloud-init drive anew", CREATE_VM[0], one(), None, CREATE_VM, without_drive),
    Flow("adopt", "adopt 8001", one(), None, CREATE_VM, without_mark),
    Flow("change the user-data", CREATE_VM[0], OTHER_KEY, one(), CREATE_VM),
    Flow("change a container", CREATE_CT[0], EVERY_BOX, box(), CREATE_CT),
    Flow("change and restart a container", CREATE_CT[0] + " --restart", EVERY_BOX, box(), CREATE_CT),
    Flow("add a mount point on LVM", CREATE_CT[0], LVM_POINT, box(), CREATE_CT),
    Flow("move and grow a mount point", CREATE_CT[0], LARGER_POINT, box(mount_points=POINT), CREATE_CT),
    Flow("restart", "restart 8001 --timeout 5", one(), before=CREATE_VM),
    Flow("stop", "stop 8001", one(), before=CREATE_VM),
    Flow("start", "start 8001 --timeout 5", one(), before=(*CREATE_VM, "stop 8001")),
    Flow("restart a container", "restart 101 --timeout 5", box(), before=CREATE_CT),
    Flow("start a container", "start 101", box(), before=(*CREATE_CT, "stop 101")),
    Flow("stop a container", "stop 101", box(), before=CREATE_CT),
    Flow("delete a VM", "delete 8001 --yes", one(), before=CREATE_VM),
    Flow("delete a container", "delete 101 --yes", box(), before=CREATE_CT),
    Flow("clone a VM", "create 8003 --timeout 5", FLEET, before=CREATE_VM),
    Flow("clone a container", "create 102 --timeout 5", FLEET, before=(*CREATE_CT, "stop 101")),
    Flow("create a fleet", "create --all --timeout 5", FLEET),
    Flow("create a fleet one by one", "create --all --timeout 5 --jobs 1", FLEET),
    Flow("delete a fleet", "delete --all --yes", FLEET, before=("create --all --timeout 5",)),
    Flow("delete a fleet one by one", "delete --all --yes --jobs 1", FLEET, before=("create --all --timeout 5",)),
]
BY_NAME = {flow.name: flow for flow in FLOWS}
