"""QEMU's command line for a virtual guest, and how it is started; nothing here needs root.

Which accelerator: KVM if a kernel has booted on it here, else emulation. /dev/kvm proves nothing: guests may hang.
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from fake_pve.guests import GuestFailed, image, iso, state, sweep
from fake_pve.guests.addresses import picked_address
from fake_pve.guests.qmp import Qmp

if TYPE_CHECKING:
    from fake_pve.guests.spec import Disk, Nic, Spec

PROGRAM = "qemu-system-x86_64"
PROBE_SECONDS = 20.0
START_SECONDS = 60.0
FIRMWARE = ("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_CODE.fd")
ACCELERATORS = {
    "kvm": ["-accel", "kvm", "-cpu", "host"],
    "tcg": ["-accel", "tcg,thread=multi,tb-size=256", "-cpu", "Nehalem"],  # quicker than `max` when emulated
}


def accelerator() -> str:
    """`kvm` or `tcg`; tried once after each boot of this machine."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    boot = state.read("/proc/sys/kernel/random/boot_id")
    path = f"{image.own_cache()}/accelerator"
    known, _, found = state.read(path).partition(" ")
    if known != boot:
        found = "kvm" if boots_on_kvm() else "tcg"
        state.write(path, f"{boot} {found}\n")
    return found


