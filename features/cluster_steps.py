"""The steps of the features about clusters: other nodes, quorum, and HA with somebody who carries out its requests."""

from __future__ import annotations

import io
import json
import threading
import time
from typing import TYPE_CHECKING

from pytest_bdd import given, parsers, then

from fake_pve import conf, power, starting
from fake_pve.call import Call
from fake_pve.lock import guest_lock
from fake_pve.node import Node
from fake_pve.vm import jobs

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from features.target import FakeTarget

FOLDERS = {"VM": ("qemu-server", "qemu"), "container": ("lxc", "lxc")}
DELAY = 0.3
"""Seconds from a request to what HA makes of it; it takes 15 to 25 on a cluster."""


def _pve(target: FakeTarget, path: str, text: str = "") -> Path:
    """A file below /etc/pve, written when there is a text for it."""
    file = target.root / "etc/pve" / path
    if text:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return file


def _place(target: FakeTarget, vmid: int, node: str, kind: str) -> None:
    ids = {str(vmid): {"node": node, "type": FOLDERS[kind][1], "version": 7}}
    _pve(target, ".vmlist", json.dumps({"version": 3, "ids": ids}))


@given(parsers.parse('{kind} {vmid:d} was moved to node "{node}"'))
def _moved(target: FakeTarget, kind: str, vmid: int, node: str) -> None:
    folder, word = FOLDERS[kind]
    there = _pve(target, f"nodes/{node}/{folder}/{vmid}.conf")
    there.parent.mkdir(parents=True, exist_ok=True)
    _pve(target, f"{folder}/{vmid}.conf").rename(there)
    (target.root / f"run/fake-pve/{word}-{vmid}").unlink(missing_ok=True)
    _place(target, vmid, node, kind)


@given(parsers.parse('{kind} {vmid:d} is "{name}" of someone else on node "{node}"'))
def _others(target: FakeTarget, kind: str, vmid: int, name: str, node: str) -> None:
    folder = FOLDERS[kind][0]
    _pve(
        target, f"nodes/{node}/{folder}/{vmid}.conf", f"{'name' if kind == 'VM' else 'hostname'}: {name}\nmemory: 512\n"
    )
    _place(target, vmid, node, kind)


@given(parsers.re(r"the node (?P<has>has|has lost) its quorum"))
def _quorum(target: FakeTarget, has: str) -> None:
    online = int(has == "has")
    nodes = {name: {"id": 1, "online": int(name == "pve1" or online)} for name in ("pve1", "pve2", "pve3")}
    cluster = {"name": "lab", "version": 3, "nodes": 3, "quorate": online}
    _pve(target, ".members", json.dumps({"nodename": "pve1", "version": 13, "cluster": cluster, "nodelist": nodes}))


@given(parsers.parse("HA looks after VM {vmid:d}"))
def _managed(target: FakeTarget, vmid: int) -> None:
    _pve(target, "ha/resources.cfg", f"vm: {vmid}\n\tstate started\n")


@given(parsers.parse("HA has given up VM {vmid:d}"))
def _given_up(target: FakeTarget, vmid: int) -> None:
    _managed(target, vmid)
    _pve(target, "ha/manager_status", json.dumps({"service_status": {f"vm:{vmid}": {"state": "error"}}}))


@given("HA's manager is at work")
def _at_work(target: FakeTarget, request: pytest.FixtureRequest) -> None:
    over = threading.Event()
    manager = threading.Thread(target=_manage, args=(target, over))
    manager.start()
    request.addfinalizer(lambda: (over.set(), manager.join()))


def _manage(target: FakeTarget, over: threading.Event) -> None:
    """Carry out what is requested, one after the other, each some time later (recordings: cluster, group ha)."""
    seen = len(target.calls())
    while not over.wait(0.05):
        calls = target.calls()
        for call in calls[seen:]:
            if call[0] == "qm" and call[1] in {"start", "stop", "shutdown"} and not over.wait(DELAY):
                _carry_out(Node(target.environment), call[1], call[2])
        seen = len(calls)
        _pve(target, "ha/manager_status", json.dumps({"timestamp": int(time.time()), "service_status": {}}))


def _carry_out(node: Node, request: str, vmid: str) -> None:
    call = Call(node, "qm", (io.BytesIO(), io.BytesIO(), io.BytesIO()))
    if request == "start":
        starting.start(call, vmid)
        return
    jobs.set_ha_state(node, vmid, "stopped")
    with guest_lock(node, "qemu", vmid):
        power.switch_off(call, vmid, conf.load(node, "qemu", vmid))


@given(parsers.parse("VM {vmid:d} is hibernated"))
def _hibernated(target: FakeTarget, vmid: int) -> None:
    (target.root / f"run/fake-pve/qemu-{vmid}").unlink()
    with _pve(target, f"qemu-server/{vmid}.conf").open("a") as file:
        file.write(f"lock: suspended\nvmstate: local-lvm:vm-{vmid}-state-suspend-2026-01-01\n")


@given(parsers.parse('the configuration of VM {vmid:d} also has "{line}"'))
def _also(target: FakeTarget, vmid: int, line: str) -> None:
    with _pve(target, f"qemu-server/{vmid}.conf").open("a") as file:
        file.write(f"{line}\n")


@given(parsers.parse('storage "{storage}" is for node "{node}" only'))
def _for_others(target: FakeTarget, storage: str, node: str) -> None:
    file = _pve(target, "storage.cfg")
    head = next(line for line in file.read_text().splitlines() if line.endswith(f": {storage}"))
    file.write_text(file.read_text().replace(head, f"{head}\n\tnodes {node}"))


@then(parsers.parse("VM {vmid:d} is stopped"))
def _stopped(target: FakeTarget, vmid: int) -> None:
    assert target.tool(f"qm status {vmid}").stdout == "status: stopped\n"


@then(parsers.parse("HA does not look after VM {vmid:d} any more"))
def _unmanaged(target: FakeTarget, vmid: int) -> None:
    assert f"{vmid}" not in _pve(target, "ha/resources.cfg").read_text()
