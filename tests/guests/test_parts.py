"""The guests' parts that need no guest: what is parsed, computed and laid out byte by byte."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from tests.guests.lab import until
from tests.needs import lacking

from fake_pve.guests import (
    GuestFailed,
    addresses,
    container,
    diskimage,
    image,
    iso,
    launcher,
    life,
    qemu,
    recipe,
    simulated,
    state,
    sweep,
    systemctl,
    units,
)
from fake_pve.guests.spec import Nic, Spec
from fake_pve.node import Node, cache

STATIC = Nic("eth0", "BC:24:11:00:00:01", cidr="10.1.2.3/24", gateway="10.1.2.1")


def test_only_the_distributions_own_sources_are_used(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(
        "deb http://mirror/debian bookworm main # comment\n"
        "deb [signed-by=/k.gpg] http://mirror/security bookworm-security main\n"
        "deb-src http://mirror/debian bookworm main\n"
        "# deb http://mirror/debian bookworm-updates main\n"
    )
    (tmp_path / "sources.list.d/more.sources").write_text(
        "Types: deb deb-src\nURIs: http://one http://two\nSuites: bookworm bookworm-backports\nComponents: main contrib\n"
        "Signed-By: /usr/share/keyrings/debian.gpg\n\nTypes: deb\nURIs: http://three\nSuites: bookworm\nEnabled: no\n\n"
        "Types: deb\nURIs: http://third-party\nSuites: nodistro\nComponents: main\n"
    )
    (tmp_path / "sources.list.d/other.list").write_text("deb http://third-party cloud-sdk-bookworm main\n")
    assert recipe.own_sources("bookworm", str(tmp_path)).splitlines() == [
        "deb [signed-by=/k.gpg] http://mirror/security bookworm-security main",
        "deb [signed-by=/usr/share/keyrings/debian.gpg] http://one bookworm main contrib",
        "deb [signed-by=/usr/share/keyrings/debian.gpg] http://two bookworm main contrib",
        "deb http://mirror/debian bookworm main",
    ]


def test_a_recipe_that_changes_has_another_key() -> None:
    one = recipe.Recipe("simulated", "bookworm", ("a",), "deb x")
    assert one.key == recipe.Recipe("simulated", "bookworm", ("a",), "deb x").key
    assert one.key != recipe.Recipe("simulated", "bookworm", ("a", "b"), "deb x").key


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({"FAKE_PVE_CACHE": "/c", "XDG_CACHE_HOME": "/x"}, "/c"), ({"XDG_CACHE_HOME": "/x"}, "/x/fake-pve")],
)
def test_the_cache_is_where_it_is_wanted(environ: dict[str, str], expected: str) -> None:
    assert cache(environ) == expected


def test_guests_are_simulated_where_that_was_proved_unless_somebody_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_PVE_CACHE", str(tmp_path))
    environ = {"FAKE_PVE_ROOT": str(tmp_path), "FAKE_PVE_CACHE": str(tmp_path)}
    assert Node(environ).guest == "none"
    with image.remembered("simulated"):
        pass
    assert Node(environ).guest == "simulated"
    assert Node({**environ, "FAKE_PVE_GUEST": "recorded"}).guest == "recorded"
    with pytest.raises(GuestFailed), image.remembered("simulated"):
        raise GuestFailed("user namespaces are forbidden")
    assert Node(environ).guest == "none"


def test_where_guests_are_impossible_one_line_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> str:
        raise GuestFailed("this machine lacks uidmap; as root: apt-get install uidmap")

    monkeypatch.setattr(image, "provide", refuse)
    assert image.if_possible() == 0
    assert capsys.readouterr() == (
        "",
        "without guests that can be entered: this machine lacks uidmap; as root: apt-get install uidmap\n",
    )


def test_what_builds_an_image_is_not_needed_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe.shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(recipe.os, "geteuid", lambda: 1000)
    assert recipe.missing("simulated") == ["mmdebstrap", "openssh-client", "tar", "uidmap"]
    assert recipe.missing("simulated", built=True) == ["openssh-client", "tar", "uidmap"]
    with pytest.raises(GuestFailed, match=r"lacks .*mmdebstrap.*; as root: apt-get install --yes .*mmdebstrap"):
        recipe.need("virtual")


def test_root_installs_what_is_missing_and_waits_for_another_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    found = {"tar", "ssh"}
    monkeypatch.setattr(recipe.shutil, "which", lambda name, **_: name if name in found else None)
    monkeypatch.setattr(recipe.os, "geteuid", lambda: 0)

    def run(argv: list[str], **_: object) -> None:
        ran.append(argv)
        found.add("mmdebstrap")

    monkeypatch.setattr(recipe.subprocess, "run", run)
    recipe.need("simulated", install=True)
    assert [argv[:4] for argv in ran] == [
        ["apt-get", "-o", "DPkg::Lock::Timeout=300", verb] for verb in ("update", "install")
    ]
    assert ran[1][-1] == "mmdebstrap"


@pytest.mark.parametrize(
    ("shutdown", "scale", "seconds"), [(0, "0", 60), (5, "0.02", 60), (90, "0.1", 6), ("never", "0", 0), (0, "2", 120)]
)
def test_an_end_that_is_under_way_is_given_real_time(
    tmp_path: Path, shutdown: object, scale: str, seconds: float
) -> None:
    (tmp_path / "etc/fake-pve").mkdir(parents=True)
    (tmp_path / "etc/fake-pve/guests.json").write_text(json.dumps({"8001": {"shutdown": shutdown}}))
    node = Node({"FAKE_PVE_ROOT": str(tmp_path), "FAKE_PVE_GUEST": "simulated", "FAKE_PVE_TIME_SCALE": scale})
    assert simulated.patience(node, 8001, 60.0) == seconds
    assert simulated.patience(node, 8001, 60.0, deaf=True) == 60 * float(scale)


def test_a_process_is_gone_when_its_last_thread_is() -> None:
    code = (
        "import ctypes, os, sys, threading\n"
        "threading.Thread(target=sys.stdin.read).start()\n"
        "print(flush=True)\n"
        "ctypes.CDLL(None).syscall(93 if os.uname().machine == 'aarch64' else 60, 0)\n"  # ends only this thread
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    process.stdout.readline()
    until(lambda: f"{process.pid} (python" in (stat := state.read(f"/proc/{process.pid}/stat")) and ") Z " in stat)
    assert state.start_time(process.pid)
    process.stdin.close()
    until(lambda: not state.start_time(process.pid))
    process.wait()
    process.stdout.close()


def test_memory_is_shown_as_configured() -> None:
    text = "MemTotal:       24684092 kB\nMemFree:        1 kB\nSwapTotal:      77 kB\nHugePages_Total:       0\n"
    shown = dict(line.split(":") for line in launcher.meminfo(text, 1024 * 1024).splitlines())
    assert int(shown["MemTotal"].split()[0]) == 1024 * 1024 - launcher.KERNEL_SHARE_KB
    assert shown["SwapTotal"].split() == ["0", "kB"]
    assert shown["HugePages_Total"].strip() == "0"


def test_processors_are_shown_as_configured() -> None:
    shown = launcher.cpuinfo("processor\t: 0\nmodel name\t: X\ncore id\t\t: 0\n\nprocessor\t: 1\n", 3)
    assert shown.count("model name\t: X") == 3
    assert "processor\t: 2" in shown


def test_a_lease_is_the_same_each_time_and_everybodys_own() -> None:
    given = {addresses.picked_address(vmid, 0)[0] for vmid in range(100, 20000)}
    assert len(given) == 19900
    assert addresses.picked_address(8001, 0) == addresses.picked_address(8001, 0)
    assert addresses.picked_address(8001, 1)[0].startswith("10.78.")


def test_the_way_in_is_by_the_first_address() -> None:
    leased = life.nic_config(8001, 0, Nic("eth0", "BC:24:11:00:00:01", cidr="dhcp"))
    assert leased["address"] == leased["cidr"].partition("/")[0]
    assert leased["lease"].startswith("eth0 10.77.")
    six = life.nic_config(8001, 0, Nic("eth0", "BC:24:11:00:00:01", cidr6="fd00::5/64"))
    assert six["address"] == "fd00::5"


def test_a_containers_files_are_those_that_proxmox_writes() -> None:
    nics = [life.nic_config(101, 0, STATIC)]
    files = container.start_files(Spec(hostname="ct1.example.com", nameserver="10.1.2.1 9.9.9.9"), nics)
    assert files["etc/hostname"][0] == "ct1\n"
    assert "10.1.2.3 ct1.example.com ct1\n" in files["etc/hosts"][0]
    assert files["etc/resolv.conf"][0] == "nameserver 10.1.2.1\nnameserver 9.9.9.9\n"
    assert (
        "iface eth0 inet static\n        address 10.1.2.3/24\n        gateway 10.1.2.1\n"
        in files["etc/network/interfaces"][0]
    )


def test_a_file_is_not_written_through_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "etc").symlink_to("/etc")
    with pytest.raises(GuestFailed, match="is a link"):
        launcher.safe_parents("etc/hostname")


# units and systemctl


def test_a_unit_file_is_read_as_systemd_reads_it() -> None:
    text = "[Service]\nExecStart=/bin/a \\\n  b\n# comment\nExecStartPre=x\nExecStartPre=\nExecStartPre=y\n[Install]\nWantedBy=m\n"
    unit = units.Unit("a.service", "/a", text, masked=False)
    assert unit.get("ExecStart").split() == ["/bin/a", "b"]
    assert unit.all("ExecStartPre") == ["y"]
    assert unit.type == "simple"
    assert unit.all("WantedBy", "Install") == ["m"]


@pytest.mark.parametrize(
    ("program", "argv", "expected"),
    [
        ("shutdown", ["-h", "-P", "+0"], ("poweroff", 0)),
        ("shutdown", ["-r", "+2"], ("reboot", 120)),
        ("shutdown", ["now"], ("poweroff", 0)),
        ("reboot", [], ("reboot", 0)),
        ("systemctl", ["poweroff"], ("poweroff", 0)),
        ("systemctl", ["restart", "ssh"], None),
    ],
)
def test_calls_that_end_a_guest(program: str, argv: list[str], expected: tuple[str, float] | None) -> None:
    assert systemctl.power(program, argv) == expected


def test_a_systemctl_command_line_is_taken_apart() -> None:
    request = systemctl.Request(["--no-pager", "-p", "ActiveState,SubState", "show", "ssh", "--property=Id"])
    assert (request.verb, request.names) == ("show", ["ssh"])
    assert request.properties() == ["ActiveState", "SubState", "Id"]


# images


def joliet_files(data: bytes) -> dict[str, bytes]:
    """Read an image back: the files by the names of its second volume descriptor."""
    descriptor = data[17 * 2048 : 18 * 2048]
    assert descriptor[:7] == b"\2CD001\1"
    place, size = struct.unpack_from("<I4xI", descriptor, 156 + 2)
    folder, at, found = data[place * 2048 : place * 2048 + size], 0, {}
    while folder[at]:
        where, length = struct.unpack_from("<I4xI", folder, at + 2)
        name = folder[at + 33 : at + 33 + folder[at + 32]]
        if len(name) > 1:
            found[name.decode("utf-16-be")] = data[where * 2048 : where * 2048 + length]
        at += folder[at]
    return found


def test_a_cloud_init_drive_holds_the_seed_under_the_label_cidata() -> None:
    files = {"user-data": b"#cloud-config\n" * 1000, "meta-data": b"instance-id: x\n", "network-config": b""}
    data = iso.image(files)
    assert data[16 * 2048 + 40 : 16 * 2048 + 72].rstrip() == b"cidata"
    assert struct.unpack_from("<I", data, 16 * 2048 + 80)[0] * 2048 == len(data)
    assert joliet_files(data) == files


def test_modules_come_after_what_they_need() -> None:
    text = "kernel/a/virtio-blk.ko: kernel/v/virtio.ko kernel/v/ring.ko\nkernel/v/virtio.ko: kernel/v/ring.ko\nkernel/v/ring.ko:\n"
    assert diskimage.module_order(text, ["virtio_blk", "built_in"]) == [
        "kernel/v/ring.ko",
        "kernel/v/virtio.ko",
        "kernel/a/virtio-blk.ko",
    ]


def test_a_disk_begins_with_a_loader_and_one_partition() -> None:
    sector = diskimage.first_sector(b"\xeb" * 512)
    assert len(sector) == 512
    assert sector[510:] == b"\x55\xaa"
    assert struct.unpack_from("<II", sector, 446 + 8) == (2048, diskimage.SIZE // 512 - 2048)


def test_an_initial_ram_disk_is_an_archive_that_the_kernel_knows() -> None:
    data = diskimage.archive(("bin",), {"init": b"abc"})
    assert data.startswith(b"070701")
    assert b"TRAILER!!!" in data
    assert len(data) % 4 == 0


# virtual machines


@pytest.mark.parametrize(
    ("nic", "expected"),
    [
        (STATIC, ("net=10.1.2.0/24,host=10.1.2.1,dns=10.1.2.254", "10.1.2.3")),
        (Nic("eth0", "x", cidr="10.1.2.254/24"), ("net=10.1.2.0/24,host=10.1.2.253,dns=10.1.2.252", "10.1.2.254")),
        (Nic("eth0", "x", cidr="dhcp"), ("net=10.77.0.0/16,host=10.77.0.1,dns=10.77.255.254,dhcpstart=10.77.32.128", "10.77.32.128")),
    ],
)  # fmt: skip
def test_a_card_is_in_its_own_network(nic: Nic, expected: tuple[str, str]) -> None:
    assert qemu.network_of(8001, 0, nic) == expected


def test_a_network_without_room_is_refused() -> None:
    with pytest.raises(GuestFailed, match="too small"):
        qemu.network_of(8001, 0, Nic("eth0", "x", cidr="10.0.0.1/31"))


def test_guests_are_known_by_their_processes() -> None:
    folder = "/n/var/lib/fake-pve/guests/8001"
    assert sweep.guest_of(["python3", "-I", "-S", "/x/fake_pve/guests/entry.py", "launch", folder]) == folder
    assert sweep.guest_of(["/usr/bin/qemu-system-x86_64", "-pidfile", f"{folder}/qemu.pid", "-m", "1"]) == folder
    assert not sweep.guest_of(["vim", "/x/fake_pve/guests/entry.py", "launch"])


def test_a_guest_tells_which_copy_of_the_fake_started_it(tmp_path: Path) -> None:
    folder = str(tmp_path)
    ours = qemu.command_line(folder, 8001, Spec(hostname=""), accel="tcg")
    assert sweep.is_ours(ours)
    assert sweep.is_ours(["python3", "-I", "-S", life.ENTRY, "launch", folder])
    assert not sweep.is_ours(["python3", "-I", "-S", "/elsewhere/fake_pve/guests/entry.py", "launch", folder])
    assert not sweep.is_ours([word for word in ours if not word.startswith("null,")])


def test_where_everything_has_to_run_what_cannot_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TESTS_MUST_RUN", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no ssh"):
        lacking("no ssh")
    monkeypatch.setenv("TESTS_MUST_RUN", "1")
    with pytest.raises(pytest.fail.Exception, match="it cannot run: no ssh"):
        lacking("no ssh")
