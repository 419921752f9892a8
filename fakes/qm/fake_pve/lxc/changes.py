"""`pct set`: options to change, to delete, to revert -> what applies now, what waits for a restart.

Everything goes through the pending values first; a stopped container takes all of them at once, a running one
those that can be changed while it runs (pct-set-019).
"""

from __future__ import annotations

from fake_pve.errors import CommandFailed
from fake_pve.lxc import mountpoint, network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_pve.call import Call
    from fake_pve.conf import Conf

REQUIRED = ("memory", "ostype", "rootfs")  # cannot be deleted (pct-set-007)
# What a running container takes at once, without further ado …
PLAIN = frozenset(("description", "onboot", "startup", "protection", "hostname", "hookscript", "cores", "tags", "lock"))
# … and what is changed in its control groups.
CGROUP = frozenset(("cpulimit", "cpuunits", "memory", "swap"))


# --- one name for options and the description ------------------------------------------------------------


def current(conf: Conf, key: str) -> str | None:
    """The value in effect."""
    return conf.description if key == "description" else conf.options.get(key)


def set_current(conf: Conf, key: str, value: str) -> None:
    """Put a value into effect; an empty description is none."""
    if key == "description":
        conf.description = value.rstrip("\n") + "\n" if value.rstrip("\n") else None
    else:
        conf.options[key] = value


def drop_current(conf: Conf, key: str) -> None:
    """Forget the value in effect."""
    if key == "description":
        conf.description = None
    conf.options.pop(key, None)


def waiting(conf: Conf) -> dict[str, str]:
    """The pending values, the description among them."""
    values = dict(conf.pending)
    if conf.pending_description is not None:
        values["description"] = conf.pending_description
    return values


def set_waiting(conf: Conf, key: str, value: str) -> None:
    """Let a value wait; its deletion does not any more."""
    if key == "description":
        conf.pending_description = value
    else:
        conf.pending[key] = value
    conf.pending_delete.pop(key, None)


def drop_waiting(conf: Conf, key: str) -> None:
    """Let no value wait."""
    if key == "description":
        conf.pending_description = None
    conf.pending.pop(key, None)


# --- the change itself -----------------------------------------------------------------------------------


def update(
    call: Call, vmid: str, conf: Conf, running: bool, values: dict[str, str], delete: list[str], revert: list[str]
) -> dict[str, str]:
    """Change `conf` in place -> problems by option; those options stay pending."""
    for key in revert:
        _revert(conf, key)
    touched = _mark_deleted(call, vmid, conf, delete)
    for key in sorted(values):
        touched.add(key)
        set_waiting(conf, key, _checked(call, vmid, conf, key, values[key]))
    drop_settled(conf)
    return (hotplug if running else apply)(call, vmid, conf, touched)


def _revert(conf: Conf, key: str) -> None:
    """Forget what waits for `key`; a volume that only waited to be mounted becomes an unused one."""
    value = conf.pending.get(key)
    drop_waiting(conf, key)
    conf.pending_delete.pop(key, None)
    if value is not None and mountpoint.is_key(key):
        volid = mountpoint.volume(value)
        made = mountpoint.kind(volid) == "volume" and mountpoint.new_size(volid) is None
        if made and not mountpoint.in_use(conf, volid):
            mountpoint.add_unused(conf, volid)


def _mark_deleted(call: Call, vmid: str, conf: Conf, delete: list[str]) -> set[str]:
    """Note what is to be deleted -> the names that are there to delete."""
    touched = set()
    for key in delete:
        if current(conf, key) is None:
            if key not in waiting(conf):
                call.err(f"cannot delete '{key}' - not set in current configuration!")
            continue  # what only waits goes on waiting (pct-walk-026)
        touched.add(key)
        if key in REQUIRED:
            raise CommandFailed(f"unable to delete required option '{key}'")
        if key == "unprivileged":
            raise CommandFailed(f"unable to delete read-only option: '{key}'")
        if mountpoint.is_key(key) or mountpoint.is_unused(key):
            check_protection(conf, f"can't remove CT {vmid} drive '{key}'")
        drop_waiting(conf, key)
        conf.pending_delete[key] = False
    return touched


def check_protection(conf: Conf, what: str) -> None:
    """Refuse to do `what` to a protected container (pct-destroy-003)."""
    if conf.options.get("protection") == "1":
        raise CommandFailed(f"{what} - protection mode enabled")


