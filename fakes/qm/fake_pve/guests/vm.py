"""Virtual machines with a real guest behind them: from a configuration to what a driver is told."""

from __future__ import annotations

from fake_pve import cloudinit, guests, power, vmstatus
from fake_pve.guests.spec import Disk, Nic, Spec
from fake_pve.storage import volume
from fake_pve.vm import boot, drive, network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf
    from fake_pve.node import Node


def start(call: Call, vmid: str, conf: Conf) -> None:
    """Power on."""
    driver = guests.driver(call.node)
    if driver is not None:
        driver.start(call.node, "qemu", int(vmid), spec(call.node, vmid, conf))


def forget(node: Node, vmid: str) -> None:
    """The machine is gone, and what its guest wrote with it."""
    driver = guests.driver(node)
    if driver is not None:
        driver.remove(node, "qemu", int(vmid))


def spec(node: Node, vmid: str, conf: Conf) -> Spec:
    """What the driver needs to know of the configuration."""
    options = conf.options
    has_seed = drive.cloudinit_key(options) is not None
    return Spec(
        hostname=vmstatus.name(conf, vmid),
        cores=vmstatus.cpus(conf),
        memory=vmstatus.memory_mib(conf),
        agent=power.has_agent(conf),
        nics=tuple(nics(options)),
        seed=cloudinit.folder(node, vmid) if has_seed else None,
        disks=tuple(disks(node, options)) if node.guest == "virtual" else (),
        bios=options.get("bios", "seabios"),
        identity=identity(options.get("smbios1", "")),
    )


def identity(smbios: str) -> str:
    """The machine's UUID, which another machine of the same ID does not have."""
    return next((part for part in smbios.split(",") if part.startswith("uuid=")), "")


def nics(options: dict[str, str]) -> list[Nic]:
    """The network cards in their order, with the addresses of `ipconfigN`."""
    found = []
    for key in sorted(filter(network.is_name, options), key=lambda key: int(key[3:])):
        ip = dict(part.partition("=")[::2] for part in options.get(f"ipconfig{key[3:]}", "").split(","))
        mac = network.parse(options[key]).get("macaddr", "")
        found.append(
            Nic(
                f"eth{key[3:]}",
                mac,
                cidr=ip.get("ip", ""),
                gateway=ip.get("gw", ""),
                cidr6=ip.get("ip6", ""),
                gateway6=ip.get("gw6", ""),
            )
        )
    return found


def disks(node: Node, options: dict[str, str]) -> list[Disk]:
    """Its disks as files of this machine, the one to boot from first."""
    found = {}
    for slot, values in drive.each(options):
        volid = values.get("file", "")
        if ":" in volid and not drive.is_cdrom(values, but_cloudinit=False):
            found[slot] = Disk(slot, volume.path(node, volid), volume.info(node, volid).format)
    first = [slot for slot in boot.disks(options) if slot in found]
    return [found.pop(slot) for slot in first] + list(found.values())
