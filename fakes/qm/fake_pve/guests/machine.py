"""Starting a virtual guest: cold from its disk, or from the saved state of a template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fake_pve.guests import GuestFailed, qemu, recipe, state, template
from fake_pve.guests.qmp import Qmp

if TYPE_CHECKING:
    from fake_pve.guests.spec import Nic, Spec


def start(guest: str, vmid: int, spec: Spec) -> None:
    """Power on; returns when the guest begins to boot, or goes on from the template's state."""
    recipe.need_to_run("virtual")
    if not spec.disks:
        raise GuestFailed(f"VM {vmid} has no disk to boot from")
    accel = qemu.accelerator()
    ready = template.find(guest, spec, accel)
    argv = qemu.command_line(guest, vmid, spec, accel=accel, hot=ready is not None)
    if ready is not None:
        template.give_disk(ready, spec.disks[0])
        argv += ["-incoming", f"exec:cat '{ready}/state'", "-S"]
    last = state.read(f"{guest}/ssh").partition(" ")[2]
    launch(guest, vmid, spec, argv, int(last or 0), hot=ready is not None)
    if ready is not None:
        come_alive(guest, spec)
    state.write(f"{guest}/booted", "")


def launch(guest: str, vmid: int, spec: Spec, argv: list[str], port: int, *, hot: bool) -> None:
    """Run QEMU with the port of the last start, or any if that is taken."""
    try:
        qemu.launch(guest, argv + qemu.net_options(vmid, spec.nics, port, hot=hot))
    except GuestFailed as problem:
        if not port or "host forwarding" not in problem.message:
            raise
        qemu.launch(guest, argv + qemu.net_options(vmid, spec.nics, 0, hot=hot))
    found = qemu.forwarded_port(guest)
    if found:
        state.write(f"{guest}/ssh", f"127.0.0.1 {found}\n")


def come_alive(guest: str, spec: Spec) -> None:
    """Make of the template's state this guest: its disk's size, its cards, and last the seed that cloud-init awaits."""
    boot = spec.disks[0]
    with Qmp(f"{guest}/qmp.sock") as machine:
        machine.wait_for("query-status", "status", {"paused", "prelaunch", "postmigrate", "running"})
        size = next(
            one["inserted"]["image"]["virtual-size"] for one in machine.ask("query-block") if one["device"] == boot.slot
        )
        machine.ask("block_resize", device=boot.slot, size=size)
        for index, nic in enumerate(spec.nics):
            add_card(machine, index, nic)
        machine.ask("cont")
        machine.ask("device_add", driver="virtio-blk-pci", drive="seed", id="seed0")


def add_card(machine: Qmp, index: int, nic: Nic) -> None:
    """Plug a network card in."""
    card = {"driver": "virtio-net-pci", "netdev": f"net{index}", "mac": nic.mac, "id": f"nic{index}", "romfile": ""}
    machine.ask("device_add", **card)
