"""The nouns: what a guest should be (GuestSpec) and what it is (GuestState). Frozen values, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(StrEnum):
    """What a guest is, in Proxmox's words."""

    VM = "vm"
    CONTAINER = "container"


class Power(StrEnum):
    """What `qm status` and `pct status` say."""

    RUNNING = "running"
    STOPPED = "stopped"
    PAUSED = "paused"
    SUSPENDED = "suspended"


class Gone(Enum):
    """What the configuration says where it wants none of something: `null`, or the empty value that says the same.

    In a template it is nothing, and false.
    """

    NULL = "null"
    EMPTY_LIST = "[]"
    EMPTY_TEXT = '""'

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return ""


@dataclass(frozen=True)
class Admin:
    """The administrative user. `password_hash` is secret: it is never shown."""

    username: str
    password_hash: str | None = field(default=None, repr=False)
    ssh_authorized_keys: tuple[str, ...] = ()
    ssh_password_login: bool = False


@dataclass(frozen=True)
class Network:
    """One network card and its address.

    None means: not stated, so what the guest has is left alone. Gone means: stated as none, so that it is taken away.
    """

    bridge: str
    mac: str | None = None
    vlan_tag: int | Gone | None = None
    ip: str | Gone | None = None
    gw: str | Gone | None = None
    nameserver: str | Gone | None = None
    searchdomain: str | Gone | None = None

    @property
    def static(self) -> str:
        """The static address that is stated, with its prefix; "" for none, and for DHCP."""
        return self.ip if isinstance(self.ip, str) and self.ip != "dhcp" else ""


@dataclass(frozen=True)
class MountPoint:
    """A further volume of a container."""

    slot: str
    storage: str
    gib: int
    path: str


@dataclass(frozen=True)
class ContainerExtras:
    """What only containers have; a new one is unprivileged where that is not stated."""

    interface: str
    unprivileged: bool | None = None
    swap_mb: int | None = None
    features: tuple[tuple[str, bool], ...] = ()
    mount_points: tuple[MountPoint, ...] = ()


@dataclass(frozen=True)
class GuestSpec:
    """What the configuration says of one guest.

    None means: not stated, so what the guest has is left alone. Gone means: stated as none, so that it is taken away.
    `cores` is 0 for a container that may use every core of the node.
    """

    vmid: int
    name: str
    cores: int
    memory_mb: int
    storage: str
    disk_gb: int
    image: str
    network: Network
    kind: Kind = Kind.VM
    snippet_storage: str = "local"
    admin: Admin | None = None
    cpu_type: str | None = None
    onboot: bool | None = None
    boot_order: int | Gone | None = None
    boot_delay: int | Gone | None = None
    tags: tuple[str, ...] | Gone | None = None
    description: str | Gone | None = None
    protection: bool | None = None
    clone_from: int | None = None
    dependencies: tuple[int, ...] = ()
    container: ContainerExtras | None = None
    origin: str = ""
    """Where it is defined: `config/phoenix_hypervisor_config.json: vms[0]`."""

    @property
    def needs(self) -> tuple[int, ...]:
        """The guests that must be up before this one: its dependencies, and what it is cloned from."""
        return (*self.dependencies, *([self.clone_from] if self.clone_from else []))


@dataclass(frozen=True)
class GuestState:
    """What the node shows of one guest.

    options  the configuration as it will be after the next start: `qm config`
    pending  the keys of `options` (or removed from it) that wait for the next start
    stuck    those of `pending` that would not wait, had what set them not been killed
    digest   SHA-1 of the configuration file, which guards a change against another one in between
    in_force the configuration as it is until then
    """

    kind: Kind
    vmid: int
    power: Power
    options: Mapping[str, str]
    description: str = ""
    pending: frozenset[str] = frozenset()
    digest: str = ""
    stuck: frozenset[str] = frozenset()
    in_force: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The guest's name: VMs call it name, containers hostname."""
        return self.options.get("name" if self.kind is Kind.VM else "hostname", "")

    @property
    def lock(self) -> str:
        """What holds the guest (backup, create, migrate…), or nothing."""
        return self.options.get("lock", "")

    @property
    def tags(self) -> frozenset[str]:
        """The guest's tags, which Proxmox separates by `;` (and accepts `,` and blanks)."""
        return frozenset(self.options.get("tags", "").replace(",", ";").replace(" ", ";").split(";")) - {""}
