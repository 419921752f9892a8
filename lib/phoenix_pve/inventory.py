"""The configuration files -> an Inventory of guests, looked up by ID: containers first, then VMs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from phoenix_pve import explain, fleet, jsonfile
from phoenix_pve.errors import ConfigError, UndefinedGuestError
from phoenix_pve.guest import Admin, ContainerExtras, Gone, GuestSpec, Kind, MountPoint, Network
from phoenix_pve.model_values import KEY_LINE
from phoenix_pve.models import (
    AdminOverride,
    ClonedContainer,
    ClonedVm,
    Container,
    ContainerNetwork,
    HypervisorConfig,
    LxcConfig,
    NetworkConfig,
    Vm,
)
from phoenix_pve.values import ipconfig
from phoenix_pve.values.text import lines

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from phoenix_pve.models import Guest

HYPERVISOR_FILE = "phoenix_hypervisor_config.json"
LXC_FILE = "phoenix_lxc_configs.json"

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Inventory:
    """Every guest that the configuration defines, by ID."""

    folder: Path
    guests: Mapping[int, GuestSpec]

    def notes(self, about: Collection[int] | None = None) -> list[str]:
        """Return what is probably a mistake in some guests, or in all."""
        return list(fleet.notes(list(self.guests.values()), self.guests if about is None else about))

    def find(self, vmid: int) -> GuestSpec:
        """Return the guest with this ID. Raises UndefinedGuestError, which lists the known ones."""
        if vmid not in self.guests:
            known = ", ".join(str(i) for i in sorted(self.guests)) or "none"
            raise UndefinedGuestError(
                f"{vmid} is not defined in {self.folder / LXC_FILE} or {self.folder / HYPERVISOR_FILE}; "
                f"known IDs: {known}",
                "add the guest to one of these files, or name another folder with --config DIR",
            )
        return self.guests[vmid]


def config_folder(option: str | None, environ: Mapping[str, str], beside: Path) -> Path:
    """Return the folder of the configuration: `--config`, `$PHOENIX_CONFIG_DIR`, or config/ `beside` the launcher.

    Raises ConfigError for a relative one where the working folder is gone.
    """
    named = option or environ.get("PHOENIX_CONFIG_DIR")
    try:
        return (
            Path(os.path.relpath(named))
            if named and not Path(named).is_absolute()
            else Path(named or beside / "config")
        )
    except OSError:
        problem = f"{named}: the working folder does not exist any more, so a relative path leads nowhere"
        raise ConfigError([problem], "cd into a folder that exists, or give the whole path") from None


def load(folder: Path) -> Inventory:
    """Read both files of `folder`. Raises ConfigError with every problem found."""
    hypervisor_file, lxc_file = folder / HYPERVISOR_FILE, folder / LXC_FILE
    has_containers = _has_containers(folder)
    errors: list[ConfigError] = []
    hypervisor = _document(hypervisor_file, HypervisorConfig, errors)
    lxc = _document(lxc_file, LxcConfig, errors) if has_containers else None
    if errors or hypervisor is None:
        hints = dict.fromkeys(error.hint for error in errors)
        raise ConfigError([problem for error in errors for problem in error.problems], "; ".join(hints))
    return _inventory(folder, hypervisor, lxc)


def _has_containers(folder: Path) -> bool:
    """Return whether there is a file with containers. Raises ConfigError for a folder that cannot be used."""
    try:
        problem = "" if folder.is_dir() else "is a file, not a folder" if folder.exists() else "no such folder"
        found = (folder / LXC_FILE).exists()
    except OSError as error:
        problem, found = f"cannot be read: {error.strerror}", False
    if problem:
        raise ConfigError([f"{folder}: {problem}"], jsonfile.FOLDER_HINT)
    return found


def _document(path: Path, model: type[Model], errors: list[ConfigError]) -> Model | None:
    """Return what a file says, or None after adding why it cannot be used to `errors`."""
    try:
        text = jsonfile.read_text(path)
        content = jsonfile.parse(text, str(path))
        return model.model_validate(content)
    except ConfigError as error:
        errors.append(error)
    except ValidationError as error:
        errors.append(ConfigError(explain.problems(str(path), content, model, error, text), jsonfile.MEND_HINT))
    return None


def _inventory(folder: Path, hypervisor: HypervisorConfig, lxc: LxcConfig | None) -> Inventory:
    problems: list[str] = []
    guests: dict[int, GuestSpec] = {}
    specs = [*_containers(folder, hypervisor, lxc, problems), *_vms(folder, hypervisor, problems)]
    for spec in specs:
        if spec.vmid in guests:
            problems.append(f"{spec.origin}: the ID {spec.vmid} is also defined in {guests[spec.vmid].origin}")
        guests.setdefault(spec.vmid, spec)
    problems.extend(fleet.problems(specs))
    if problems:
        for path in (folder / HYPERVISOR_FILE, *([folder / LXC_FILE] if lxc else [])):
            problems = explain.located(str(path), jsonfile.read_text(path), problems)
        raise ConfigError(problems, jsonfile.MEND_HINT)
    return Inventory(folder, guests)


def _containers(folder: Path, config: HypervisorConfig, lxc: LxcConfig | None, problems: list[str]) -> list[GuestSpec]:
    if lxc is None:
        return []
    origin = f"{folder / LXC_FILE}: lxc_configs"
    return [
        _container(config, f"{origin}.{vmid}", int(vmid), found, problems) for vmid, found in lxc.lxc_configs.items()
    ]


def _container(
    config: HypervisorConfig, origin: str, vmid: int, container: Container | ClonedContainer, problems: list[str]
) -> GuestSpec:
    network = container.network_config
    problems.extend(_address_problems(origin, network))
    return _spec(
        container,
        config,
        kind=Kind.CONTAINER,
        vmid=vmid,
        cores=container.cores or 0,
        disk_gb=container.storage_size_gb,
        image=container.template if isinstance(container, Container) else "",
        network=Network(
            bridge=network.bridge,
            mac=container.mac_address.upper() if container.mac_address else None,
            vlan_tag=_stated(container, "vlan_tag"),
            ip=_stated(network, "ip"),
            gw=_stated(network, "gw"),
            nameserver=_joined(_stated(container, "nameservers")),
            searchdomain=_stated(container, "searchdomain"),
        ),
        admin=Admin("root", container.password_hash, tuple(container.ssh_authorized_keys or ())),
        origin=origin,
        clone_from=container.clone_from_ctid if isinstance(container, ClonedContainer) else None,
        container=_container_extras(container),
    )


def _spec(guest: Guest, config: HypervisorConfig, **own: Any) -> GuestSpec:
    """Return the specification of a guest: what both kinds state with the same words, and its `own` fields."""
    return GuestSpec(
        name=guest.name,
        memory_mb=guest.memory_mb,
        storage=guest.storage_pool,
        snippet_storage=config.snippet_storage,
        onboot=guest.start_at_boot,
        boot_order=_stated(guest, "boot_order"),
        boot_delay=_stated(guest, "boot_delay"),
        tags=_tags(_stated(guest, "tags")),
        description=_stated(guest, "description"),
        protection=guest.protection,
        dependencies=tuple(guest.dependencies or ()),
        **own,
    )


EMPTY: tuple[tuple[Any, Gone], ...] = ((None, Gone.NULL), ([], Gone.EMPTY_LIST), ("", Gone.EMPTY_TEXT))


def _stated(model: BaseModel, key: str) -> Any:
    """Return what a file states for a key: None where it does not, Gone where it says none, or the value."""
    value = getattr(model, key)
    if key not in model.model_fields_set:
        return None
    return next((gone for empty, gone in EMPTY if value == empty), value)


def _joined(servers: str | list[str] | Gone | None) -> str | Gone | None:
    return " ".join(servers) if isinstance(servers, list) else servers


def _container_extras(container: Container | ClonedContainer) -> ContainerExtras:
    features = container.features.model_dump(exclude_none=True) if container.features else {}
    points = container.mount_points or {}
    return ContainerExtras(
        interface=container.network_config.name,
        unprivileged=container.unprivileged,
        swap_mb=container.swap_mb,
        features=tuple(sorted(features.items())),
        mount_points=tuple(MountPoint(slot, p.storage_pool, p.size_gb, p.path) for slot, p in sorted(points.items())),
    )


def _tags(tags: list[str] | Gone | None) -> tuple[str, ...] | Gone | None:
    """Return tags as Proxmox writes them: lower case, each once, sorted."""
    return tuple(sorted({tag.lower() for tag in tags})) if isinstance(tags, list) else tags


def _vms(folder: Path, config: HypervisorConfig, problems: list[str]) -> list[GuestSpec]:
    return [
        _vm(folder, config, f"{folder / HYPERVISOR_FILE}: vms[{i}] ({vm.vmid})", vm, problems)
        for i, vm in enumerate(config.vms)
    ]


def _vm(folder: Path, config: HypervisorConfig, origin: str, vm: Vm | ClonedVm, problems: list[str]) -> GuestSpec:
    network = vm.network_config or NetworkConfig()
    problems.extend(_address_problems(origin, network))
    return _spec(
        vm,
        config,
        kind=Kind.VM,
        vmid=vm.vmid,
        cores=vm.cores,
        disk_gb=vm.disk_size_gb,
        image=vm.template_image if isinstance(vm, Vm) else "",
        network=_network(vm.network_bridge, vm.mac_address, network),
        admin=_admin(folder, origin, config.admin, vm.admin, problems),
        cpu_type=vm.cpu_type,
        origin=origin,
        clone_from=vm.clone_from_vmid if isinstance(vm, ClonedVm) else None,
    )


def _network(bridge: str, mac: str | None, config: NetworkConfig) -> Network:
    return Network(
        bridge=bridge,
        mac=mac.upper() if mac else None,
        vlan_tag=_stated(config, "vlan_tag"),
        ip=_stated(config, "ip"),
        gw=_stated(config, "gw"),
        nameserver=_joined(_stated(config, "nameserver")),
        searchdomain=_stated(config, "searchdomain"),
    )


def _address_problems(origin: str, network: NetworkConfig | ContainerNetwork) -> list[str]:
    """Return what is wrong with a stated address and gateway; one that is not stated is known only on the node."""
    if network.gw and "ip" not in network.model_fields_set:
        return []
    return [f"{origin}.network_config.{problem}" for problem in ipconfig.problems(network.ip or "", network.gw or "")]


def _admin(
    folder: Path, origin: str, base: AdminOverride | None, own: AdminOverride | None, problems: list[str]
) -> Admin | None:
    """Return the node-wide administrator with the guest's own keys laid over it."""
    if base is None and own is None:
        return None
    merged = {
        **(base.model_dump(exclude_none=True) if base else {}),
        **(own.model_dump(exclude_none=True) if own else {}),
    }
    if "username" not in merged:
        problems.append(f"{origin}.admin.username: is required, since there is no node-wide admin")
        return None
    keys = [
        *merged.get("ssh_authorized_keys", ()),
        *_key_file(folder, merged.get("ssh_authorized_keys_file"), problems),
    ]
    return Admin(
        username=merged["username"],
        password_hash=merged.get("password_hash"),
        ssh_authorized_keys=tuple(dict.fromkeys(keys)),
        ssh_password_login=merged.get("ssh_password_login", False),
    )


def _key_file(folder: Path, named: str | None, problems: list[str]) -> list[str]:
    """Return the key lines of a file; blank lines and comments do not count."""
    if named is None:
        return []
    path = folder / os.path.expanduser(named)  # noqa: PTH111 - which leaves the home of nobody as it stands
    try:
        text = jsonfile.read_text(path)
    except ConfigError as error:
        return _told(problems, *error.problems)
    if explain.is_private(text):
        return _told(problems, f"{path}: is a private key: name the file with the public one (its name ends with .pub)")
    numbered = [(number, line.strip()) for number, line in enumerate(lines(text), 1)]
    keys = [(number, line) for number, line in numbered if line and not line.startswith("#")]
    wrong = [f"{path}: line {number} is no public key" for number, line in keys if not KEY_LINE.match(line)]
    _told(problems, *wrong)
    return [line for _, line in keys]


def _told(problems: list[str], *more: str) -> list[str]:
    """Add problems that are not told yet; there are no keys then."""
    problems.extend(problem for problem in more if problem not in problems)
    return []
