"""`pct snapshot`: keep a container's configuration and volumes as they are now."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve import dice, lock
from fake_pve.conf import Conf, Section
from fake_pve.errors import CommandFailed
from fake_pve.lxc import mountpoint, power
from fake_pve.storage import volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

RESERVED = ("current", "pending", "vzdump")
NOT_KEPT = frozenset(("lock", "parent"))  # of the configuration, in a snapshot


def run(call: Call) -> None:
    """A task: a container that does not exist ends it with 255 (pct-unknown-ct-025)."""
    name = call.params["snapname"]
    if name.lower() in RESERVED:
        raise CommandFailed(f"unable to use snapshot name '{name.lower()}' (reserved name)")
    with as_task(), lock.guest_lock(call.node, "lxc", call.params["vmid"]):
        take(call, call.params["vmid"], name)


class as_task:  # noqa: N801 - used like a function: `with as_task():`
    """Failures end a task with 255, whatever errno says."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, problem: BaseException | None, _trace: object) -> None:
        if isinstance(problem, CommandFailed) and problem.status == 2:
            problem.status = 255


def take(call: Call, vmid: str, name: str) -> None:
    """Volumes first, the configuration last."""
    conf = conf_files.load(call.node, "lxc", vmid)
    if conf.options.get("template") == "1":
        raise CommandFailed("you can't take a snapshot if it's a template")
    power.check_lock(conf)
    if name in conf.snapshots:
        raise CommandFailed(f"snapshot name '{name}' already used")
    volids = [volid for _, volid in mountpoint.volumes(conf.options)]
    if not all(volume.has_feature(call.node, volid, "snapshot") for volid in volids):
        raise CommandFailed("snapshot feature is not available")
    for volid in volids:
        volume.snapshot(call, volid, name)
    conf.snapshots[name] = section(call, conf)
    conf.options["parent"] = name
    power.save(call, vmid, conf)


def section(call: Call, conf: Conf) -> Section:
    """What the snapshot keeps: the configuration without unused volumes, its parent, when it was taken."""
    kept = {k: v for k, v in conf.options.items() if k not in NOT_KEPT and not mountpoint.is_unused(k)}
    if "parent" in conf.options:
        kept["parent"] = conf.options["parent"]
    kept["snaptime"] = str(dice.now(call.node))
    found = Section(kept, call.params.get("description"))
    found.raw = list(conf.raw)
    return found
