"""Short lives of virtual machines beyond the recordings: each shows one rule (see fake_lives.py for the notation)."""

from __future__ import annotations

from pathlib import Path

import pytest

from fake_lives import node_at, play

LIVES = {
    "a stop is not undone by a cloud-init drive that cannot be written": """
        qm create 8001 --cicustom user=local:snippets/none.yaml -> 0
        qm start 8001 -> 0
        qm set 8001 --ide2 local:cloudinit -> 255
        ! 400 Parameter verification failed.
        ! ide2: hotplug problem - volume 'local:snippets/none.yaml' does not exist
        qm stop 8001 -> 0
        | volume 'local:snippets/none.yaml' does not exist
        + ide2: local:8001/vm-8001-cloudinit.qcow2,media=cdrom
        - [PENDING]
        qm start 8001 -> 255
        ! volume 'local:snippets/none.yaml' does not exist
        """,
    "what waits and cannot be done at a start ends a task": """
        qm create 8001 --cicustom user=local:snippets/none.yaml -> 0
        qm set 8001 --ide2 local:cloudinit --scsi0 local:8001/vm-8001-disk-7.raw -> 255
        ! volume 'local:8001/vm-8001-disk-7.raw' does not exist
        + [PENDING]
        qm start 8001 -> 255
        ! volume 'local:snippets/none.yaml' does not exist
        - [PENDING]
        qm status 8001 -> 0
        | status: stopped
        """,
    "blank parts of a property string mean nothing": """
        qm create 8001 --scsi0 local:1, --net0 virtio,bridge=vmbr0, --startup order=1, -> 0
        + scsi0: local:8001/vm-8001-disk-0.raw,size=1G
        + net0: virtio=<MAC>,bridge=vmbr0
        + startup: order=1,
        qm create 8002 --startup ' up=2' -> 255
        ! 400 Parameter verification failed.
        ! startup: invalid format - unable to parse startup options
        """,
    "an agent that was off at the start cannot be had without one": """
        qm create 8001 --agent 0 -> 0
        qm start 8001 -> 0
        qm set 8001 --agent enabled=0 -> 0
        + [PENDING]
        """,
    "an agent's properties have no order": """
        qm create 8001 --name agentvm --agent fstrim_cloned_disks=1,enabled=1 -> 0
        qm start 8001 -> 0
        qm agent 8001 ping -> 0
        qm set 8001 --agent 1 -> 0
        - [PENDING]
        """,
    "what could not be read again is not written": """
        qm create 8001 --scsi0 local:1 --cores +5 -> 255
        ! unable to create VM 8001 - unable to parse value of 'cores' - type check ('integer') failed - got '+5'
        pvesm list local --content images -> 0
        | Volid Format  Type      Size VMID
        qm create 8001 --cores 007 -> 0
        + cores: 7
        qm set 8001 --balloon 0 --cpulimit 1e0 --sockets 2 -> 255
        ! unable to parse value of 'cpulimit' - type check ('number') failed - got '1e0'
        + balloon: 0
        - sockets: 2
        """,
    "memory is a property string": """
        qm create 8001 --memory current=+1024, -> 0
        + memory: current=+1024,
        qm list -> 0
        |       VMID NAME                 STATUS     MEM(MB)    BOOTDISK(GB) PID
        |       8001 VM 8001              stopped    1024               0.00 0
        qm set 8001 --balloon 2048 -> 255
        ! balloon value too large (must be smaller than assigned memory)
        """,
    "quotes around a free text mean nothing": """
        qm create 8001 --args '"-foo"' --ciuser '"' --description '"x"' -> 0
        + args: -foo
        + ciuser: "
        + #"x"
        qm set 8001 --searchdomain '"a.b"' -> 0
        | update VM 8001: -searchdomain "a.b"
        + searchdomain: a.b
        """,
    "a pool's name has only so many letters": """
        qm create 8001 --pool a!b -> 255
        ! 400 Parameter verification failed.
        ! pool: invalid format - pool name 'a!b' contains invalid characters
        """,
    "an unreferenced volume that cannot go is a warning": """
        qm create 8001 --scsi0 local:1 -> 0
        * mkdir -p /var/lib/vz/images/8001/vm-8001-disk-5.raw/x
        qm destroy 8001 --destroy-unreferenced-disks 1 -> 0
        | WARN: Could not remove unreferenced disk 'local:8001/vm-8001-disk-5.raw', check manually: unlink '/var/lib/vz/images/8001/vm-8001-disk-5.raw' failed - Is a directory
        ! Task finished with 1 warning(s)!
        """,
    "an empty boot order has no boot disk, whatever the old option says": """
        qm create 8001 --bootdisk scsi0 -> 0
        qm set 8001 --scsi0 local:2 -> 0
        + boot:
        qm list -> 0
        |       VMID NAME                 STATUS     MEM(MB)    BOOTDISK(GB) PID
        |       8001 VM 8001              stopped    512                0.00 0
        qm set 8001 --boot c -> 0
        qm list -> 0
        |       VMID NAME                 STATUS     MEM(MB)    BOOTDISK(GB) PID
        |       8001 VM 8001              stopped    512                2.00 0
        """,
    "no cloud-init option that is off is told of": """
        qm create 8001 --ide2 local:cloudinit --ciupgrade 0 --ciuser me -> 0
        qm cloudinit pending 8001 -> 0
        | cur ciuser: me
        """,
}


@pytest.mark.parametrize("title", LIVES)
def test_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, title: str) -> None:
    node_at(tmp_path)
    monkeypatch.chdir(tmp_path)
    play(tmp_path, LIVES[title])