def boots_on_kvm() -> bool:
    """Whether a kernel with an initial RAM disk that only powers off does so in time."""
    kernel, ramdisk = image.probe_files()
    argv = [
        PROGRAM,
        *COMMON,
        "-machine",
        "pc",
        *ACCELERATORS["kvm"],
        "-m",
        "256",
        "-kernel",
        kernel,
        "-initrd",
        ramdisk,
    ]
    argv += ["-append", "quiet panic=-1", "-no-reboot"]
    try:
        return subprocess.run(argv, capture_output=True, timeout=PROBE_SECONDS, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


COMMON = ["-nodefaults", "-no-user-config", "-display", "none"]


def bus_of(slot: str) -> str:
    """`scsi0` -> `scsi`."""
    return slot.rstrip("0123456789")


def command_line(guest: str, vmid: int, spec: Spec, *, accel: str, hot: bool = False) -> list[str]:
    """QEMU's words for this guest. With `hot`, card and seed are plugged in later; paths are relative to its folder."""
    argv = [PROGRAM, *COMMON, "-name", f"guest={vmid}", "-machine", "pc", *ACCELERATORS[accel]]
    argv += ["-smp", str(spec.cores), "-m", str(spec.memory), *firmware(guest, spec.bios)]
    argv += ["-pidfile", f"{guest}/qemu.pid"]  # names the guest's folder for sweep.py
    argv += ["-chardev", f"null,id={sweep.mark()}"]  # and this names the copy of the fake that started it
    argv += ["-qmp", "unix:qmp.sock,server=on,wait=off", "-chardev", "file,id=console,path=console.log,append=on"]
    argv += ["-serial", "chardev:console", "-object", "rng-random,id=rng0,filename=/dev/urandom"]
    argv += ["-device", "virtio-rng-pci,rng=rng0", "-device", "virtio-balloon-pci,id=balloon0"]
    if spec.agent:
        argv += ["-device", "virtio-serial-pci", "-chardev", "socket,id=agent,path=agent.sock,server=on,wait=off"]
        argv += ["-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0"]
    argv += disk_options(spec.disks)
    argv += seed_options(guest, spec, hot=hot)
    return argv


def firmware(guest: str, bios: str) -> list[str]:
    """UEFI where the configuration wants it, with variables of the guest's own; else QEMU's built-in BIOS."""
    if bios != "ovmf":
        return []
    code = next((path for path in FIRMWARE if os.path.exists(path)), None)
    if code is None:
        raise GuestFailed("bios=ovmf needs UEFI firmware; as root: apt-get install --yes ovmf")
    if not os.path.exists(f"{guest}/efivars.fd"):
        shutil.copyfile(code.replace("CODE", "VARS"), f"{guest}/efivars.fd")
    return ["-drive", f"if=pflash,format=raw,readonly=on,file={code}", "-drive", "if=pflash,format=raw,file=efivars.fd"]


def disk_options(disks: tuple[Disk, ...]) -> list[str]:
    """The disks on the buses that their slots name; SATA and IDE are one here."""
    argv: list[str] = []
    if any(bus_of(disk.slot) == "scsi" for disk in disks):
        argv += ["-device", "virtio-scsi-pci,id=scsi"]
    for number, disk in enumerate(disks):
        path = disk.path.replace(",", ",,")
        argv += ["-drive", f"if=none,id={disk.slot},file={path},format={disk.format},cache=unsafe,discard=unmap"]
        device = {"scsi": "scsi-hd,bus=scsi.0", "virtio": "virtio-blk-pci"}.get(bus_of(disk.slot), "ide-hd")
        argv += ["-device", f"{device},drive={disk.slot},id=dev-{disk.slot},bootindex={number + 1}"]
    return argv


def seed_options(guest: str, spec: Spec, *, hot: bool) -> list[str]:
    """The cloud-init drive as an image of a CD, on the bus that every cloud image knows."""
    if spec.seed is None:
        return []
    with open(f"{guest}/seed.iso", "wb") as file:
        file.write(iso.from_folder(spec.seed))
    argv = ["-drive", "if=none,id=seed,file=seed.iso,format=raw,readonly=on"]
    return argv if hot else [*argv, "-device", "virtio-blk-pci,drive=seed"]


def net_options(vmid: int, nics: tuple[Nic, ...], port: int, *, hot: bool) -> list[str]:
    """The cards: a network each that leads nowhere; `port` of our loopback leads to the guest's 22 by the first."""
    argv: list[str] = []
    for index, nic in enumerate(nics):
        options, address = network_of(vmid, index, nic)
        forward = f",hostfwd=tcp:127.0.0.1:{port}-{address}:22" if index == 0 else ""
        argv += ["-netdev", f"user,id=net{index},restrict=on,ipv6=off,{options}{forward}"]
        if not hot:
            argv += ["-device", f"virtio-net-pci,netdev=net{index},mac={nic.mac},romfile="]
    return argv


def network_of(vmid: int, index: int, nic: Nic) -> tuple[str, str]:
    """(options of QEMU's user network, the guest's address): the guest's own network with its gateway in it."""
    cidr, gateway = nic.cidr, nic.gateway
    if "/" not in cidr:
        cidr, gateway = picked_address(vmid, index)
    card = ipaddress.ip_interface(cidr)
    network = card.network
    free = [str(one) for one in _some_hosts(network) if str(one) not in {str(card.ip), gateway}]
    inside = gateway and ipaddress.ip_address(gateway) in network
    host, dns = (gateway, free[0]) if inside else (free[0], free[1])
    start = f",dhcpstart={card.ip}" if nic.cidr == "dhcp" else ""
    return f"net={network},host={host},dns={dns}{start}", str(card.ip)


def _some_hosts(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    first, last = int(network.network_address), int(network.broadcast_address)
    if last - first < 5:
        raise GuestFailed(f"the network {network} is too small for a virtual guest: it needs a /29 or larger")
    return [ipaddress.ip_address(last - number) for number in range(1, 5)]


def launch(guest: str, argv: list[str]) -> int:
    """Start QEMU in the guest's folder, where it stays behind when it is ready; its pid. GuestFailed with its words."""
    try:
        done = subprocess.run(
            [*argv, "-daemonize"],
            cwd=guest,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GuestFailed(f"start failed: QEMU was not ready within {START_SECONDS:.0f} s") from error
    if done.returncode:
        raise GuestFailed(f"start failed: QEMU exited with code {done.returncode}\n{done.stderr.strip()}")
    pid = int(state.read(f"{guest}/qemu.pid"))
    state.write(f"{guest}/pid", f"{pid} {state.start_time(pid)}\n")
    return pid


def forwarded_port(guest: str) -> int:
    """The port of our loopback that QEMU chose for the guest's port 22."""
    with Qmp(f"{guest}/qmp.sock") as qemu:
        for line in qemu.monitor("info usernet").splitlines():
            words = line.split()
            if words and words[0].startswith("TCP[HOST_FORWARD]") and words[2] == "127.0.0.1":
                return int(words[3])
    return 0
