"""Saved states of machines that have booted the image built here up to the point where cloud-init would begin.

<cache>/templates/<image>-<bus>-<cores>-<memory>-<accelerator>/
    disk.qcow2   what booting wrote, over the image's disk
    state        QEMU's saved state: memory and devices

A state fits only machines with the same processors, memory and kind of boot disk, so there is one for each that is
wanted:

    python3 -m fake_pve.guests.template [--bus=scsi] [--cores=2] [--memory=1024]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

from fake_pve.cli.program import parser
from fake_pve.guests import GuestFailed, image, qemu, recipe, state, userns
from fake_pve.guests.qmp import Qmp
from fake_pve.guests.spec import Disk, Spec

if TYPE_CHECKING:
    from collections.abc import Iterator

READY = "fake-pve: template ready"
BOOT_SECONDS = 300.0
SETTLE_SECONDS = 5.0  # what still starts after cloud-init's place in the boot
SERIAL = "fake-pve-template"


def folder(spec: Spec, bus: str, accel: str) -> str:
    """Where the template of such machines is, or would be."""
    name = os.path.basename(image.disk()).removesuffix(".qcow2")
    return image.cached(f"templates/{name}-{bus}-{spec.cores}-{spec.memory}-{accel}")


def find(guest: str, spec: Spec, accel: str) -> str | None:
    """The template from which this machine can begin; None if it must boot cold."""
    first = spec.seed is not None and not os.path.exists(f"{guest}/booted")
    if not first or not spec.agent or spec.bios == "ovmf" or len(spec.disks) != 1 or image.find("virtual") is None:
        return None
    found = folder(spec, qemu.bus_of(spec.disks[0].slot), accel)
    return found if os.path.exists(f"{found}/state") and is_unchanged(spec.disks[0]) else None


def is_unchanged(disk: Disk) -> bool:
    """Whether a disk holds what the image holds, however large it is."""
    argv = ["qemu-img", "compare", "-q", "-f", "qcow2", "-F", disk.format, image.disk(), disk.path]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def give_disk(template: str, disk: Disk) -> None:
    """Let the machine's disk hold what the template's holds; its size stays."""
    argv = ["qemu-img", "convert", "-n", "-f", "qcow2", "-O", disk.format, f"{template}/disk.qcow2", disk.path]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise GuestFailed(f"qemu-img failed: {done.stderr.strip()}")


def make(bus: str, cores: int, memory: int) -> str:
    """Make a template unless it is there; its folder."""
    accel = qemu.accelerator()
    spec = Spec(hostname="", cores=cores, memory=memory)
    ready = folder(spec, bus, accel)
    if os.path.exists(f"{ready}/state"):
        return ready
    with image.only_one(f"{ready}.lock"):
        if not os.path.exists(f"{ready}/state"):
            with tempfile.TemporaryDirectory(dir=os.path.dirname(ready), prefix="making-") as work:
                _save(work, bus, spec, accel)
                userns.remove_tree(ready)
                os.makedirs(ready)
                for name in ("disk.qcow2", "state"):
                    os.chmod(f"{work}/{name}", 0o644)
                    os.replace(f"{work}/{name}", f"{ready}/{name}")
    return ready


def _save(work: str, bus: str, spec: Spec, accel: str) -> None:
    recipe.say(f"booting a template with {spec.cores} processors and {spec.memory} MiB ({accel})")
    begin = time.monotonic()
    base = image.disk()
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", f"{work}/disk.qcow2"], check=True
    )
    disk = Disk(f"{bus}0", f"{work}/disk.qcow2", "qcow2")
    seedless = Spec(hostname="", cores=spec.cores, memory=spec.memory, disks=(disk,))
    argv = qemu.command_line(work, 0, seedless, accel=accel)
    pid = qemu.launch(work, [*argv, "-smbios", f"type=1,serial={SERIAL}"])
    try:
        for _ in _until_ready(work, pid):
            time.sleep(0.2)
        time.sleep(SETTLE_SECONDS)
        _write_state(work)
    finally:
        os.kill(pid, 9) if state.start_time(pid) else None
    recipe.say(f"  {time.monotonic() - begin:4.0f} s  saved ({os.path.getsize(f'{work}/state') >> 20} MiB)")


def _until_ready(work: str, pid: int) -> Iterator[None]:
    deadline = time.monotonic() + BOOT_SECONDS
    while READY not in state.read(f"{work}/console.log"):
        if time.monotonic() > deadline or not state.start_time(pid):
            raise GuestFailed(f"the template did not boot:\n{state.read(f'{work}/console.log')[-2000:]}")
        yield


def _write_state(work: str) -> None:
    with Qmp(f"{work}/qmp.sock") as machine:
        machine.ask("stop")
        machine.ask("migrate-set-parameters", max_bandwidth=10**11)
        machine.ask("migrate", uri=f"exec:cat > '{work}/state'")
        if machine.wait_for("query-migrate", "status", {"completed", "failed"}) == "failed":
            raise GuestFailed("the template's state could not be saved")
        machine.ask("quit")


def main(argv: list[str]) -> int:
    """Make the template that the command line describes."""
    words = parser("fake_pve.guests.template", __doc__)
    words.add_argument("--bus", default="scsi", help="of the boot disk")
    words.add_argument("--cores", type=int, default=2)
    words.add_argument("--memory", type=int, default=1024, help="MiB")
    wanted = words.parse_args(argv)
    try:
        recipe.say(make(wanted.bus, wanted.cores, wanted.memory))
    except GuestFailed as problem:
        recipe.say(problem.message)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
