"""What is remembered of a guest on its node: from what it was made, and what its next start brings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from phoenix_pve import records
from phoenix_pve.commands import WriteFile, steps
from phoenix_pve.guest import Kind, Power
from phoenix_pve.identity import Identity
from phoenix_pve.plan import Goal, Plan, Remember, Start, Tidy
from phoenix_pve.planner import Options, plan
from phoenix_pve.readiness import Wait
from phoenix_pve.records import Record
from samples import USER_DATA, seen, spec, state

CARD = frozenset({"BC:24:11:00:80:01"})
MADE = Record(Kind.VM, "ubuntu-2404", Identity(cards=CARD), "/var/lib/vz/template/iso/noble.img")
DUE = replace(MADE, due=("user-data",), boot="100.000")


def planned(goal: Goal = Goal.CREATE, user_data: str = USER_DATA, power: Power = Power.RUNNING, **sight: Any) -> Plan:
    options = Options(wait=Wait.NONE, restart=sight.pop("restart", False))
    want = {key: sight.pop(key) for key in ("image", "clone_from") if key in sight}
    return plan(goal, spec(**want), seen(state(power), boot="100.000", **sight), user_data, options)


def written(made: Plan) -> Record | None:
    found = [change.record for change in made.changes if isinstance(change, Remember)]
    assert len(found) <= 1
    return found[0] if found else None


def test_a_record_is_read_as_it_was_written() -> None:
    for record in (MADE, DUE, replace(MADE, guest=None)):
        assert records.parse(records.text(record)) == record


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "x", "[" * 100_000, records.text(MADE).replace('"format": 1', '"format": 9')]
)
def test_what_is_no_record_is_none(text: str) -> None:
    assert records.parse(text) is None


def test_a_guest_that_is_made_is_remembered_before_its_note_goes() -> None:
    made = plan(Goal.CREATE, spec(), seen(), USER_DATA, Options(wait=Wait.NONE))
    kinds = [type(change) for change in made.changes]
    assert kinds.index(Remember) < kinds.index(Tidy) < kinds.index(Start)
    assert written(made) == replace(MADE, guest=None)


def test_what_the_next_boot_brings_is_due_until_it_comes() -> None:
    changed = planned(user_data="#cloud-config\nnew\n", record=MADE)
    assert written(changed) == DUE
    waits = planned(record=DUE)
    assert (waits.changes, waits.waiting) == ((), ("user-data",))
    assert planned(record=DUE, restart=True).changes != ()
    assert planned(record=replace(DUE, boot="90.000"), restart=True).changes == (), "it was started since"
    assert planned(power=Power.STOPPED, record=DUE).waiting == ()
    restarted = planned(record=DUE, restart=True)
    assert written(restarted) == replace(MADE, boot="100.000")


def test_a_record_of_another_guest_is_none() -> None:
    other = replace(DUE, guest=Identity(cards=frozenset({"BC:24:11:00:80:99"})))
    made = planned(record=other, image="/other.img")
    assert (made.changes, made.waiting, made.notes) == ((), (), ())


def test_another_image_is_noted_and_changes_nothing() -> None:
    made = planned(record=MADE, image="/other.img")
    assert made.changes == ()
    assert (
        "`template_image` says /other.img, and the VM was made from /var/lib/vz/template/iso/noble.img" in made.notes[0]
    )
    cloned = planned(record=replace(MADE, made_from="9000"), image="", clone_from=9001)
    assert "`clone_from_vmid` says 9001, and the VM was made from 9000" in cloned.notes[0]
    assert planned(record=MADE).notes == ()
    assert planned(record=replace(MADE, made_from="")).notes == ()


def test_a_record_goes_with_its_guest() -> None:
    made = planned(Goal.DELETE, record=MADE)
    assert isinstance(made.changes[-1], Tidy)
    assert records.path(8001) in made.changes[-1].paths
    assert not made.changes[-1].found, "that is no rest of an interrupted run"


def test_a_record_holds_no_secret_and_is_written_in_one_step() -> None:
    (step,) = steps(Kind.VM, 8001, Remember(records.path(8001), DUE))
    assert step == WriteFile("/var/lib/phoenix/8001.record", records.text(DUE))
