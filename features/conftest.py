"""The steps of the features: an operator's words -> phoenix as a process and questions to the node."""

from __future__ import annotations

import json
import os
import re
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from pytest_bdd import given, parsers, then, when
from tests import apart

from features import acceptance, cluster_steps, foreign_steps, guest_steps, surroundings_steps, tags
from features.target import (
    ADMIN_KEY,
    CONTROLS,
    OTHER_KEY,
    PASSWORD_HASH,
    FakeTarget,
    Result,
    container,
    open_target,
    share_prepared,
    vm,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GIB = 1 << 30


def pytest_configure(config: pytest.Config) -> None:
    """Claim a real node; report when it is wanted."""
    if not os.environ.get("ACCEPTANCE_HOST"):  # then phoenix has the user's own environment
        apart.settle()
    acceptance.configure(config)
    share_prepared()
    config.pluginmanager.register(guest_steps)
    config.pluginmanager.register(foreign_steps)
    config.pluginmanager.register(surroundings_steps)
    config.pluginmanager.register(cluster_steps)


def pytest_bdd_apply_tag(tag: str, function: Callable[..., Any]) -> bool:
    """Leave a scenario out where its tag says so."""
    if reason := tags.reason(tag):
        pytest.mark.skip(reason=reason)(function)
    if tag == "guests":
        pytest.mark.xdist_group("guests")(function)  # they share one guest
    if tag == "slow":
        pytest.mark.slow(function)
    return True


@pytest.fixture
def target(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FakeTarget]:
    opened = open_target(tmp_path, acceptance.feature_of(request.node))
    yield opened
    acceptance.finish(request.node, opened)


class Story:
    """What one step leaves for the next."""

    result: Result
    mac: str
    noted: list[str]
    problems: list[str]


@pytest.fixture
def story() -> Story:
    return Story()


def _vm(target: FakeTarget, vmid: int) -> dict[str, Any]:
    return next(found for found in target.hypervisor["vms"] if found.get("vmid") == vmid)


# Given


@given("a node with the Ubuntu cloud image")
def _node(target: FakeTarget) -> None:
    target.check()


@given(parsers.parse("the cloud image is {content}"))
def _bad_image(target: FakeTarget, content: str) -> None:
    texts = {"cut off": b"QFI\xfb" + bytes(20), "empty": b"", "an answer of a site": b"<html>404 Not Found</html>"}
    target.image.write_bytes(texts[content])


@given(parsers.parse('a configuration with VM {vmid:d} named "{name}"'))
def _configuration(target: FakeTarget, vmid: int, name: str) -> None:
    target.hypervisor = {"admin": {"username": "admin", "ssh_authorized_keys": [ADMIN_KEY]}, "vms": [vm(vmid, name)]}


@given(parsers.parse('a configuration that also has VM {vmid:d} named "{name}"'))
def _another_vm(target: FakeTarget, vmid: int, name: str) -> None:
    target.hypervisor["vms"].append(vm(vmid, name))


@given(parsers.parse("a configuration that also has container {vmid:d}"))
def _another_container(target: FakeTarget, vmid: int) -> None:
    target.containers[str(vmid)] = container(f"ct{vmid}")


@given(parsers.re(r'VM (?P<vmid>\d+) has "(?P<key>\w+)" set to (?P<value>.+)'), converters={"vmid": int})
def _set(target: FakeTarget, vmid: int, key: str, value: str) -> None:
    _vm(target, vmid)[key] = json.loads(value)


@given(parsers.parse("VM {vmid:d} has these values"))
def _set_several(target: FakeTarget, vmid: int, datatable: list[list[str]]) -> None:
    _vm(target, vmid).update({key: json.loads(value) for key, value in datatable[1:]})


@given(parsers.parse("VMs like {vmid:d}, each with one bad value"))
def _bad_values(target: FakeTarget, story: Story, vmid: int, datatable: list[list[str]]) -> None:
    like = _vm(target, vmid)
    target.hypervisor["vms"] = [{**like, key: json.loads(value)} for key, value, _ in datatable[1:]]
    story.problems = [problem for *_, problem in datatable[1:]]


@given(parsers.parse("VMs like {vmid:d}, each without one property"))
def _lacking(target: FakeTarget, story: Story, vmid: int, datatable: list[list[str]]) -> None:
    like = _vm(target, vmid)
    target.hypervisor["vms"] = [{k: v for k, v in like.items() if k != key} for key, _ in datatable[1:]]
    story.problems = [problem for *_, problem in datatable[1:]]


@given("the configuration file is missing")
def _no_file(target: FakeTarget) -> None:
    target.raw_hypervisor = ""


@given(parsers.re(r"the configuration file is (?P<content>[\[{].*)"))
def _raw(target: FakeTarget, content: str) -> None:
    target.raw_hypervisor = content


@given("the administrator has another key")
def _another_key(target: FakeTarget) -> None:
    target.hypervisor["admin"]["ssh_authorized_keys"].append(OTHER_KEY)


@given("the administrator has a password")
def _password(target: FakeTarget) -> None:
    target.hypervisor["admin"]["password_hash"] = PASSWORD_HASH


@given(parsers.parse('I have run "{line}"'))
def _have_run(target: FakeTarget, line: str) -> None:
    done = target.have_run(line)
    assert done.status == 0, done.output


@given(parsers.parse('someone ran "{line}"'))
def _someone(target: FakeTarget, line: str) -> None:
    done = target.tool(line)
    assert done.status == 0, done.output


@given(parsers.parse("someone made container {vmid:d}"))
def _someones_container(target: FakeTarget, vmid: int) -> None:
    target.take(vmid)


@given(parsers.parse('a run that was to make VM {vmid:d} "{name}" was interrupted at once'))
def _interrupted(target: FakeTarget, vmid: int, name: str) -> None:
    target.note(vmid, name)


@given(parsers.parse('VM {vmid:d} is locked by "{lock}"'))
def _locked(target: FakeTarget, vmid: int, lock: str) -> None:
    target.lock(vmid, lock)


@given(parsers.parse("the MAC address of VM {vmid:d} is remembered"))
def _remember(target: FakeTarget, story: Story, vmid: int) -> None:
    story.mac = _mac(target, vmid)


def _mac(target: FakeTarget, vmid: int) -> str:
    return re.findall(r"[0-9A-F:]{17}", target.options(vmid)["net0"])[0]


@given("the node's tools are missing")
def _no_tools(target: FakeTarget) -> None:
    target.with_tools = False


@given("the guest agent never answers")
def _silent(target: FakeTarget) -> None:
    target.faults([{"match": "qm agent * ping", "exit": 29, "stderr": "QEMU guest agent is not running"}])


@given(parsers.parse('I note the commands that "{line}" shows'))
def _note(target: FakeTarget, story: Story, line: str) -> None:
    shown = target.phoenix(line).stdout
    story.noted = [found[1] for found in re.finditer(r"^  \$ (qm .*)$", shown, re.MULTILINE)]
    assert len(story.noted) == 3, shown


@given("a node with the Debian container template")
def _template(target: FakeTarget) -> None:
    target.add_template()


@given(parsers.parse('a configuration with container {vmid:d} named "{name}"'))
@given(parsers.parse('a configuration that also has container {vmid:d} named "{name}"'))
def _containers(target: FakeTarget, vmid: int, name: str) -> None:
    target.hypervisor.setdefault("vms", [])
    target.containers[str(vmid)] = container(name)


@given(parsers.parse('a configuration that also has container {vmid:d} named "{name}" cloned from {source:d}'))
def _cloned_container(target: FakeTarget, vmid: int, name: str, source: int) -> None:
    made = {key: value for key, value in container(name).items() if key != "template"}
    target.containers[str(vmid)] = {**made, "clone_from_ctid": source}


@given(parsers.parse('a configuration that also has VM {vmid:d} named "{name}" cloned from {source:d}'))
def _cloned_vm(target: FakeTarget, vmid: int, name: str, source: int) -> None:
    made = {key: value for key, value in vm(vmid, name).items() if key != "template_image"}
    target.hypervisor["vms"].append({**made, "clone_from_vmid": source})


@given(parsers.parse('a configuration that also has VM {vmid:d} named "{name}" that depends on {needed:d}'))
def _depending_vm(target: FakeTarget, vmid: int, name: str, needed: int) -> None:
    target.hypervisor["vms"].append({**vm(vmid, name), "dependencies": [needed]})


@given(parsers.re(r'container (?P<vmid>\d+) has "(?P<key>\w+)" set to (?P<value>.+)'))
def _set_container(target: FakeTarget, vmid: str, key: str, value: str) -> None:
    target.containers[vmid][key] = json.loads(value)


@given(parsers.parse("container {vmid} has a password"))
def _container_password(target: FakeTarget, vmid: str) -> None:
    target.containers[vmid]["password_hash"] = PASSWORD_HASH


# When


@when(parsers.re(r'I run "(?P<line>.*)"'))
def _run(target: FakeTarget, story: Story, line: str) -> None:
    story.result = target.phoenix(line)


STREAMS = {
    "nothing": "",
    "stdin": "</dev/null",
    "stdout": ">OUT",
    "stderr": "2>ERR",
    "everything": "</dev/null >OUT 2>ERR",
}


@when(parsers.re(r'on a terminal with (?P<what>\w+) redirected I run "(?P<line>.*)" and answer "(?P<answer>.*)"'))
def _run_at_terminal(target: FakeTarget, story: Story, what: str, line: str, answer: str) -> None:
    target.at_terminal = (STREAMS[what], CONTROLS.get(answer, answer))
    story.result = target.phoenix(line)
    target.at_terminal = None


# Then


@then("it succeeds")
def _succeeds(story: Story) -> None:
    assert story.result.status == 0, story.result.output
    assert "Traceback" not in story.result.output


@then(parsers.re(r'it succeeds and says "(?P<text>.*)"'))
def _succeeds_saying(story: Story, text: str) -> None:
    _succeeds(story)
    assert text in story.result.output, story.result.output


@then(parsers.re(r'it fails with status (?P<status>\d+) and says "(?P<text>.*)"'), converters={"status": int})
def _fails(story: Story, status: int, text: str) -> None:
    assert story.result.status == status, story.result.output
    assert text in story.result.output, story.result.output
    assert "Traceback" not in story.result.output
    assert "  hint: " in story.result.stderr, "an error says what to do"


@then(parsers.parse("it fails with status {status:d} and says each problem"))
def _fails_with_each(story: Story, status: int) -> None:
    for problem in story.problems:
        _fails(story, status, problem)


@then(parsers.parse("it ends with status {status:d}"))
def _ends(story: Story, status: int) -> None:
    assert story.result.status == status, story.result.output


@then(parsers.re(r'it says "(?P<text>.*)"'))
def _says(story: Story, text: str) -> None:
    assert text in story.result.output, story.result.output


@then(parsers.parse("VM {vmid:d} is running"))
def _running(target: FakeTarget, vmid: int) -> None:
    assert target.tool(f"qm status {vmid}").stdout == "status: running\n"


@then(parsers.parse("container {vmid:d} is running"))
def _container_running(target: FakeTarget, vmid: int) -> None:
    assert target.tool(f"pct status {vmid}").stdout == "status: running\n"


@then(parsers.parse("container {vmid:d} does not exist"))
def _container_absent(target: FakeTarget, vmid: int) -> None:
    assert "does not exist" in target.tool(f"pct status {vmid}").stderr


@then(parsers.parse("container {vmid:d} has the options"))
def _container_options(target: FakeTarget, vmid: int, datatable: list[list[str]]) -> None:
    found = target.options(vmid, tool="pct")
    assert {name: found.get(name) for name, _ in datatable[1:]} == dict(datatable[1:])


@then(parsers.parse('container {vmid:d} has the option "{option}" with the value "{value}"'))
def _container_option(target: FakeTarget, vmid: int, option: str, value: str) -> None:
    assert target.options(vmid, tool="pct").get(option) == value


@then(parsers.parse("the root disk of container {vmid:d} has {size:d} GiB"))
def _container_disk(target: FakeTarget, vmid: int, size: int) -> None:
    assert target.options(vmid, tool="pct")["rootfs"].endswith(f",size={size}G")


ORDERED = {"started": ("start",), "made": ("create", "clone"), "destroyed": ("destroy",)}


@then(parsers.parse("the guests were {what} in an order that has {first:d} before {second:d}"))
def _order(target: FakeTarget, what: str, first: int, second: int) -> None:
    calls = [call for call in target.new_calls() if call[1] in ORDERED[what]]
    ids = [int(call[3] if call[1] == "clone" else call[2]) for call in calls]
    assert ids.index(first) < ids.index(second), ids


@then("nothing is left on the node")
def _nothing_left(target: FakeTarget) -> None:
    assert target.leftovers() == []


@then(parsers.parse('storage "{storage}" still has the volume "{volume}"'))
def _still_there(target: FakeTarget, storage: str, volume: str) -> None:
    assert f"{storage}:{volume} " in target.tool(f"pvesm list {storage}").stdout


@then(parsers.parse("VM {vmid:d} does not exist"))
def _absent(target: FakeTarget, vmid: int) -> None:
    assert "does not exist" in target.tool(f"qm status {vmid}").stderr


@then(parsers.parse("VM {vmid:d} has the options"))
def _has_options(target: FakeTarget, vmid: int, datatable: list[list[str]]) -> None:
    found = target.options(vmid)
    assert {name: found.get(name) for name, _ in datatable[1:]} == dict(datatable[1:])


@then(parsers.parse('VM {vmid:d} has the option "{option}" with the value "{value}"'))
def _has_option(target: FakeTarget, vmid: int, option: str, value: str) -> None:
    assert target.options(vmid).get(option) == value


@then(parsers.parse("VM {vmid:d} runs with {cores} cores"))
def _runs_with(target: FakeTarget, vmid: int, cores: str) -> None:
    assert target.options(vmid, "--current", "1")["cores"] == cores


@then(parsers.parse("nothing waits for a restart of VM {vmid:d}"))
def _nothing_waits(target: FakeTarget, vmid: int) -> None:
    lines = target.tool(f"qm pending {vmid}").stdout.splitlines()
    assert [line for line in lines if not line.startswith("cur ")] == []


@then(parsers.parse("the root disk of VM {vmid:d} has {size:d} GiB"))
def _disk_size(target: FakeTarget, vmid: int, size: int) -> None:
    volume = target.options(vmid)["scsi0"].split(",")[0]
    assert f"size={size}G" in target.options(vmid)["scsi0"]
    listed = target.tool(f"pvesm list {volume.partition(':')[0]} --vmid {vmid}").stdout.splitlines()
    assert int(next(line for line in listed if line.startswith(f"{volume} ")).split()[3]) == size * GIB


@then(parsers.parse('the root disk of VM {vmid:d} is the volume "{volume}"'))
def _disk_volume(target: FakeTarget, vmid: int, volume: str) -> None:
    assert target.options(vmid)["scsi0"].startswith(volume)


@then(parsers.parse('the network card of VM {vmid:d} is on bridge "{bridge}"'))
def _bridge(target: FakeTarget, vmid: int, bridge: str) -> None:
    assert f"bridge={bridge}" in target.options(vmid)["net0"].split(",")


@then(parsers.parse("VM {vmid:d} still has the remembered MAC address"))
def _same_mac(target: FakeTarget, story: Story, vmid: int) -> None:
    assert _mac(target, vmid) == story.mac


@then(parsers.parse('the user-data of VM {vmid:d} sets the hostname "{name}"'))
def _hostname(target: FakeTarget, vmid: int, name: str) -> None:
    assert yaml.safe_load(target.snippet(vmid)[0])["hostname"] == name


@then(parsers.parse("the user-data of VM {vmid:d} creates the configured administrator"))
def _administrator(target: FakeTarget, vmid: int) -> None:
    user = yaml.safe_load(target.snippet(vmid)[0])["users"][0]
    wanted = target.hypervisor["admin"]
    assert (user["name"], user["ssh_authorized_keys"]) == (wanted["username"], wanted["ssh_authorized_keys"])


@then(parsers.parse("the user-data of VM {vmid:d} can only be read by its owner"))
def _mode(target: FakeTarget, vmid: int) -> None:
    assert target.snippet(vmid)[1] == 0o600


@then("the node has no snippets")
def _no_snippets(target: FakeTarget) -> None:
    assert target.snippets() == []


@then(parsers.parse("no volume of VM {vmid:d} is left"))
def _no_volumes(target: FakeTarget, vmid: int) -> None:
    for storage in ("local", "local-lvm"):
        assert f"vm-{vmid}-" not in target.tool(f"pvesm list {storage}").stdout


@then("no command ran on the node")
def _no_command(target: FakeTarget) -> None:
    assert target.new_calls() == []


@then("no changing command ran on the node")
def _no_change(target: FakeTarget) -> None:
    assert target.changing_calls() == []


@then(parsers.parse("exactly {count:d} changing command ran on the node"))
def _changes(target: FakeTarget, count: int) -> None:
    assert len(target.changing_calls()) == count, target.changing_calls()


@then(parsers.parse("at most {count:d} commands ran on the node, polling the agent aside"))
def _few(target: FakeTarget, count: int) -> None:
    calls = [call for call in target.new_calls() if call[1] != "agent"]
    assert 0 < len(calls) <= count, calls


@then("the node's configuration files and snippets are as before")
def _untouched(target: FakeTarget) -> None:
    assert target.files() == target.before


@then("the noted commands are those that ran on the node")
def _as_noted(target: FakeTarget, story: Story) -> None:
    assert [shlex.join(call) for call in target.changing_calls()] == story.noted


@then("the password hash stands nowhere in the output")
def _no_secret(story: Story) -> None:
    assert PASSWORD_HASH not in story.result.output


@then("the password hash stands in no command line of the journal")
def _no_secret_in_journal(target: FakeTarget) -> None:
    assert PASSWORD_HASH not in json.dumps(target.calls())


@then(parsers.parse('stdout is one JSON document in which "{path}" is "{value}"'))
def _json(story: Story, path: str, value: str) -> None:
    found = json.loads(story.result.stdout)
    for part in path.split("."):
        found = found[int(part)] if part.isdigit() else found[part]
    assert str(found) == value


@then("stdout is exactly one line")
def _one_line(story: Story) -> None:
    assert len(story.result.stdout.splitlines()) == 1, story.result.stdout


@then(parsers.re(r'stdout says "(?P<text>.*)"'))
def _stdout_says(story: Story, text: str) -> None:
    assert text in story.result.stdout, story.result.stdout


@then(parsers.re(r'it does not say "(?P<text>.*)"'))
def _not_said(story: Story, text: str) -> None:
    assert text not in story.result.output, story.result.output


@then("stderr is empty")
def _silent_story(story: Story) -> None:
    assert story.result.stderr == ""
