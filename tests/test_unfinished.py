"""Half-made guests: what is phoenix's own is mended, anything else explained with the commands that mend it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from phoenix_pve import unfinished
from phoenix_pve.commands import shell, steps
from phoenix_pve.guest import GuestState, Kind, Power
from phoenix_pve.image import Image
from phoenix_pve.observe import Seen
from phoenix_pve.plan import Goal, Plan
from phoenix_pve.planner import Options, plan
from phoenix_pve.readiness import Wait
from samples import STORAGES, USER_DATA, spec

HALF = GuestState(Kind.VM, 8001, Power.STOPPED, {"lock": "create"})
NOTE = unfinished.note_path(8001)
DISK = "local:8001/vm-8001-disk-0.raw"
MINE = {"note": "vm ubuntu-2404\n", "traces": (NOTE,)}


def planned(state: GuestState | None, goal: Goal = Goal.CREATE, **changes: Any) -> Plan:
    options = Options(wait=Wait.NONE, force=changes.pop("force", False))
    sight = Seen(state, STORAGES, USER_DATA, Image("qcow2", 32 << 30))
    return plan(goal, spec(), replace(sight, **changes), USER_DATA, options)


def lines(made: Plan) -> list[str]:
    return [shell(step).split("   #")[0] for change in made.changes for step in steps(made.kind, made.vmid, change)]


def begins(made: Plan) -> list[str]:
    return [" ".join(line.split()[:3]) for line in lines(made)]


def test_making_a_guest_is_noted_until_it_is_complete() -> None:
    assert begins(planned(None)) == [
        "install -D -m",
        "qm create 8001",
        f"rm -f {NOTE}",
        "qm start 8001",
    ]


def test_what_is_half_made_and_noted_is_cleared_away_and_made_anew() -> None:
    assert begins(planned(HALF, orphans=(DISK,), **MINE)) == [
        "qm unlock 8001",
        "qm destroy 8001",
        f"pvesm free {DISK}",
        "qm create 8001",
        f"rm -f {NOTE}",
        "qm start 8001",
    ]


def test_a_volume_without_a_guest_that_is_noted_is_freed() -> None:
    assert begins(planned(None, orphans=(DISK,), **MINE))[:2] == [f"pvesm free {DISK}", "qm create 8001"]


@pytest.mark.parametrize(
    ("state", "changes", "message", "hint"),
    [
        (HALF, {}, "holds nothing but the lock `create`", "qm unlock 8001 && qm destroy 8001 --purge 1"),
        (HALF, {"orphans": (DISK,)}, "is half made", f"--purge 1 && pvesm free {DISK}"),
        (HALF, {"note": "vm other\n"}, "is half made", "qm unlock 8001"),
        (None, {"orphans": (DISK,)}, f"there are volumes of it: {DISK}", f"pvesm free {DISK}"),
        (None, {"orphans": ("local-lvm:vm-8001-disk-0",), **MINE}, "may have found", "free local-lvm:vm-8001-disk-0"),
    ],
)
def test_what_is_not_provably_ours_is_left_alone(
    state: GuestState | None, changes: dict[str, Any], message: str, hint: str
) -> None:
    made = planned(state, **changes)
    assert made.changes == ()
    assert message in made.refusals[0].message
    assert hint in made.refusals[0].hint


def test_force_frees_what_an_interrupted_run_may_have_found() -> None:
    made = planned(None, orphans=("local-lvm:vm-8001-disk-0",), force=True, **MINE)
    assert begins(made)[0] == "pvesm free local-lvm:vm-8001-disk-0"


def test_delete_clears_away_what_is_half_made() -> None:
    assert begins(planned(HALF, Goal.DELETE, orphans=(DISK,), **MINE)) == [
        "qm unlock 8001",
        "qm destroy 8001",
        f"pvesm free {DISK}",
        "rm -f /var/lib/vz/snippets/phoenix-8001-user.yaml",
        f"rm -f {NOTE}",
    ]
    assert "is half made" in planned(HALF, Goal.DELETE).refusals[0].message


def test_a_disk_that_is_gone_is_explained() -> None:
    made = planned(replace(HALF, options={"scsi0": DISK, "name": "ubuntu-2404", "tags": "phoenix"}), missing=(DISK,))
    assert f"{DISK} does not exist" in made.refusals[0].message
    assert "phoenix delete 8001" in made.refusals[0].hint


def test_the_volumes_of_block_storages_are_read_from_what_pvesm_says() -> None:
    text = (
        "Volid Format Type Size VMID\nlocal-lvm:vm-8001-disk-0 raw images 1 8001\nlocal-lvm:vm-800-disk-0 raw x 1 800\n"
    )
    assert unfinished.volumes_listed(8001, text) == ["local-lvm:vm-8001-disk-0"]
