"""The configuration files as pydantic models: the one source of their shape.

The JSON Schemas in schemas/ are written from here (`make schemas`). What one document cannot show by its shape alone,
such as an ID defined twice, is checked in inventory.py.

Bounds and formats are Proxmox's own: the option tables of qm(1) and pct(1).
"""

from __future__ import annotations

import os
import re
from typing import Annotated, Any

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # looking for some costs a sixth of phoenix's start

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

PATTERN_MEANING: dict[str, str] = {}
"""A regular expression of this file -> what it stands for, in the words of an error message."""


def _text(pattern: str, meaning: str, max_length: int | None = None) -> Any:
    """Describe a string that matches `pattern` from its first to its last character.

    `$` alone would let a trailing newline pass in Python and not in ECMAScript; the look-ahead makes both agree.
    """
    anchored = f"^(?:{pattern})$(?!\\n)"
    PATTERN_MEANING[anchored] = meaning
    return StringConstraints(pattern=anchored, strict=True, max_length=max_length)


def _whole(value: Any) -> Any:
    """JSON has one kind of number: 2.0 is the integer 2, as JSON Schema sees it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_Whole = BeforeValidator(_whole)

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_BYTE}(?:\.{_BYTE}){{3}}"
_IPV6 = r"[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}"
_KEY_TYPE = (
    r"(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)"
)

DnsName = Annotated[
    str,
    _text(
        rf"{_LABEL}(?:\.{_LABEL})*", "a DNS name: letters, digits and inner hyphens, with dots between", max_length=64
    ),
]
StorageId = Annotated[
    str,
    _text(r"[a-zA-Z][a-zA-Z0-9_.-]*[a-zA-Z0-9]", "the name of a Proxmox storage, such as local-lvm", max_length=100),
    Field(examples=["local-lvm"]),
]
NodePath = Annotated[
    str,
    _text(
        r"/[^\x00-\x1f\x7f,]*[^\x00-\x1f\x7f,/ ]",
        "the full path of a file on the node, beginning with / and without commas",
        max_length=4000,
    ),
    Field(examples=["/var/lib/vz/template/iso/noble-server-cloudimg-amd64.img"]),
]
GuestPath = Annotated[
    str,
    _text(
        r"/(?:[^\x00-\x1f\x7f,]*[^\x00-\x1f\x7f,/ ])",
        "a full path inside the container, beginning with / and without commas",
        max_length=4000,
    ),
    Field(examples=["/srv"]),
]
TemplateSource = Annotated[
    str,
    _text(
        r"(?:/|[a-zA-Z][a-zA-Z0-9_.-]*[a-zA-Z0-9]:vztmpl/)[^\x00-\x1f\x7f,]*[^\x00-\x1f\x7f,/ ]",
        "a container template: its full path, or a volume such as local:vztmpl/debian-12.tar.zst",
        max_length=4000,
    ),
    Field(examples=["local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"]),
]
Bridge = Annotated[
    str,
    _text(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,14}", "the name of a bridge or network interface, such as vmbr0 or eth0"),
    Field(examples=["vmbr0"]),
]
Interface = Annotated[
    str,
    _text(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,14}", "the name of a bridge or network interface, such as vmbr0 or eth0"),
    Field(examples=["eth0"]),
]
MacAddress = Annotated[
    str,
    _text(
        r"[0-9a-fA-F][02468aceACE](?::[0-9a-fA-F]{2}){5}",
        "a unicast MAC address, such as BC:24:11:00:80:01 (its second digit is even)",
    ),
    Field(examples=["BC:24:11:00:80:01"]),
]
CpuType = Annotated[
    str,
    _text(r"[a-zA-Z0-9][a-zA-Z0-9_.+-]*", "a CPU type, such as host or x86-64-v2-AES", max_length=100),
    Field(examples=["host", "x86-64-v2-AES"]),
]
GuestTag = Annotated[
    str,
    _text(
        r"[a-zA-Z0-9_][a-zA-Z0-9_.+-]*",
        "a tag: letters, digits and _ . + -, beginning with one of a-z 0-9 _",
        max_length=100,
    ),
    Field(examples=["web"]),
]
Description = Annotated[str, _text(r"[^\x00-\x08\x0b-\x1f\x7f]*", "text without control characters", max_length=8192)]
IpV4OrDhcp = Annotated[
    str,
    _text(
        rf"dhcp|{_IPV4}/(?:[1-9]|[12][0-9]|3[0-2])", '"dhcp", or an IPv4 address with its prefix such as 10.0.0.5/24'
    ),
    Field(examples=["dhcp", "10.0.0.5/24"]),
]
IpV4 = Annotated[str, _text(_IPV4, "an IPv4 address, such as 10.0.0.1"), Field(examples=["10.0.0.1"])]
IpAddress = Annotated[
    str, _text(rf"{_IPV4}|{_IPV6}", "an IP address, such as 10.0.0.1 or fd00::1"), Field(examples=["10.0.0.1"])
]
Username = Annotated[
    str,
    _text(r"[a-z_][a-z0-9_-]{0,31}", "a Linux user name: a-z, 0-9, _ and -, not beginning with a digit"),
    Field(examples=["admin"]),
]
PasswordHash = Annotated[
    str,
    _text(
        r"\$(?:1|2[abxy]|5|6|7|y|gy|sm3)\$[!-9;-~]+",
        "a password hash as crypt(5) writes it, such as $6$… (make one with: openssl passwd -6)",
        max_length=384,
    ),
]
_KEY_LINE = rf"(?:[!-~](?:[ -~]*[!-~])? )?{_KEY_TYPE} [A-Za-z0-9+/]{{16,}}={{0,3}}(?: [^\x00-\x1f\x7f]*)?"
KEY_LINE = re.compile(f"^{_KEY_LINE}$")
KeyLine = Annotated[
    str,
    _text(
        _KEY_LINE,
        "a line of an OpenSSH authorized_keys file, such as: ssh-ed25519 AAAA… me@example",
        max_length=8192,
    ),
    Field(examples=["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEy me@example"]),
]
Text = Annotated[str, _text(r"[^\x00-\x1f\x7f]+", "text on one line", max_length=4000)]

VmId = Annotated[int, Field(strict=True, ge=100, le=999_999_999, description="The guest's ID on the node."), _Whole]
Cores = Annotated[int, Field(strict=True, ge=1, le=8192, description="CPU cores."), _Whole]
MemoryMb = Annotated[int, Field(strict=True, ge=16, le=16_777_216, description="Memory in MiB."), _Whole]
VlanTag = Annotated[int, Field(strict=True, ge=1, le=4094), _Whole]
SizeGb = Annotated[int, Field(strict=True, ge=1, le=131_072), _Whole]


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

    username: Username | None = Field(None, description="The administrator's login name.")
    password_hash: PasswordHash | None = Field(None, description="The password as a crypt(5) hash, never in clear.")
    ssh_authorized_keys: list[KeyLine] | None = Field(None, description="Public keys, as lines of authorized_keys.")
    ssh_authorized_keys_file: Text | None = Field(
        None, description="A file with public keys, relative to this configuration file; added to ssh_authorized_keys."
    )
    ssh_password_login: Annotated[bool, Field(strict=True)] | None = Field(
        None, description="Whether sshd lets passwords in (default false)."
    )


class Admin(AdminOverride):
    """The administrative user that cloud-init creates in every guest."""

    username: Username = Field(description="The administrator's login name.")


Nameserver = Annotated[
    Annotated[IpAddress, Tag("<one>")] | Annotated[list[IpAddress], Tag("<several>")],
    Discriminator(lambda value: "<several>" if isinstance(value, list) else "<one>"),
]
"""Names of union members are written `<so>`, which explain.py leaves out of a place in a file."""


class NetworkConfig(Strict):
    """The address of a VM, handed to it by cloud-init."""

    ip: IpV4OrDhcp = Field("dhcp", description='"dhcp", or an IPv4 address with its prefix such as 10.0.0.5/24.')
    gw: IpV4 | None = Field(None, description="The IPv4 gateway of a static address.")
    nameserver: Nameserver | None = Field(None, description="DNS server, or a list of them.")
    searchdomain: DnsName | None = Field(None, description="DNS search domain.", examples=["example.com"])
    vlan_tag: VlanTag | None = Field(None, description="VLAN of the network card.")


class Guest(Strict):
    """What VMs and containers have in common."""

    name: DnsName = Field(
        description="The friendly name, which is the guest's hostname as well.", examples=["ubuntu-2404"]
    )
    cores: Cores
    memory_mb: MemoryMb
    storage_pool: StorageId = Field(description="The Proxmox storage of the root disk.")
    mac_address: MacAddress | None = Field(None, description="MAC address; left to Proxmox, and then kept, without.")
    start_at_boot: bool | None = Field(None, description="Whether the node starts the guest when it boots.")
    boot_order: Annotated[int, Field(strict=True, ge=0, le=100_000), _Whole] | None = Field(
        None, description="Place in the node's start order."
    )
    boot_delay: Annotated[int, Field(strict=True, ge=0, le=86_400), _Whole] | None = Field(
        None, description="Seconds before the next guest starts."
    )
    tags: list[GuestTag] | None = Field(None, description="Tags; phoenix adds its own mark.")
    description: Description | None = Field(None, description="Notes, shown by Proxmox (Markdown).")
    protection: bool | None = Field(None, description="Refuse to remove the guest and its disks.")
    dependencies: list[VmId] | None = Field(None, description="IDs of guests that must be up before this one.")


class _AnyVm(Guest):
    """What every virtual machine has, wherever its root disk comes from."""

    vmid: VmId
    disk_size_gb: SizeGb = Field(description="Size of the root disk in GiB; it grows, and never shrinks.")
    network_bridge: Bridge = Field(description="The bridge of the network card, such as vmbr0.")
    network_config: NetworkConfig = Field(NetworkConfig(), description="Address; DHCP without.")
    cpu_type: CpuType | None = Field(None, description="CPU type; x86-64-v2-AES for a new VM without.")
    admin: AdminOverride | None = Field(None, description="What this VM has instead of the node-wide admin.")


class Vm(_AnyVm):
    """A virtual machine whose root disk is imported from a cloud image."""

    template_image: NodePath = Field(
        description="Full path, on the node, of the cloud image that becomes the root disk."
    )


class ClonedVm(_AnyVm):
    """A virtual machine that is a full clone of another one; `clone_from_vmid` stands in place of `template_image`."""

    clone_from_vmid: VmId = Field(description="The VM or template that is cloned.")


def _told_by(key: str) -> Discriminator:
    """Return the rule that an object with `key` is a clone, and any other is not."""
    return Discriminator(lambda document: "<clone>" if isinstance(document, dict) and key in document else "<image>")


AnyVm = Annotated[Annotated[Vm, Tag("<image>")] | Annotated[ClonedVm, Tag("<clone>")], _told_by("clone_from_vmid")]


class HypervisorConfig(Strict):
    """phoenix_hypervisor_config.json: node-wide settings and the VMs."""

    model_config = ConfigDict(title="phoenix hypervisor configuration")

    schema_: str | None = Field(None, alias="$schema", description="Where editors find this schema.")
    snippet_storage: StorageId = Field(
        "local", description="The storage that holds the cloud-init snippets.", examples=["local"]
    )
    admin: Admin | None = Field(None, description="The administrator of every guest.")
    vms: list[AnyVm] = Field(description="The virtual machines.")


class ContainerNetwork(Strict):
    """The network card of a container and its address."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"ip": {"const": "dhcp"}}},
            "else": {"required": ["gw"], "properties": {"gw": {"type": "string"}}},
        }
    )

    name: Interface = Field(description="The interface's name inside the container, such as eth0.")
    bridge: Bridge = Field(description="The bridge of the network card, such as vmbr0.")
    ip: IpV4OrDhcp = Field(description='"dhcp", or an IPv4 address with its prefix such as 10.0.0.5/24.')
    gw: IpV4 | None = Field(None, description="The IPv4 gateway; a static address needs it.")

    @model_validator(mode="after")
    def _gateway(self) -> ContainerNetwork:
        if self.ip != "dhcp" and self.gw is None:
            raise PydanticCustomError("gateway_missing", "`gw` is required with a static ip")
        return self


