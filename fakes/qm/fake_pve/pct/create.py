"""`pct create`: a container from a template."""

from __future__ import annotations

import os

from fake_pve import conf as conf_files
from fake_pve import lock, pools
from fake_pve.conf import Conf
from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.lxc import archive, changes, disks, ext4, guest, mountpoint
from fake_pve.pct.set import MOST_CPU_UNITS
from fake_pve.storage import config, volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

# Options that say how to create, not what the container is.
HOW = frozenset(
    "vmid ostemplate bwlimit force ha-managed ignore-unpack-errors password pool restore ssh-public-keys start storage"  # noqa: SIM905
    " unique unprivileged".split()
)
DEFAULT_ROOTFS_GIB = "4"
DEFAULTS = {"memory": "512", "swap": "512"}


def run(call: Call) -> None:
    """What fails before the new ID is taken has no `unable to create` (pct-create-*)."""
    vmid, params = call.params["vmid"], call.params
    keys = read_keys(call, params["ssh-public-keys"]) if "ssh-public-keys" in params else ""
    if call.flag("restore"):
        check_template(call, params["ostemplate"], "backup")
        raise NotModelled("pct create --restore")
    check_unused(call, vmid)
    check_keys(keys)
    pools.check(call.node, params.get("pool"))
    check_template(call, params["ostemplate"], "vztmpl")
    wanted = mount_points(call)
    check_storages(call, wanted)
    new = options(call, vmid)
    claim(call, vmid)
    with lock.guest_lock(call.node, "lxc", vmid):
        build_or_clean_up(call, vmid, new, wanted)
    pools.add(call.node, params.get("pool"), vmid)
    if call.flag("start"):
        from fake_pve.lxc import power  # few calls start at once

        power.start(call, vmid)
    if call.flag("ha-managed"):
        from fake_pve.vm import jobs  # few guests are put under HA

        call.out("Add as HA resource")
        jobs.add_to_ha(call.node, vmid, "started" if call.flag("start") else "stopped", "ct")


# --- before anything is made -----------------------------------------------------------------------------


