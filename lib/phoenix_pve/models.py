"""The configuration files as pydantic models: the one source of their shape.

The JSON Schemas in schemas/ are written from here (`make schemas`). What one document cannot show by its shape alone,
such as an ID defined twice, is checked in inventory.py.

Bounds and formats are Proxmox's own: the option tables of qm(1) and pct(1).
"""

from __future__ import annotations

import os
from typing import Annotated

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for some costs a sixth of phoenix's start

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag, model_validator
from pydantic_core import PydanticCustomError

from phoenix_pve.model_values import (
    OPTIONAL,
    Bridge,
    Cores,
    CpuType,
    Description,
    DnsName,
    GuestPath,
    GuestTag,
    Interface,
    IpAddress,
    IpV4,
    IpV4OrDhcp,
    KeyLine,
    MacAddress,
    MemoryMb,
    NodePath,
    PasswordHash,
    SizeGb,
    StorageId,
    TemplateSource,
    Text,
    Username,
    VlanTag,
    VmId,
    Whole,
    text,
)


class Strict(BaseModel):
    """An unknown key is an error, and nothing is converted from another type."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        regex_engine="python-re",
        defer_build=True,  # only what a file needs, when it is read: half of phoenix's start
    )


class AdminOverride(Strict):
    """What one guest has instead of the node-wide administrator; each key given here replaces that key."""

    username: Annotated[Username | None, OPTIONAL] = Field(None, description="The administrator's login name.")
    password_hash: Annotated[PasswordHash | None, OPTIONAL] = Field(
        None, description="The password as a crypt(5) hash, never in clear."
    )
    ssh_authorized_keys: Annotated[list[KeyLine] | None, OPTIONAL] = Field(
        None, description="Public keys, as lines of authorized_keys."
    )
    ssh_authorized_keys_file: Annotated[Text | None, OPTIONAL] = Field(
        None,
        description="A file with public keys, relative to this configuration file; added to ssh_authorized_keys.",
        examples=["~/.ssh/id_ed25519.pub"],
    )
    ssh_password_login: Annotated[Annotated[bool, Field(strict=True)] | None, OPTIONAL] = Field(
        None, description="Whether sshd lets passwords in.", json_schema_extra={"default": False}
    )


class Admin(AdminOverride):
    """The administrative user that cloud-init creates in every guest."""

    username: Username = Field(description="The administrator's login name.")


Nameserver = Annotated[
    Annotated[IpAddress, Tag("<one>")] | Annotated[list[IpAddress], Tag("<several>")],
    Discriminator(lambda value: "<several>" if isinstance(value, list) else "<one>"),
]
"""Names of union members are written `<so>`, which explain.py leaves out of a place in a file."""


NONE = " null: none."


class NetworkConfig(Strict):
    """The address of a VM, handed to it by cloud-init. Each key for itself: one that is left out changes nothing."""

    ip: IpV4OrDhcp | None = Field(
        None,
        description=f'"dhcp", or an IPv4 address with its prefix; dhcp for a new VM without.{NONE}',
        examples=["10.0.0.5/24"],
    )
    gw: IpV4 | None = Field(None, description=f"The IPv4 gateway of a static address.{NONE}")
    nameserver: Nameserver | None = Field(None, description=f"DNS server, or a list of them.{NONE}")
    searchdomain: DnsName | None = Field(None, description=f"DNS search domain.{NONE}", examples=["example.com"])
    vlan_tag: VlanTag | None = Field(None, description=f"VLAN of the network card.{NONE}")


class Guest(Strict):
    """What VMs and containers have in common."""

    name: DnsName = Field(
        description="The friendly name, which is the guest's hostname as well.", examples=["ubuntu-2404"]
    )
    memory_mb: MemoryMb
    storage_pool: StorageId = Field(description="The Proxmox storage of the root disk.")
    mac_address: Annotated[MacAddress | None, OPTIONAL] = Field(
        None, description="MAC address; left to Proxmox, and then kept, without."
    )
    start_at_boot: Annotated[bool | None, OPTIONAL] = Field(
        None, description="Whether the node starts the guest when it boots.", json_schema_extra={"default": False}
    )
    boot_order: Annotated[int, Field(strict=True, ge=0, le=100_000), Whole] | None = Field(
        None, description=f"Place in the node's start order.{NONE}", examples=[1]
    )
    boot_delay: Annotated[int, Field(strict=True, ge=0, le=86_400), Whole] | None = Field(
        None, description=f"Seconds before the next guest starts.{NONE}", examples=[30]
    )
    tags: list[GuestTag] | None = Field(
        None, description="Tags; phoenix adds its own mark. null or []: none but the mark.", examples=[["web"]]
    )
    description: Description | None = Field(
        None, description=f"Notes, shown by Proxmox (Markdown).{NONE}", examples=["managed by phoenix"]
    )
    protection: Annotated[bool | None, OPTIONAL] = Field(
        None, description="Refuse to remove the guest and its disks.", json_schema_extra={"default": False}
    )
    dependencies: Annotated[list[VmId] | None, OPTIONAL] = Field(
        None, description="IDs of guests that must be up before this one.", examples=[[8001]]
    )


class _AnyVm(Guest):
    """What every virtual machine has, wherever its root disk comes from."""

    vmid: VmId
    cores: Cores
    disk_size_gb: SizeGb = Field(description="Size of the root disk in GiB; it grows, and never shrinks.")
    network_bridge: Bridge = Field(description="The bridge of the network card, such as vmbr0.")
    network_config: Annotated[NetworkConfig | None, OPTIONAL] = Field(
        None,
        description="Address, DNS and VLAN; a new VM gets DHCP without.",
        examples=[{"ip": "10.0.0.5/24", "gw": "10.0.0.1"}],
    )
    cpu_type: Annotated[CpuType | None, OPTIONAL] = Field(
        None, description="CPU type; its default is for a new VM.", json_schema_extra={"default": "x86-64-v2-AES"}
    )
    admin: Annotated[AdminOverride | None, OPTIONAL] = Field(
        None,
        description="What this VM has instead of the node-wide admin.",
        examples=[{"username": "admin"}],
    )


SAMPLE_VM: dict[str, JsonValue] = {
    "vmid": 8001,
    "name": "ubuntu-2404",
    "cores": 2,
    "memory_mb": 2048,
    "disk_size_gb": 32,
    "storage_pool": "local-lvm",
    "network_bridge": "vmbr0",
}
SAMPLE_CONTAINER: dict[str, JsonValue] = {
    "name": "debian-12",
    "cores": 1,
    "memory_mb": 512,
    "storage_size_gb": 8,
    "storage_pool": "local-lvm",
    "network_config": {"name": "eth0", "bridge": "vmbr0", "ip": "dhcp"},
}
"""What editors propose for a new guest."""


class Vm(_AnyVm):
    """A virtual machine whose root disk is imported from a cloud image."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {**SAMPLE_VM, "template_image": "/var/lib/vz/template/iso/noble-server-cloudimg-amd64.img"},
            ]
        }
    )

    template_image: NodePath = Field(
        description="Full path, on the node, of the cloud image that becomes the root disk."
    )


