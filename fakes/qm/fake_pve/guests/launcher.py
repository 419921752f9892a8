"""Bring up a simulated guest: namespaces, its view of the machine, its network; then init.py is its first process.

`launch FOLDER` reads FOLDER/launch.json and ends with status 0 as soon as the guest boots. Nothing of it stays behind
on the machine's side: the listening sockets are opened here and belong to the guest's first process, which serves them
with the machine's loopback on one side and the guest's network on the other.
"""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import sys

from fake_pve.guests import GuestFailed, state, userns
from fake_pve.guests.init import RUN, Init
from fake_pve.guests.netlink import Netlink
from fake_pve.guests.relay import listen_unix

NAMESPACES = (
    userns.CLONE_NEWNS
    | userns.CLONE_NEWPID
    | userns.CLONE_NEWUTS
    | userns.CLONE_NEWIPC
    | userns.CLONE_NEWNET
    | userns.CLONE_NEWTIME
)
TYPE_CHECKING = False  # typing costs each guest memory
if TYPE_CHECKING:
    from typing import Any, NoReturn

    Config = dict[str, Any]
    Listeners = dict[str, socket.socket]

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
KERNEL_SHARE_KB = 43000  # what a kernel keeps for itself of the configured memory


def main(argv: list[str]) -> int:
    """Launch the guest whose folder is the only argument; the exit status."""
    os.chdir(argv[0])
    os.umask(0o022)
    with open("launch.json", encoding="utf-8") as file:
        config = json.load(file)
    folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
    log = os.open("console.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    listeners = {"ssh": listen_ssh(), "agent": listen_unix("./agent.sock"), "control": listen_unix("./control.sock")}
    ids = userns.mapping()
    make_disk(ids)
    config["lower"] = lower_folder(config["tree"], ids)
    os.chdir("disk")  # now: the way here may be closed to the guest's root
    told, tell = os.pipe()
    middle = userns.fork_into(NAMESPACES, ids, lambda: enter(config, folder, log, listeners, tell))
    os.close(tell)
    with os.fdopen(told, encoding="utf-8", errors="replace") as file:
        said = file.readline()
        problem = file.read()
    os.waitpid(middle, 0)
    if not said or problem != "ok":
        raise GuestFailed(f"the guest could not be started: {problem or 'its first process died'}")
    pid = int(said)
    state.write("../pid", f"{pid} {state.start_time(pid)}\n")
    return 0


def listen_ssh() -> socket.socket:
    """The machine's side of the way to port 22: the port of the last start if it is free, else any."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    last = state.read("ssh").partition(" ")[2]
    try:
        listener.bind(("127.0.0.1", int(last or 0)))
    except OSError:
        listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    state.write("ssh", f"127.0.0.1 {listener.getsockname()[1]}\n")
    return listener


def make_disk(ids: userns.Mapping) -> None:
    """The folders of what the guest writes; they belong to its root."""
    for name in ("disk", "disk/upper", "disk/work", "disk/root"):
        if not os.path.isdir(name):
            os.mkdir(name, 0o755)
            os.chown(name, *ids.root)


def lower_folder(tree: str, ids: userns.Mapping) -> str:
    """How the guest's root, from inside the folder `disk`, names its tree in the options of an overlay.

    For root that user is a stranger, to whom the way to the tree may be closed: then the tree comes into the folder.
    """
    if ids.by_helper:
        return tree.replace("\\", "\\\\").replace(",", "\\,").replace(":", "\\:")
    userns.check(userns.libc.unshare(userns.CLONE_NEWNS), "unshare")
    userns.mount("", "/", flags=userns.MS_REC | userns.MS_PRIVATE)
    os.makedirs("disk/lower", exist_ok=True)
    userns.mount(tree, "disk/lower", flags=userns.MS_BIND)
    return "lower"


def enter(config: Config, folder: int, log: int, listeners: Listeners, tell: int) -> NoReturn:
    """In the new namespaces, but not yet in the new process and time ones: those begin with the next child."""
    set_boot_time()
    os.setsid()
    pid = os.fork()
    if pid:
        os.write(tell, f"{pid}\n".encode())  # this process is still outside: the pid is the machine's
        os._exit(0)
    try:
        guest = prepare(config, folder, log, listeners)
    except (OSError, GuestFailed, ValueError) as error:
        os.write(tell, f"{error}".encode())
        os._exit(1)
    os.write(tell, b"ok")
    os.close(tell)
    guest.run()


def set_boot_time() -> None:
    """Let the guest's uptime begin now."""
    with open("/proc/uptime", encoding="ascii") as file:
        seconds = int(float(file.read().split()[0]))
    with open("/proc/self/timens_offsets", "w", encoding="ascii") as file:
        file.write(f"monotonic -{seconds} 0\nboottime -{seconds} 0\n")


def prepare(config: Config, folder: int, log: int, listeners: Listeners) -> Init:
    """Mounts, network, names: all that must happen while the machine's files can still be seen."""
    mount_root(config["lower"])
    mount_dev()
    userns.mount("proc", "proc", "proc", userns.MS_NOSUID | userns.MS_NODEV | userns.MS_NOEXEC)
    wire = Wire()
    for nic in config["nics"]:
        wire.add(nic)
    wire.finish()
    userns.mount("sysfs", "sys", "sysfs", userns.MS_RDONLY | userns.MS_NOSUID | userns.MS_NODEV | userns.MS_NOEXEC)
    mount_run(config)
    show_hardware(config)
    write_files(config)
    guest = Init(config, folder, listeners, log)
    guest.wire = wire
    guest.mount_run = lambda: renew_run(config)
    redirect_output(log)
    userns.pivot_root()
    set_hostname(config)
    if config["kind"] == "lxc":
        wire.configure(config["nics"])
    wire.close()
    userns.set_dumpable(yes=False)  # else the guest's root could walk out by /proc/1/fd
    return guest


def mount_root(lower: str) -> None:
    """From the folder `disk`, go into the guest's root: its own files over its tree."""
    userns.mount("", "/", flags=userns.MS_REC | userns.MS_PRIVATE)
    userns.mount("overlay", "root", "overlay", data=f"lowerdir={lower},upperdir=upper,workdir=work,userxattr")
    os.chdir("root")


def redirect_output(log: int) -> None:
    """What this process says goes to the console; its input is empty."""
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(null)
    sys.stdin = open(0, closefd=False, encoding="utf-8")  # noqa: SIM115 - lives as long as the process


def mount_dev() -> None:
    """A small /dev: the machine's harmless devices, and terminals of its own."""
    userns.mount("dev", "dev", "tmpfs", userns.MS_NOSUID, "mode=755")
    for name in DEVICES:
        os.close(os.open(f"dev/{name}", os.O_CREAT | os.O_WRONLY, 0o666))
        userns.mount(f"/dev/{name}", f"dev/{name}", flags=userns.MS_BIND)
    os.mkdir("dev/pts")
    os.mkdir("dev/shm")
    os.chmod("dev/shm", 0o1777)  # noqa: S103 - as everywhere
    userns.mount(
        "devpts", "dev/pts", "devpts", userns.MS_NOSUID | userns.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620,gid=5"
    )
    for name, target in LINKS.items():
        os.symlink(target, f"dev/{name}")


def mount_run(config: Config, root: str = "") -> None:
    """/run as it is early in a boot."""
    userns.mount("run", f"{root}run", "tmpfs", userns.MS_NOSUID | userns.MS_NODEV, "mode=755")
    for name in ("lock", "sshd", "fake-pve", "systemd", "systemd/system", "network"):
        os.mkdir(f"{root}run/{name}", 0o755)
    os.chmod(f"{root}run/lock", 0o1777)  # noqa: S103 - as everywhere
    for name, text in config["run_files"].items():
        put(f"{root}{RUN[1:]}/{name}", text)
    put(f"{root}run/utmp", "")


def renew_run(config: Config) -> None:
    """What a reboot does to /run; called when the guest's root is this process's root."""
    os.chdir("/")
    userns.unmount("/run")
    mount_run(config, "/")
    set_hostname(config)


def show_hardware(config: Config) -> None:
    """Let the guest see its configured memory and processors. Nothing enforces them."""
    cores, memory = config["cores"], config["memory"] * 1024
    shown = {
        "proc/meminfo": meminfo(state.read("/proc/meminfo"), memory),
        "proc/cpuinfo": cpuinfo(state.read("/proc/cpuinfo"), cores),
        "sys/devices/system/cpu/online": f"0-{cores - 1}\n" if cores > 1 else "0\n",
    }
    os.mkdir(f"{RUN[1:]}/hardware")
    for path, text in shown.items():
        source = f"{RUN[1:]}/hardware/{os.path.basename(path)}"
        put(source, text)
        try:
            userns.mount(source, path, flags=userns.MS_BIND)
        except OSError as error:
            sys.stderr.write(f"{error}\n")


def meminfo(text: str, total: int) -> str:
    """The machine's /proc/meminfo with `total` KiB of memory, most of them free, and no swap."""
    total = max(total - KERNEL_SHARE_KB, total // 2)
    lines = []
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        if name == "MemTotal":
            value: int | None = total
        elif name in {"MemFree", "MemAvailable"}:
            value = total * 8 // 10
        elif name in {"Buffers", "Cached"}:
            value = total // 20
        else:
            value = 0 if name.startswith("Swap") else None
        lines.append(line if value is None else f"{name + ':':<16}{value:>8} kB" if rest.endswith("kB") else line)
    return "\n".join(lines) + "\n"


def cpuinfo(text: str, cores: int) -> str:
    """The machine's /proc/cpuinfo with its first processor `cores` times."""
    first = text.split("\n\n", 1)[0].splitlines()
    blocks = []
    for core in range(cores):
        numbers = {
            "processor": core,
            "core id": core,
            "apicid": core,
            "initial apicid": core,
            "cpu cores": cores,
            "siblings": cores,
        }
        lines = []
        for line in first:
            name = line.partition(":")[0].strip()
            lines.append(f"{line.partition(':')[0]}: {numbers[name]}" if name in numbers else line)
        blocks.append("\n".join(lines) + "\n\n")
    return "".join(blocks)


def put(path: str, text: str, mode: int = 0o644) -> None:
    """Write a file of the guest."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def write_files(config: Config) -> None:
    """The seed, and for a container what Proxmox writes into it before each start; paths are below the guest's root."""
    for path, (text, mode) in config["files"].items():
        safe_parents(path)
        put(path, text, mode)
    for path, (text, mode) in config["first_files"].items():
        if not os.path.lexists(path) or os.path.getsize(path) == 0:
            safe_parents(path)
            put(path, text, mode)


def safe_parents(path: str) -> None:
    """Make the folders above `path`; refuse one that is a link, which could lead out of the guest."""
    done = ""
    for part in path.split("/")[:-1]:
        done += part
        if os.path.islink(done):
            raise GuestFailed(f"/{done} is a link in the guest")
        if not os.path.isdir(done):
            os.mkdir(done, 0o700 if part == ".ssh" else 0o755)
        done += "/"
    if os.path.islink(path):
        os.unlink(path)


def set_hostname(config: Config) -> None:
    """The name that the guest remembers, else the one it is given."""
    name = state.read("/etc/hostname") or config["hostname"]
    if name:
        socket.sethostname(name.splitlines()[0])


class Wire:
    """The guest's network cards and what is at the other end of their cables.

    This process begins in a network that becomes the far side: it holds the gateways' addresses and leads nowhere, so
    that a guest's packet to the world is refused at once instead of being lost. Then it moves on into the guest's
    network and takes the cards along.
    """

    def __init__(self) -> None:
        self.far = Netlink()
        self.far.up(socket.if_nametoindex("lo"))
        sysctl("ipv4/ip_forward", "1")
        self.names: list[str] = []

    def add(self, nic: dict[str, str]) -> None:
        """Lay a cable; the gateway answers at its far end."""
        name, far = nic["name"], f"far-{nic['name']}"
        self.far.add_veth(name, nic["mac"], far)
        index = socket.if_nametoindex(far)
        self.far.up(index)
        for cidr, gateway in ((nic["cidr"], nic["gateway"]), (nic["cidr6"], nic["gateway6"])):
            if gateway and "/" in cidr:
                self.far.add_address(index, ipaddress.ip_interface(f"{gateway}/{cidr.partition('/')[2]}"))
        self.names.append(name)

    def finish(self) -> None:
        """Go to the guest's network with the near ends of all cables."""
        indexes = [socket.if_nametoindex(name) for name in self.names]
        userns.unshare(userns.CLONE_NEWNET)
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        for index in indexes:
            self.far.move(index, here)
        os.close(here)
        self.near = Netlink()
        self.near.up(socket.if_nametoindex("lo"))
        for which in ("all", "default", *self.names):
            sysctl(f"ipv6/conf/{which}/accept_dad", "0")
        sysctl("ipv4/ping_group_range", f"0\t{userns.IDS - 2}")  # systemd does so: ping needs no privilege

    def configure(self, nics: list[dict[str, str]]) -> None:
        """A container's cards are configured for it."""
        for nic in nics:
            index = socket.if_nametoindex(nic["name"])
            self.near.up(index)
            for cidr, gateway in ((nic["cidr"], nic["gateway"]), (nic["cidr6"], nic["gateway6"])):
                if "/" in cidr:
                    self.near.add_address(index, ipaddress.ip_interface(cidr))
                if gateway:
                    self.near.add_gateway(index, gateway)

    def close(self) -> None:
        """Stop configuring; the far network lives on by the socket that stays open in the guest's first process."""
        self.near.close()


def sysctl(name: str, value: str) -> None:
    """Set a value of the current network, where the kernel has it."""
    try:
        with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
            file.write(value)
    except OSError:
        pass
