"""A simulated machine seen from inside: all tests share one, and only look."""

from __future__ import annotations

import json
import subprocess
import tempfile
from typing import Any

import pytest
import testinfra
from tests.guests.lab import ADDRESS, ADMIN, MAC, PASSWORD, PASSWORD_HASH, SSH, Guest

pytestmark = pytest.mark.xdist_group("guests-looking")


@pytest.fixture(scope="module")
def host(running: Guest) -> Any:
    """The guest for testinfra, over one connection of ssh; `running.ssh` makes a new one each time."""
    config = running.keys / "ssh_config"
    options = "\n".join(SSH[index].replace("=", " ") for index in range(3, len(SSH), 2))
    config.write_text(f"Host *\n{options}\nIdentityFile {running.keys}/admin\nIdentitiesOnly yes\n")
    with tempfile.TemporaryDirectory(prefix="ssh-") as folder:  # a socket's path is short
        way = f"{folder}/way"
        where = f"ssh://{ADMIN}@127.0.0.1:{running.port()}"
        yield testinfra.get_host(where, ssh_config=str(config), controlpath=way)
        subprocess.run(
            ["ssh", "-F", "none", "-o", f"ControlPath={way}", "-O", "exit", "x"], capture_output=True, check=True
        )


def test_the_key_opens_and_another_does_not(running: Guest) -> None:
    assert running.run("id -un") == ADMIN
    refused = running.ssh("true", "other")
    assert refused.returncode == 255
    assert "Permission denied" in refused.stderr


@pytest.mark.slow  # sshd lets whoever guesses wait; features/guests.feature tries it in `make test`
def test_the_password_opens_and_another_does_not(running: Guest) -> None:
    assert running.ssh_password(PASSWORD, "id -un").stdout.strip() == ADMIN
    refused = running.ssh_password("wrong", "id -un")
    assert refused.returncode == 255
    assert "Permission denied" in refused.stderr


def test_the_admin_is_what_user_data_says(host: Any) -> None:
    user = host.user(ADMIN)
    assert user.exists
    assert "sudo" in user.groups
    assert user.shell == "/bin/bash"
    with host.sudo():
        assert host.check_output("whoami") == "root"
        assert host.user(ADMIN).password == PASSWORD_HASH


def test_cloud_init_has_finished_without_errors(host: Any) -> None:
    result = json.loads(host.check_output("cat /run/cloud-init/result.json"))["v1"]
    assert result["errors"] == []
    assert "NoCloud" in result["datasource"]
    assert "done" in host.check_output("cloud-init status")
    assert host.file("/etc/phoenix-marker").content_string == "marker"
    assert host.check_output("date +%Z") in {"CET", "CEST"}


def test_it_has_its_name_and_can_resolve_it(host: Any) -> None:
    assert host.check_output("hostname") == "phx-web01"
    assert host.file("/etc/hostname").content_string.strip() == "phx-web01"
    assert host.run("getent hosts phx-web01").rc == 0
    assert host.sysctl("kernel.hostname") == "phx-web01"


def test_it_sees_its_processors_and_memory(host: Any) -> None:
    assert host.check_output("nproc") == "3"
    assert host.check_output("grep -c ^processor /proc/cpuinfo") == "3"
    assert host.check_output("python3 -c 'import os; print(os.cpu_count())'") == "3"
    assert 1900 <= int(host.check_output("free -m | awk '/^Mem/ {print $2}'")) <= 2048


def test_it_has_its_address_and_a_gateway_that_answers_and_no_way_further(host: Any) -> None:
    assert ADDRESS in host.interface("eth0").addresses
    assert host.file("/sys/class/net/eth0/address").content_string.strip() == MAC.lower()
    assert host.run("ping -c 1 -W 2 192.168.50.1").rc == 0
    further = host.run("ping -c 1 -W 2 192.0.2.1")
    assert further.rc != 0
    assert "Unreachable" in further.stdout


