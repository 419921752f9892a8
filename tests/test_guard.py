"""Right before a step: is it still the guest that was planned for? And what tells one guest from another."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from phoenix_pve import guard, identity
from phoenix_pve.guest import Kind, Power
from phoenix_pve.identity import Identity
from phoenix_pve.node import Answers, File
from phoenix_pve.observe import state_of
from phoenix_pve.plan import (
    Change,
    Clone,
    Create,
    Destroy,
    Goal,
    Grow,
    Mend,
    Note,
    RemoveSnippet,
    SetOptions,
    SetPassword,
    Shutdown,
    Start,
    Stop,
    WriteSnippet,
)

UUID, OTHER = "0a1b2c3d-0000-4000-8000-000000000001", "0a1b2c3d-0000-4000-8000-000000000002"
CONF = "/etc/pve/qemu-server/8001.conf"
VM = {
    "name": "web",
    "tags": "phoenix",
    "memory": "512",
    "net0": "virtio=BC:24:11:00:80:01,bridge=vmbr0",
    "scsi0": "local:8001/vm-8001-disk-0.raw,size=8G",
    "smbios1": f"uuid={UUID}",
}
SEEN = guard.Expected(Goal.DELETE, Kind.VM, 8001, Identity(uuid=UUID), frozenset({"web"}))
GONE = Destroy(("local:8001/vm-8001-disk-0.raw",))
DANGEROUS: list[Change] = [Stop(), Shutdown(60, force=True), Start(), GONE, Grow("scsi0", 9), SetPassword("root", "x")]


MEND = Mend(configuration=True, volumes=("local:8001/vm-8001-disk-0.raw",))


def text(**changes: str | None) -> bytes:
    options = {**VM, **changes}
    return "".join(f"{key}: {value}\n" for key, value in options.items() if value is not None).encode()


def answers(data: bytes | None, path: str = CONF, **more: Any) -> Answers:
    files = {} if data is None else {path: File(len(data), data)}
    return Answers((), files | more.pop("files", {}), **more)


@pytest.mark.parametrize("change", DANGEROUS, ids=lambda change: type(change).__name__)
@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (text(), ""),
        (text(description="new", cores="4"), ""),
        (text(smbios1=f"uuid={OTHER}"), "given to another VM meanwhile, which is called `web` now"),
        (text(smbios1=f"uuid={OTHER}", name="precious"), "which is called `precious` now"),
        (text(name="renamed"), "the VM is called `renamed` now"),
        (text(name=None), "the VM has no name now"),
        (text(tags="mine"), "does not carry the tag `phoenix` any more"),
        (text(tags=None) + b"#managed by phoenix\n", "does not carry the tag `phoenix` any more"),
        (text(lock="backup"), "it was locked meanwhile (backup)"),
        (text(protection="1"), "it was protected against removal meanwhile"),
        (None, "the VM is not on this node any more"),
    ],
)
def test_a_guest_that_is_not_what_it_was_is_left_alone(change: Change, now: bytes | None, reason: str) -> None:
    assert guard.is_guarded(SEEN, change)
    found = guard.problem(SEEN, change, answers(now))
    assert reason in found
    assert bool(found) is bool(reason)


def test_a_guest_that_went_to_another_node_is_named_with_it() -> None:
    listed = json.dumps({"ids": {"8001": {"node": "pve2", "type": "qemu"}}}).encode()
    files = {"/etc/pve/.vmlist": File(len(listed), listed)}
    assert guard.problem(SEEN, Stop(), answers(None, files=files)) == "the VM is on node pve2 now"


def test_protection_hinders_a_deletion_alone_and_a_lock_that_was_seen_hinders_nothing() -> None:
    assert guard.problem(replace(SEEN, goal=Goal.RESTART), Stop(), answers(text(protection="1"))) == ""
    assert guard.problem(replace(SEEN, lock="suspended"), Start(), answers(text(lock="suspended"))) == ""


def test_a_disk_that_came_meanwhile_is_not_destroyed() -> None:
    now = answers(text(scsi1="local:8001/vm-8001-disk-1.raw,size=1G", scsi2="local:998/vm-998-disk-0.raw"))
    assert guard.problem(SEEN, GONE, now) == "it got more volumes meanwhile: local:8001/vm-8001-disk-1.raw"


def test_what_goes_with_a_guest_is_what_its_plan_says() -> None:
    """`qm destroy` removes an image of any name in the guest's folder, and no ISO image, whatever that is called."""
    iso = "local:iso/debian-8001-netinst.iso,media=cdrom"
    assert guard.problem(SEEN, GONE, answers(text(ide2=iso, scsi2="local:100/vm-100-disk-8001-1.raw"))) == ""
    now = answers(text(scsi1="local:8001/data.raw,size=1G"))
    assert guard.problem(SEEN, GONE, now) == "it got more volumes meanwhile: local:8001/data.raw"
    assert guard.problem(SEEN, Stop(), now) == ""


