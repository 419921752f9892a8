"""Giving power to a virtual machine: what `start`, `reboot` and `rollback --start` have in common.

The order of checks is the real tools' (qm-start-*, qm-lock-*, qm-create-027…171): template, lock, running; then pending
changes and the cloud-init drive; then what QEMU's command line needs; then the volumes.
"""

from __future__ import annotations

from fake_pve import bridges, hookscript, runtime, vmstatus
from fake_pve import conf as confs
from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.lock import check_lock, guest_lock
from fake_pve.vm import apply, drive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf
    from fake_pve.node import Node

QEMU_VERSION = "10.1.2"
EFI_WARNING = """EFI disk without 'ms-cert=2023k' option, suggesting that not all UEFI 2023
certificates from Microsoft are enrolled yet.
The UEFI 2011 certificates expire in June 2026! The new certificates are required
for secure boot update for Windows and common Linux distributions.
Use 'Disk Action > Enroll Updated Certificates' in the UI or, while the VM is
shut down, run 'qm enroll-efi-keys {vmid}' to enroll the new certificates.

For Windows with BitLocker, run the following command inside Powershell:
  manage-bde -protectors -disable <drive>
for each drive with BitLocker (for example, <drive> could be 'C:').
This is required for each drive with BitLocker before proceeding with enrollment.
Otherwise, you will be prompted for the BitLocker recovery key on the next boot."""


def start(call: Call, vmid: str, *, skiplock: bool = False, machine: str | None = None) -> None:
    """Start the machine under its lock, of type `machine` for this once; a failure leaves it without power."""
    with guest_lock(call.node, "qemu", vmid):
        conf = _load(call.node, vmid)
        if conf.options.get("template") == "1":
            raise CommandFailed("you can't start a vm if it's a template")
        check_lock(conf, skiplock or conf.options.get("lock") == "suspended")
        if runtime.running(call.node, "qemu", vmid):
            raise CommandFailed(f"VM {vmid} already running")
        if machine:
            _check_machine(call.node, machine)
        switch_on(call, vmid, conf)


def _load(node: Node, vmid: str) -> Conf:
    """The configuration; what goes wrong in a task ends with 255 (qm-unknown-vm-005)."""
    try:
        return confs.load(node, "qemu", vmid)
    except CommandFailed as problem:
        raise CommandFailed(problem.message) from None


def switch_on(call: Call, vmid: str, conf: Conf) -> None:
    """Start a machine that has no power; the caller holds the lock and has looked whether it may start."""
    _prepare(call, vmid, conf)
    hookscript.run(call, conf, vmid, "pre-start", must_succeed=True)
    warnings = _check_hardware(call, vmid, conf)
    _check_volumes(call.node, conf)
    _check_network(call, vmid, conf)
    if conf.options.get("lock") == "suspended":
        for key in ("lock", "vmstate", "runningmachine", "runningcpu"):  # it goes on from there, which is then used up
            conf.options.pop(key, None)
        confs.save(call.node, "qemu", vmid, conf)
    power_on(call, vmid, conf)
    hookscript.run(call, conf, vmid, "post-start")
    if warnings:
        call.err(f"Task finished with {warnings} warning(s)!")


def power_on(call: Call, vmid: str, conf: Conf) -> None:
    """The machine has power; where guests are real, one boots."""
    if call.node.guest in runtime.REAL_GUESTS:
        from fake_pve.guests import vm  # only for real guests

        call.flush()
        vm.start(call, vmid, conf)
    runtime.mark_started(call.node, "qemu", vmid, conf.text)


def _prepare(call: Call, vmid: str, conf: Conf) -> None:
    """Let what waits take effect and write the cloud-init drive anew (qm-set-running-002).

    What goes wrong in a task ends with 255 (qm-create-128).
    """
    try:
        apply.apply_pending(call, vmid, conf)
        if drive.cloudinit_key(conf.options) is not None:
            from fake_pve import cloudinit  # only for guests with such a drive

            cloudinit.generate(call, vmid, conf)
    except NotModelled:
        raise
    except CommandFailed as problem:
        raise CommandFailed(problem.message) from None


def _must_exist(node: Node, volid: str) -> None:
    from fake_pve.storage import config, volume

    try:
        config.usable(node, volume.split(volid)[0])
        found = volume.exists(node, volid)
    except NotModelled:
        raise
    except CommandFailed as problem:
        raise CommandFailed(problem.message) from None
    if not found:
        raise CommandFailed(f"volume '{volid}' does not exist")


def _check_hardware(call: Call, vmid: str, conf: Conf) -> int:
    """What a node can refuse before QEMU is started; the number of warnings that were printed."""
    _check_machine(call.node, vmstatus.machine(conf))
    _check_devices(call, conf)
    wanted = vmstatus.number(conf, "sockets", 1) * vmstatus.number(conf, "cores", 1)
    if wanted > vmstatus.NODE_CPUS:
        raise CommandFailed(f"MAX {vmstatus.NODE_CPUS} vcpus allowed per VM on this node")
    warnings = _warnings(vmid, conf)
    for warning in warnings:
        call.out(f"WARN: {warning}")
    return len(warnings) + _check_mtu(call, conf)


