"""What is waited for, and what cloud-init's files say."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from phoenix_pve import readiness
from phoenix_pve.guest import Kind
from phoenix_pve.readiness import CloudInit, Stage, Wait

STAGES = {
    (Kind.VM, Wait.NONE, False): (),
    (Kind.VM, Wait.AGENT, False): (Stage.AGENT,),
    (Kind.VM, Wait.AGENT, True): (Stage.AGENT,),
    (Kind.VM, Wait.SSH, False): (Stage.AGENT, Stage.ADDRESS, Stage.SSH),
    (Kind.VM, Wait.SSH, True): (Stage.SSH,),
    (Kind.VM, Wait.CLOUD_INIT, False): (Stage.AGENT, Stage.ADDRESS, Stage.SSH, Stage.CLOUD_INIT),
    (Kind.VM, Wait.CLOUD_INIT, True): (Stage.AGENT, Stage.SSH, Stage.CLOUD_INIT),
    (Kind.CONTAINER, Wait.AGENT, False): (),
    (Kind.CONTAINER, Wait.SSH, False): (Stage.ADDRESS, Stage.SSH),
    (Kind.CONTAINER, Wait.CLOUD_INIT, False): (Stage.ADDRESS, Stage.SSH),
}


@pytest.mark.parametrize(("asked", "wanted"), STAGES.items())
def test_the_stages_that_a_wait_has(asked: Any, wanted: Any) -> None:
    kind, wait, static = asked
    assert readiness.stages(kind, wait, stated_address=static) == wanted


DEBIAN_ERROR = (
    "('scripts-user', RuntimeError('Runparts: 1 failures (runcmd) in 1 attempted commands'))"  # cloud-init 22.4
)


def printed(**files: Any) -> str:
    return "".join(f"== {name.replace('_', '.')}\n{json.dumps({'v1': body})}\n\n" for name, body in files.items())


RESULTS = {
    "no cloud-init": ("", CloudInit("absent")),
    "at work": (printed(status_json={"stage": "init"}), CloudInit("running")),
    "half written": ('== status.json\n{}\n\n== result.json\n{"v1"', CloudInit("running")),
    "done": (printed(status_json={"stage": None}, result_json={"errors": []}), CloudInit("done")),
    "failed": (
        printed(status_json={}, result_json={"errors": [DEBIAN_ERROR]}),
        CloudInit(
            "error", ("scripts-user: RuntimeError('Runparts: 1 failures (runcmd) in 1 attempted commands')",)
        ),
    ),
    "failed in other words": (printed(result_json={"errors": ["no \x1b[31m way\n"]}), CloudInit("error", (r"no \x1b[31m way",))),
    "degraded": (
        printed(
            status_json={"stage": None, "init": {"recoverable_errors": {"WARNING": ["Failed loading yaml blob"]}}},
            result_json={"errors": [], "recoverable_errors": {}},
        ),
        CloudInit("degraded", ("init: Failed loading yaml blob",)),
    ),
    "switched off": ("== disabled\n\n", CloudInit("disabled")),
    "nonsense": ("== result.json\n[]\n", CloudInit("running")),
    "deep nonsense": ("== result.json\n" + "[" * 100_000 + "\n", CloudInit("running")),
    "errors that are no list": (printed(result_json={"errors": 3}), CloudInit("error", ("its result.json makes no sense",))),
    "errors that are no text": (printed(result_json={"errors": [[], 5]}), CloudInit("error", ("its result.json makes no sense",))),
    "no errors, oddly": (printed(result_json={"errors": None}), CloudInit("done")),
    "odd problems": (
        printed(
            status_json={"a": 3, "b": {"recoverable_errors": 4}, "c": {"recoverable_errors": {"W": "text", "X": []}}},
            result_json={"errors": []},
        ),
        CloudInit("degraded", ("c: something that makes no sense",)),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), RESULTS.values(), ids=RESULTS)
def test_what_became_of_cloud_init(text: str, wanted: CloudInit) -> None:
    assert readiness.cloud_init(text) == wanted
    assert wanted.ended is (wanted.status not in {"running", "absent"})


def test_the_script_prints_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text('{"v1": {"errors": []}}')
    (tmp_path / "status.json").write_text('{"v1": {}}\n')
    script = readiness.RESULT_SCRIPT.replace("/run/cloud-init", str(tmp_path))
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert readiness.cloud_init(done.stdout) == CloudInit("done")
    gone = readiness.RESULT_SCRIPT.replace("/run/cloud-init", str(tmp_path / "none"))
    assert subprocess.run(["sh", "-c", gone], capture_output=True, check=True).stdout == b""


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ('{"exitcode": 0, "exited": 1, "out-data": "x\\n"}', "x\n"),
        ('{"exitcode": 0, "exited": 1}', ""),
        ('{"pid": 5}', None),
        ('{"exited": 1, "out-data": ["x"]}', ""),
        ('{"exited": 1, "out-data": ' + "[" * 100_000, None),
        ("", None),
        ("[]", None),
    ],
)
def test_what_a_command_in_the_guest_printed(answer: str, wanted: str | None) -> None:
    assert readiness.executed(answer) == wanted


def test_the_port_probe_knows_an_ssh_server_from_nothing() -> None:
    import socket
    import threading

    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"SSH-2.0-test\r\n")

    thread = threading.Thread(target=answer)
    thread.start()
    port = listener.getsockname()[1]
    argv = [word.replace("$0/22", f"$0/{port}") for word in readiness.port_probe("127.0.0.1")]
    assert subprocess.run(argv, capture_output=True, text=True, check=False).stdout == "SSH-"
    thread.join()
    listener.close()
    closed = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert closed.returncode != 0
    assert closed.stdout == ""
