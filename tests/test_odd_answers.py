"""What a node says that no node should: an error with the command, or passed over, and never a traceback."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phoenix_pve import node_needs, ownership, pve_conf, storage_cfg, unfinished
from phoenix_pve.errors import CommandFailedError
from phoenix_pve.guest import Kind, Power
from phoenix_pve.node import Answers, Completed, File, Questions
from phoenix_pve.observe import observe, power_in, powers_in, state_of
from phoenix_pve.plan import Goal
from phoenix_pve.planner import Options, plan
from phoenix_pve.readiness import Wait
from phoenix_pve.render import plan_lines, status_row
from phoenix_pve.surroundings import INTERFACES, STORAGE_CFG, VMLIST
from samples import spec


def answer(stdout: str, status: int = 0) -> Completed:
    return Completed(("qm", "status", "8001"), status, stdout, "")


@pytest.mark.parametrize(
    "said", ["status: ", "status: \n", "status:", "", "running", "status: flying\n", "\nstatus: running"]
)
def test_a_status_that_is_none_is_an_error(said: str) -> None:
    with pytest.raises(CommandFailedError, match="`qm status 8001` failed"):
        power_in(answer(said))


def test_a_status_is_one_word_of_the_first_line() -> None:
    assert power_in(answer("status: running\nname: x\n")) is Power.RUNNING


ROWS = {
    "8001 web running 2048": {8001: Power.RUNNING},
    "² x running": {},
    "٣ x running": {},
    "-1 x running": {},
    "9" * 5000 + " x running": {},
    "8001": {},
    "8001 x flying": {},
    "": {},
    "\x1b[31m8001 x running": {},
}


@pytest.mark.parametrize(("row", "wanted"), ROWS.items(), ids=range(len(ROWS)))
def test_an_odd_row_of_a_list_is_passed_over(row: str, wanted: dict[int, Power]) -> None:
    said = f"      VMID NAME STATUS\n{row}\n8002 web2 stopped 1\n"
    assert powers_in(Kind.VM, answer(said)) == {**wanted, 8002: Power.STOPPED}


FILES = {
    STORAGE_CFG: [b"", b":", b"dir:", b"dir: local\n\tpath", b" lost\n", b"dir: local\n\tpath /a\0b\n\tcontent\n", b"\xff: \xff\n\t\xff \xff"],
    INTERFACES: [b"", b"iface", b"iface \n bridge-ports x", b"\xff\0", b"iface vmbr0\x1b[31m\n"],
    VMLIST: [b"", b"[]", b"{}", b'{"ids":3}', b'{"ids":{"8001":[]}}', b'{"ids":{"8001":{"node":[]}}}', b"[" * 200_000, b'{"ids":' * 100_000,
             b'{"ids":{"8001":{"node":"pve2\\u001b[31m\\n"}}}', b"\xff", b'{"ids":{"8001":' + b"9" * 5000 + b"}}"],
    "/etc/pve/qemu-server/8001.conf": [b"", b"[", b"[]", b"[]\nname: x", b":", b": :\n", b"#%", b"#%ff%00", b"net0: \0", b"net0: =,=,", b"scsi0: size=1e999G",
             b"scsi0: local:1/x,size=nan", b"scsi0: ,,,=", b"tags: ;;,, ", b"lock:", b"memory: current=", b"[PENDING]\ndelete: ,!,", b"\xff\xfe: \xff",
             b"[special:cloudinit]\nadded: ,,", b"x" * 100_000, b"startup: order=,up", b"cpu: ,=", b"ide2: cloudinit,media=cdrom"],
}  # fmt: skip


USUAL = {
    STORAGE_CFG: b"dir: local\n\tpath /var/lib/vz\n\tcontent images,snippets\n",
    "/etc/pve/qemu-server/8001.conf": b"name: ubuntu-2404\ntags: phoenix\nscsi0: local:8001/vm-8001-disk-0.raw,size=2G\n",
}


class Odd:
    """A node with these files."""

    def __init__(self, said: str, files: dict[str, bytes]) -> None:
        self.said, self.files = said, {path: File(len(data), data) for path, data in files.items()}

    def look(self, questions: Questions) -> Answers:
        status = int(not self.said)
        done = [Completed(argv, status, self.said, "8001.conf does not exist" * status) for argv in questions.commands]
        return Answers(tuple(done), {path: self.files[path] for path in questions.files if path in self.files})


def look_at(path: str, data: bytes) -> None:
    """Look at, plan and show a guest whose node has an odd file, for every power and goal."""
    for said in ("status: running\n", "status: stopped\n", ""):
        files = {**USUAL, path: data}
        if not said:
            files.pop("/etc/pve/qemu-server/8001.conf")
        sight = observe(Odd(said, files), spec())  # type: ignore[arg-type]
        assert status_row(spec(), sight)["id"] == 8001
        for goal in Goal:
            made = plan(goal, spec(), sight, "#cloud-config\n", Options(wait=Wait.NONE))
            assert list(plan_lines(made))
            assert all("\n" not in text for refusal in made.refusals for text in (refusal.message, refusal.hint))


CASES = [(path, data) for path, contents in FILES.items() for data in contents]


@pytest.mark.parametrize(("path", "data"), CASES, ids=[f"{p.rpartition('/')[2]}-{i}" for i, (p, _) in enumerate(CASES)])
def test_an_odd_file_is_read_planned_and_shown(path: str, data: bytes) -> None:
    look_at(path, data)


LINES = st.lists(
    st.sampled_from([b"net0", b"scsi0", b"name", b"[", b"]", b":", b"=", b",", b"size", b"\0", b"\xff", b"%00", b"#", b" ", b"9" * 30, b"\x1b", b"PENDING"])
).map(b"".join)  # fmt: skip


@given(st.sampled_from(sorted(FILES)), st.lists(LINES, max_size=6))
def test_no_file_is_a_traceback(path: str, lines: list[bytes]) -> None:
    look_at(path, b"\n".join(lines))


@given(LINES)
def test_no_argument_would_hold_a_nul(line: bytes) -> None:
    conf = pve_conf.parse(b"net0: virtio\n" + line)
    assert "\0" not in "".join([*conf.options, *conf.options.values()])


def test_a_node_elsewhere_is_named_on_one_line() -> None:
    data = b'{"ids":{"8001":{"node":"pve2\\u001b[31m\\nx"}}}'
    sight = observe(Odd("", {STORAGE_CFG: USUAL[STORAGE_CFG], VMLIST: data}), spec())  # type: ignore[arg-type]
    assert sight.elsewhere is not None
    assert sight.elsewhere.node == "pve2??31m?x"


@pytest.mark.parametrize(
    "word", ["lvm:vm-8001-disk-0;reboot", "-rf:vm-8001-disk-0", "lvm:vm-8001-$(reboot)", "lvm:vm-8001-\x1b[31m", "vm-8001-disk-0"]
)  # fmt: skip
def test_a_volume_that_no_proxmox_would_name_gets_into_no_command(word: str) -> None:
    assert unfinished.volumes_listed(8001, f"Volid Format\n{word} raw\nlvm:vm-8001-disk-1 raw\n") == [
        "lvm:vm-8001-disk-1"
    ]


def test_names_of_the_nodes_are_told_as_text() -> None:
    storages = storage_cfg.parse("dir: lo\x1b[31mcal\n\tpath /a\n")
    (refusal,) = node_needs.storage_problems(storages, "other", "images", "storage_pool")
    assert r"it has: lo\x1b[31mcal" in refusal.message
    state = state_of(Kind.CONTAINER, 101, Power.STOPPED, b"rootfs: lo\x1bcal:101/x,size=1e999G\n")
    assert list(ownership.volumes(state))