def test_a_guest_that_was_just_made_is_known_by_name_and_mark_and_then_by_its_identity() -> None:
    made = replace(SEEN, goal=Goal.CREATE, identity=None)
    assert guard.problem(made, Start(), answers(text())) == ""
    assert "precious" in guard.problem(made, Start(), answers(text(name="precious")))
    assert guard.learned(made, MEND, answers(b"")) == made
    known = guard.learned(made, Start(), answers(text()))
    assert known.identity == Identity(uuid=UUID, cards=frozenset({"BC:24:11:00:80:01"}))
    assert "another VM" in guard.problem(known, Start(), answers(text(smbios1=f"uuid={OTHER}")))
    cloned = replace(made, source=(100, Identity()))
    described = text(tags=None) + b"#managed by phoenix\n"
    assert guard.problem(cloned, Start(), answers(described)) == ""
    assert guard.problem(made, Start(), answers(described)) != ""


BOX = "/etc/pve/lxc/101.conf"


def box(card: str = "BC:24:11:00:00:01", root: str = "local:101/vm-101-disk-0.raw") -> bytes:
    return f"hostname: ct1\ntags: phoenix\nrootfs: {root},size=8G\nnet0: name=eth0,hwaddr={card}\n".encode()


def test_a_container_is_known_by_its_root_volume_and_its_cards() -> None:
    whose = identity.of(state_of(Kind.CONTAINER, 101, Power.RUNNING, box()))
    expected = guard.Expected(Goal.RESTART, Kind.CONTAINER, 101, whose, frozenset({"ct1"}))
    assert guard.problem(expected, Stop(), answers(box(), BOX)) == ""
    assert "another container" in guard.problem(expected, Stop(), answers(box(card="BC:24:11:00:00:02"), BOX))
    assert "another container" in guard.problem(expected, Stop(), answers(box(root="lvm:vm-101-disk-0"), BOX))
    given = SetOptions((("net0", "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:02"),))
    after = guard.after(expected, given)
    assert guard.problem(after, Stop(), answers(box(card="BC:24:11:00:00:02"), BOX)) == ""
    assert guard.after(expected, SetOptions((("cores", "2"),))) == expected


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Identity(uuid="a"), Identity(uuid="a", generation="x"), True),
        (Identity(uuid="a", made="1"), Identity(uuid="b", made="1"), False),
        (Identity(made="1"), Identity(uuid="b", made="1"), True),
        (Identity(generation="1"), Identity(generation="2"), False),
        (Identity(), Identity(uuid="b"), True),
        (Identity(cards=frozenset("ab")), Identity(cards=frozenset("bc")), True),
        (Identity(cards=frozenset("ab")), Identity(cards=frozenset("cd")), False),
    ],
)
def test_identities_are_compared_by_the_first_thing_that_both_say(one: Identity, other: Identity, same: bool) -> None:
    assert identity.same(one, other) is identity.same(other, one) is same
    if one != Identity():
        assert identity.from_json(identity.to_json(one)) == one