def _checked(call: Call, vmid: str, conf: Conf, key: str, value: str) -> str:
    """The value to store, or the refusal of one that cannot be."""
    if mountpoint.is_key(key):
        check_protection(conf, f"can't update CT {vmid} drive '{key}'")
        _check_storage(call, mountpoint.parse(key, value)["volume"])
    elif key == "unprivileged":
        raise CommandFailed(f"unable to modify read-only option: '{key}'")
    elif key == "hookscript":
        from fake_pve import hookscript  # few guests have one

        hookscript.script(call.node, value)
    elif network.is_key(key):
        network.check_mtu(call.node, key, value, 25)  # a look at the bridge leaves it in errno (pct-net2-006)
    elif key.startswith("dev") and key[3:].isdecimal():
        _check_device(call, key, value)
    elif key == "tags":
        return unique_tags(value)
    elif key in ("nameserver", "searchdomain"):
        return " ".join(words(value))
    return value


def _check_storage(call: Call, source: str) -> None:
    if mountpoint.kind(source) == "volume":
        from fake_pve.storage import config, volume  # few changes are about volumes, and imports cost

        storage = config.get(call.node, volume.split(source)[0])
        if "rootdir" not in storage.content:
            raise CommandFailed(f"storage '{storage.id}' does not allow content type 'rootdir' (Container)")


def _check_device(call: Call, key: str, value: str) -> None:
    """A device to pass through must be there; the node has those of this machine (pct-create-065)."""
    import os  # only for devN
    import stat

    parts = value.split(",")
    path = next((part[5:] for part in parts if part.startswith("path=")), "" if "=" in parts[0] else parts[0])
    if not path:
        raise CommandFailed(f"Path is not defined for passthrough device {key}")
    try:
        mode = os.stat(path.removeprefix(call.node.root)).st_mode
    except OSError:
        raise CommandFailed(f"Device {path} does not exist", 2) from None
    if not stat.S_ISBLK(mode) and not stat.S_ISCHR(mode):
        raise CommandFailed(f"{path} is not a device", 2)


def words(value: str) -> list[str]:
    """A list value's words; commas, semicolons, blanks and NUL separate."""
    return value.replace(",", " ").replace(";", " ").replace("\0", " ").split()


def unique_tags(value: str) -> str:
    """Lower-case, sorted, each once, joined with `;` (pct-walk-017)."""
    return ";".join(sorted({tag.lower() for tag in words(value)}))


def drop_settled(conf: Conf) -> None:
    """Forget pending values that are the current ones, and deletions of what is not there."""
    for key, value in waiting(conf).items():
        if current(conf, key) == value:
            drop_waiting(conf, key)
    for key in list(conf.pending_delete):
        if current(conf, key) is None:
            del conf.pending_delete[key]


# --- a stopped container ---------------------------------------------------------------------------------


def apply(call: Call, vmid: str, conf: Conf, touched: set[str] | None = None) -> dict[str, str]:
    """Make pending values current, all or those `touched` -> problems by option, which are also said on stderr."""
    problems: dict[str, str] = {}

    def attempt(key: str, work: Callable[[], None]) -> None:
        try:
            work()
        except CommandFailed as problem:
            problems[key] = f"unable to apply pending change {key} : {problem.message}"
            call.err(problems[key])

    for key in sorted(conf.pending_delete):
        if touched is None or key in touched:
            attempt(key, lambda key=key: _delete(call, vmid, conf, key))  # type: ignore[misc]
    drop_settled(conf)
    for key in sorted(waiting(conf)):
        if touched is None or key in touched:
            attempt(key, lambda key=key: _apply_one(call, vmid, conf, key))  # type: ignore[misc]
    return problems


def _delete(call: Call, vmid: str, conf: Conf, key: str) -> None:
    if mountpoint.is_key(key):
        _detach(conf, key)
    elif mountpoint.is_unused(key):
        _free_unused(call, vmid, conf, key)
    drop_current(conf, key)
    conf.pending_delete.pop(key, None)


def _detach(conf: Conf, key: str) -> None:
    """The volume that leaves `key` becomes an unused one."""
    text = conf.options.get(key)
    if text is not None:
        volid = mountpoint.volume(text)
        if mountpoint.kind(volid) == "volume" and not mountpoint.in_use(conf, volid, key):
            mountpoint.add_unused(conf, volid)


