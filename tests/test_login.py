"""Into a guest: what the command line means, and what ssh's words mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import apart
from phoenix_pve import command_line, login
from phoenix_pve.apply import StepDone
from phoenix_pve.errors import GuestError, NodeError, RefusedError, UsageError
from phoenix_pve.plan import Clone, Create, Destroy, Start, WriteSnippet
from phoenix_pve.readiness import Wait
from phoenix_pve.ssh_config import Access, Target
from places import ROOT
from samples import spec
from test_waiting import CARD, Scripted

HELP = (ROOT / "phoenix.py").read_text().split('"""')[1]


def words(line: str) -> dict[str, Any]:
    found = command_line.parse(HELP, line.split(), "1")
    assert isinstance(found, dict)
    return found


WAITS = {
    "create 8001": (Wait.AGENT, False),
    "create 8001 --no-wait": (Wait.NONE, True),
    "create 8001 --wait=none": (Wait.NONE, True),
    "create 8001 --wait agent": (Wait.AGENT, True),
    "start 8001 --wait=ssh": (Wait.SSH, True),
    "create 8001 --wait=cloud-init": (Wait.CLOUD_INIT, True),
    "create 8001 --verify": (Wait.CLOUD_INIT, True),
    "create 8001 --verify --wait=ssh": (Wait.SSH, True),
}


@pytest.mark.parametrize(("line", "wanted"), WAITS.items(), ids=WAITS)
def test_how_long_to_wait(line: str, wanted: tuple[Wait, bool]) -> None:
    assert login.wait_of(words(line)) == wanted


@pytest.mark.parametrize("line", ["create 8001 --wait=boot", "create 8001 --wait=ssh --no-wait"])
def test_what_cannot_be_waited_for(line: str) -> None:
    with pytest.raises(UsageError):
        login.wait_of(words(line))


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("ssh 8001", []),
        ("ssh 8001 -- ls -la --color", ["ls", "-la", "--color"]),
        ("ssh 8001 uptime", ["uptime"]),
        ("ssh 8001 -- app --version --unknown=1", ["app", "--version", "--unknown=1"]),
        ("--host pve1 -n ssh 8001 -- -x", ["-x"]),
    ],
)
def test_what_stands_behind_two_dashes_is_the_guests(line: str, command: list[str]) -> None:
    found = words(line)
    assert (found["ssh"], found["<ID>"], found["<COMMAND>"]) == (True, ["8001"], command)


def test_a_target_with_a_stated_address_costs_no_command() -> None:
    node = Scripted()
    made = login.target(node, spec(network={"ip": "10.0.0.9/24"}), Access("/s"))  # type: ignore[arg-type]
    assert (made, node.asked) == (Target(8001, "ubuntu-2404", "admin", "10.0.0.9"), [])


def test_a_target_behind_a_proxy_needs_no_address() -> None:
    assert login.target(Scripted(), spec(), Access("/s", proxy="connect {id}")).address == ""  # type: ignore[arg-type]


def test_a_target_by_dhcp_is_asked_of_its_agent() -> None:
    node = Scripted(address=[(0, CARD, "")])
    assert login.target(node, spec(), Access("/s")).address == "10.0.0.5"  # type: ignore[arg-type]


@pytest.mark.parametrize("access", [Access("/s"), Access("/s", proxy="connect {id}")])
def test_who_is_not_there_is_refused(access: Access) -> None:
    with pytest.raises(RefusedError, match="VM 8001 does not exist on the node"):
        login.target(Scripted(None), spec(), access)  # type: ignore[arg-type]


def test_without_address_it_says_how_to_wait_for_one() -> None:
    with pytest.raises(GuestError, match="no address yet") as caught:
        login.target(Scripted(address=[(29, "", "QEMU guest agent is not running")]), spec(), Access("/s"))  # type: ignore[arg-type]
    assert "--wait=ssh" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (Create(()), False),
        (Clone(9000, "web", "local"), False),
        (WriteSnippet("v", "/s", "t"), False),
        (Destroy(()), False),
        (Start(), True),
    ],
)
def test_a_host_key_is_forgotten_with_its_guest(tmp_path: Path, change: Any, kept: bool) -> None:
    (tmp_path / "8001").write_text("phoenix-8001 ssh-ed25519 AAAA\n")
    (tmp_path / "8002").write_text("phoenix-8002 ssh-ed25519 AAAA\n")
    list(login.forgetting(Access(str(tmp_path)), [StepDone(8001, change, 0.1)]))
    assert (tmp_path / "8001").exists() is kept
    assert (tmp_path / "8002").exists()


def test_host_keys_are_kept_in_a_folder_of_the_users_own(tmp_path: Path) -> None:
    login.prepare(Access(str(tmp_path / "a/b")))
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").write_text("")
    with pytest.raises(NodeError, match="cannot be made"):
        login.prepare(Access(str(tmp_path / "file/b")))


SAYINGS = {
    "@@@@\nWARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\n": ("another host key", "rm /s/8001"),
    "admin@10.0.0.5: Permission denied (publickey).\n": ("admin is not let in", "ssh-add -l"),
    "ssh: connect to host 10.0.0.5 port 22: No route to host\n": ("No route to host", "phoenix ssh 8001"),
    "": ("ssh said nothing", "phoenix ssh 8001"),
}


@pytest.mark.parametrize(("said", "wanted"), SAYINGS.items())
def test_what_ssh_says_becomes_what_to_do(said: str, wanted: tuple[str, str]) -> None:
    error = login.refused(spec(), Target(8001, "web", "admin", "10.0.0.5"), "/s/8001", said)
    assert wanted[0] in error.message
    assert wanted[1] in error.hint
    assert error.status == 11


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ssh that prints a file."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/ssh"
    program.write_text(f'#!/bin/sh\necho "$*" >{tmp_path}/argv\ncat {tmp_path}/says\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", apart.path(tmp_path / "bin"))
    return tmp_path / "says"


RESULT = json.dumps({"v1": {"errors": []}})


def prove(tmp_path: Path) -> Any:
    return login.prove(Scripted(), spec(network={"ip": "10.0.0.9/24"}), Access(str(tmp_path / "known")))  # type: ignore[arg-type]


def test_a_login_proves_name_kernel_address_and_cloud_init(tmp_path: Path, ssh: Path) -> None:
    ssh.write_text(f"ubuntu-2404\n6.8.0\n== result.json\n{RESULT}\n")
    proof = prove(tmp_path)
    assert (proof.hostname, proof.kernel, proof.address, proof.cloud_init) == (
        "ubuntu-2404",
        "6.8.0",
        "10.0.0.9",
        "done",
    )
    assert "BatchMode=yes" in (tmp_path / "argv").read_text()


@pytest.mark.parametrize("said", ["someone-else\n6.8.0\n", "\n", ""])
def test_another_hostname_is_no_proof(tmp_path: Path, ssh: Path, said: str) -> None:
    ssh.write_text(said)
    with pytest.raises(GuestError, match="its hostname is `"):
        prove(tmp_path)
