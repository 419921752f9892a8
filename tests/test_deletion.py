"""What a deletion knows of user-data, who else refers to it, and which volumes it left."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix_pve import deletion
from phoenix_pve.errors import CommandFailedError
from phoenix_pve.guest import Kind
from phoenix_pve.node import Answers, Completed, File, LocalNode, Questions
from phoenix_pve.plan import Destroy, Goal, RemoveSnippet, Stop
from phoenix_pve.planner import Options, plan
from samples import STORAGES, seen, spec, state

VOLUME = "local:snippets/phoenix-8001-user.yaml"


@pytest.fixture
def node(tmp_path: Path) -> LocalNode:
    for folder in ("var/lib/vz/snippets", "isos/snippets", "etc/pve/qemu-server", "etc/pve/nodes/pve2/qemu-server"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "var/lib/vz/snippets/phoenix-8001-user.yaml").write_text("here")
    (tmp_path / "isos/snippets/phoenix-8001-user.yaml").write_text("from earlier")
    (tmp_path / "etc/pve/qemu-server/8001.conf").write_text(f"cicustom: user={VOLUME}\n")
    return LocalNode(str(tmp_path))


def sight(node: LocalNode) -> tuple[dict[str, str], dict[str, tuple[int, ...]]]:
    found = deletion.with_snippets(node, [spec()], {8001: seen(state())})[8001]
    return dict(found.snippets), dict(found.snippet_users)


def test_user_data_is_found_on_every_storage_that_may_have_been_named_earlier(node: LocalNode) -> None:
    snippets, users = sight(node)
    assert snippets == {
        VOLUME: "/var/lib/vz/snippets/phoenix-8001-user.yaml",
        "isos:snippets/phoenix-8001-user.yaml": "/isos/snippets/phoenix-8001-user.yaml",
    }
    assert set(users.values()) == {()}
    made = plan(Goal.DELETE, spec(), seen(state(), snippets=snippets), "", Options())
    assert [type(change) for change in made.changes] == [Stop, Destroy, RemoveSnippet, RemoveSnippet]


@pytest.mark.parametrize("place", ["qemu-server/9000.conf", "nodes/pve2/qemu-server/9000.conf"])
def test_who_else_refers_to_it_is_found_in_the_whole_cluster(node: LocalNode, place: str) -> None:
    root = Path(node.root)
    (root / "etc/pve" / place).write_text(f"name: copy\n[before]\ncicustom: user={VOLUME},network=local:snippets/n\n")
    (root / "etc/pve/.vmlist").write_text('{"ids": {"9000": {"node": "pve2", "type": "qemu"}}}')
    snippets, users = sight(node)
    assert users[VOLUME] == (9000,)
    made = plan(Goal.DELETE, spec(), seen(state(), snippets=snippets, snippet_users=users), "", Options())
    assert [change.volume for change in made.changes if isinstance(change, RemoveSnippet)] == [
        "isos:snippets/phoenix-8001-user.yaml"
    ]
    assert made.notes == (f"8001 ubuntu-2404: its user-data {VOLUME} stays, because 9000 refers to it",)


def test_without_user_data_nobody_is_asked_who_refers_to_it(node: LocalNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look after a deletion, of every guest: it reads no configuration of the whole cluster."""
    for place in ("var/lib/vz", "isos"):
        (Path(node.root) / place / "snippets/phoenix-8001-user.yaml").unlink()
    asked: list[Questions] = []
    look = LocalNode.look
    monkeypatch.setattr(LocalNode, "look", lambda self, questions: asked.append(questions) or look(self, questions))
    assert sight(node) == ({}, {})
    assert [questions.folders for questions in asked] == [()]


class Listing(LocalNode):
    """A node whose pvesm lists one volume, or fails."""

    def __init__(self, status: int = 0) -> None:
        super().__init__("/nowhere")
        self.status = status

    def look(self, questions: Questions) -> Answers:
        listed = "Volid Format Type Size VMID\nlocal-lvm:vm-8001-disk-0 raw images 1 8001\n"
        done = tuple(Completed(argv, self.status, listed, "no such storage\n") for argv in questions.commands)
        here = {path: File(1, b"x") for path in questions.files if path.endswith("vm-8001-disk-1.raw")}
        return Answers(done, here)


def test_volumes_that_outlived_their_guest_are_named() -> None:
    gone = ["local:8001/vm-8001-disk-0.raw", "local:8001/vm-8001-disk-1.raw", "local-lvm:vm-8001-disk-0", "nas:x"]
    left = deletion.volumes_left(Listing(), STORAGES, 8001, gone)
    assert left == ["local:8001/vm-8001-disk-1.raw", "local-lvm:vm-8001-disk-0"]
    assert deletion.volumes_left(Listing(), STORAGES, 8001, ["nas:x"]) == []
    with pytest.raises(CommandFailedError, match="no such storage"):
        deletion.volumes_left(Listing(2), STORAGES, 8001, gone)


def test_containers_have_no_user_data() -> None:
    from dataclasses import replace

    assert deletion.snippet_places(STORAGES, replace(spec(), kind=Kind.CONTAINER)) == {}
