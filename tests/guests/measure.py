"""Print what guests cost beside what is promised: `.venv/bin/python tests/guests/measure.py [--virtual]`."""
# ruff: noqa: E402 - found by its path, run by hand

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / part) for part in (".", "fakes/qm")]

from tests.guests.lab import ADDRESS, MAC, Guest, seed, until, vm_spec

from fake_pve.guests import image, sweep, template
from fake_pve.guests.spec import Disk, Nic, Spec

MIB = 1024


def memory_kib(pid: int) -> int:
    """The proportional memory of a process and all that descend from it."""
    total, pids = 0, [pid]
    for one in pids:
        for thread in Path(f"/proc/{one}/task").iterdir():
            pids += map(int, (thread / "children").read_text().split())
        path = Path(f"/proc/{one}/smaps_rollup")
        try:
            text = path.read_text()
        except PermissionError:  # an ordinary user may not look into the first process: its whole anonymous memory
            text = Path(f"/proc/{one}/status").read_text().replace("RssAnon:", "Pss:")
        total += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return total


def show(what: str, measured: float, promised: float, unit: str) -> None:
    """One line: what was measured beside what is promised."""
    print(f"{what:42} {measured:7.1f} {unit:4} (promised {promised:g}) {'ok' if measured <= promised else 'MISSED'}")


def simulated(folder: Path, keys: Path) -> None:
    """One guest alone, then ten together."""
    one = Guest(folder / "one", keys)
    begin = time.monotonic()
    one.start(vm_spec(folder / "seed", keys))
    one.login(60)
    show("simulated: start to key login", time.monotonic() - begin, 3, "s")
    one.booted()
    show("simulated: start to cloud-init done", time.monotonic() - begin, 10, "s")
    begin = time.monotonic()
    one.shutdown()
    one.start(vm_spec(folder / "seed-again", keys))
    one.login(60)
    show("simulated: shutdown, start, login", time.monotonic() - begin, 5, "s")
    one.stop()
    guests = [Guest(folder / "ten", keys, vmid=8000 + number) for number in range(10)]
    begin = time.monotonic()
    threads = [threading.Thread(target=enter, args=(one, folder, keys)) for one in guests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    show("ten simulated: start to the last key login", time.monotonic() - begin, 20, "s")
    for one in guests:
        until(lambda one=one: one.driver.stage(one.node, one.vmid) == "up", 60)
    show("ten simulated: memory of one", sum(memory_kib(one.pid()) for one in guests) / 10 / MIB, 20, "MiB")


def enter(one: Guest, folder: Path, keys: Path) -> None:
    """Start a guest and log in."""
    one.start(vm_spec(folder / f"seed{one.vmid}", keys, f"web{one.vmid}"))
    one.login(60)


def virtual(folder: Path, keys: Path) -> None:
    """Create, login, delete: cold, and from a template."""
    template.make("scsi", 2, 1024)
    for what, slot, promised in (("virtual, cold", "virtio0", 120), ("virtual, from a template", "scsi0", 30)):
        begin = time.monotonic()
        path = str(folder / "volume")
        subprocess.run(["qemu-img", "convert", "-O", "raw", image.disk(), path], check=True)
        subprocess.run(["qemu-img", "resize", "-q", "-f", "raw", path, "8G"], check=True)
        nic = Nic("eth0", MAC, cidr=f"{ADDRESS}/24", gateway="192.168.50.1")
        data = seed(folder / f"seed-{slot}", keys, "web")
        one = Guest(folder / "virtual", keys, mode="virtual")
        one.start(Spec(hostname="", cores=2, memory=1024, nics=(nic,), seed=data, disks=(Disk(slot, path, "raw"),)))
        one.login(300)
        show(f"{what}: create to login", time.monotonic() - begin, promised, "s")
        one.driver.remove(one.node, "qemu", one.vmid)
        show(f"{what}: create, login, delete", time.monotonic() - begin, promised, "s")


def main() -> None:
    """Measure in a folder of its own, and leave nothing."""
    with tempfile.TemporaryDirectory(prefix="fake-pve-") as name:
        folder = Path(name)
        for key in ("admin", "other"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
        image.tree()
        try:
            (virtual if "--virtual" in sys.argv else simulated)(folder, folder)
        finally:
            for node in ("one", "ten", "virtual"):
                sweep.sweep(str(folder / node))


if __name__ == "__main__":
    main()