@pytest.mark.parametrize("odd", [None, {}, [], "x", {"nope": "x"}, {"uuid": 1}, {"cards": "x"}, {"cards": [1]}])
def test_what_is_no_identity_is_none(odd: Any) -> None:
    assert identity.from_json(odd) is None


CLONE = Clone(100, "copy", "local")
SOURCE = "/etc/pve/qemu-server/100.conf"
COPY = guard.Expected(Goal.CREATE, Kind.VM, 8001, names=frozenset({"copy"}), source=(100, Identity(uuid=UUID)))


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({SOURCE: text()}, ""),
        ({SOURCE: text(), CONF: text()}, "somebody else made a guest with this ID meanwhile"),
        ({}, "100, which it is cloned from, is not on this node any more"),
        ({SOURCE: text(smbios1=f"uuid={OTHER}")}, "100, which it is cloned from, was replaced"),
        ({SOURCE: text(lock="migrate")}, "100, which it is cloned from, was locked meanwhile (migrate)"),
    ],
)
def test_what_is_cloned_is_what_was_seen(found: dict[str, bytes], reason: str) -> None:
    files = {path: File(len(data), data) for path, data in found.items()}
    assert guard.problem(COPY, CLONE, Answers((), files)).startswith(reason)
    assert bool(guard.problem(COPY, CLONE, Answers((), files))) is bool(reason)


def test_a_clone_waits_for_another_clone_of_the_same_container() -> None:
    path, data = "/etc/pve/lxc/100.conf", box() + b"lock: disk\n"
    whose = replace(COPY, kind=Kind.CONTAINER, source=(100, Identity(root="local:101/vm-101-disk-0.raw")))
    assert guard.problem(whose, CLONE, Answers((), {path: File(len(data), data)})) == ""


HALF = replace(SEEN, identity=None, claimed=7.0)


@pytest.mark.parametrize(
    ("data", "time", "first", "reason"),
    [
        (b"lock: create\n", 7.0, True, ""),
        (b"lock: create\n", 8.0, True, "what was half made is not what it was any more"),
        (b"", 8.0, False, ""),
        (b"lock: backup\n", 8.0, False, "what was half made is not what it was any more"),
        (None, 0.0, False, ""),
        (None, 0.0, True, "what was half made is not what it was any more"),
        (text(), 7.0, True, "what was half made is not what it was any more"),
        (text(), 8.0, False, "what was half made is not what it was any more"),
    ],
)
def test_what_is_cleared_away_is_what_was_seen(data: bytes | None, time: float, first: bool, reason: str) -> None:
    assert guard.problem(HALF, MEND, answers(data, times={CONF: time}), first=first) == reason


def test_a_volume_that_a_guest_names_now_is_not_freed_nor_user_data_removed() -> None:
    freed = replace(MEND, configuration=False)
    assert "belongs to the guest now" in guard.problem(HALF, freed, answers(text()))
    assert guard.problem(HALF, freed, answers(None)) == ""
    snippet = RemoveSnippet("local:snippets/phoenix-8001-user.yaml", "/x")
    named = text(cicustom="user=local:snippets/phoenix-8001-user.yaml")
    assert guard.problem(SEEN, snippet, answers(named)) == "a guest names local:snippets/phoenix-8001-user.yaml"
    assert guard.problem(SEEN, snippet, answers(text())) == ""


def test_what_needs_no_look() -> None:
    new = replace(SEEN, identity=None)
    for change in (Create(()), Note("/x", "y"), WriteSnippet("v", "/x", "t")):
        assert not guard.is_guarded(new, change)
    assert guard.is_guarded(SEEN, WriteSnippet("v", "/x", "t"))
    assert not guard.is_guarded(SEEN, SetOptions((("cores", "2"),), "digest")), "its digest guards it"