def _check_mtu(call: Call, conf: Conf) -> int:
    """Only VirtIO cards have an MTU, at most the bridge's (qm-net-017) -> the number of warnings that were printed."""
    from fake_pve.vm import network

    warnings = 0
    for index in range(32):
        card = network.parse(conf.options.get(f"net{index}", ""))
        if not card.get("mtu", "").isdecimal():
            continue
        if card["model"] != "virtio":
            call.out(f"WARN: netdev net{index}: ignoring MTU '{card['mtu']}', not using VirtIO")
            warnings += 1
        elif "bridge" in card and int(card["mtu"]) > (most := bridges.mtu(call.node, card["bridge"])):
            raise CommandFailed(
                f"netdev net{index}: MTU '{card['mtu']}' is bigger than the bridge MTU '{most}' - adjust the MTU"
                " for the network device in the VM configuration, while ensuring that the bridge is configured as"
                " desired."
            )
    return warnings


def _check_machine(node: Node, machine: str) -> None:
    """A machine type newer than QEMU is refused (qm-create-171)."""
    numbers = machine.partition("+")[0].rpartition("-")[2].removesuffix(".pxe").split(".")
    if all(part.isdecimal() for part in numbers):
        have = tuple(int(part) for part in QEMU_VERSION.split("."))[: len(numbers)]
        if tuple(int(part) for part in numbers) > have:
            raise CommandFailed(
                f"Installed QEMU version '{QEMU_VERSION}' is too old to run machine type '{machine}', "
                f"please upgrade node '{node.name}'"
            )


def _check_devices(call: Call, conf: Conf) -> None:
    """Devices of the node that a machine may be given: this node has none (qm-start-010)."""
    for index in range(16):
        value = conf.options.get(f"hostpci{index}", "")
        address = value.split(",")[0].removeprefix("host=").split(";")[0]
        if address and "mapping=" not in address:
            address = address if address.count(":") == 2 else f"0000:{address}"
            call.out(f"no PCI device found for '{address}'")
            raise CommandFailed(f"no PCI device found for '{address}'")
    for key, what in (("serial", "serial"), ("parallel", "parallel")):
        if any(conf.options.get(f"{key}{index}", "socket") != "socket" for index in range(4)):
            raise CommandFailed(f"no such {what} device")


def _warnings(vmid: str, conf: Conf) -> list[str]:
    """What works with a warning (qm-create-027, qm-start-012)."""
    found = []
    if conf.options.get("bios") == "ovmf":
        efi = drive.parse(conf.options["efidisk0"]) if "efidisk0" in conf.options else None
        if efi is None:
            found.append("no efidisk configured! Using temporary efivars disk.")
        elif efi.get("efitype") == "4m" and efi.get("pre-enrolled-keys") == "1" and efi.get("ms-cert") != "2023k":
            found.append(EFI_WARNING.format(vmid=vmid))
    single = conf.options.get("scsihw") == "virtio-scsi-single"
    for key, values in drive.each(conf.options):
        if key.startswith("scsi") and values.get("iothread") == "1" and not single:
            found.append("iothread is only valid with virtio disk or virtio-scsi-single controller, ignoring")
    return found


def _check_volumes(node: Node, conf: Conf) -> None:
    """Every volume must be there (qm-start-002, -004)."""
    for _, values in drive.each(conf.options):
        volid = values["file"]
        if volid not in ("none", "cdrom") and not volid.startswith("/"):
            _must_exist(node, volid)


def _check_network(call: Call, vmid: str, conf: Conf) -> None:
    """Every bridge must be there (qm-start-003); the recordings' kernel could not limit a card's rate (qm-walk-190)."""
    from fake_pve.vm import network

    for index in range(32):
        card = network.parse(conf.options.get(f"net{index}", ""))
        bridge = card.get("bridge")
        if bridge is not None and not bridges.exists(call.node, bridge):
            raise CommandFailed(f"bridge '{bridge}' does not exist")
        if bridge is not None and "rate" in card and call.node.guest == "recorded":
            _refuse_rate(call, vmid, index, card)


def _refuse_rate(call: Call, vmid: str, index: int, card: dict[str, str]) -> None:
    """The words of a node whose kernel has no traffic classifier."""
    rate = int(float(card["rate"]) * 1024 * 1024)
    tap = f"tap{vmid}i{index}"
    queues = f",queues={card['queues']}" if "queues" in card else ""
    call.out("Warning: sch_htb: quantum of class 10001 is big. Consider r2q change.")
    call.out("Error: TC classifier not found.\nWe have an error talking to the kernel")
    call.out(
        f"command '/sbin/tc filter add dev {tap} parent ffff: prio 50 basic police rate {rate}bps burst 1048576b"
        " mtu 64kb drop' failed: exit code 2"
    )
    call.out(
        f"kvm: -netdev type=tap,id=net{index},ifname={tap},script=/usr/libexec/qemu-server/pve-bridge,"
        f"downscript=/usr/libexec/qemu-server/pve-bridgedown{queues}: network script"
        " /usr/libexec/qemu-server/pve-bridge failed with status 512"
    )
    raise CommandFailed("start failed: QEMU exited with code 1")