class ClonedVm(_AnyVm):
    """A virtual machine that is a full clone of another one; `clone_from_vmid` stands in place of `template_image`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**SAMPLE_VM, "clone_from_vmid": 9000}]})

    clone_from_vmid: VmId = Field(description="The VM or template that is cloned.")


def _told_by(key: str) -> Discriminator:
    """Return the rule that an object with `key` is a clone, and any other is not."""
    return Discriminator(lambda document: "<clone>" if isinstance(document, dict) and key in document else "<image>")


AnyVm = Annotated[Annotated[Vm, Tag("<image>")] | Annotated[ClonedVm, Tag("<clone>")], _told_by("clone_from_vmid")]


class HypervisorConfig(Strict):
    """phoenix_hypervisor_config.json: node-wide settings and the VMs."""

    model_config = ConfigDict(title="phoenix hypervisor configuration")

    schema_: Annotated[str | None, OPTIONAL] = Field(
        None,
        alias="$schema",
        description="Where editors find this schema.",
        examples=["../schemas/phoenix_hypervisor_config.schema.json"],
    )
    snippet_storage: StorageId = Field("local", description="The storage that holds the cloud-init snippets.")
    admin: Annotated[Admin | None, OPTIONAL] = Field(
        None,
        description="The administrator of every guest.",
        examples=[{"username": "admin", "ssh_authorized_keys_file": "~/.ssh/id_ed25519.pub"}],
    )
    vms: list[AnyVm] = Field(description="The virtual machines.")


class ContainerNetwork(Strict):
    """The network card of a container and its address."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"ip": {"type": "string", "pattern": "/"}}},
            "then": {"required": ["gw"]},
        }
    )

    name: Interface = Field(description="The interface's name inside the container, such as eth0.")
    bridge: Bridge = Field(description="The bridge of the network card, such as vmbr0.")
    ip: IpV4OrDhcp | None = Field(
        description=f'"dhcp", or an IPv4 address with its prefix such as 10.0.0.5/24.{NONE}', examples=["dhcp"]
    )
    gw: IpV4 | None = Field(None, description=f"The IPv4 gateway; to be stated with a static address.{NONE}")

    @model_validator(mode="after")
    def _gateway(self) -> ContainerNetwork:
        if self.ip not in {"dhcp", None} and "gw" not in self.model_fields_set:
            raise PydanticCustomError(
                "gateway_missing", "`gw` is required with a static ip; write null where there is none"
            )
        return self


