"""Waiting in stages: what is asked, how often, and what is said when it is in vain."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from phoenix_pve import readiness, waiting
from phoenix_pve.commands import Await
from phoenix_pve.errors import GuestError, RefusedError, TooSlowError, WaitTimeoutError
from phoenix_pve.guest import Kind
from phoenix_pve.node import Answers, Completed, File, Questions
from phoenix_pve.plan import WaitFor
from phoenix_pve.readiness import Stage
from test_readiness import DEBIAN_ERROR, printed

MAC = "bc:24:11:00:80:01"
CONF = f"name: web\nnet0: virtio={MAC.upper()},bridge=vmbr0\n".encode()
CARD = json.dumps(
    [{"name": "eth0", "hardware-address": MAC, "ip-addresses": [{"ip-address": "10.0.0.5", "prefix": 24}]}]
)

Answer = tuple[int, str, str]


class Scripted:
    """A node whose guest answers each kind of command with the next of its answers, the last one for ever."""

    def __init__(self, conf: bytes | None = CONF, **answers: list[Answer]) -> None:
        self.conf = conf
        self.answers = {name: iter(given) for name, given in answers.items()}
        self.last: dict[str, Answer] = {}
        self.asked: list[tuple[str, ...]] = []

    def run(
        self, argv: Sequence[str], stdin: str | None = None, seconds: float | None = None, *, log: str = ""
    ) -> Completed:
        self.asked.append(tuple(argv))
        name = "port" if argv[0] == "timeout" else "address" if "network-get-interfaces" in argv else "result"
        self.last[name] = next(self.answers[name], self.last.get(name, (0, "", "")))
        return Completed(tuple(argv), *self.last[name])

    def look(self, questions: Questions) -> Answers:
        found = {path: File(len(self.conf), self.conf) for path in questions.files} if self.conf is not None else {}
        return Answers((), found)


def executed(text: str) -> Answer:
    return (0, json.dumps({"exitcode": 0, "exited": 1, "out-data": text}), "")


def wait(node: Any, stage: Stage, *, timeout: float = 60, address: str = "", kind: Kind = Kind.VM) -> list[float | str]:
    """Wait in a time of its own; the seconds of every poll and the notes."""
    step, clock = Await(kind, 8001, WaitFor(stage, address)), [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    now: Callable[[], float] = lambda: clock[0]  # noqa: E731
    return list(waiting.wait(node, step, "web", timeout, now, sleep))


def test_an_address_is_asked_for_until_the_card_has_one() -> None:
    node = Scripted(address=[(29, "", "QEMU guest agent is not running\n"), (0, "[]", ""), (0, CARD, "")])
    assert len(wait(node, Stage.ADDRESS)) == 2
    assert set(node.asked) == {("qm", "guest", "cmd", "8001", "network-get-interfaces")}


def test_a_stated_address_is_not_asked_for() -> None:
    assert wait(Scripted(), Stage.ADDRESS, address="10.0.0.9") == []


def test_the_port_is_tried_from_the_node_at_the_address_that_was_found_once() -> None:
    node = Scripted(address=[(0, CARD, "")], port=[(1, "", "refused"), (124, "", ""), (0, "SSH-", "")])
    assert len(wait(node, Stage.SSH)) == 2
    assert [argv[-1] for argv in node.asked] == ["network-get-interfaces", "10.0.0.5", "10.0.0.5", "10.0.0.5"]


def test_polls_grow_rarer_up_to_a_bound_and_end_at_the_deadline() -> None:
    node = Scripted(port=[(1, "", "")])
    with pytest.raises(
        WaitTimeoutError, match=r"8001 web: no SSH server answered within 20 s: 10.0.0.9 port 22 is silent"
    ):
        wait(node, Stage.SSH, address="10.0.0.9", timeout=20)
    assert 10 < len(node.asked) < 20


def test_a_deadline_of_zero_asks_once() -> None:
    node = Scripted(port=[(1, "", "")])
    with pytest.raises(WaitTimeoutError):
        wait(node, Stage.SSH, address="10.0.0.9", timeout=0)
    assert len(node.asked) == 1


def test_no_address_in_time_says_what_to_look_for() -> None:
    with pytest.raises(WaitTimeoutError, match="its network card had no address within 5 s") as caught:
        wait(Scripted(address=[(0, "[]", "")]), Stage.ADDRESS, timeout=5)
    assert "the guest is left running" in caught.value.hint
    assert "DHCP" in caught.value.hint


def test_cloud_init_is_done_when_its_result_says_so() -> None:
    busy = executed(printed(status_json={"stage": "init"}))
    node = Scripted(
        result=[(29, "", "QEMU guest agent is not running"), busy, executed(printed(result_json={"errors": []}))]
    )
    assert len(wait(node, Stage.CLOUD_INIT)) == 2
    assert node.asked[-1] == readiness.result_question(8001)


def test_cloud_init_that_failed_is_an_error_with_its_module() -> None:
    node = Scripted(result=[executed(printed(result_json={"errors": [DEBIAN_ERROR]}))])
    with pytest.raises(GuestError, match="8001 web: cloud-init ended with errors: scripts-user: RuntimeError"):
        wait(node, Stage.CLOUD_INIT)


def test_degraded_cloud_init_is_told_and_is_no_error() -> None:
    stage = {"recoverable_errors": {"WARNING": ["Unknown key foo"]}}
    node = Scripted(result=[executed(printed(status_json={"init": stage}, result_json={"errors": []}))])
    assert wait(node, Stage.CLOUD_INIT) == ["note: 8001 web: cloud-init is degraded: init: Unknown key foo"]


def test_without_cloud_init_the_reason_says_so() -> None:
    with pytest.raises(WaitTimeoutError, match="cloud-init was not done within 9 s: it is absent"):
        wait(Scripted(result=[executed("")]), Stage.CLOUD_INIT, timeout=9)


@pytest.mark.parametrize("stage", [Stage.ADDRESS, Stage.SSH, Stage.CLOUD_INIT])
def test_a_guest_that_stopped_is_not_waited_for(stage: Stage) -> None:
    stopped: list[Answer] = [(2, "", "VM 8001 is not running\n")]
    node = Scripted(address=stopped, result=stopped)
    with pytest.raises(GuestError, match="8001.*: it does not run"):
        wait(node, stage)
    assert len(node.asked) == 1


def test_a_container_that_stopped_is_not_waited_for() -> None:
    node = Scripted(b"net0: name=eth0,hwaddr=BC:24:11:00:80:01\n", result=[(255, "", "CT 8001 not running\n")])
    with pytest.raises(GuestError, match="8001: it does not run"):
        wait(node, Stage.ADDRESS, kind=Kind.CONTAINER)


def test_an_agent_that_may_not_run_commands_is_not_asked_again() -> None:
    said = "Agent error: Command guest-exec has been disabled\n"
    with pytest.raises(GuestError, match="may not run commands"):
        wait(Scripted(result=[(29, "", said)]), Stage.CLOUD_INIT)


def test_who_has_no_card_or_does_not_exist_has_no_address() -> None:
    with pytest.raises(RefusedError, match="8001 has no network card net0"):
        waiting.address_of(Scripted(b"name: web\n"), Kind.VM, 8001)  # type: ignore[arg-type]
    with pytest.raises(RefusedError, match="VM 8001 does not exist on the node"):
        waiting.address_of(Scripted(None), Kind.VM, 8001)  # type: ignore[arg-type]


def test_a_vm_without_agent_is_not_waited_for() -> None:
    done = Completed((), 255, "", "No QEMU guest agent configured\n")
    with pytest.raises(GuestError, match="no guest agent configured") as caught:
        waiting.check_agent(Kind.VM, 8001, "web", done)
    assert "qm set 8001 --agent enabled=1" in caught.value.hint


class Hanging(Scripted):
    """A node whose questions to the guest hang as long as they may, in the time of the test."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = [0.0]
        self.given: list[float] = []

    def run(
        self, argv: Sequence[str], stdin: str | None = None, seconds: float | None = None, *, log: str = ""
    ) -> Completed:
        assert seconds is not None
        self.given.append(seconds)
        self.clock[0] += seconds
        raise TooSlowError("it hangs")


