"""`qm config`: show a configuration, by default as it will be after a restart."""

from __future__ import annotations

from fake_pve import conf as conf_file
from fake_pve.errors import CommandFailed, ParameterErrors
from fake_pve.vm import pending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

HIDDEN = "**********"


def run(call: Call) -> None:
    """Print `key: value` lines sorted by key."""
    name = call.params.get("snapshot")
    if name is not None and call.flag("current"):
        problem = "cannot use 'snapshot' parameter with 'current'"
        raise ParameterErrors({"current": problem, "snapshot": problem})
    conf = conf_file.load(call.node, "qemu", call.params["vmid"])
    if name is not None:
        if name not in conf.snapshots:
            raise CommandFailed(f"snapshot '{name}' does not exist")
        found = pending.current(conf.snapshots[name])
    else:
        found = pending.current(conf) if call.flag("current") else pending.effective(conf)
    for key in sorted(found):
        call.out(f"{key}: {shown(key, found[key])}")


def shown(key: str, value: str) -> str:
    """A value as `qm config` and `qm pending` print it: a description on one line, a password hidden."""
    if key == "description":
        return conf_file.encode(value)
    return HIDDEN if key == "cipassword" else value
