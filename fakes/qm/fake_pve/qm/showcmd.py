"""`qm showcmd <vmid>`: QEMU's command line in outline: the guest's basics, drives and cards (qm-misc-004)."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve import vmstatus
from fake_pve.errors import CommandFailed
from fake_pve.vm import drive, network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Section


def run(call: Call) -> None:
    """Print it on one line, or with `--pretty` an option a line."""
    vmid = call.params["vmid"]
    conf = confs.load(call.node, "qemu", vmid)
    options = conf.options
    if "snapshot" in call.params:
        section: Section | None = conf.snapshots.get(call.params["snapshot"])
        if section is None:
            raise CommandFailed(f"snapshot '{call.params['snapshot']}' does not exist")
        options = section.options
    words = _command(vmid, confs.Conf(options))
    call.out(" \\\n  ".join(words) if call.flag("pretty") else " ".join(words))


def _command(vmid: str, conf: confs.Conf) -> list[str]:
    """`kvm` and its options, each with its value."""
    options = conf.options
    count = vmstatus.number(conf, "sockets", 1), vmstatus.number(conf, "cores", 1)
    smbios = options.get("smbios1", "")
    found = [
        "/usr/bin/kvm",
        f"-id {vmid}",
        f"-name '{vmstatus.name(conf, vmid)},debug-threads=on'",
        "-no-shutdown",
        f"-chardev 'socket,id=qmp,path=/var/run/qemu-server/{vmid}.qmp,server=on,wait=off'",
        "-mon 'chardev=qmp,mode=control'",
        f"-pidfile /var/run/qemu-server/{vmid}.pid",
        "-daemonize",
        *([f"-smbios 'type=1,{smbios}'"] if smbios else []),
        f"-smp '{count[0] * count[1]},sockets={count[0]},cores={count[1]},maxcpus={count[0] * count[1]}'",
        "-nodefaults",
        f"-cpu {options.get('cpu', 'kvm64').split(',')[0].removeprefix('cputype=')}",
        f"-m {vmstatus.memory_mib(conf)}",
    ]
    found += [f"-drive 'id=drive-{key},file={values['file']}'" for key, values in drive.each(options)]
    for key in sorted(options):
        if network.is_name(key):
            card = network.parse(options[key])
            found.append(f"-netdev 'type=tap,id={key},ifname=tap{vmid}i{key[3:]}'")
            found.append(f"-device '{card.get('model')},mac={card.get('macaddr')},netdev={key},id={key}'")
    return [*found, f"-machine 'type={options.get('machine', 'pc')}+pve0'"]
