"""State that somebody mangled and values that nobody meant: `qm` answers, and never with a traceback.

The random cases are made from their number, so that a failing one can be played again.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from fake_calls import call
from fake_pve import schema
from fake_pve.errors import NOT_MODELLED_STATUS
from fake_pve.seed import new_node
from fake_pve.storage import image

CONF = """\
#managed%3A by hand
agent: 1
balloon: 512
boot: order=scsi0;ide2;net0
cicustom: user=local:snippets/user.yaml
cores: 2
efidisk0: local:8001/vm-8001-disk-1.raw,efitype=4m,size=528K
hookscript: local:snippets/hook.pl
hotplug: disk,network
ide2: local:8001/vm-8001-cloudinit.qcow2,media=cdrom
ipconfig0: ip=10.0.0.5/24,gw=10.0.0.1
machine: q35
memory: 2048
name: web1
net0: virtio=BC:24:11:00:00:01,bridge=vmbr0
parent: s1
scsi0: local:8001/vm-8001-disk-0.qcow2,size=2G
serial0: socket
smbios1: uuid=11111111-2222-3333-4444-555555555555
startup: order=1,up=2,down=3
tags: a;b
unused0: local:8001/vm-8001-disk-3.raw

[PENDING]
cores: 4
delete: serial0,!scsi1
scsi1: local:8001/vm-8001-disk-4.raw,size=1G

[special:cloudinit]
added: net1
name: web0

