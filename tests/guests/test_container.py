"""Simulated containers: a template's root tree, without cloud-init."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from tests.guests.lab import Guest, until

from fake_pve.guests import userns
from fake_pve.guests.spec import Nic, Spec


@pytest.fixture
def guest(machine: None, root: Path, keys: Path) -> Guest:
    return Guest(root, keys, "lxc", 101)


def container(keys: Path, **more: object) -> Spec:
    nic = Nic(
        "eth0", "BC:24:11:00:00:01", cidr="10.1.2.3/24", gateway="10.1.2.1", cidr6="fd00::3/64", gateway6="fd00::1"
    )
    key = (keys / "admin.pub").read_text()
    return Spec(hostname="ct1.example.com", cores=2, memory=512, nics=(nic,), ssh_keys=key, password="secret", **more)  # type: ignore[arg-type]


def test_it_has_what_the_configuration_says(guest: Guest, keys: Path) -> None:
    spec = container(keys, nameserver="10.1.2.1", searchdomain="example.com")
    guest.driver.create(guest.node, "lxc", 101, spec)
    guest.start(spec)
    guest.login()
    assert guest.run("hostname; hostname -f; nproc") == "ct1\nct1.example.com\n2"
    assert "10.1.2.3/24" in guest.run("ip -brief address show eth0")
    assert "fd00::3/64" in guest.run("ip -brief address show eth0")
    assert "nameserver 10.1.2.1" in guest.run("cat /etc/resolv.conf")
    assert guest.ssh("test -e /run/cloud-init").returncode != 0
    assert guest.ssh("true", "other").returncode == 255
    assert guest.run("ping -c 1 -W 2 10.1.2.1 > /dev/null && echo there") == "there"


def test_keys_and_password_are_put_in_once(guest: Guest, keys: Path) -> None:
    guest.driver.create(guest.node, "lxc", 101, container(keys))
    guest.start(container(keys))
    guest.login()
    guest.run("echo PermitRootLogin yes > /etc/ssh/sshd_config.d/root.conf && systemctl reload ssh")
    until(lambda: guest.ssh_password("secret", "true").returncode == 0)
    assert guest.ssh_password("wrong", "true").returncode == 255
    guest.run("echo root:changed | chpasswd")
    assert guest.shutdown()
    guest.start(container(keys))
    guest.login()
    assert guest.ssh_password("changed", "true").returncode == 0


def test_programs_run_inside(guest: Guest, keys: Path, tmp_path: Path) -> None:
    guest.driver.create(guest.node, "lxc", 101, container(keys))
    guest.start(container(keys))
    until(lambda: guest.driver.stage(guest.node, 101) == "up")
    with (tmp_path / "out").open("w") as sink:
        assert guest.driver.execute(guest.node, "lxc", 101, ["hostname"], fds=(0, sink.fileno(), 2)) == 0
    assert (tmp_path / "out").read_text() == "ct1\n"


def test_enter_gives_a_terminal(guest: Guest, keys: Path) -> None:
    import os
    import pty

    guest.driver.create(guest.node, "lxc", 101, container(keys))
    guest.start(container(keys))
    until(lambda: guest.driver.stage(guest.node, 101) == "up")
    near, far = pty.openpty()
    os.write(near, b"tty; stty size; exit 5\n")
    try:
        assert guest.driver.execute(guest.node, "lxc", 101, ["/bin/bash"], fds=(far, far, far), tty=True) == 5
        assert b"/dev/pts/" in os.read(near, 65536)
    finally:
        os.close(near)
        os.close(far)


def tiny_template(folder: Path) -> Path:
    """A root tree with three programs of this machine and the libraries that they need."""
    tree = folder / "tree"
    for name in ("bin", "etc", "proc", "sys", "dev", "run", "root"):
        (tree / name).mkdir(parents=True)
    for name in ("sh", "cat", "hostname"):
        program = Path(f"/bin/{name}").resolve()
        listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        files = [Path(word) for word in listed.split() if word.startswith("/")]
        shutil.copy(program, tree / "bin" / name)
        for file in files:
            (tree / str(file.parent)[1:]).mkdir(parents=True, exist_ok=True)
            shutil.copy(file, tree / str(file)[1:])
    (tree / "etc/template").write_text("mine\n")
    with tarfile.open(folder / "tiny.tar.gz", "w:gz") as archive:
        archive.add(tree, ".")
    return folder / "tiny.tar.gz"


def test_a_template_of_its_own_is_its_root(
    guest: Guest, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_PVE_CACHE", str(tmp_path / "cache"))
    spec = container(keys, template=str(tiny_template(tmp_path)))
    guest.driver.create(guest.node, "lxc", 101, spec)
    guest.start(spec)
    until(lambda: guest.driver.stage(guest.node, 101) == "up")
    with (tmp_path / "out").open("w") as sink:
        argv = ["sh", "-c", "cat /etc/template; hostname"]
        assert guest.driver.execute(guest.node, "lxc", 101, argv, fds=(0, sink.fileno(), sink.fileno())) == 0
    assert (tmp_path / "out").read_text() == "mine\nct1\n"
    guest.stop()
    userns.remove_tree(str(tmp_path / "cache"))
