"""A guest whose ID is taken on another node or by the other kind: no goal touches anything, and every refusal leads on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phoenix_pve import whereabouts
from phoenix_pve.cluster import Here
from phoenix_pve.errors import RefusedError
from phoenix_pve.guest import GuestState, Kind, Power
from phoenix_pve.login import target
from phoenix_pve.node import Answers, Completed, LocalNode, Questions
from phoenix_pve.observe import observe, observe_many
from phoenix_pve.plan import Goal
from phoenix_pve.planner import Options, plan
from phoenix_pve.render import status_row
from phoenix_pve.ssh_config import NOWHERE
from phoenix_pve.surroundings import is_somewhere
from phoenix_pve.whereabouts import Elsewhere
from samples import USER_DATA, seen, spec

MINE = {"name": "ubuntu-2404", "tags": "phoenix"}
CASES: dict[str, tuple[Elsewhere, str, list[str], list[str]]] = {
    # who has the ID, what is said, what the hint holds, what it must not hold
    "the very one": (
        Elsewhere(Kind.VM, "pve2", GuestState(Kind.VM, 8001, Power.STOPPED, MINE)),
        "8001 ubuntu-2404 is on node pve2",
        ["phoenix --host pve2 {goal} 8001", "on pve2: qm migrate 8001 pve1"],
        ["another ID", "phoenix create 8001,"],
    ),
    "another's": (
        Elsewhere(Kind.VM, "pve2", GuestState(Kind.VM, 8001, Power.STOPPED, {"name": "shop-db"})),
        "the ID 8001 is taken by VM `shop-db` on node pve2",
        ["another ID"],
        ["migrate", "--host"],
    ),
    "phoenix' own by another name": (
        Elsewhere(Kind.VM, "pve2", GuestState(Kind.VM, 8001, Power.STOPPED, {**MINE, "name": "old"})),
        "the ID 8001 is taken by VM `old` on node pve2",
        ["another ID"],
        ["migrate"],
    ),
    "without a name": (
        Elsewhere(Kind.VM, "pve2", GuestState(Kind.VM, 8001, Power.STOPPED, {})),
        "the ID 8001 is taken by a VM on node pve2",
        ["another ID"],
        ["migrate"],
    ),
    "not to be read": (
        Elsewhere(Kind.VM, "pve2", None),
        "the ID 8001 is taken by a VM on node pve2",
        ["phoenix --host pve2 {goal} 8001"],
        ["another ID"],
    ),
    "a container there": (
        Elsewhere(Kind.CONTAINER, "pve2", GuestState(Kind.CONTAINER, 8001, Power.STOPPED, {"hostname": "ct1"})),
        "the ID 8001 is taken by container `ct1` on node pve2, the configuration defines a VM",
        ["another ID"],
        ["migrate"],
    ),
    "a container here": (
        Elsewhere(Kind.CONTAINER, "", GuestState(Kind.CONTAINER, 8001, Power.STOPPED, {"hostname": "ct1"})),
        "8001 is a container here, the configuration defines a VM; it is called `ct1`",
        ["another ID"],
        ["migrate", "--host"],
    ),
}
HERE = Here("pve1", online=(3, 3))
LEFT = {
    "note": "vm ubuntu-2404\n",
    "traces": ("/var/lib/phoenix/8001.unfinished",),
    "orphans": ("local-lvm:vm-8001-x",),
}


@pytest.mark.parametrize(
    "options", [Options(), Options(force=True), Options(restart=True)], ids=["", "force", "restart"]
)
@pytest.mark.parametrize("goal", Goal)
@pytest.mark.parametrize("case", CASES)
def test_no_goal_touches_it(case: str, goal: Goal, options: Options) -> None:
    elsewhere, said, holds, lacks = CASES[case]
    for left in ({}, LEFT):  # whatever an interrupted run left here
        made = plan(goal, spec(), seen(elsewhere=elsewhere, here=HERE, snippet=USER_DATA, **left), USER_DATA, options)
        assert (made.changes, made.exists, [refusal.message for refusal in made.refusals]) == ((), False, [said])
        hint = made.refusals[0].hint
        assert [part for part in holds if part.format(goal=goal) not in hint] == []
        assert [part for part in lacks if part in hint] == []


def test_a_guest_to_adopt_is_adopted_where_it_is() -> None:
    elsewhere = CASES["another's"][0]
    made = plan(Goal.CREATE, spec(), seen(elsewhere=elsewhere, here=HERE), USER_DATA, Options(adopt=True))
    assert "phoenix --host pve2 adopt 8001" in made.refusals[0].hint


def test_what_a_listing_says() -> None:
    rows = {case: status_row(spec(), seen(elsewhere=found[0])) for case, found in CASES.items()}
    assert {case: (row["status"], row["stranger"]) for case, row in rows.items()} == {
        "the very one": ("on node pve2", None),
        "another's": ("absent", "the ID is taken by VM `shop-db` on node pve2"),
        "phoenix' own by another name": ("absent", "the ID is taken by VM `old` on node pve2"),
        "without a name": ("absent", "the ID is taken by a VM on node pve2"),
        "not to be read": ("on node pve2", None),
        "a container there": (
            "absent",
            "the ID is taken by container `ct1` on node pve2, the configuration defines a VM",
        ),
        "a container here": ("absent", "is a container here, the configuration defines a VM; it is called `ct1`"),
    }


def test_a_dependant_on_another_node_is_one() -> None:
    exist = [case for case, found in CASES.items() if is_somewhere(spec(), seen(elsewhere=found[0]))]
    assert exist == ["the very one", "not to be read"]
    assert not is_somewhere(spec(), seen())


def test_what_is_cloned_from_a_guest_of_another_node() -> None:
    made = plan(Goal.CREATE, spec(clone_from=9000), seen(source_node="pve2", here=HERE), USER_DATA, Options())
    assert [r.message for r in made.refusals] == [
        "the VM 9000, which 8001 is cloned from, is on node pve2, and Proxmox clones only what is on the node itself"
    ]
    assert "on pve2: qm migrate 9000 pve1" in made.refusals[0].hint


class Lab(LocalNode):
    """A node in a folder whose tools know no guest, as those of a node know none of another's."""

    def run(self, argv, stdin=None):  # type: ignore[no-untyped-def]
        if argv[1] == "list":
            return Completed(tuple(argv), 0, "", "")
        return Completed(tuple(argv), 2, "", f"Configuration file 'nodes/pve1/…/{argv[2]}.conf' does not exist\n")


