"""Half-made guests: what is phoenix's own is mended, anything else explained with the commands that mend it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from phoenix_pve import identity, notes, unfinished
from phoenix_pve.commands import shell, steps
from phoenix_pve.guest import Admin, ContainerExtras, GuestSpec, GuestState, Kind, MountPoint, Power
from phoenix_pve.image import Image
from phoenix_pve.observe import Seen, state_of
from phoenix_pve.plan import Create, Goal, Mend, Plan, RefreshCloudInit, Remember, SetOptions, SetPassword, Start
from phoenix_pve.plan import Note as NoteChange
from phoenix_pve.planner import Options, plan
from phoenix_pve.readiness import Wait
from phoenix_pve.records import Record
from samples import STORAGES, USER_DATA, spec, state

HALF = GuestState(Kind.VM, 8001, Power.STOPPED, {"lock": "create"})
NOTE = unfinished.note_path(8001)
DISK = "local:8001/vm-8001-disk-0.raw"
RAN = ((1000.0, 1010.0),)
"""When the command of the interrupted run was at work."""

MADE = notes.Note(Kind.VM, "ubuntu-2404", storages=frozenset({"local", "local-lvm"}), spans=RAN)
CONF = "/etc/pve/qemu-server/8001.conf"
MINE = {"note": MADE, "traces": (NOTE,), "times": {CONF: 1001.0, DISK: 1005.0}}


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
        "install -D -m",
        f"rm -f {NOTE}",
        "qm start 8001",
    ]


def test_what_is_half_made_and_noted_is_cleared_away_and_made_anew() -> None:
    assert begins(planned(HALF, orphans=(DISK,), **MINE)) == [
        "install -D -m",
        "qm unlock 8001",
        "qm destroy 8001",
        f"pvesm free {DISK}",
        "qm create 8001",
        "install -D -m",
        f"rm -f {NOTE}",
        "qm start 8001",
    ]


def test_a_volume_without_a_guest_that_is_noted_is_freed() -> None:
    assert begins(planned(None, orphans=(DISK,), **MINE))[1:3] == [f"pvesm free {DISK}", "qm create 8001"]


@pytest.mark.parametrize(
    ("state", "changes", "message", "hint"),
    [
        (HALF, {}, "holds nothing but the lock `create`", "qm unlock 8001 && qm destroy 8001 --purge 1"),
        (HALF, {"orphans": (DISK,)}, "is half made", f"--purge 1 && pvesm free {DISK}"),
        (HALF, {**MINE, "note": replace(MADE, name="other")}, "is half made", "qm unlock 8001"),
        (HALF, {**MINE, "note": replace(MADE, spans=())}, "is half made", "qm unlock 8001"),
        (HALF, {**MINE, "times": {CONF: 1010.1}}, "is half made", "qm unlock 8001"),
        (HALF, {**MINE, "times": {CONF: 998.0}}, "is half made", "qm unlock 8001"),
        (HALF, {**MINE, "note": None, "odd_note": True}, "is half made", "qm unlock 8001"),
        (HALF, {**MINE, "note": replace(MADE, spans=((900.0, None),))}, "is half made", "qm unlock 8001"),
        (None, {**MINE, "orphans": (DISK,), "times": {DISK: 1010.1}}, f"there are volumes of it: {DISK}", "pvesm free"),
        (None, {**MINE, "orphans": (DISK,), "note": replace(MADE, there=(DISK,))}, "there are volumes", "pvesm free"),
        (None, {**MINE, "orphans": (DISK,), "note": replace(MADE, storages=frozenset({"nas"}))}, "there are", "pvesm"),
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
    assert begins(made)[1] == "pvesm free local-lvm:vm-8001-disk-0"


def container(**changes: Any) -> GuestSpec:
    points = (MountPoint("mp0", "local", 1, "/srv"),)
    extras = ContainerExtras("eth0", mount_points=points)
    return replace(spec(vmid=101, name="ct1"), kind=Kind.CONTAINER, container=extras, **changes)


BOX = {"hostname": "ct1", "cores": "2", "memory": "2048", "tags": "phoenix", "unprivileged": "1",
       "rootfs": "local:101/vm-101-disk-0.raw,size=8G", "net0": "name=eth0,bridge=vmbr0,ip=dhcp"}  # fmt: skip
BOXES = {**STORAGES, "local": replace(STORAGES["local"], content=frozenset({"images", "rootdir"}))}
NEW = "local:101/vm-101-disk-1.raw"


FOUND = "local:101/vm-101-disk-7.raw"
MINE_TOO = notes.Note(
    Kind.CONTAINER,
    "ct1",
    notes.CHANGE,
    storages=frozenset({"local"}),
    there=(FOUND,),
    guest=identity.Identity(root="local:101/vm-101-disk-0.raw"),
    spans=RAN,
)


def changed(note: notes.Note | None = None, orphans: tuple[str, ...] = (), *, lock: str = "", **changes: Any) -> Plan:
    """The plan of a container that lacks a mount point and whose root disk is too small."""
    options = {**BOX, **({"lock": lock} if lock else {})}
    state = GuestState(Kind.CONTAINER, 101, Power.STOPPED, options)
    sight = Seen(state, BOXES, note=note, orphans=orphans, times=dict.fromkeys(orphans, 1005.0))
    return plan(Goal.CREATE, container(), replace(sight, **changes), "", Options(wait=Wait.NONE))


def test_volumes_of_a_guest_that_exists_are_made_under_a_note() -> None:
    made = changed(orphans=("local:101/vm-101-disk-7.raw",))
    assert begins(made)[0] == "install -D -m"
    assert isinstance(made.changes[0], NoteChange)
    assert notes.parse(made.changes[0].text) == replace(MINE_TOO, spans=())
    assert begins(made)[1:] == ["pct set 101", "pct resize 101", "pct start 101", f"rm -f {unfinished.note_path(101)}"]


def test_a_volume_that_an_interrupted_change_left_is_freed_and_one_that_it_found_is_not() -> None:
    made = changed(MINE_TOO, (NEW, FOUND))
    assert begins(made)[1:5] == [f"pvesm free {NEW}", "pct set 101", "pct rescan --vmid", "pct resize 101"]
    assert not any(FOUND in line for line in lines(made))


@pytest.mark.parametrize("card", ["", "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01"])
def test_a_note_about_another_guest_with_the_same_id_is_worth_nothing(card: str) -> None:
    other = (
        identity.Identity(root="lvm:vm-101-disk-0")
        if not card
        else identity.Identity(root="local:101/vm-101-disk-0.raw", cards=frozenset({"BC:24:11:00:00:02"}))
    )
    state = GuestState(Kind.CONTAINER, 101, Power.STOPPED, {**BOX, **({"net0": card} if card else {})})
    made = changed(replace(MINE_TOO, guest=other), (NEW, FOUND), state=state)
    assert not any(line.startswith(("pvesm", "pct rescan")) for line in lines(made))


def test_a_note_is_read_back_as_it_was_written_and_goes_on_when_work_goes_on() -> None:
    text = notes.text(MINE_TOO) + "begin 2000.5\nend 2001.25\nbegin 3000\nbegin 4000\nend 40"
    read = notes.parse(text)
    assert read == replace(MINE_TOO, spans=(*RAN, (2000.5, 2001.25), (3000.0, None), (4000.0, 40.0)))
    assert notes.merged(MADE, replace(MADE, doing=notes.CHANGE, spans=())) == MADE


@pytest.mark.parametrize(
    "text",
    [
        *(
            "vm web1\n",
            "",
            "{}",
            "[1]",
            "null",
            "[" * 100_000,
            '{"format": 2}',
            notes.text(MADE).replace("2,", "3,", 1),
        ),
        notes.text(MADE).replace("[1000.0", f"[{'9' * 400}", 1),
    ],
)
def test_a_note_of_an_older_version_or_a_broken_one_proves_nothing(text: str) -> None:
    assert notes.parse(text) is None
    made = planned(state_of(Kind.VM, 8001, Power.RUNNING, b"name: ubuntu-2404\ntags: phoenix\n"), odd_note=True)
    assert f"rm {NOTE}" in made.notes[0]
    assert not any(f"rm -f {NOTE}" in line for line in lines(made)[:-1])


def test_volumes_that_nobody_noted_are_left_alone() -> None:
    assert not any("free" in line for line in lines(changed(orphans=(NEW,))))
    assert not any("free" in line for line in lines(changed(replace(MINE_TOO, name="other"), (NEW,))))


def test_an_interrupted_change_does_not_set_the_password_again() -> None:
    with_hash = replace(container(), admin=Admin("root", "$6$x$y", ()))
    for note, count in ((MINE_TOO, 0), (replace(MINE_TOO, doing=notes.MAKE, guest=None), 1)):
        sight = Seen(GuestState(Kind.CONTAINER, 101, Power.RUNNING, BOX), BOXES, note=note)
        made = plan(Goal.CREATE, with_hash, sight, "", Options(wait=Wait.NONE))
        assert sum("chpasswd" in line for line in lines(made)) == count


def test_volumes_named_anywhere_in_a_configuration_are_no_orphans() -> None:
    conf = b"rootfs: local:101/a.raw,size=8G\n[snap]\nmp0: volume=lvm:vm-101-disk-1,mp=/x\nunused0: local:101/c.raw\n"
    volumes = ["local:101/a.raw", "lvm:vm-101-disk-1", "local:101/c.raw", "lvm:vm-101-disk-10", "local:101/d.raw"]
    assert unfinished.unnamed(volumes, conf) == ("lvm:vm-101-disk-10", "local:101/d.raw")


def clone(source_lock: str, note: notes.Note | None, state: GuestState | None, *, force: bool = False) -> Plan:
    source = GuestState(Kind.CONTAINER, 101, Power.STOPPED, {**BOX, **({"lock": source_lock} if source_lock else {})})
    wanted = replace(container(), vmid=102, name="ct2", clone_from=101, image="")
    sight = Seen(state, BOXES, source=source, note=note, times={"/etc/pve/lxc/102.conf": 1001.0})
    return plan(Goal.CREATE, wanted, sight, "", Options(wait=Wait.NONE, force=force))


CLONING = notes.Note(Kind.CONTAINER, "ct2", source=101, spans=RAN)


@pytest.mark.parametrize(
    "state",
    [
        None,
        GuestState(
            Kind.CONTAINER,
            102,
            Power.STOPPED,
            {**BOX, "hostname": "ct2", "rootfs": "local:102/vm-102-disk-0.raw,size=8G"},
        ),
    ],
)
def test_a_lock_on_the_source_that_may_be_somebody_elses_goes_by_force_only(state: GuestState | None) -> None:
    refused = clone("disk", CLONING, state)
    assert refused.refusals[0].hint == "is a `pct clone` or `pct move-volume` at work? if not: pct unlock 101"
    assert "pct unlock 101" in lines(clone("disk", CLONING, state, force=True))[:2]


def test_nothing_is_begun_while_the_source_is_locked() -> None:
    assert "101 is locked (backup)" in clone("backup", None, None).refusals[0].message


def test_a_half_made_clone_proves_whose_lock_its_source_has() -> None:
    half = GuestState(Kind.CONTAINER, 102, Power.STOPPED, {"lock": "create"})
    assert lines(clone("disk", CLONING, half))[1:3] == ["pct unlock 101", "pct unlock 102"]
    wanted = replace(container(), vmid=102, name="ct2", clone_from=101)
    locked = Seen(half, BOXES, source=GuestState(Kind.CONTAINER, 101, Power.STOPPED, {"lock": "disk"}))
    proved = replace(locked, note=CLONING, times={"/etc/pve/lxc/102.conf": 1001.0})
    assert unfinished.left_locked([wanted], {102: proved}) == {101}
    assert unfinished.left_locked([wanted], {102: locked}) == set()
    assert lines(changed(lock="disk", freed=True))[1] == "pct unlock 101"


def test_delete_clears_away_what_is_half_made() -> None:
    found = {"local:snippets/phoenix-8001-user.yaml": "/var/lib/vz/snippets/phoenix-8001-user.yaml"}
    assert begins(planned(HALF, Goal.DELETE, orphans=(DISK,), snippets=found, **MINE)) == [
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


def test_options_that_a_killed_command_left_waiting_are_set_once_more() -> None:
    conf = "tags: a\nnet0: virtio=BC:24:11:00:80:01,bridge=vmbr0\n[PENDING]\n{}\n"
    for waiting, stuck in (
        ("tags: phoenix", {"tags"}),
        ("cores: 4", set()),
        ("net0: virtio=BC:24:11:00:80:01,bridge=vmbr1", {"net0"}),
        ("net0: virtio=BC:24:11:00:80:02,bridge=vmbr1", set()),
    ):
        data = conf.format(waiting).encode()
        assert state_of(Kind.VM, 8001, Power.RUNNING, data).stuck == stuck
        assert state_of(Kind.VM, 8001, Power.STOPPED, data).stuck == set()
    seen = Seen(replace(state(pending=("cores", "name")), stuck=frozenset({"name"})), STORAGES, USER_DATA)
    made = plan(Goal.CREATE, spec(), seen, USER_DATA, Options(wait=Wait.NONE))
    assert [line for line in lines(made) if "qm set" in line] == ["qm set 8001 --name ubuntu-2404 --digest d1"]


@pytest.mark.parametrize(
    ("state", "undone", "died", "goes"),
    [
        (None, ("create", "remember", "start"), False, True),
        (None, ("create", "remember", "start"), True, False),
        (HALF, ("create", "remember"), False, False),
        ("made", ("set", "remember"), False, False),
        ("made", ("start",), False, True),
        ("made", ("password",), False, False),
        ("made", ("refresh",), False, False),
        (None, ("mend", "create"), False, False),
    ],
)
def test_when_a_run_ends_with_an_error_the_note_goes_where_nothing_needs_it(
    state: Any, undone: tuple[str, ...], died: bool, goes: bool
) -> None:
    changes = {
        "create": Create(()),
        "remember": Remember("/x", Record(Kind.VM, "ubuntu-2404")),
        "start": Start(),
        "set": SetOptions((("cores", "2"),)),
        "password": SetPassword("root", "x"),
        "refresh": RefreshCloudInit(),
        "mend": Mend(configuration=True, volumes=()),
    }
    left = [changes[word] for word in undone]
    there = state_of(Kind.VM, 8001, Power.STOPPED, b"name: ubuntu-2404\nmemory: 1\n") if state == "made" else state
    sight = Seen(there, STORAGES, note=MADE)
    assert (unfinished.may_go(left, died=died) and not unfinished.leaves_something(spec(), sight, left)) is goes