def test_testinfra_finds_a_debian(host: Any) -> None:
    assert host.system_info.type == "linux"
    assert host.system_info.distribution in {"debian", "ubuntu"}
    assert host.package("openssh-server").is_installed
    assert host.mount_point("/").exists
    assert host.socket("tcp://22").is_listening


def test_services_are_what_really_runs(host: Any) -> None:
    for name in ("ssh", "qemu-guest-agent"):
        assert host.service(name).is_running
        assert host.service(name).is_enabled
    assert not host.service("nginx").exists
    assert not host.service("nginx").is_running
    with host.sudo():
        assert host.run("systemctl stop qemu-guest-agent").rc == 0
        assert not host.service("qemu-guest-agent").is_running
        assert host.run("systemctl start qemu-guest-agent").rc == 0
    assert host.service("qemu-guest-agent").is_running
    assert host.run("systemctl stop ssh").rc != 0, "an ordinary user may not"


def test_installed_packages_can_be_installed_and_others_cannot(host: Any) -> None:
    with host.sudo():
        assert host.run("apt-get install --yes sudo").rc == 0
        missing = host.run("apt-get install --yes nginx")
    assert missing.rc != 0
    assert "Unable to locate package" in missing.stderr


def test_the_agent_answers_from_inside(running: Guest) -> None:
    assert running.agent("ping") == {}
    assert running.agent("get-host-name") == {"host-name": "phx-web01"}
    assert running.agent("get-osinfo")["id"] in {"debian", "ubuntu"}
    (card,) = [one for one in running.agent("network-get-interfaces") if one["name"] == "eth0"]
    assert card["hardware-address"] == MAC.lower()
    assert {"ip-address": ADDRESS, "ip-address-type": "ipv4", "prefix": 24} in card["ip-addresses"]
    assert running.agent("fsfreeze-status") == "thawed"
    assert running.agent("fsfreeze-freeze") >= 0
    assert running.agent("fsfreeze-thaw") >= 0


def test_the_agent_runs_commands(running: Guest) -> None:
    import base64
    import time

    asked = {"path": "/bin/sh", "arg": ["-c", "hostname; exit 3"], "capture-output": True}
    pid = running.agent("exec", asked)["pid"]
    answer = {"exited": False}
    while not answer["exited"]:
        answer = running.agent("exec-status", {"pid": pid})
        time.sleep(0.02)
    assert answer["exitcode"] == 3
    assert base64.b64decode(answer["out-data"]) == b"phx-web01\n"


def test_the_agent_refuses_what_it_does_not_know(running: Guest) -> None:
    from fake_pve.guests import GuestFailed

    with pytest.raises(GuestFailed, match="has not been found"):
        running.agent("make-coffee")


def test_a_command_gets_its_files_and_gives_its_status(running: Guest, tmp_path: Any) -> None:
    (tmp_path / "in").write_text("text")
    with (tmp_path / "in").open() as source, (tmp_path / "out").open("w") as sink:
        status = running.driver.execute(
            running.node, "qemu", 8001, ["sh", "-c", "cat; exit 7"], fds=(source.fileno(), sink.fileno(), sink.fileno())
        )
    assert status == 7
    assert (tmp_path / "out").read_text() == "text"
    assert running.driver.execute(running.node, "qemu", 8001, ["no-such-program"], fds=(0, 2, 2)) == 127


def test_not_even_root_gets_out_by_the_first_process(host: Any) -> None:
    with host.sudo():
        assert host.run("ls /proc/1/fd").rc != 0
        assert host.run("ls /proc/1/root/").rc != 0
        assert host.check_output("ls /") == host.check_output("ls /..")
        assert host.run("echo 1 > /proc/sys/kernel/panic").rc != 0


def test_files_go_through_the_tunnel_whole(running: Guest) -> None:
    assert running.run("head -c 20000000 /dev/zero | sha256sum") == running.run(
        "head -c 20000000 /dev/zero | tee >(cat >&2) 2>/dev/null | sha256sum"
    )
    done = running.ssh("head -c 20000000 /dev/zero | tr '\\0' x")
    assert len(done.stdout) == 20000000
