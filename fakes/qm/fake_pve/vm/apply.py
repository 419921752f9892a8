"""What waits takes effect on a guest that is off: after `qm set`, when it stops, and before it starts."""

from __future__ import annotations

from fake_pve import conf as conf_file
from fake_pve.errors import CommandFailed
from fake_pve.vm import disks, drive, pending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf


def apply_pending(call: Call, vmid: str, conf: Conf) -> dict[str, str]:
    """Move all that waits into the main section and save -> problems by option. The caller holds the guest's lock."""
    if not pending.any_left(conf):
        return {}
    problems: dict[str, str] = {}
    for key in sorted(conf.pending_delete):
        _guarded(problems, call, key, lambda key=key: _delete(call, vmid, conf, key))  # type: ignore[misc]
    pending.clean(conf)
    fresh_cloudinit = False
    for key in pending.names(conf):
        fresh_cloudinit |= _is_cloudinit(key, pending.waiting(conf, key))
        _guarded(problems, call, key, lambda key=key: _change(call, vmid, conf, key))  # type: ignore[misc]
    conf_file.save(call.node, "qemu", vmid, conf)
    if fresh_cloudinit:
        from fake_pve import cloudinit  # only a new cloud-init drive needs it

        cloudinit.generate(call, vmid, conf)
    return problems


def _guarded(problems: dict[str, str], call: Call, key: str, work: Callable[[], None]) -> None:
    try:
        work()
    except CommandFailed as problem:
        problems[key] = f"unable to apply pending change {key} : {problem.message}"
        call.err(problems[key])


def _delete(call: Call, vmid: str, conf: Conf, key: str) -> None:
    if key in conf.options and drive.is_name(key):
        disks.delete_or_detach(call, vmid, conf, key, conf.pending_delete[key])
    pending.put(conf, key, None)
    del conf.pending_delete[key]


def _change(call: Call, vmid: str, conf: Conf, key: str) -> None:
    if key in conf.options and drive.is_name(key):
        disks.detach(call, vmid, conf, drive.parse(conf.options[key]))
    pending.put(conf, key, pending.waiting(conf, key))
    pending.drop(conf, key)


def _is_cloudinit(key: str, value: str | None) -> bool:
    return drive.is_name(key) and value is not None and drive.is_cloudinit(drive.parse(value))


if TYPE_CHECKING:
    from collections.abc import Callable