VMLIST = {"version": 3, "ids": {"8001": {"node": "pve2", "type": "qemu", "version": 7}}}
FILES = {
    "etc/pve/storage.cfg": "dir: local\n\tpath /var/lib/vz\n\tcontent images,snippets\n",
    "etc/pve/nodes/pve2/qemu-server/8001.conf": "name: ubuntu-2404\ntags: phoenix\n",
    "etc/pve/.members": '{"nodename": "pve1"}',
}
WORLDS = {
    "by .vmlist": {"etc/pve/.vmlist": json.dumps(VMLIST)},
    "by the nodes' folders": {},
    "by those, .vmlist being odd": {"etc/pve/.vmlist": "{"},
    "a node that does not know its name": {"etc/pve/.vmlist": json.dumps(VMLIST), "etc/pve/.members": ""},
}


@pytest.fixture(params=WORLDS)
def lab(tmp_path: Path, request: pytest.FixtureRequest) -> Lab:
    for path, text in {**FILES, **WORLDS[request.param]}.items():
        tmp_path.joinpath(path).parent.mkdir(parents=True, exist_ok=True)
        tmp_path.joinpath(path).write_text(text)
    return Lab(str(tmp_path))


def test_the_look_finds_it(lab: Lab) -> None:
    other = spec(vmid=8002, name="other")
    for found in (observe(lab, spec()), observe_many(lab, [spec(), other])[8001]):
        assert found.elsewhere
        assert whereabouts.words(spec(), found.elsewhere) == "8001 ubuntu-2404 is on node pve2"
    assert observe(lab, other).elsewhere is None


@pytest.mark.parametrize("network", [{}, {"ip": "10.0.0.5/24"}], ids=["by its agent", "with a stated address"])
def test_nobody_logs_into_it_from_here(lab: Lab, network: dict[str, str]) -> None:
    with pytest.raises(RefusedError, match="8001 ubuntu-2404 is on node pve2") as caught:
        target(lab, spec(network=network), NOWHERE)
    assert "phoenix --host pve2 ssh 8001" in caught.value.hint
    with pytest.raises(RefusedError, match="VM 8002 does not exist on the node"):
        target(lab, spec(vmid=8002, network=network), NOWHERE)


def test_a_container_that_has_the_id_of_a_vm_here(lab: Lab) -> None:
    path = Path(lab.root) / "etc/pve/lxc/8002.conf"
    path.parent.mkdir()
    path.write_text("hostname: ct1\n")
    found = observe(lab, spec(vmid=8002))
    assert found.elsewhere
    assert whereabouts.words(spec(vmid=8002), found.elsewhere).startswith("8002 is a container here")


class Counting(Lab):
    """Counts what it is asked."""

    looks: list[Questions]

    def look(self, questions: Questions) -> Answers:
        self.looks.append(questions)
        return super().look(questions)


def test_nothing_more_is_called_and_looked_at_than_before(tmp_path: Path) -> None:
    for path, text in {**FILES, **WORLDS["by .vmlist"]}.items():
        tmp_path.joinpath(path).parent.mkdir(parents=True, exist_ok=True)
        tmp_path.joinpath(path).write_text(text)
    node = Counting(str(tmp_path))
    node.looks = []
    observe(node, spec())
    assert [len(questions.commands) for questions in node.looks] == [1, 0]