def read_keys(call: Call, path: str) -> str:
    """The text of the file with SSH keys, which is read first of all (pct-create-042)."""
    try:
        with open(call.node.path(path), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError as problem:
        raise CommandFailed(f"can't open '{path}' - {problem.strerror}", problem.errno or 255) from None


def check_keys(text: str) -> None:
    """Every line is an SSH key (pct-create-043)."""
    lines = [line.strip() for line in text.splitlines()]
    if not all(is_key(line) for line in lines if line and not line.startswith("#")):
        raise CommandFailed("SSH public key validation error")


def is_key(line: str) -> bool:
    """A line of authorized_keys: options, a key type, the key in base64, a comment."""
    words = line.split()
    types = [at for at, word in enumerate(words[:-1]) if word.startswith(("ssh-", "ecdsa-", "sk-"))]
    return bool(types) and words[types[0] + 1].startswith("AAAA")


def check_unused(call: Call, vmid: str) -> None:
    """Nobody has the ID. The status is what is left in errno: 25 after a look into the time zones (pct-walk-037)."""
    kind, name = conf_files.place_of(call.node, vmid) or ("", "")
    if kind == "lxc":
        status = 255 if call.params.get("timezone", "UTC") in ("host", "UTC") else 25
        raise CommandFailed(f"CT {vmid} already exists on node '{name}'", status)
    if kind == "qemu":
        raise CommandFailed(f"VM {vmid} already exists on node '{name}'", 2)


def check_template(call: Call, template: str, kind: str) -> None:
    """A volume must be of the right kind, a path is looked at later (pct-create-017, -019)."""
    storage_id, colon, _ = template.partition(":")
    if not colon or "/" in storage_id:
        return
    _, name = volume.locate(call.node, template)
    if name.type != kind:
        raise CommandFailed(f"unable to use volume {template} - content type needs to be '{kind}'")


def mount_points(call: Call) -> dict[str, str]:
    """The mount points to make; a bare number is a size on `--storage`, and without any there is a rootfs of 4 GiB."""
    storage = call.params.get("storage", "local")
    wanted = {}
    for key, value in call.params.items():
        if mountpoint.is_key(key):
            wanted[key] = f"{storage}:{value}" if value.replace(".", "", 1).isdecimal() else value
        elif mountpoint.is_unused(key):
            call.err(f"ignoring '{key}', cannot create/restore with unused volume")
    if wanted and "rootfs" not in wanted:
        raise CommandFailed("mount points configured, but 'rootfs' not set - aborting")
    return wanted or {"rootfs": f"{storage}:{DEFAULT_ROOTFS_GIB}"}


def check_storages(call: Call, wanted: dict[str, str]) -> None:
    """Every storage can be used for containers, before anything is made on one."""
    for _, source in mountpoint.volumes(wanted):
        storage = config.usable(call.node, volume.split(source)[0], "rootdir")
        config.activate(call.node, storage)


def options(call: Call, vmid: str) -> Conf:
    """The configuration that the options ask for, without mount points."""
    values = {
        key: value
        for key, value in call.params.items()
        if key not in HOW and not mountpoint.is_key(key) and not mountpoint.is_unused(key)
    }
    if "cpuunits" in values:
        values["cpuunits"] = str(min(int(values["cpuunits"]), MOST_CPU_UNITS))
    new = Conf()
    try:
        changes.update(call, vmid, new, False, values, [], [])
    except CommandFailed as problem:  # what came before left 25 in errno (pct-option-019)
        problem.status = 25 if problem.status == 255 else problem.status
        raise
    if call.params.get("unprivileged", "1") == "1":
        new.options["unprivileged"] = "1"
    return new


def claim(call: Call, vmid: str) -> None:
    """Take the ID with a configuration that holds nothing but the lock `create`."""
    with lock.guest_lock(call.node, "lxc", vmid):
        if conf_files.kind_of(call.node, vmid) is not None:
            raise CommandFailed(f"unable to create CT {vmid} - CT {vmid} already exists on node '{call.node.name}'")
        conf_files.save(call.node, "lxc", vmid, Conf({"lock": "create"}))


# --- making it -------------------------------------------------------------------------------------------


def build_or_clean_up(call: Call, vmid: str, new: Conf, wanted: dict[str, str]) -> None:
    """A failure at any point leaves neither volumes nor a configuration."""
    made: list[str] = []
    try:
        build(call, vmid, new, wanted, made)
    except BaseException as problem:
        disks.remove(call, made)
        conf_files.remove(call.node, "lxc", vmid)
        if isinstance(problem, CommandFailed) and not isinstance(problem, NotModelled):
            problem.message = f"unable to create CT {vmid} - {problem.message}"
            problem.status = 255
        raise


def build(call: Call, vmid: str, new: Conf, wanted: dict[str, str], made: list[str]) -> None:
    """The volumes, the files in them, the configuration."""
    new.options |= disks.create(call, vmid, wanted, made)
    check_folders(call, new)
    try:
        unpack(call, new)
    except CommandFailed as problem:  # the task says it, and then ends with it (pct-create-015)
        call.out(problem.message)
        raise
    new.options.setdefault("hostname", f"CT{vmid}")
    for key, value in DEFAULTS.items():
        new.options.setdefault(key, value)
    guest.created(call, vmid, new, template_path(call, call.params["ostemplate"]))
    conf_files.save(call.node, "lxc", vmid, new)


def check_folders(call: Call, new: Conf) -> None:
    """A folder that is mounted must be there (pct-create-061): on the node, or as devices are, on this machine."""
    for key in mountpoint.keys(new.options):
        source = mountpoint.volume(new.options[key])
        places = (call.node.path(source), source.removeprefix(call.node.root))
        if mountpoint.kind(source) == "bind" and not any(map(os.path.isdir, places)):
            call.out("mounting container failed")
            raise CommandFailed(f"directory '{source}' does not exist")


def unpack(call: Call, new: Conf) -> None:
    """Unpack the template and find out what it is, with the real tool's words."""
    path = template_path(call, call.params["ostemplate"])
    call.out(f"extracting archive '{path}'")
    contents = archive.look(path)
    call.out(f"Total bytes read: {contents.size} (1.0GiB/s)")
    fill(call, new)
    detect(call, new, contents)
    set_up(call, new)


def template_path(call: Call, template: str) -> str:
    """The archive's file; it must be there."""
    storage_id, colon, _ = template.partition(":")
    if colon and "/" not in storage_id:
        path = volume.path(call.node, template)
        problem = f"volume '{template}' does not exist"
    else:
        path = call.node.path(template) if template.startswith("/") else template
        problem = f"can't find file '{template}'"
    if not os.path.isfile(path):
        raise CommandFailed(problem)
    return path


def fill(call: Call, new: Conf) -> None:
    """Count the template's files into the root file system."""
    path = volume.path(call.node, mountpoint.volume(new.options["rootfs"]))
    system = ext4.read(path)
    if system is not None:
        ext4.write(path, ext4.filled(system))


def detect(call: Call, new: Conf, contents: archive.Contents) -> None:
    """Which system it is: what the archive holds wins over `--ostype`, except `unmanaged` (pct-create-023, -069)."""
    wanted = new.options.get("ostype")
    if wanted is None and not contents.id and contents.ostype is None:
        call.out("/etc/os-release file not found and autodetection failed, falling back to 'unmanaged'")
        wanted = new.options["ostype"] = "unmanaged"
    if wanted != "unmanaged":
        if contents.id and archive.ostype_for(contents.id) is None:
            call.out(f"unknown ID '{contents.id}' in /etc/os-release file, trying fallback detection")
        if contents.ostype is None:
            raise CommandFailed("unable to detect OS distribution")
        if wanted is not None and wanted != contents.ostype:
            call.out(f"got unexpected ostype ({contents.ostype} != {wanted})")
        new.options["ostype"] = contents.ostype
    if "arch" not in new.options:
        arch = contents.arch if wanted != "unmanaged" else None  # nobody looks into an unmanaged one (pct-net2-012)
        new.options["arch"] = arch or "amd64"
        if arch:
            call.out(f"Detected container architecture: {contents.arch}")
        else:
            call.out("Falling back to amd64.\nUse `pct set VMID --arch ARCH` to change.")


def set_up(call: Call, new: Conf) -> None:
    """Tell of changed files, if the container is managed. No template holds time zones (pct-create-072)."""
    if new.options["ostype"] == "unmanaged":
        return
    zone = new.options.get("timezone")
    if zone is not None:
        zone = "Etc/UTC" if zone == "host" else zone
        call.out(f"container does not have /usr/share/zoneinfo/{zone}, timezone can not be modified")
    for kind in ("rsa", "ecdsa", "ed25519"):
        call.out(f"Creating SSH host key 'ssh_host_{kind}_key' - this may take some time ...")
        call.out("done: SHA256:" + "0" * 43 + f" root@{new.options.get('hostname', 'ct')}")