@pytest.mark.parametrize("timeout", [0, 1, 10, 150])
@pytest.mark.parametrize(
    ("stage", "words"),
    [
        (Stage.ADDRESS, "its network card had no address"),
        (Stage.SSH, "no SSH server answered"),
        (Stage.CLOUD_INIT, "cloud-init was not done"),
    ],
)
def test_a_question_that_hangs_ends_with_its_stage(stage: Stage, words: str, timeout: float) -> None:
    node = Hanging()

    def sleep(seconds: float) -> None:
        node.clock[0] += seconds

    step = Await(Kind.VM, 8001, WaitFor(stage))
    with pytest.raises(WaitTimeoutError, match=f"8001 web: {words} within {timeout} s: the node's question .* hung"):
        list(waiting.wait(node, step, "web", timeout, lambda: node.clock[0], sleep))
    assert node.clock[0] <= timeout + waiting.LEAST + waiting.SPARE
    assert max(node.given) <= waiting.MOST + waiting.SPARE


def test_a_proxy_that_hangs_ends_with_its_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LEAST", 0.3)
    step = Await(Kind.VM, 8001, WaitFor(Stage.SSH, "10.0.0.9", "sleep 60"))
    began = time.monotonic()
    with pytest.raises(WaitTimeoutError, match="no SSH server answered within 0 s: the proxy command leads to nobody"):
        list(waiting.wait(Scripted(), step, "web", 0, time.monotonic, time.sleep))  # type: ignore[arg-type]
    assert time.monotonic() - began < waiting.LEAST + 2