class Features(Strict):
    """Kernel features that a container may use."""

    nesting: Annotated[bool | None, OPTIONAL] = Field(
        None, description="Containers inside the container; systemd wants it."
    )
    keyctl: Annotated[bool | None, OPTIONAL] = Field(
        None, description="The keyctl() system call (unprivileged containers)."
    )
    fuse: Annotated[bool | None, OPTIONAL] = Field(None, description="FUSE file systems.")
    mknod: Annotated[bool | None, OPTIONAL] = Field(
        None, description="Device nodes (unprivileged containers, experimental)."
    )


class MountPoint(Strict):
    """A further volume of a container."""

    storage_pool: StorageId = Field(description="The Proxmox storage of the volume.")
    size_gb: SizeGb = Field(description="Size of the volume in GiB; it grows, and never shrinks.")
    path: GuestPath = Field(description="Where it is mounted inside the container.")


class _AnyContainer(Guest):
    """What every LXC container has, wherever its root disk comes from."""

    cores: Cores | None = Field(description="CPU cores. null: as many as the node has.")
    storage_size_gb: SizeGb = Field(description="Size of the root disk in GiB; it grows, and never shrinks.")
    network_config: ContainerNetwork = Field(
        description="The network card and its address.",
        examples=[{"name": "eth0", "bridge": "vmbr0", "ip": "dhcp"}],
    )
    swap_mb: Annotated[Annotated[int, Field(strict=True, ge=0, le=16_777_216), Whole] | None, OPTIONAL] = Field(
        None, description="Swap in MiB; its default is for a new container.", json_schema_extra={"default": 512}
    )
    nameservers: list[IpAddress] | None = Field(
        None, description="DNS servers. null or []: none.", examples=[["10.0.0.1"]]
    )
    searchdomain: DnsName | None = Field(None, description=f"DNS search domain.{NONE}", examples=["example.com"])
    vlan_tag: VlanTag | None = Field(None, description=f"VLAN of the network card.{NONE}")
    unprivileged: Annotated[bool | None, OPTIONAL] = Field(
        None, description="Run with mapped user IDs; cannot change later.", json_schema_extra={"default": True}
    )
    features: Annotated[Features | None, OPTIONAL] = Field(
        None, description="Kernel features.", examples=[{"nesting": True}]
    )
    mount_points: Annotated[
        dict[
            Annotated[str, text("mp(?:[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])", "a mount point: mp0 to mp255")],
            MountPoint,
        ]
        | None,
        OPTIONAL,
    ] = Field(
        None,
        description="Further volumes by their slot: mp0, mp1…",
        examples=[{"mp0": {"storage_pool": "local-lvm", "size_gb": 8, "path": "/srv"}}],
    )
    ssh_authorized_keys: Annotated[list[KeyLine] | None, OPTIONAL] = Field(
        None, description="Public keys of root, as lines of authorized_keys."
    )
    password_hash: Annotated[PasswordHash | None, OPTIONAL] = Field(
        None, description="Password of root as a crypt(5) hash, never in clear."
    )


class Container(_AnyContainer):
    """An LXC container made from a template."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**SAMPLE_CONTAINER, "template": "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"}]
        }
    )

    template: TemplateSource = Field(description="Template: a full path on the node, or storage:vztmpl/file.")


class ClonedContainer(_AnyContainer):
    """An LXC container that is a full clone of another one; `clone_from_ctid` stands in place of `template`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**SAMPLE_CONTAINER, "clone_from_ctid": 900}]})

    clone_from_ctid: VmId = Field(description="The container or template that is cloned.")


AnyContainer = Annotated[
    Annotated[Container, Tag("<image>")] | Annotated[ClonedContainer, Tag("<clone>")], _told_by("clone_from_ctid")
]


class LxcConfig(Strict):
    """phoenix_lxc_configs.json: the containers by ID."""

    model_config = ConfigDict(title="phoenix container configuration")

    schema_: Annotated[str | None, OPTIONAL] = Field(
        None,
        alias="$schema",
        description="Where editors find this schema.",
        examples=["../schemas/phoenix_lxc_configs.schema.json"],
    )
    lxc_configs: dict[
        Annotated[str, text("[1-9][0-9]{2,8}", "a guest ID: a number from 100 to 999999999")], AnyContainer
    ] = Field(
        description="The containers by ID.",
        examples=[{"101": {**SAMPLE_CONTAINER, "template": "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"}}],
    )
