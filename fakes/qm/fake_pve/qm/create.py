"""`qm create`: a new virtual machine."""

from __future__ import annotations

import os

from fake_pve import conf as conf_file
from fake_pve import dice, pools
from fake_pve.conf import Conf
from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.lock import guest_lock
from fake_pve.vm import access, boot, disks, drive, inputs, network, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

# Options of the command that do not become part of the configuration.
NOT_STORED = (
    "vmid", "archive", "bwlimit", "force", "ha-managed", "import-working-storage", "live-restore", "pool", "start",
    "storage", "unique",
)  # fmt: skip


def run(call: Call) -> None:
    """Order of checks as recorded: drives, whether the ID is free, then the volumes."""
    vmid = call.params["vmid"]
    if "archive" in call.params:
        _restore(call)
    params = {key: value for key, value in call.params.items() if key not in NOT_STORED}
    inputs.check_keys(params)
    inputs.check_cpu(call, params)
    inputs.cdrom_alias(params)
    inputs.old_names(params)
    storage = call.params.get("storage", "")
    pools.check(call.node, call.params.get("pool"))
    access.check(call.node, params, storage)
    for key in filter(network.is_name, params):
        params[key] = network.with_mac(call.node, params[key])
    with guest_lock(call.node, "qemu", vmid):
        _refuse_taken(call, vmid)
        try:
            _make(call, vmid, params, storage)
        except NotModelled:
            raise
        except CommandFailed as problem:
            raise CommandFailed(f"unable to create VM {vmid} - {problem.message}") from None
    pools.add(call.node, call.params.get("pool"), vmid)
    start_now, ha_managed = call.flag("start"), call.flag("ha-managed")
    if start_now:
        _start(call)
    if ha_managed:
        _put_under_ha(call, vmid, "started" if start_now else "stopped")


def _restore(call: Call) -> None:
    """Restoring backups is left out; a missing one is recognised (qm-create-189)."""
    from fake_pve.storage import volume  # only for --archive

    archive = call.params["archive"]
    if archive.startswith("/") and not os.path.exists(call.node.path(archive)):
        raise CommandFailed(f"can't find file '{call.node.path(archive)}'")
    if archive != "-" and not archive.startswith("/") and not volume.exists(call.node, archive):
        raise CommandFailed(f"volume '{archive}' does not exist", 2)
    if archive == "-" and not call.stdin():  # the new guest stays behind, empty (qm-option-056)
        _refuse_taken(call, call.params["vmid"])
        conf_file.save(call.node, "qemu", call.params["vmid"], Conf())
        raise CommandFailed("got timeout reading VMA header - corrupted?")
    raise NotModelled("qm create --archive (restoring a backup)")


def _refuse_taken(call: Call, vmid: str) -> None:
    place = conf_file.place_of(call.node, vmid)
    if place is not None:
        kind, name = place
        label = "VM" if kind == "qemu" else "CT"
        raise CommandFailed(f"unable to create VM {vmid} - {label} {vmid} already exists on node '{name}'")


def _make(call: Call, vmid: str, params: dict[str, str], storage: str) -> None:
    """Volumes first, then the file; if anything fails the volumes go again."""
    description = params.pop("description", None)
    conf = Conf({key: options.normal(key, value) for key, value in params.items()}, description)
    if "tags" in params:
        conf.options["tags"] = options.tags(params["tags"])
    maker = disks.Maker(call, vmid, conf, storage)
    conf.options.update(maker.make_all({key: params[key] for key in filter(drive.is_name, params)}))
    try:
        _complete(call, conf)
        conf_file.save(call.node, "qemu", vmid, conf)
    except BaseException:
        maker.undo()
        raise


def _complete(call: Call, conf: Conf) -> None:
    """What the tool adds by itself."""
    found = conf.options
    found["meta"] = options.meta(call.node)
    if found.get("machine"):
        inputs.check_machine(found["machine"])
        found["machine"] = options.print_machine(found["machine"])
    if not found.get("boot"):
        found["boot"] = boot.print_(boot.default(found))
    if not found.get("smbios1"):
        found["smbios1"] = f"uuid={dice.uuid(call.node)}"
    if found.get("vmgenid", "1") == "1" and found.get("arch") != "aarch64":
        found["vmgenid"] = dice.uuid(call.node)
    inputs.pin_machine(call, found, found.get("ostype"), found.get("machine"))


def _start(call: Call) -> None:
    """`--start`: a failure does not make the creation fail."""
    from fake_pve.qm import start  # only with --start

    call.out("Execute autostart")
    vmid = call.params["vmid"]
    call.params = {"vmid": vmid}
    try:
        start.run(call)
    except NotModelled:
        raise
    except CommandFailed as problem:
        call.out(problem.message)


def _put_under_ha(call: Call, vmid: str, state: str) -> None:
    from fake_pve.vm import jobs  # only with --ha-managed

    call.out("Add as HA resource")
    jobs.add_to_ha(call.node, vmid, state)
