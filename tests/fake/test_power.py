"""Power, guests' behaviour, the journal, and trouble on demand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from fake_calls import call
from fake_pve import behaviour, journal, runtime
from fake_pve.node import Node
from fake_pve.seed import new_node

BIN = Path(__file__).resolve().parents[2] / "fakes/qm/bin"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    new_node(str(tmp_path))
    assert (
        call(tmp_path, "qm", "create", "8001", "--name", "web1", "--agent", "1", "--net0", "virtio,bridge=vmbr0")[0]
        == 0
    )
    return tmp_path


def faults(root: Path, *rules: dict) -> None:
    (root / "etc/fake-pve").mkdir(exist_ok=True)
    (root / "etc/fake-pve/faults.json").write_text(json.dumps(rules))


def guests(root: Path, **wishes: float | str) -> None:
    (root / "etc/fake-pve").mkdir(exist_ok=True)
    (root / "etc/fake-pve/guests.json").write_text(json.dumps({"*": wishes}))


def status(root: Path) -> str:
    return call(root, "qm", "status", "8001")[1].strip()


def test_a_guest_obeys_at_once(root) -> None:
    assert status(root) == "status: stopped"
    assert call(root, "qm", "start", "8001") == (0, "", "")
    assert status(root) == "status: running"
    assert call(root, "qm", "start", "8001") == (255, "", "VM 8001 already running\n")
    assert call(root, "qm", "agent", "8001", "ping") == (0, "", "")
    assert call(root, "qm", "suspend", "8001")[0] == 0
    assert status(root) == "status: paused"
    assert call(root, "qm", "resume", "8001")[0] == 0
    assert call(root, "qm", "shutdown", "8001") == (0, "", "")
    assert status(root) == "status: stopped"


@pytest.mark.parametrize(
    ("mtu", "problem"), [("9000", ""), ("9001", "bigger than the bridge MTU '9000'"), ("many", "")]
)
def test_a_card_has_no_larger_packets_than_its_bridge(root: Path, mtu: str, problem: str) -> None:
    with (root / "etc/network/interfaces").open("a") as file:
        file.write("\niface vmbr7 inet manual\n\tmtu 9000\n")
    with (root / "etc/pve/nodes/pve1/qemu-server/8001.conf").open("a") as file:
        file.write(f"net1: virtio=BC:24:11:00:00:01,bridge=vmbr7,mtu={mtu}\n")
    _, _, err = call(root, "qm", "start", "8001")
    assert problem in err
    assert status(root) == f"status: {'stopped' if problem else 'running'}"


def test_what_ha_ignores_the_tools_switch_themselves(root) -> None:
    resources = root / "etc/pve/ha/resources.cfg"
    resources.parent.mkdir()
    resources.write_text("vm: 8001\n\tstate stopped\n\tmax_restart 2\n")
    assert call(root, "qm", "start", "8001") == (0, "Requesting HA start for VM 8001\n", "")
    assert resources.read_text() == "vm: 8001\n\tmax_restart 2\n\tstate started\n\n"  # ha-manager-ha-024
    assert status(root) == "status: stopped"
    resources.write_text("vm:8001\n\tstate ignored\n")
    assert call(root, "qm", "start", "8001") == (0, "", "")
    assert status(root) == "status: running"


def test_a_start_resumes_what_was_suspended_to_disk_and_uses_that_up(root) -> None:
    file = root / "etc/pve/qemu-server/8001.conf"
    before = file.read_text()
    state = "vmstate: local:8001/vm-8001-state-suspend.raw\nrunningmachine: pc-i440fx-10.1+pve0\n"
    file.write_text(f"{before}lock: suspended\n{state}")
    assert call(root, "qm", "start", "8001") == (0, "", "")
    assert (status(root), file.read_text()) == ("status: running", before)


def test_pending_changes_take_effect_when_it_stops(root) -> None:
    call(root, "qm", "start", "8001")
    call(root, "qm", "set", "8001", "--cores", "4")
    conf = root / "etc/pve/nodes/pve1/qemu-server/8001.conf"
    assert "[PENDING]" in conf.read_text()
    call(root, "qm", "stop", "8001")
    assert "[PENDING]" not in conf.read_text()
    assert "cores: 4\n" in conf.read_text()


def test_a_guest_that_never_shuts_down_meets_the_timeout_or_force(root) -> None:
    guests(root, shutdown="never")
    call(root, "qm", "start", "8001")
    assert call(root, "qm", "shutdown", "8001") == (255, "", "VM quit/powerdown failed - got timeout\n")
    assert status(root) == "status: running"
    assert call(root, "qm", "shutdown", "8001", "--forceStop")[0] == 0
    assert status(root) == "status: stopped"


def test_a_slow_guest_goes_off_later_by_itself(root) -> None:
    guests(root, shutdown=20)
    call(root, "qm", "start", "8001")
    scale = {"FAKE_PVE_TIME_SCALE": "0.01"}
    assert call(root, "qm", "shutdown", "8001", "--timeout", "5", **scale)[0] == 255
    assert call(root, "qm", "status", "8001", **scale)[1] == "status: running\n"
    time.sleep(0.2)
    assert call(root, "qm", "status", "8001", **scale)[1] == "status: stopped\n"


def test_an_agent_may_never_answer(root) -> None:
    guests(root, agent="never")
    call(root, "qm", "start", "8001")
    assert call(root, "qm", "agent", "8001", "ping") == (255, "", "QEMU guest agent is not running\n")


def test_boot_takes_its_time(root) -> None:
    node = Node({"FAKE_PVE_ROOT": str(root), "FAKE_PVE_GUEST": "none", "FAKE_PVE_TIME_SCALE": "1"})
    guests(root, boot=100)
    fresh = runtime.Power(1, time.time())
    long_on = runtime.Power(1, time.time() - 101)
    assert not behaviour.agent_answers(node, 8001, fresh)
    assert behaviour.agent_answers(node, 8001, long_on)
    assert behaviour.shutdown_delay(node, 8001, fresh, by_agent=False) == behaviour.NEVER


def test_wishes_that_cannot_be_read_are_told(root) -> None:
    (root / "etc/fake-pve").mkdir()
    (root / "etc/fake-pve/guests.json").write_text("{")
    call(root, "qm", "start", "8001")
    assert call(root, "qm", "agent", "8001", "ping")[0] == 70


def test_the_agent_knows_the_configured_address(root) -> None:
    call(root, "qm", "set", "8001", "--ipconfig0", "ip=10.0.0.5/24,gw=10.0.0.1")
    call(root, "qm", "start", "8001")
    answer = json.loads(call(root, "qm", "guest", "cmd", "8001", "network-get-interfaces")[1])
    assert [card["ip-addresses"][0]["ip-address"] for card in answer] == ["127.0.0.1", "10.0.0.5"]


def test_commands_in_a_guest_without_machine(root) -> None:
    call(root, "qm", "start", "8001")
    result = json.loads(call(root, "qm", "guest", "exec", "8001", "--", "echo", "hello")[1])
    assert result == {"exitcode": 0, "exited": 1, "out-data": "hello\n"}
    code, _, err = call(root, "qm", "guest", "exec", "8001", "--", "apt-get")
    assert code == 29
    assert "No such file or directory" in err


def test_damaged_state_is_no_traceback(root) -> None:
    call(root, "qm", "start", "8001")
    Path(runtime.state_path(Node({"FAKE_PVE_ROOT": str(root), "FAKE_PVE_GUEST": "none"}), "qemu", 8001)).write_text(
        "rubbish"
    )
    assert status(root) == "status: stopped"


# --- journal ---------------------------------------------------------------------------------------------


def test_every_call_is_in_the_journal(root) -> None:
    call(root, "qm", "status", "8001")
    call(root, "qm", "status", "9999")
    last, failed = journal.calls(str(root))[-2:]
    assert (last["tool"], last["argv"], last["exit"]) == ("qm", ["status", "8001"], 0)
    assert failed["exit"] == 2
    assert 0 <= last["duration"] < 10
    assert last["stdin"] is None


def test_passwords_are_not_in_the_journal(root) -> None:
    for words in (["--cipassword", "geheim"], ["--cipassword=geheim"], ["--cip", "geheim"]):
        call(root, "qm", "set", "8001", *words)
    assert "geheim" not in (root / journal.FILE.lstrip("/")).read_text()


@pytest.mark.parametrize("text", ["plain", 'quo"te', "back\\slash", "new\nline", "ä €", "😀", "\udcff", ""])
def test_words_are_json_in_the_journal(text) -> None:
    assert json.loads(journal.quoted(text)) == text


def test_a_call_without_end_was_killed(root) -> None:
    faults(root, {"match": "qm set *", "die": "before"})
    environ = {"PATH": os.environ["PATH"], "FAKE_PVE_ROOT": str(root), "FAKE_PVE_GUEST": "none"}
    done = subprocess.run([BIN / "qm", "set", "8001", "--cores", "2"], env=environ, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert journal.calls(str(root))[-1]["exit"] is None
    assert "cores" not in call(root, "qm", "config", "8001")[1]


# --- faults ----------------------------------------------------------------------------------------------


def test_the_second_matching_call_fails_without_effect(root) -> None:
    faults(root, {"match": "qm set *", "nth": 2, "exit": 5, "stderr": "no luck\n"})
    assert call(root, "qm", "set", "8001", "--cores", "2")[0] == 0
    assert call(root, "qm", "set", "8001", "--cores", "3") == (5, "", "no luck\n")
    assert call(root, "qm", "set", "8001", "--cores", "4")[0] == 0
    assert "cores: 4" in call(root, "qm", "config", "8001")[1]


def test_success_without_effect(root) -> None:
    faults(root, {"match": "qm set *", "effect": False})
    assert call(root, "qm", "set", "8001", "--cores", "2") == (0, "", "")
    assert "cores" not in call(root, "qm", "config", "8001")[1]


def test_failure_after_the_effect(root) -> None:
    faults(root, {"regex": "^qm set", "exit": 255, "effect": True, "stderr": "lost\n", "stdout": ""})
    assert call(root, "qm", "set", "8001", "--cores", "2") == (255, "", "lost\n")
    assert "cores: 2" in call(root, "qm", "config", "8001")[1]


def test_output_that_is_no_text(root) -> None:
    faults(root, {"match": "qm config *", "stdout": "\udcff\udcfe"})
    assert call(root, "qm", "config", "8001")[1] == "\xff\xfe"


def test_a_lock_that_somebody_holds(root) -> None:
    faults(root, {"match": "qm set *", "lock": "forever"}, {"match": "qm start *", "lock": 2})
    code, _, err = call(root, "qm", "set", "8001", "--cores", "2")
    assert code == 255
    assert "got timeout" in err
    assert call(root, "qm", "start", "8001") == (0, "", "trying to acquire lock... OK\n")


def test_a_full_storage(root) -> None:
    faults(root, {"match": "qm set *", "full": "local"})
    code, _, err = call(root, "qm", "set", "8001", "--scsi0", "local:4")
    assert code != 0
    assert "No space left on device" in err
    assert "scsi0" not in call(root, "qm", "config", "8001")[1]


def test_a_slow_import_tells_about_its_progress(root) -> None:
    (root / "root/small.raw").write_bytes(bytes(1 << 20))
    faults(root, {"match": "qm disk import *", "progress": 10})
    out = call(root, "qm", "disk", "import", "8001", "/root/small.raw", "local")[1]
    assert out.count("transferred ") == 11


@pytest.mark.parametrize("text", ["{", "{}", '[{"nth": 1}]', '[{"match": "*", "tyop": 1}]'])
def test_faults_that_cannot_be_read_are_told(root, text) -> None:
    (root / "etc/fake-pve").mkdir()
    (root / "etc/fake-pve/faults.json").write_text(text)
    code, _, err = call(root, "qm", "list")
    assert code == 70
    assert "faults.json" in err


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"match": 5}, "'match' is 5, not a text"),
        ({"regex": "("}, "'regex' is '(', not a regular expression"),
        ({"match": "a", "regex": "b"}, "a rule has either match or regex"),
        ({"match": "*", "nth": "2"}, "'nth' is '2', not a number from 1 or a list of such"),
        ({"match": "*", "nth": [1, 0]}, "'nth' is [1, 0], not a number from 1 or a list of such"),
        ({"match": "*", "delay": -1}, "'delay' is -1, not a number of seconds"),
        ({"match": "*", "lock": "never"}, "'lock' is 'never', not a number of seconds"),
        ({"match": "*", "progress": True}, "'progress' is True, not a number of seconds"),
        ({"match": "*", "hang": "no"}, "'hang' is 'no', not true or false"),
        ({"match": "*", "effect": 0}, "'effect' is 0, not true or false"),
        ({"match": "*", "die": "middle"}, "'die' is 'middle', not \"before\" or \"after\""),
        ({"match": "*", "exit": 256}, "'exit' is 256, not a number from 0 to 255"),
        ({"match": "*", "stdout": 5}, "'stdout' is 5, not a text"),
        ({"match": "*", "stderr": ["x"]}, "'stderr' is ['x'], not a text"),
        ({"match": "*", "full": None}, "'full' is None, not a text"),
    ],
)
def test_a_rule_that_means_nothing_is_told(root, rule, why) -> None:
    faults(root, rule)
    told = f"fake-pve: /etc/fake-pve/faults.json is not what docs/fake.md describes: {why}\n"
    assert call(root, "qm", "list") == (70, "", told)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ([], "not a table of tables"),
        ({"*": 5}, "not a table of tables"),
        ({"web": {"boot": 1}}, "'web' is neither a guest's ID nor '*'"),
        ({"*": {"tyop": 1}}, "unknown key 'tyop'"),
        ({"*": {"boot": -3}}, "'boot' is -3, neither a number of seconds nor \"never\""),
        ({"8001": {"agent": True}}, "'agent' is True, neither a number of seconds nor \"never\""),
    ],
)
def test_wishes_that_mean_nothing_are_told(root, table, why) -> None:
    call(root, "qm", "set", "8001", "--agent", "1")
    call(root, "qm", "start", "8001")
    (root / "etc/fake-pve").mkdir()
    (root / "etc/fake-pve/guests.json").write_text(json.dumps(table))
    code, _, err = call(root, "qm", "agent", "8001", "ping")
    assert (code, err) == (70, f"fake-pve: /etc/fake-pve/guests.json is not what docs/fake.md describes: {why}\n")


def test_a_seed_repeats_everything(tmp_path) -> None:
    texts = []
    for name in ("one", "two"):
        new_node(str(tmp_path / name))
        call(tmp_path / name, "qm", "create", "8001", "--net0", "virtio,bridge=vmbr0", FAKE_PVE_SEED="x")
        texts.append((tmp_path / name / "etc/pve/nodes/pve1/qemu-server/8001.conf").read_text())
    assert texts[0] == texts[1]


def test_a_mistake_of_the_fake_is_told_as_such(root, monkeypatch) -> None:
    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("fake_pve.qm.status.run", broken)
    code, _, err = call(root, "qm", "status", "8001")
    assert code == 70
    assert err.startswith("fake-pve: a mistake of the fake itself")
    assert "ZeroDivisionError" in (root / "var/log/fake-pve/mistakes.log").read_text()
