"""What `qm list` and `qm status` tell about a virtual machine, computed from its configuration and its power state."""

from __future__ import annotations

from fake_pve import conf_keys, runtime, sizes
from fake_pve.vm import boot, drive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.conf import Conf
    from fake_pve.node import Node

MIB = 1 << 20
DEFAULT_MEMORY_MIB = 512
NODE_CPUS = 8  # of the recorded node
GUEST_MEMORY = 128 * MIB  # what the recordings' stand-in used


def name(conf: Conf, vmid: str | int) -> str:
    """Its name, or `VM 8001`."""
    return conf.options.get("name") or f"VM {vmid}"


def memory_mib(conf: Conf) -> int:
    """The configured memory: `2048` or `current=2048`."""
    text = conf_keys.memory(conf.options.get("memory", ""))
    return int(text) if text.isdecimal() else DEFAULT_MEMORY_MIB


def number(conf: Conf, key: str, default: int) -> int:
    """A whole-number option."""
    text = conf.options.get(key, "")
    return int(text) if text.isdecimal() else default


def cpus(conf: Conf) -> int:
    """How many processors it may use: the sockets' cores, or `vcpus`, never more than the node has."""
    count = number(conf, "sockets", 1) * number(conf, "cores", 1)
    return min(number(conf, "vcpus", count), NODE_CPUS)


def bootdisk_bytes(conf: Conf) -> int:
    """The size of the first disk to boot from (a CD-ROM is none), 0 without."""
    for key in boot.disks(conf.options):
        if drive.is_name(key) and key in conf.options:
            values = drive.parse(conf.options[key])
            if values.get("file") and values.get("media") != "cdrom":
                return sizes.parse(values.get("size", "")) or 0
    return 0


def machine(conf: Conf) -> str:
    """The machine type that a running QEMU has."""
    kind = conf.options.get("machine", "pc").split(",")[0].removeprefix("type=")
    full = {"pc": "pc-i440fx-10.1", "q35": "pc-q35-10.1", "virt": "virt-10.1"}.get(kind, kind)
    return full if "+pve" in full else f"{full}+pve0"


def details(node: Node, vmid: str | int, conf: Conf) -> dict[str, object]:
    """Everything that `qm status --verbose` prints; values are texts, numbers and dicts of them (qm-status-001)."""
    power = runtime.read(node, "qemu", vmid)
    found: dict[str, object] = {
        "cpus": cpus(conf),
        "disk": 0,
        "maxdisk": bootdisk_bytes(conf),
        "maxmem": memory_mib(conf) * MIB,
        "mem": 0,
        "memhost": 0,
        "name": name(conf, vmid),
        "netin": 0,
        "netout": 0,
        "qmpstatus": "stopped",
        "status": "stopped",
        "uptime": 0,
        "vmid": vmid,
    }
    found |= {key: conf.options[key] for key in ("lock", "tags") if key in conf.options}
    found |= {key: 1 for key in ("template",) if conf.options.get(key) == "1"}
    if any(f"serial{index}" in conf.options for index in range(4)):
        found["serial"] = 1
    if number(conf, "balloon", 0):
        found["balloon_min"] = number(conf, "balloon", 0) * MIB
        found["shares"] = conf.options.get("shares", 1000)
    return found if power is None else found | _running(node, vmid, conf, power)


def _running(node: Node, vmid: str | int, conf: Conf, power: runtime.Power) -> dict[str, object]:
    """What a running machine adds: it counts nothing, as the recordings' stand-in did."""
    memory = memory_mib(conf) * MIB
    found: dict[str, object] = {
        "diskread": 0,
        "diskwrite": 0,
        "mem": GUEST_MEMORY,
        "memhost": GUEST_MEMORY,
        "pid": power.pid,
        "proxmox-support": SUPPORT,
        "qmpstatus": "paused" if power.paused else "running",
        "running-machine": machine(conf),
        "running-qemu": "10.1.2",
        "status": "running",
        "uptime": runtime.uptime(node, "qemu", vmid),
    }
    found |= {f"pressure{what}{how}": 0 for what in ("cpu", "io", "memory") for how in ("full", "some")}
    if conf.options.get("balloon") != "0":
        found |= {"balloon": memory, "ballooninfo": {"actual": memory, "max_mem": memory}}
    blocks = {key: BLOCK_COUNTERS for key, _ in drive.each(conf.options)}
    cards = {f"tap{vmid}i{key[3:]}": {"netin": 0, "netout": 0} for key in conf.options if key.startswith("net")}
    cards = {name: card for name, card in cards.items() if name.rpartition("i")[2].isdecimal()}
    return found | ({"blockstat": blocks} if blocks else {}) | ({"nics": cards} if cards else {})


BLOCK_COUNTERS = {
    "failed_rd_operations": 0,
    "flush_operations": 0,
    "rd_bytes": 0,
    "rd_operations": 0,
    "wr_bytes": 0,
    "wr_operations": 0,
}
SUPPORT = {
    "backup-access-api": 1,
    "backup-fleecing": 1,
    "backup-max-workers": 1,
    "backup-min-align": 1,
    "pbs-dirty-bitmap": 1,
    "pbs-dirty-bitmap-migration": 1,
    "pbs-dirty-bitmap-savevm": 1,
    "pbs-library-version": "1.5.1 (UNKNOWN)",
    "pbs-masterkey": 1,
    "query-bitmap-info": 1,
}


def print_tree(values: dict[str, object], depth: int = 0) -> str:
    """`key: value` lines sorted by key; a dict below its key, one tab deeper."""
    lines = []
    for key in sorted(values):
        value = values[key]
        if isinstance(value, dict):
            lines.append("\t" * depth + f"{key}:\n" + print_tree(value, depth + 1))
        else:
            lines.append("\t" * depth + f"{key}: {value}\n")
    return "".join(lines)
