"""Where the real tools surprise: what was learned from recordings, some of which are kept back, holds in the fake too."""

from __future__ import annotations

from pathlib import Path

import pytest

from fake_lives import node_at, play

SURPRISES = {
    "a provisioning run": """
        qm create 8001 --name ubuntu-2404 --ostype l26 --memory 2048 --cores 2 --cpu host --agent enabled=1 --scsihw virtio-scsi-single --scsi0 local:0,import-from=/var/lib/vz/import/ubuntu-24.04.img,discard=on,iothread=1 --ide2 local:cloudinit --boot order=scsi0 --serial0 socket --vga serial0 --net0 virtio,bridge=vmbr0 --tags phoenix --description 'managed by phoenix' -> 0
        + #managed by phoenix
        + scsi0: local:8001/vm-8001-disk-0.raw,discard=on,iothread=1,size=2G
        qm set 8001 --cores 4 --memory 4096 --cicustom user=local:snippets/user.yaml --ipconfig0 ip=10.0.0.5/24,gw=10.0.0.1 --nameserver 10.0.0.1 -> 0
        qm disk resize 8001 scsi0 32G -> 0
        | Image resized.
        qm cloudinit dump 8001 network -> 0
        | version: 1
        | config:
        |     - type: physical
        |       name: eth0
        |       mac_address: '<MAC>'
        |       subnets:
        |       - type: static
        |         address: '10.0.0.5'
        |         netmask: '255.255.255.0'
        |         gateway: '10.0.0.1'
        |     - type: nameserver
        |       address:
        |       - '10.0.0.1'
        |       search:
        |       - 'example.test'
        qm start 8001 -> 0
        | generating cloud-init ISO
        qm stop 8001 -> 0
        qm destroy 8001 --purge --destroy-unreferenced-disks 1 -> 0
        pvesm path local:snippets/user.yaml -> 0
        | /var/lib/vz/snippets/user.yaml
        """,
    "1: a resize fails with 0": """
        qm create 8001 --scsi0 local:2 --ide2 local:cloudinit -> 0
        qm resize 9999 scsi0 +1G -> 0
        ! Configuration file 'nodes/pve1/qemu-server/9999.conf' does not exist
        qm resize 8001 scsi5 +1G -> 0
        ! disk 'scsi5' does not exist
        qm resize 8001 scsi0 1G -> 0
        ! shrinking disks is not supported
        qm resize 8001 ide2 1G -> 0
        ! you can't resize a cdrom
        qm resize 8001 scsi0 4GB -> 255
        qm resize 8001 net0 1G -> 255
        """,
    "2, 3: power that is there already, or not": """
        qm create 8001 -> 0
        qm shutdown 8001 -> 0
        ! VM 8001 not running
        qm stop 8001 -> 0
        |
        !
        qm reboot 8001 -> 2
        qm reset 8001 -> 2
        qm suspend 8001 -> 2
        qm resume 8001 -> 2
        qm start 8001 -> 0
        qm start 8001 -> 255
        ! VM 8001 already running
        qm stop 8001 -> 0
        qm set 8001 --lock backup -> 0
        qm stop 8001 -> 0
        qm shutdown 8001 -> 0
        qm start 8001 -> 255
        ! VM is locked (backup)
        qm unlock 8001 -> 0
        qm unlock 8001 -> 0
        """,
    "4: deleting what is not set": """
        qm create 8001 -> 0
        qm set 8001 --delete description -> 0
        ! cannot delete 'description' - not set in current configuration!
        qm set 8001 --cores 2 --delete foo -> 255
        - cores: 2
        """,
    "5: what went wrong and says 0": """
        qm create 8001 --name agentvm --agent 1 -> 0
        qm nbdstop 8001 -> 0
        qm start 8001 -> 0
        qm guest exec 8001 -- false -> 0
        | {
        |    "exitcode" : 1,
        |    "exited" : 1
        | }
        """,
    "6, 7: a storage that is gone does not keep a guest": """
        qm create 8001 --scsi0 local-lvm:1 -> 0
        * sed -i 's/^lvmthin: local-lvm/lvmthin: other/' /etc/pve/storage.cfg
        qm destroy 8001 -> 0
        | WARN: failed to get path and owner of volume 'local-lvm:vm-8001-disk-0': storage 'local-lvm' does not exist
        ! Task finished with 1 warning(s)!
        """,
    "8: spellings of options": """
        qm create 8001 --mem 1024 --desc x --Name a -onboot --name b -> 0
        + memory: 1024
        + name: b
        + onboot: 1
        qm create 8002 -name=x -> 255
        ! Unknown option: name=x
        ! 400 unable to parse option
        qm create 8002 --no-onboot -> 255
        ! Unknown option: no-onboot
        ! 400 unable to parse option
        qm create 8002 --name --memory 1024 -> 255
        ! 400 too many arguments
        """,
    "9: spellings of commands": """
        qm create 8001 -> 0
        qm stat 8001 -> 0
        qm conf 8001 -> 0
        qm st 8001 -> 255
        ! ERROR: incomplete command 'qm st'
        qm --help -> 255
        qm status -h -> 255
        qm help -> 0
        qm -> 255
        """,
    "10, 12: which IDs there are": """
        qm status --vmid 8001 -> 255
        ! 400 not enough arguments
        qm resize 8001 scsi0 -1g -> 255
        ! Unknown option: 1g
        ! 400 unable to parse option
        qm create 99 -> 255
        ! 400 Parameter verification failed.
        ! vmid: invalid format - value does not look like a valid VM ID
        qm create 1000000000 -> 255
        qm create abc -> 255
        ! 400 Parameter verification failed.
        ! vmid: type check ('integer') failed - got 'abc'
        qm create '' -> 255
        ! 400 Parameter verification failed.
        ! vmid: type check ('integer') failed - got ''
        """,
    "11: several errors at once": """
        qm create 8001 --scsi0 local:1,foo=1 --cores 0 --memory abc -> 255
        ! 400 Parameter verification failed.
        ! cores: value must have a minimum value of 1
        ! memory: invalid format - format error
        ! memory.current: type check ('integer') failed - got 'abc'
        ! scsi0: invalid format - format error
        ! scsi0.foo: property is not defined in schema and the schema does not allow additional properties
        qm create 8001 --cores 0 --nosuch 1 -> 255
        ! Unknown option: nosuch
        ! 400 unable to parse option
        """,
    "13, 14: orders of checks": """
        qm set 9999 -> 255
        ! no options specified
        qm set 9999 --delete foo -> 255
        ! 400 Parameter verification failed.
        ! delete: unknown option 'foo'
        qm list -> 0
        |
        qm list --output-format json -> 255
        """,
    "15: the boot order makes and mends itself": """
        qm create 8001 -> 0
        + boot:
        qm create 8002 --virtio0 local:1 --ide2 local:cloudinit --net0 virtio -> 0
        + boot: order=virtio0;ide2;net0
        qm set 8002 --delete virtio0 -> 0
        + boot: order=ide2;net0
        qm set 8002 --scsi1 local:1 -> 0
        + boot: order=ide2;net0
        qm set 8002 --ide3 local:iso/installer.iso,media=cdrom -> 0
        + boot: order=ide2;net0;ide3
        """,
    "16: a boot device that is not there": """
        qm create 8001 --boot order=scsi0 -> 0
        qm set 8001 --boot order=scsi0 -> 255
        ! invalid bootorder: device 'scsi0' does not exist'
        qm set 8001 --boot order=scsi0,net0 -> 255
        """,
    "17, 18: what is told and what is kept": """
        qm create 8001 --cipassword x -> 0
        + cipassword: x
        qm set 8001 --cipassword y -> 0
        | update VM 8001: -cipassword <hidden>
        - cipassword: y
        + cipassword: <CRYPT>
        qm set 8001 --memory 4096 --cores 4 -> 0
        | update VM 8001: -cores 4 -memory 4096
        qm set 8001 --memory 4096 --cores 4 -> 0
        | update VM 8001: -cores 4 -memory 4096
        qm set 8001 --scsi0 local:8001/vm-8001-disk-0.raw -> 255
        | update VM 8001: -scsi0 local:8001/vm-8001-disk-0.raw
        ! volume 'local:8001/vm-8001-disk-0.raw' does not exist
        """,
    "19: sizes of new disks": """
        qm create 8001 --scsi0 local:8,ssd=1,iothread=1,discard=on --ide2 local:cloudinit -> 0
        + scsi0: local:8001/vm-8001-disk-0.raw,discard=on,iothread=1,size=8G,ssd=1
        + ide2: local:8001/vm-8001-cloudinit.qcow2,media=cdrom
        qm create 8002 --scsi0 local:8G -> 255
        ! unable to parse directory volume name '8G'
        qm create 8002 --scsi0 local-lvm:8G -> 255
        ! unable to parse lvm volume name '8G'
        qm create 8002 --scsi0 local:0 --scsi1 local:0.5 --scsi2 local:4,size=8G -> 0
        + scsi0: local:8002/vm-8002-disk-0.raw,size=0T
        + scsi1: local:8002/vm-8002-disk-1.raw,size=512M
        + scsi2: local:8002/vm-8002-disk-2.raw,size=4G
        """,
    "20: imports": """
        qm create 8001 --scsi0 local:8,import-from=/root/disk.qcow2 -> 255
        ! 400 Parameter verification failed.
        ! scsi0: 'import-from' requires special syntax - use <storage ID>:0,import-from=<source>
        qm create 8001 --scsi0 local:0,import-from=local:import/ubuntu-24.04.img -> 255
        ! unable to parse directory volume name 'import/ubuntu-24.04.img'
        qm create 8001 --scsi0 local:0,import-from=/nope.img -> 255
        ! unable to create VM 8001 - can't find file '/nope.img'
        qm create 8001 --scsi0 local:0,import-from=local:import/ubuntu-24.04.qcow2 --scsi1 local:0,import-from=/root/disk.qcow2 -> 0
        + scsi0: local:8001/vm-8001-disk-0.qcow2,size=2G
        + scsi1: local:8001/vm-8001-disk-1.raw,size=1G
        """,
    "21: what is not checked when it is set": """
        qm create 8001 --net0 virtio,bridge=vmbr9 --hookscript local:snippets/none.pl --cicustom user=local:snippets/no.yaml --hostpci0 99:00.0 --machine pc-q35-99.0 --cores 2 --vcpus 9 --memory 512 --balloon 1024 --nameserver not-an-ip --ide2 isoonly:cloudinit -> 0
        qm create 8002 --scsi0 nostore:1 -> 255
        ! storage 'nostore' does not exist
        qm create 8002 --scsi0 isoonly:1 -> 255
        ! 400 Parameter verification failed.
        ! storage: storage 'isoonly' does not support vm images
        """,
    "22: leftovers": """
        * mkdir -p /var/lib/vz/images/8001; qemu-img create -f raw /var/lib/vz/images/8001/vm-8001-disk-0.raw 1G
        qm create 8001 --scsi0 local:1 --scsi1 local:0,import-from=/nope.img -> 255
        qm create 8001 --scsi0 local:1 -> 0
        + scsi0: local:8001/vm-8001-disk-1.raw,size=1G
        """,
    "23: spellings of values": """
        qm create 8001 --agent on --cpu cputype=host --memory current=1024 --net0 virtio=de:ad:be:ef:00:01,bridge=vmbr0 --onboot yes --tags 'B a,b;A' --description 'x: ä' -> 0
        + agent: on
        + cpu: cputype=host
        + memory: current=1024
        + net0: virtio=de:ad:be:ef:00:01,bridge=vmbr0
        + onboot: 1
        + tags: a;b
        + #x%3A %C3%A4
        """,
    "24: disks that come and go": """
        qm create 8001 --scsi0 local:1 --ide2 local:cloudinit -> 0
        qm set 8001 --scsi0 local:2 -> 0
        + unused0: local:8001/vm-8001-disk-0.raw
        qm set 8001 --virtio0 local:8001/vm-8001-disk-0.raw -> 0
        + virtio0: local:8001/vm-8001-disk-0.raw,size=1G
        - unused0: local:8001/vm-8001-disk-0.raw
        qm set 8001 --delete scsi0 -> 0
        + unused0: local:8001/vm-8001-disk-1.raw
        qm set 8001 --delete unused0,ide2 -> 0
        - unused0: local:8001/vm-8001-disk-1.raw
        qm set 8001 --delete virtio0 --force -> 0
        pvesm list local --content images -> 0
        | Volid Format  Type      Size VMID
        """,
    "25: one cloud-init drive": """
        qm create 8001 --ide2 local:cloudinit -> 0
        qm set 8001 --ide2 local:cloudinit -> 255
        ! disk image '/var/lib/vz/images/8001/vm-8001-cloudinit.qcow2' already exists
        qm set 8001 --scsi3 local:cloudinit -> 255
        ! scsi3 - cloud-init drive is already attached at 'ide2'
        """,
    "26, 27: IDs that are taken, names that are not": """
        qm create 8001 --name a -> 0
        qm create 8001 -> 255
        ! unable to create VM 8001 - VM 8001 already exists on node 'pve1'
        qm create 8002 --name a -> 0
        qm clone 8001 8002 -> 2
        ! unable to create VM 8002: config file already exists
        qm create 8003 --name a_b -> 255
        qm create 8003 --name -a -> 255
        qm create 8003 --name a. -> 255
        qm create 8003 --name xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx -> 0
        qm create 8004 --name 123 -> 0
        """,
    "28: Windows, and keys": """
        qm create 8001 --ostype win11 --machine q35 --sshkeys /root/empty.pub -> 0
        | pinning machine type to 'pc-q35-10.1' for Windows guest OS
        + machine: pc-q35-10.1
        qm set 8001 --sshkeys /root/keys.pub -> 0
        + sshkeys: ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5AAAAIJ0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n0n%20admin%40example%0A
        """,
    "29: what waits": """
        qm create 8001 --memory 512 --serial0 socket -> 0
        qm start 8001 -> 0
        qm set 8001 --memory 1024 --delete serial0 -> 0
        + [PENDING]
        + delete: serial0
        qm config 8001 --current 1 -> 0
        | boot:
        | memory: 512
        | meta: creation-qemu=<QEMUVER>,ctime=<CTIME>
        | serial0: socket
        | smbios1: uuid=<UUID>
        | vmgenid: <UUID>
        qm config 8001 -> 0
        | boot:
        | memory: 1024
        | meta: creation-qemu=<QEMUVER>,ctime=<CTIME>
        | smbios1: uuid=<UUID>
        | vmgenid: <UUID>
        qm set 8001 --memory 512 -> 0
        - memory: 1024
        qm set 8001 --net1 virtio,bridge=vmbr9 -> 255
        ! 400 Parameter verification failed.
        ! net1: hotplug problem - VM 8001 qmp command 'netdev_add' failed - network script /usr/libexec/qemu-server/pve-bridge-hotplug failed with status 512
        + net1: virtio=<MAC>,bridge=vmbr9
        qm stop 8001 -> 0
        - [PENDING]
        - serial0: socket
        """,
    "30: what changes at once": """
        qm create 8001 --ostype l26 --scsi0 local:1 -> 0
        qm start 8001 -> 0
        qm set 8001 --name a --description b --onboot 1 --tags c --protection 0 --hotplug network,disk,usb --balloon 256 --cpulimit 1 --cpuunits 200 --net1 virtio,bridge=vmbr0 --scsi1 local:1 --virtio1 local:1 --usb0 host=1234:5678 -> 0
        - [PENDING]
        qm set 8001 --scsi0 local:8001/vm-8001-disk-0.raw,mbps_wr=5 -> 0
        - [PENDING]
        """,
    "30: what has to wait": """
        qm create 8001 --ostype l26 --scsi0 local:1 -> 0
        qm start 8001 -> 0
        qm set 8001 --memory 1024 --cores 2 --cpu host --agent 1 --vga std --serial0 socket --machine q35 --scsihw lsi --sata0 local:1 --ide3 none --scsi0 local:8001/vm-8001-disk-0.raw,ssd=1 -> 0
        qm config 8001 --current -> 0
        | boot: order=scsi0
        | meta: creation-qemu=<QEMUVER>,ctime=<CTIME>
        | ostype: l26
        | scsi0: local:8001/vm-8001-disk-0.raw,size=1G
        | smbios1: uuid=<UUID>
        | vmgenid: <UUID>
        qm set 8001 --delete scsi0 -> 255
        ! 400 Parameter verification failed.
        ! scsi0: hotplug problem - can't unplug bootdisk 'scsi0'
        """,
    "31: the agent of the running machine": """
        qm create 8001 --name agentvm -> 0
        qm agent 8001 ping -> 255
        ! No QEMU guest agent configured
        qm start 8001 -> 0
        qm set 8001 --agent 1 -> 0
        qm agent 8001 ping -> 255
        ! No QEMU guest agent configured
        qm stop 8001 -> 0
        qm agent 8001 ping -> 2
        ! VM 8001 is not running
        qm start 8001 -> 0
        qm agent 8001 ping -> 0
        """,
    "32, 33: guests that do not listen": """
        qm create 8001 --name deaf --startup down=3 -> 0
        qm start 8001 -> 0
        qm shutdown 8001 -> 255
        ! VM quit/powerdown failed - got timeout
        qm suspend 8001 -> 0
        qm status 8001 -> 0
        | status: paused
        qm list -> 0
        |       VMID NAME                 STATUS     MEM(MB)    BOOTDISK(GB) PID
        |       8001 deaf                 running    512                0.00 <PID>
        qm resume 8001 -> 0
        qm shutdown 8001 --forceStop -> 0
        | VM still running - terminating now with SIGTERM
        """,
    "34: what a destruction leaves": """
        qm create 8001 --scsi0 local:1 -> 0
        * qemu-img create -f raw /var/lib/vz/images/8001/vm-8001-disk-9.raw 1G
        qm start 8001 -> 0
        qm destroy 8001 --skiplock -> 25
        ! VM 8001 is running - destroy failed
        qm stop 8001 -> 0
        qm set 8001 --delete scsi0 --lock suspended -> 0
        qm destroy 8001 -> 0
        pvesm list local --content images -> 0
        | Volid                         Format  Type            Size VMID
        | local:8001/vm-8001-disk-9.raw raw     images    1073741824 8001
        """,
    "35, 36: templates and their clones": """
        qm create 8001 --name web1 --scsi0 local:1,format=qcow2 --ide2 local:cloudinit --onboot 1 --protection 1 --tags a -> 0
        qm template 8001 -> 0
        |
        + scsi0: local:8001/base-8001-disk-0.qcow2,size=1G
        + ide2: local:8001/vm-8001-cloudinit.qcow2,media=cdrom
        qm start 8001 -> 255
        ! you can't start a vm if it's a template
        qm clone 8001 8002 --storage local -> 2
        ! parameter 'storage' not allowed for linked clones
        qm clone 8001 8002 -> 0
        + scsi0: local:8001/base-8001-disk-0.qcow2/8002/vm-8002-disk-0.qcow2,size=1G
        + ide2: local:8002/vm-8002-cloudinit.qcow2,media=cdrom,size=4M
        + name: Copy-of-VM-web1
        qm set 8001 --scsi1 local:1 -> 0
        + scsi1: local:8001/base-8001-disk-1.raw,size=1G
        qm set 8001 --template 0 -> 0
        + template: 0
        """,
    "36: on a thin pool a template may go before its clones": """
        qm create 8001 --scsi0 local-lvm:1 -> 0
        qm template 8001 -> 0
        qm clone 8001 123 -> 0
        + scsi0: local-lvm:vm-123-disk-0,size=1G
        qm destroy 8001 -> 0
        """,
    "37: snapshots": """
        qm create 8001 --scsi0 local:1 -> 0
        qm snapshot 8001 s1 -> 255
        ! snapshot feature is not available
        qm create 8002 -> 0
        qm snapshot 8002 a -> 255
        qm snapshot 8002 1a -> 255
        qm snapshot 8002 Current -> 255
        ! unable to use snapshot name 'current' (reserved name)
        qm snapshot 8002 PENDING -> 255
        qm snapshot 8002 vzdump -> 0
        + [vzdump]
        + parent: vzdump
        qm snapshot 8002 s2 -> 0
        qm rollback 8002 vzdump -> 0
        + [s2]
        """,
}  # fmt: skip


@pytest.mark.parametrize("title", SURPRISES)
def test_surprises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, title: str) -> None:
    node_at(tmp_path)
    monkeypatch.chdir(tmp_path)
    play(tmp_path, SURPRISES[title])
