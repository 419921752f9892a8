"""What a guest is started with, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Nic:
    """A guest's network card.

    name      "eth0"
    mac       "BC:24:11:2A:3B:4C", any case
    cidr      "10.0.0.5/24", "dhcp" for an address that the fake picks, "" for none
    gateway   "10.0.0.1" or ""
    cidr6     "2001:db8::5/64", "auto", "dhcp" or ""
    gateway6  "2001:db8::1" or ""
    """

    name: str
    mac: str
    cidr: str = ""
    gateway: str = ""
    cidr6: str = ""
    gateway6: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """A virtual guest's disk: `slot` ("scsi0"), absolute `path` on this machine, `format` ("raw" or "qcow2")."""

    slot: str
    path: str
    format: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """Everything about a guest that its driver needs.

    hostname   a container's hostname; a VM has its own from cloud-init
    cores      what the guest sees; memory likewise, in MiB
    agent      whether a VM has the agent's port (`agent: 1`)
    nics       in Proxmox's order
    seed       folder with user-data, meta-data and network-config, or None for a VM without cloud-init drive
    disks      of a virtual guest, boot disk first
    bios       "seabios" or "ovmf"
    template   a container's template archive, or None; a stub without a system stands for the guest image
    ssh_keys   authorized keys of a container's root, and its password, as given to `pct create`
    nameserver, searchdomain   a container's, separated by blanks
    identity   when it differs from the last start's, the guest is another one and begins with an empty disk
    """

    hostname: str
    cores: int = 1
    memory: int = 512
    agent: bool = True
    nics: tuple[Nic, ...] = ()
    seed: str | None = None
    disks: tuple[Disk, ...] = ()
    bios: str = "seabios"
    template: str | None = None
    ssh_keys: str = ""
    password: str = ""
    nameserver: str = ""
    searchdomain: str = ""
    identity: str = ""
