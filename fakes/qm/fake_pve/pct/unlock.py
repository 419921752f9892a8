"""`pct unlock`: take the `lock:` out of a container's configuration; without one it fails (pct-lock-002)."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve import lock
from fake_pve.errors import CommandFailed
from fake_pve.lxc import power

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """The file is written anew, and so sorted."""
    remove(call, call.params["vmid"])


def remove(call: Call, vmid: str, name: str | None = None) -> None:
    """Remove the lock, whatever its name, or only if it is `name`."""
    with lock.guest_lock(call.node, "lxc", vmid):
        conf = conf_files.load(call.node, "lxc", vmid)
        found = conf.options.pop("lock", None)
        if found is None:
            what = f"'{name}' " if name else "any"  # two blanks behind a name (pct-misc-001)
            raise CommandFailed(f"no lock found trying to remove {what} lock")
        if name and found != name:
            raise CommandFailed(f"found lock '{found}' trying to remove '{name}' lock")
        power.save(call, vmid, conf)


def put(call: Call, vmid: str, name: str) -> conf_files.Conf:
    """Put the lock `name` on a container that has none -> its configuration as it was before."""
    with lock.guest_lock(call.node, "lxc", vmid):
        conf = conf_files.load(call.node, "lxc", vmid)
        power.check_lock(conf)
        conf.options["lock"] = name
        power.save(call, vmid, conf)
        del conf.options["lock"]
        return conf
