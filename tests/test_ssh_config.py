"""The way into a guest, as OpenSSH understands it: ssh itself reads what is rendered (`ssh -G`)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from needs import lacking
from phoenix_pve import ssh_config
from phoenix_pve.guest import Admin
from phoenix_pve.ssh_config import Access, Target
from samples import spec

GUEST = Target(8001, "web", "admin", "10.0.0.5")
HERE = Access("/root/.local/state/phoenix/known_hosts/local")


def understood(folder: Path, block: str, host: str) -> dict[str, str]:
    """What ssh takes from the block for a host, by small letters."""
    if shutil.which("ssh") is None:
        lacking("there is no ssh here; as root: apt-get install --yes openssh-client")
    file = folder / "config"
    file.write_text(block)
    done = subprocess.run(["ssh", "-G", "-F", str(file), host], capture_output=True, text=True, check=True)
    return dict(line.partition(" ")[::2] for line in done.stdout.splitlines())


def test_the_block_of_a_guest() -> None:
    assert ssh_config.block(HERE, GUEST) == (
        "Host web 8001 phoenix-8001\n"
        "  HostName 10.0.0.5\n"
        "  User admin\n"
        "  HostKeyAlias phoenix-8001\n"
        "  UserKnownHostsFile /root/.local/state/phoenix/known_hosts/local/8001\n"
        "  StrictHostKeyChecking accept-new\n"
    )


@pytest.mark.parametrize("host", ["web", "8001"])
def test_ssh_finds_it_by_name_and_by_id(tmp_path: Path, host: str) -> None:
    found = understood(tmp_path, ssh_config.block(HERE, GUEST), host)
    assert (found["hostname"], found["user"], found["hostkeyalias"]) == ("10.0.0.5", "admin", "phoenix-8001")
    assert found["stricthostkeychecking"] == "accept-new"


def test_through_the_node_it_jumps(tmp_path: Path) -> None:
    access = Access("/s", host="root@pve1")
    assert understood(tmp_path, ssh_config.block(access, GUEST), "web")["proxyjump"] == "root@pve1"


JUMPS = {
    "root@pve1": "root@pve1",
    "root@2001:db8::1": "root@[2001:db8::1]",
    "2001:db8::1": "[2001:db8::1]",
    "ssh://root@[::1]:2222": "root@[::1]:2222",
    "ssh://[::1]": "[::1]",
    "ssh://root@pve1:2222": "ssh://root@pve1:2222",
    "root@fe80::1%eth0": "root@[fe80::1%%eth0]",
}


@pytest.mark.parametrize(("host", "wanted"), JUMPS.items(), ids=JUMPS)
def test_a_node_is_jumped_through_however_it_is_written(tmp_path: Path, host: str, wanted: str) -> None:
    found = understood(tmp_path, ssh_config.block(Access("/s", host=host), GUEST), "web")
    assert ssh_config.jump(host) == wanted
    assert found["proxyjump"].removeprefix("ssh://") == wanted.removeprefix("ssh://")


@pytest.mark.parametrize("address", ["2001:db8::1%h\n  ProxyCommand x", "-oProxyCommand=x", "10.0.0.5 x", "web", ""])
def test_only_an_address_gets_into_the_configuration(address: str) -> None:
    made = dict(ssh_config.options(HERE, Target(8001, "web", "admin", address)))
    assert made["HostName"] == "phoenix-8001"


def test_a_name_that_leads_elsewhere_is_left_out() -> None:
    shared = Target(8001, "8002", "admin", "10.0.0.5", shared=True)
    assert ssh_config.block(HERE, shared).startswith("Host 8001 phoenix-8001\n")
    assert ssh_config.command(HERE, shared, [])[-2:] == ["--", "phoenix-8001"]


def test_a_proxy_command_leads_in_and_no_jump_does(tmp_path: Path) -> None:
    access = Access("/s", host="root@pve1", proxy="env A=100% connect {id}")
    found = understood(tmp_path, ssh_config.block(access, Target(8001, "web", "admin", "")), "web")
    assert found["proxycommand"] == "env A=100%% connect 8001"
    assert found["hostname"] == "phoenix-8001"
    assert "proxyjump" not in found


def test_a_folder_may_have_blanks_and_percent_signs(tmp_path: Path) -> None:
    access = Access("/home/my user/50%")
    found = understood(tmp_path, ssh_config.block(access, GUEST), "web")
    assert found["userknownhostsfile"] in {"/home/my user/50%/8001", "/home/my user/50%%/8001"}


def test_without_an_admin_the_user_is_left_to_ssh() -> None:
    made = ssh_config.target(spec(admin=None), "10.0.0.5")
    assert "User" not in dict(ssh_config.options(HERE, made))
    assert ssh_config.target(spec(admin=Admin("eve")), "").user == "eve"


def test_the_command_goes_to_the_name_and_hands_on_every_word() -> None:
    argv = ssh_config.command(HERE, GUEST, ["ls", "-la", "a b"])
    assert argv[0] == "ssh"
    assert "UserKnownHostsFile=/root/.local/state/phoenix/known_hosts/local/8001" in argv
    assert argv[-5:] == ["--", "web", "ls", "-la", "a b"]
    assert "BatchMode=yes" in ssh_config.command(HERE, GUEST, [], batch=True)


def test_every_node_has_its_own_known_hosts() -> None:
    environ = {"HOME": "/root"}
    here = ssh_config.access(None, environ)
    assert here.known_hosts == "/root/.local/state/phoenix/known_hosts/local"
    others = [("pve1", ""), ("root@pve1", ""), ("ssh://root@pve1:22", ""), ("ssh:__root@pve1_22", ""), ("", "/tmp/a")]
    folders = {ssh_config.access(host, {**environ, "PHOENIX_NODE_ROOT": root}).known_hosts for host, root in others}
    assert len(folders | {here.known_hosts}) == len(others) + 1
    assert all(folder.count("/") == here.known_hosts.count("/") for folder in folders)


def test_the_environment_says_where_state_is_and_which_proxy_leads_in() -> None:
    environ = {"HOME": "/root", "XDG_STATE_HOME": "/state", "PHOENIX_GUEST_PROXY_COMMAND": "connect {id}"}
    access = ssh_config.access(None, environ)
    assert access == Access("/state/phoenix/known_hosts/local", "", "connect {id}")
    assert ssh_config.proxy_command(access, 101) == "connect 101"
