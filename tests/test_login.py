"""Into a guest: what the command line means, and what ssh's words mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import apart
from phoenix_pve import command_line, login
from phoenix_pve.apply import Planned, StepDone, StepStarted
from phoenix_pve.errors import GuestError, NodeError, RefusedError, UsageError, WaitTimeoutError
from phoenix_pve.guest import GuestState, Power
from phoenix_pve.plan import Goal, Plan
from phoenix_pve.planner import Options, plan
from phoenix_pve.readiness import Wait
from phoenix_pve.ssh_config import Access, Target
from places import ROOT
from samples import USER_DATA, seen, spec, state
from test_waiting import CARD, Hanging, Scripted

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


PINNED = "phoenix-8001 ssh-ed25519 AAAA\n"
RUNNING, STOPPED = state(), state(Power.STOPPED)


def carry_out(folder: Path, made: Plan) -> bool:
    """Let a plan happen; whether the key is still pinned afterwards."""
    steps = [kind(made.vmid, change, x) for change in made.changes for kind, x in ((StepStarted, ""), (StepDone, 0.1))]  # type: ignore[operator]
    assert len(list(login.forgetting(Access(str(folder)), [Planned(made), *steps]))) == len(steps) + 1
    return (folder / "8001").exists() and PINNED in (folder / "8001").read_text()


def planned(goal: Goal, now: GuestState | None, user_data: str = USER_DATA, **want: Any) -> Plan:
    options = Options(restart=want.pop("restart", False), wait=Wait.NONE)
    made = plan(goal, spec(**want), seen(now), user_data, options)
    assert (bool(made.changes), made.refusals) == (True, ())
    return made


@pytest.fixture
def pinned(tmp_path: Path) -> Path:
    (tmp_path / "8001").write_text(PINNED)
    (tmp_path / "8002").write_text("phoenix-8002 ssh-ed25519 AAAA\n")
    return tmp_path


MATTERS = {
    "the user-data": {"user_data": "#cloud-config\nother: 1\n"},
    "the address": {"network": {"ip": "10.0.0.9/24", "gw": "10.0.0.1"}},
    "the name server": {"network": {"nameserver": "10.0.0.2"}},
    "the search domain": {"network": {"searchdomain": "example.com"}},
    "the MAC address": {"network": {"mac": "BC:24:11:00:80:99"}},
}
DOES_NOT = {
    "the memory": {"memory_mb": 4096},
    "the cores": {"cores": 4},
    "the description": {"description": "new"},
    "the VLAN": {"network": {"vlan_tag": 7}},
    "the bridge": {"network": {"bridge": "vmbr1"}},
    "the tags": {"tags": ("a",)},
    "the disk": {"disk_gb": 64},
    "the CPU": {"cpu_type": "host"},
}


@pytest.mark.parametrize("want", MATTERS.values(), ids=MATTERS)
def test_a_key_goes_at_the_boot_that_makes_another_instance(pinned: Path, want: dict[str, Any]) -> None:
    assert not carry_out(pinned, planned(Goal.CREATE, STOPPED, **want))
    (pinned / "8001").write_text(PINNED)
    assert not carry_out(pinned, planned(Goal.CREATE, RUNNING, restart=True, **want))
    (pinned / "8001").write_text(PINNED)
    assert carry_out(pinned, planned(Goal.CREATE, RUNNING, **want)), "it has its old key until it boots"
    assert carry_out(pinned, planned(Goal.CREATE, RUNNING, **DOES_NOT["the memory"]))
    assert not carry_out(pinned, planned(Goal.RESTART, RUNNING))
    (pinned / "8001").write_text(PINNED)
    assert carry_out(pinned, planned(Goal.RESTART, RUNNING)), "and once"
    assert (pinned / "8002").exists()


@pytest.mark.parametrize("want", DOES_NOT.values(), ids=DOES_NOT)
def test_a_key_stays_when_the_instance_does(pinned: Path, want: dict[str, Any]) -> None:
    assert carry_out(pinned, planned(Goal.CREATE, RUNNING, **want))
    assert carry_out(pinned, planned(Goal.CREATE, RUNNING, restart=True, **want))
    assert carry_out(pinned, planned(Goal.CREATE, STOPPED, **want))
    assert carry_out(pinned, planned(Goal.RESTART, RUNNING))
    assert carry_out(pinned, planned(Goal.STOP, RUNNING))
    assert carry_out(pinned, planned(Goal.START, STOPPED))


def test_a_key_goes_with_its_guest(pinned: Path) -> None:
    assert not carry_out(pinned, planned(Goal.DELETE, RUNNING))
    (pinned / "8001").write_text(PINNED)
    assert not carry_out(pinned, planned(Goal.CREATE, None))


def test_what_waits_already_is_known_at_the_next_start(pinned: Path) -> None:
    assert carry_out(pinned, planned(Goal.RESTART, state(pending=("memory",))))
    assert not carry_out(pinned, planned(Goal.RESTART, state(pending=("ipconfig0",))))


def test_a_key_that_cannot_be_forgotten_is_told(tmp_path: Path) -> None:
    (tmp_path / "8001").mkdir()
    with pytest.raises(NodeError, match="8001 cannot be removed: Is a directory"):
        carry_out(tmp_path, planned(Goal.DELETE, RUNNING))


def test_where_no_folder_can_be_there_is_nothing_to_forget() -> None:
    assert not carry_out(Path("/dev/null/phoenix"), planned(Goal.CREATE, STOPPED, **MATTERS["the address"]))


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


def test_what_a_guest_shows_in_a_login_is_text(tmp_path: Path, ssh: Path) -> None:
    ssh.write_text(f"ubuntu-2404\n6.8\x1b[2J\u202e0{'x' * 5000}\n== result.json\n{RESULT}\n")
    kernel = prove(tmp_path).kernel
    assert kernel.startswith(r"6.8\x1b[2J\u202e0")
    assert len(kernel) <= 80
    ssh.write_text("\x1b]0;x\x07\n")
    with pytest.raises(GuestError, match=r"its hostname is `\\x1b\]0;x\\x07`"):
        prove(tmp_path)


def test_a_guest_that_prints_for_ever_at_a_login_is_no_proof(tmp_path: Path, ssh: Path) -> None:
    ssh.parent.joinpath("bin/ssh").write_text("#!/bin/sh\necho ubuntu-2404\nexec yes\n")
    with pytest.raises(GuestError, match="no login"):
        prove(tmp_path)


def test_a_login_that_hangs_ends(tmp_path: Path, ssh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "SHORTEST_LOGIN", 0.3)
    ssh.parent.joinpath("bin/ssh").write_text("#!/bin/sh\nexec sleep 60\n")
    guest = spec(network={"ip": "10.0.0.9/24"})
    with pytest.raises(WaitTimeoutError, match="the login did not end within 0.3 s"):
        login.prove(Scripted(), guest, Access(str(tmp_path / "known")), 0)  # type: ignore[arg-type]


def test_a_guest_that_does_not_answer_has_no_address_that_anybody_could_tell() -> None:
    with pytest.raises(GuestError, match="8001 ubuntu-2404: nobody can tell its address: it hangs"):
        login.target(Hanging(), spec(), Access("/s"))