class Features(Strict):
    """Kernel features that a container may use."""

    nesting: bool | None = Field(None, description="Containers inside the container; systemd wants it.")
    keyctl: bool | None = Field(None, description="The keyctl() system call (unprivileged containers).")
    fuse: bool | None = Field(None, description="FUSE file systems.")
    mknod: bool | None = Field(None, description="Device nodes (unprivileged containers, experimental).")


class MountPoint(Strict):
    """A further volume of a container."""

    storage_pool: StorageId = Field(description="The Proxmox storage of the volume.")
    size_gb: SizeGb = Field(description="Size of the volume in GiB; it grows, and never shrinks.")
    path: GuestPath = Field(description="Where it is mounted inside the container.")


class _AnyContainer(Guest):
    """What every LXC container has, wherever its root disk comes from."""

    storage_size_gb: SizeGb = Field(description="Size of the root disk in GiB; it grows, and never shrinks.")
    network_config: ContainerNetwork = Field(description="The network card and its address.")
    swap_mb: Annotated[int, Field(strict=True, ge=0, le=16_777_216), _Whole] | None = Field(
        None, description="Swap in MiB; 512 for a new container without."
    )
    nameservers: list[IpAddress] | None = Field(None, description="DNS servers.")
    searchdomain: DnsName | None = Field(None, description="DNS search domain.", examples=["example.com"])
    vlan_tag: VlanTag | None = Field(None, description="VLAN of the network card.")
    unprivileged: bool = Field(True, description="Run with mapped user IDs; cannot change later.")
    features: Features | None = Field(None, description="Kernel features.")
    mount_points: (
        dict[
            Annotated[
                str, _text("mp(?:[0-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5])", "a mount point: mp0 to mp255")
            ],
            MountPoint,
        ]
        | None
    ) = Field(None, description="Further volumes by their slot: mp0, mp1…")
    ssh_authorized_keys: list[KeyLine] | None = Field(
        None, description="Public keys of root, as lines of authorized_keys."
    )
    password_hash: PasswordHash | None = Field(None, description="Password of root as a crypt(5) hash, never in clear.")


class Container(_AnyContainer):
    """An LXC container made from a template."""

    template: TemplateSource = Field(description="Template: a full path on the node, or storage:vztmpl/file.")


class ClonedContainer(_AnyContainer):
    """An LXC container that is a full clone of another one; `clone_from_ctid` stands in place of `template`."""

    clone_from_ctid: VmId = Field(description="The container or template that is cloned.")


AnyContainer = Annotated[
    Annotated[Container, Tag("<image>")] | Annotated[ClonedContainer, Tag("<clone>")], _told_by("clone_from_ctid")
]


class LxcConfig(Strict):
    """phoenix_lxc_configs.json: the containers by ID."""

    model_config = ConfigDict(title="phoenix container configuration")

    schema_: str | None = Field(None, alias="$schema", description="Where editors find this schema.")
    lxc_configs: dict[
        Annotated[str, _text("[1-9][0-9]{2,8}", "a guest ID: a number from 100 to 999999999")], AnyContainer
    ] = Field(description="The containers by ID.")