[s1]
boot: order=scsi0
scsi0: local:8001/vm-8001-disk-0.qcow2,size=2G
snaptime: 1700000000
"""
ENDLESS = "9" * 5000
VALUES = (
    "", "=", ",", "=x", "abc", "-1", "9" * 30, "none", "foo=bar,=", "order=;;", "local:", "local:8001/", "nostore:x",
    "1.5.2", "%zz", "ip=foo/bar,gw=", "virtio=", "bridge=", "size=x", "local:1,size=zz", "up=,down=", "pc-q35-x.y",
    ENDLESS, f"0.{ENDLESS}", f"local:{ENDLESS}", f"local:1,size={ENDLESS}.5G", f"none,size={ENDLESS}G",
    f"ip=10.0.0.1/{ENDLESS}", f"local:{ENDLESS}/vm-{ENDLESS}-disk-0.raw", f"host,phys-bits={ENDLESS}",
)  # fmt: skip
LINES = (
    "[PENDING]", "[s1]", "[special:cloudinit]", "[", "[x y]", "garbage", "#", "template: 1", "smp: 4", "cdrom: none",
    "unused: x", "unused999: local:x", "net: x", "net99: virtio", "vmstate: local:8001/vm-8001-state-s1.raw",
    "snapstate: delete", "snaptime: abc", "parent: nosuch", "lock: foo", "hostpci0: foo", "vcpus: 99", "sockets: 0",
    "memory: 0", "shares: x", "citype: foo", "sshkeys: %FF%zz", "agent: ,", "cpu: ,", "numa: 2",
)  # fmt: skip
CALLS = """
config 8001; config 8001 --snapshot s1; pending 8001; status 8001 --verbose; list; listsnapshot 8001
cloudinit dump 8001 user; cloudinit dump 8001 network; cloudinit pending 8001; showcmd 8001; set 8001 --cores 1
set 8001 --delete scsi0; set 8001 --scsi2 local:1 --ide3 none; set 8001 --revert cores,net1; start 8001
status 8001 --verbose; set 8001 --agent 1 --net0 virtio,bridge=vmbr0 --balloon 0; agent 8001 ping; suspend 8001
resume 8001; stop 8001; resize 8001 scsi0 +1G; snapshot 8001 s2; rollback 8001 s1; delsnapshot 8001 s1
clone 8001 8002; disk rescan; disk unlink 8001 --idlist unused0; template 8001; clone 8001 8003
destroy 8001 --purge --destroy-unreferenced-disks 1
"""
POWER_STATES = ("", "x", "1 2", "1 nan 0 0 x", "1 2 0 inf x", "1 inf 0 0 x")


def mangled(dice: random.Random, text: str) -> str:
    """The text cut off, or with a few lines changed, doubled, swapped or replaced."""
    if dice.random() < 0.15:
        return text[: dice.randrange(len(text))]
    lines = text.split("\n")
    for _ in range(dice.choice((1, 2, 8))):
        at = dice.randrange(len(lines))
        line = lines[at]
        middle = dice.randrange(len(line) + 1)
        lines[at] = dice.choice(
            (
                line[:middle],
                line[:middle] + dice.choice("=,:;[#%\0\t\udcff0-+!") + line[middle:],
                f"{line.split(':')[0]}: {dice.choice(VALUES)}",
                dice.choice(LINES),
                dice.choice(lines),
            )
        )
    return "\n".join(lines)


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, errors="surrogateescape")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    new_node(str(tmp_path))
    images = tmp_path / "var/lib/vz/images/8001"
    images.mkdir()
    for number, size in ((1, 540672), (3, 4096), (4, 4096)):
        image.create(str(images / f"vm-8001-disk-{number}.raw"), "raw", size)
    image.create(str(images / "vm-8001-disk-0.qcow2"), "qcow2", 2**31)
    return tmp_path


@pytest.mark.parametrize("number", range(60))
def test_a_mangled_node_is_answered(root: Path, number: int) -> None:
    dice = random.Random(number)
    write(root / "etc/pve/nodes/pve1/qemu-server/8001.conf", mangled(dice, CONF))
    storages = root / "etc/pve/storage.cfg"
    if dice.random() < 0.25:
        write(storages, mangled(dice, storages.read_text()))
    if dice.random() < 0.3:
        (root / f"var/lib/vz/images/8001/vm-8001-disk-{dice.choice(('0.qcow2', '1.raw'))}").unlink()
    if dice.random() < 0.2:
        write(root / "run/fake-pve/qemu-8001", dice.choice(POWER_STATES))
    for command in dice.sample([part.strip() for part in CALLS.replace("\n", ";").split(";") if part.strip()], 12):
        status, out, err = call(root, "qm", *command.split(), FAKE_PVE_GUEST="none")
        assert "Traceback" not in out + err
        assert status != NOT_MODELLED_STATUS or "is not modelled" in err, (command, err)


def one_of_each(options: Iterable[str]) -> list[str]:
    """`net0` stands for `net0` to `net31`, which share one description."""
    return list({option.rstrip("0123456789"): option for option in options}.values())


@pytest.mark.parametrize("chosen", [one_of_each, pytest.param(list, marks=pytest.mark.slow)])
@pytest.mark.parametrize("command", ["create", "set", "clone", "start", "shutdown", "destroy", "disk move", "snapshot"])
def test_every_option_answers_any_value(root: Path, command: str, chosen: Callable[[Iterable[str]], list[str]]) -> None:
    call(root, "qm", "create", "8001", "--protection", "1")
    described = schema.command("qm", command)
    places = [
        {"vmid": "8001", "newid": "8002", "snapname": "s1", "disk": "scsi0"}.get(p) for p in described["positional"]
    ]
    for option in chosen(schema.expanded(described["options"])):
        for value in (*VALUES, "0", "1", "a b", "ä", "\n"):
            argv = [*command.split(), *filter(None, places), f"--{option}", value]
            status, _, err = call(root, "qm", *argv)
            assert status != NOT_MODELLED_STATUS or "is not modelled" in err, (argv, err)


@pytest.mark.parametrize(
    "argv",
    [
        ("qm", "resize", "8001", "scsi0", ENDLESS),
        ("qm", "resize", "8001", "scsi0", f"+{ENDLESS}.5T"),
        ("qm", "resize", "8001", "scsi1", ENDLESS),
        ("qm", "guest", "exec-status", "8001", ENDLESS),
        ("qm", "destroy", ENDLESS),
        ("pct", "resize", "8002", "rootfs", f"{ENDLESS}G"),
        ("pvesm", "alloc", "local", "8001", "vm-8001-disk-7.raw", ENDLESS),
        ("pvesm", "prune-backups", "local", "--keep-daily", ENDLESS, "--dry-run"),
        ("pvesm", "path", f"local:{ENDLESS}/vm-8001-disk-0.raw"),
    ],
)
def test_a_number_may_be_of_any_length(root: Path, argv: tuple[str, ...]) -> None:
    limit = sys.get_int_max_str_digits()
    assert call(root, "qm", "create", "8001", "--scsi0", "local:1", "--scsi1", "local:1,format=qcow2")[0] == 0
    before = call(root, "qm", "config", "8001")
    status, out, err = call(root, *argv)
    assert status != NOT_MODELLED_STATUS, err
    assert "Traceback" not in out + err
    assert call(root, "qm", "config", "8001") == before
    assert sys.get_int_max_str_digits() == limit
