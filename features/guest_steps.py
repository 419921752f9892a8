"""The steps of the features with guests that boot: logins, and what is seen inside."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import testinfra
from pytest_bdd import given, parsers, then

from features.guest_target import PASSWORD, PASSWORD_HASH, GuestTarget
from features.target import ADMIN_KEY, container

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def kind_of_house() -> type[GuestTarget]:
    """Return what nodes are made of."""
    return GuestTarget


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, kind_of_house: type[GuestTarget]) -> Iterator[GuestTarget]:
    """One guest for all scenarios that only look, made when the first one needs it."""
    opened = kind_of_house(tmp_path_factory.mktemp("house"))
    yield opened
    opened.close()


@pytest.fixture
def own_house(tmp_path: Path, kind_of_house: type[GuestTarget]) -> Iterator[GuestTarget]:
    opened = kind_of_house(tmp_path)
    yield opened
    opened.close()


# Given


@given(parsers.parse('VM 8001 "ubuntu-2404" that boots, made by "{line}"'), target_fixture="target")
def _shared(house: GuestTarget, line: str) -> GuestTarget:
    if house.said is None or house.tool("qm status 8001").stdout != "status: running\n":
        house.said = house.phoenix(line)
    assert house.said.status == 0, house.said.output
    return house


@given("a node whose guests boot", target_fixture="target")
def _own(own_house: GuestTarget) -> GuestTarget:
    return own_house


@given("a node whose guests are virtual machines", target_fixture="target")
def _virtual(own_house: GuestTarget) -> GuestTarget:
    own_house.boot_machines()
    return own_house


@given("every process of 8001 is killed")
def _killed(target: GuestTarget) -> None:
    found = target.processes()
    assert found
    for pid in reversed(found):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    _until(lambda: not target.processes())


@given("no password is let in")
def _no_password(target: GuestTarget) -> None:
    target.hypervisor["admin"]["ssh_password_login"] = False


@given("the administrator's key is one that I do not have")
def _foreign_key(target: GuestTarget) -> None:
    target.hypervisor["admin"]["ssh_authorized_keys"] = [ADMIN_KEY]


@given(parsers.parse('the user-data also has "{line}"'))
def _more_user_data(target: GuestTarget, line: str) -> None:
    shipped = Path(__file__).resolve().parent.parent / "config/user-data.yaml.j2"
    (target.config / shipped.name).write_text(f"{shipped.read_text()}\n{line}\n")


@given("someone else answers in place of 8001")
def _impostor(target: GuestTarget, request: pytest.FixtureRequest) -> None:
    (file,) = target.known_hosts
    known = file.read_text()
    request.addfinalizer(lambda: file.write_text(known))
    other = (target.keys / "other.pub").read_text().split()
    file.write_text(f"phoenix-8001 {other[0]} {other[1]}\n")


@given(parsers.parse('a container {vmid:d} named "{name}" with my key'))
def _container_with_key(target: GuestTarget, vmid: int, name: str) -> None:
    target.add_template()
    target.containers[str(vmid)] = {**container(name), "ssh_authorized_keys": [target.public_key]}


# Then


@then(
    parsers.parse('making it ended with a login as "{user}" that saw the hostname "{name}" and cloud-init "{status}"')
)
def _proved(target: GuestTarget, user: str, name: str, status: str) -> None:
    assert target.said
    assert f"  logged in as {user}: hostname {name}, kernel {os.uname().release}, address 10." in target.said.stdout
    assert target.said.stdout.endswith(f", cloud-init {status}\n")


@then(parsers.parse('making it again with "{line}" changes nothing and logs in again'))
def _proved_again(target: GuestTarget, line: str) -> None:
    again = target.phoenix(f"{line} --json")
    assert again.status == 0, again.output
    (result,) = json.loads(again.stdout)["guests"]
    assert (result["outcome"], result["login"]["cloud_init"]) == ("no changes", "done")


@then("I can SSH into 8001 with its key")
def _with_key(target: GuestTarget) -> None:
    done = target.with_key("admin")
    assert (done.returncode, done.stdout) == (0, "admin\n"), done.stderr


@then("I cannot SSH into 8001 with its key")
def _not_now(target: GuestTarget) -> None:
    assert target.with_key("admin").returncode == 255


@then("I cannot SSH into 8001 with another key")
def _with_other_key(target: GuestTarget) -> None:
    done = target.with_key("other")
    assert (done.returncode, "Permission denied" in done.stderr) == (255, True), done.stderr


@then("I can SSH into 8001 with its password")
def _with_password(target: GuestTarget) -> None:
    done = target.with_password(PASSWORD)
    assert (done.returncode, done.stdout) == (0, "admin\n"), done.stderr


@then(parsers.parse('I cannot SSH into 8001 with the password "{password}"'))
def _with_other_password(target: GuestTarget, password: str) -> None:
    done = target.with_password(password)
    assert (done.returncode, "Permission denied" in done.stderr) == (255, True), done.stderr


@then("8001 is what the configuration says")
def _as_configured(target: GuestTarget) -> None:
    with target.one_connection() as way:
        host = testinfra.get_host("ssh://ubuntu-2404", ssh_config=str(target.ssh_config()), controlpath=way)
        _look_around(target, host)


def _look_around(target: GuestTarget, host: Any) -> None:
    assert host.check_output("hostname") == "ubuntu-2404"
    assert host.check_output("nproc") == "2"
    assert 1900 <= int(host.check_output("free -m | awk '/^Mem/ {print $2}'")) <= 2048
    user = host.user("admin")
    assert user.exists
    assert "sudo" in user.groups
    with host.sudo():
        assert host.file("/home/admin/.ssh/authorized_keys").content_string.strip() == target.public_key
        assert user.password == PASSWORD_HASH
    _finished(json.loads(host.check_output("cat /run/cloud-init/result.json")))


def _finished(result: dict[str, Any]) -> None:
    assert result["v1"]["errors"] == []
    assert "NoCloud" in result["v1"]["datasource"]


@then(parsers.parse("the root file system of 8001 fills its disk of {size:d} GiB"))
def _grown(target: GuestTarget, size: int) -> None:
    asked = target.phoenix("phoenix ssh 8001 -- lsblk -nbdo SIZE /dev/sda; df --output=size -B1 / | tail -1")
    disk, system = map(int, asked.stdout.split())
    assert disk == size << 30
    assert 0.9 * disk < system <= disk


@then(parsers.parse('8001 has the address "{address}"'))
def _address(target: GuestTarget, address: str) -> None:
    assert address in target.phoenix("phoenix ssh 8001 -- ip -4 -brief address").stdout


@then(parsers.parse('no command "{words}" ran on the node'))
def _not_run(target: GuestTarget, words: str) -> None:
    assert [call for call in target.new_calls() if shlex.join(call).startswith(words)] == []


@then("the host key of 8001 is pinned")
def _pinned(target: GuestTarget) -> None:
    assert [path.name for path in target.known_hosts] == ["8001"]


@then("the host key of 8001 is forgotten")
def _forgotten(target: GuestTarget) -> None:
    assert target.known_hosts == []


@then("no process, port, mount or file of 8001 is left")
def _nothing(target: GuestTarget) -> None:
    _until(lambda: _processes_in(str(target.root)) == [])
    assert str(target.root) not in Path("/proc/mounts").read_text()
    assert not target.guest_folder.exists()
    assert not (target.folder / ".cache").exists(), "images are not unpacked into everybody's home"
    assert target.leftovers() == []
    assert target.known_hosts == []
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", target.port_before))


def _processes_in(root: str) -> list[str]:
    """Every process of this machine whose command line names the node, but for this one's children."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().decode("utf-8", "replace").replace("\0", " ").strip()
            if root in words:
                found.append(words)
    return found


def _until(what: Any, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
