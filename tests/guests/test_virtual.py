"""A virtual machine's whole life: imported image, boot, login, growth, shutdown; cold from its disk by the BIOS.

It takes a minute and more where a processor has to be emulated.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.guests.lab import ADDRESS, MAC, PASSWORD, Guest, seed, until
from tests.needs import lacking, why_no_machines

from fake_pve.guests import GuestFailed, image, qemu, template
from fake_pve.guests.spec import Disk, Nic, Spec

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("guests-virtual")
BOOT_SECONDS = 300.0
CORES, MEMORY = 2, 1024


@pytest.fixture(scope="session")
def disk_image() -> str:
    """The image built here."""
    if reason := why_no_machines():
        lacking(reason)
    return image.disk()


@pytest.fixture
def machine_of(disk_image: str, root: Path, keys: Path, tmp_path: Path) -> Any:
    """Make a machine whose disk is a grown copy of the image, as the node's import leaves it."""

    def make(slot: str, format_: str) -> tuple[Guest, Spec]:
        path = str(tmp_path / "volume")
        subprocess.run(["qemu-img", "convert", "-O", format_, disk_image, path], check=True)
        subprocess.run(["qemu-img", "resize", "-q", "-f", format_, path, "8G"], check=True)
        spec = Spec(
            hostname="",
            cores=CORES,
            memory=MEMORY,
            seed=seed(tmp_path / "seed", keys, "phx-web01"),
            nics=(Nic("eth0", MAC, cidr=f"{ADDRESS}/24", gateway="192.168.50.1"),),
            disks=(Disk(slot, path, format_),),
        )
        return Guest(root, keys, mode="virtual"), spec

    return make


def cloud_init_result(guest: Guest) -> str:
    """Wait until cloud-init is done; what it says of itself. Each login costs an emulated guest seconds: wait inside."""
    path = "/run/cloud-init/result.json"
    until(
        lambda: (
            guest.ssh(
                f"n=0; until [ -e {path} ] || [ $((n += 1)) -gt 60 ]; do sleep 0.5; done; test -e {path}"
            ).returncode
            == 0
        ),
        BOOT_SECONDS,
    )
    return guest.run(f"cat {path}")


def check(guest: Guest) -> None:
    """What a machine promises, seen from inside; first wait for cloud-init, which restarts sshd on its way."""
    assert '"errors": []' in cloud_init_result(guest)
    assert guest.run("hostname; sudo id -un; nproc") == f"phx-web01\nroot\n{CORES}"
    assert guest.ssh("true", "other").returncode == 255
    assert guest.ssh_password(PASSWORD, "true").returncode == 0
    assert guest.ssh_password("wrong", "true").returncode == 255
    assert 900 <= int(guest.run("free -m | awk '/^Mem/ {print $2}'")) <= MEMORY
    assert f"{ADDRESS}/24" in guest.run("ip -brief address show eth0")
    assert guest.run("cat /sys/class/net/eth0/address") == MAC.lower()
    assert int(guest.run("df --output=size -BG / | tail -1").strip(" G")) >= 7
    assert guest.agent("ping") == {}
    assert guest.agent("get-host-name") == {"host-name": "phx-web01"}
    assert guest.ssh("ping -c 1 -W 2 192.0.2.1").returncode != 0


def test_cold_it_boots_from_its_disk(machine_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "find", lambda *_: None)
    guest, spec = machine_of("virtio0", "qcow2")
    guest.start(spec)
    guest.login(BOOT_SECONDS)
    check(guest)
    assert guest.shutdown(120)
    assert not guest.running()


def test_from_a_template_it_begins_where_cloud_init_does(machine_of: Any, tmp_path: Path) -> None:
    template.make("scsi", CORES, MEMORY)
    guest, spec = machine_of("scsi0", "raw")
    accel = qemu.accelerator()
    shutil.copy(spec.disks[0].path, tmp_path / "pristine")
    guest.start(spec)
    guest.login(BOOT_SECONDS)
    check(guest)
    assert abs(int(guest.run("date +%s")) - time.time()) < 60
    secrets = guest.run("cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub")
    guest.driver.suspend(guest.node, "qemu", 8001)
    guest.driver.resume(guest.node, "qemu", 8001)
    assert guest.agent("ping") == {}
    guest.stop()
    assert not guest.running()
    assert template.find(str(guest.folder), spec, accel) is None, "the next boot is from its own disk"

    guest.driver.remove(guest.node, "qemu", 8001)
    assert not guest.folder.exists()
    assert template.find(str(guest.folder), spec, accel) is None, "its disk is not the image any more"
    shutil.move(tmp_path / "pristine", spec.disks[0].path)
    guest.start(spec)
    guest.login(BOOT_SECONDS)
    assert guest.run("cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub") != secrets


def test_qemus_own_words_say_why_it_does_not_start(disk_image: str, root: Path, keys: Path, tmp_path: Path) -> None:
    guest = Guest(root, keys, mode="virtual")
    spec = Spec(hostname="", disks=(Disk("scsi0", str(tmp_path / "missing"), "raw"),))
    with pytest.raises(GuestFailed, match="No such file"):
        guest.start(spec)
    assert not guest.running()
    with pytest.raises(GuestFailed, match="no disk to boot from"):
        guest.start(Spec(hostname=""))