def _free_unused(call: Call, vmid: str, conf: Conf, key: str) -> None:
    from fake_pve.lxc import disks  # as above

    volid = mountpoint.volume(conf.options.get(key, ""))
    if volid and not mountpoint.in_use(conf, volid):
        disks.free_own(call, vmid, volid)


def _apply_one(call: Call, vmid: str, conf: Conf, key: str) -> None:
    value = waiting(conf)[key]
    if key != "rootfs" and mountpoint.is_key(key):
        value = _mount(call, vmid, conf, key, value)
    elif network.is_key(key):
        value = network.completed(call.node, value)
    set_current(conf, key, value)
    drop_waiting(conf, key)


def _mount(call: Call, vmid: str, conf: Conf, key: str, value: str) -> str:
    """Attach a mount point: make its volume if asked -> the property string to store. The one before becomes unused."""
    from fake_pve.lxc import disks  # as above

    properties = mountpoint.parse(key, value)
    if mountpoint.new_size(properties["volume"]) is None:
        stored = mountpoint.render(key, _sized(call, properties))
    else:
        stored = disks.create(call, vmid, {key: value}, [])[key]
    old = conf.options.get(key)
    if old is not None and mountpoint.volume(old) != mountpoint.volume(stored):
        _detach(conf, key)
    return stored


def _sized(call: Call, properties: dict[str, str]) -> dict[str, str]:
    """The mount point with its volume's size; a volume that has none is only told (pct-mount2-008, pct-life-012)."""
    from fake_pve.lxc import disks  # as above
    from fake_pve.storage import volume

    source = properties["volume"]
    try:
        missing = mountpoint.kind(source) == "volume" and not volume.exists(call.node, source)
    except CommandFailed as problem:
        call.err(f"Could not rescan volume size - {problem.message}\n")
        return properties
    if missing:
        call.err(f"failed to stat '{volume.path(call.node, source)}'")
        return properties
    return disks.sized(call.node, properties)


# --- a running container ---------------------------------------------------------------------------------


class _Skip(Exception):
    """This value has to wait for a restart."""


def hotplug(call: Call, vmid: str, conf: Conf, touched: set[str]) -> dict[str, str]:
    """Change what can be changed while the container runs -> problems by option; the rest stays pending."""
    problems: dict[str, str] = {}

    def attempt(key: str, work: Callable[[], None]) -> None:
        try:
            work()
        except _Skip:
            pass
        except CommandFailed as problem:
            problems[key] = f"unable to hotplug {key}: {problem.message}"

    for key in sorted(conf.pending_delete):
        if key in touched:
            attempt(key, lambda key=key: _unplug(call, vmid, conf, key))  # type: ignore[misc]
    for key in sorted(waiting(conf)):
        if key in touched:
            attempt(key, lambda key=key: _plug(call, vmid, conf, key))  # type: ignore[misc]
    return problems


def _unplug(call: Call, vmid: str, conf: Conf, key: str) -> None:
    removable = key in PLAIN or key in CGROUP or network.is_key(key) or mountpoint.is_unused(key)
    if not removable:
        raise _Skip
    _delete(call, vmid, conf, key)


def _check_name_is_free(vmid: str, conf: Conf, key: str, name: str) -> None:
    """Two interfaces cannot have one name; what was plugged as `key` before is gone already when that shows."""
    others = [text for other, text in conf.options.items() if network.is_key(other) and other != key]
    if name in map(network.interface, others):
        drop_current(conf, key)
        command = f"lxc-device -n {vmid} add veth{vmid}i{key[3:]}p {name}"
        raise CommandFailed(f"command '{command}' failed: exit code 1")


def _plug(call: Call, vmid: str, conf: Conf, key: str) -> None:
    value = waiting(conf)[key]
    if network.is_key(key):
        network.check_bridges(call.node, {key: value})
        _check_name_is_free(vmid, conf, key, network.interface(value))
    elif key != "rootfs" and mountpoint.is_key(key):
        if key in conf.options:
            raise _Skip
    elif key not in PLAIN and key not in CGROUP:
        raise _Skip
    _apply_one(call, vmid, conf, key)
