"""Starting and stopping a container."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve import lock, runtime
from fake_pve.errors import CommandFailed
from fake_pve.lxc import changes, guest, mountpoint, network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf
    from fake_pve.node import Node


def is_running(node: Node, vmid: str) -> bool:
    """Whether the container has power."""
    return runtime.running(node, "lxc", vmid)


def check_running(node: Node, vmid: str, label: str = "CT") -> None:
    """Refuse a stopped container; `pct reboot` calls it a VM (pct-stop-006)."""
    if not is_running(node, vmid):
        raise CommandFailed(f"{label} {vmid} not running")


def check_lock(conf: Conf, but: str = "") -> None:
    """Refuse a locked container, unless the lock is `but`."""
    if conf.options.get("lock") != but:
        lock.check_lock(conf, kind="lxc")


def save(call: Call, vmid: str, conf: Conf) -> None:
    """Write the configuration."""
    mountpoint.drop_used_unused(conf)
    conf_files.save(call.node, "lxc", vmid, conf)


# --- on --------------------------------------------------------------------------------------------------


def start(call: Call, vmid: str, skiplock: bool = False) -> None:
    """Start a stopped container; the checks are in the order of pct-start-* and pct-lock-*, and all fail with 255."""
    if is_running(call.node, vmid):
        raise CommandFailed(f"CT {vmid} already running")
    try:
        with lock.guest_lock(call.node, "lxc", vmid):
            conf = conf_files.load(call.node, "lxc", vmid)
            if not skiplock:
                check_lock(conf, "mounted")
            _check_no_template(conf)
            _switch_on(call, vmid, conf)
    except CommandFailed as problem:
        problem.status = 255 if problem.status == 2 else problem.status
        raise


def _check_no_template(conf: Conf) -> None:
    if conf.options.get("template") == "1":
        raise CommandFailed("you can't start a CT if it's a template")


def _switch_on(call: Call, vmid: str, conf: Conf) -> None:
    """Pending values first, then what the container needs of the node, then its hook script, then power."""
    if conf.pending or conf.pending_delete or conf.pending_description is not None:
        changes.apply(call, vmid, conf)
        save(call, vmid, conf)
    check_complete(call.node, conf)
    for _, volid in mountpoint.volumes(conf.options):
        activate(call, volid)
    hook(call, conf, vmid, "pre-start", must_succeed=True)
    network.check_names(vmid, conf.options)
    guest.power_on(call, vmid, conf)
    runtime.mark_started(call.node, "lxc", vmid, conf.text)
    hook(call, conf, vmid, "post-start")


def check_complete(node: Node, conf: Conf) -> None:
    """What the container's own file for LXC is made from is there. A template has no such file."""
    options = conf.options
    if options.get("template") == "1":
        return
    for key in ("arch", "ostype"):
        if not options.get(key):
            raise CommandFailed(f"missing '{key}' - internal error")
    if "rootfs" not in options:
        raise CommandFailed("missing 'rootfs' configuration")
    network.check_bridges(node, options)


def activate(call: Call, volid: str) -> None:
    """A volume is there and its storage usable (pct-start-002)."""
    from fake_pve.storage import config, volume  # `pct set` and `pct stop` do without

    storage = config.usable(call.node, volume.split(volid)[0])
    config.activate(call.node, storage)
    volume.info(call.node, volid)


# --- off -------------------------------------------------------------------------------------------------


def stop(call: Call, vmid: str, skiplock: bool = False) -> None:
    """Take the power away."""
    check_running(call.node, vmid)
    with lock.guest_lock(call.node, "lxc", vmid):
        conf = _loaded(call, vmid, skiplock)
        hook(call, conf, vmid, "pre-stop")
        guest.power_off(call, vmid)
        _clean_up(call, vmid, conf)


def shut_down(call: Call, vmid: str, timeout: float, force: bool) -> None:
    """Ask the container to end itself and wait `timeout` seconds of the node; then by force, or fail."""
    check_running(call.node, vmid)
    with lock.guest_lock(call.node, "lxc", vmid):
        conf = _loaded(call, vmid, False)
        hook(call, conf, vmid, "pre-stop")
        call.flush()
        if not guest.ask_to_stop(call, vmid, timeout):
            if not force:
                shown = f"lxc-stop -n {vmid} --nokill --timeout {timeout:g}"
                raise CommandFailed(f"command '{shown}' failed: exit code 1")
            guest.power_off(call, vmid)
        _clean_up(call, vmid, conf)


def _loaded(call: Call, vmid: str, skiplock: bool) -> Conf:
    conf = conf_files.load(call.node, "lxc", vmid)
    if not skiplock:
        check_lock(conf, "mounted")
    return conf


def _clean_up(call: Call, vmid: str, conf: Conf) -> None:
    """After the end: pending values apply at once, and the file is written in any case (pct-lock-005)."""
    runtime.mark_stopped(call.node, "lxc", vmid)
    changes.apply(call, vmid, conf)
    save(call, vmid, conf)
    hook(call, conf, vmid, "post-stop")


def hook(call: Call, conf: Conf, vmid: str, phase: str, *, must_succeed: bool = False) -> None:
    """Run the container's hook script, if it has one."""
    if "hookscript" in conf.options:
        from fake_pve import hookscript  # few guests have one

        hookscript.run(call, conf, vmid, phase, must_succeed=must_succeed)
