"""`pct config`: a container's configuration as it will be after a restart, as it is, or as a snapshot has it."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve.errors import CommandFailed, ParameterErrors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf, Section


def run(call: Call) -> None:
    """`--current` shows the values in effect, `--snapshot` those of a snapshot."""
    name = call.params.get("snapshot")
    if name is not None and call.flag("current"):
        problem = "cannot use 'snapshot' parameter with 'current'"
        raise ParameterErrors({"current": problem, "snapshot": problem})
    conf = conf_files.load(call.node, "lxc", call.params["vmid"])
    if name is not None:
        if name not in conf.snapshots:
            raise CommandFailed(f"snapshot '{name}' does not exist")
        show(call, conf.snapshots[name])
        return
    if not call.flag("current"):
        with_pending(conf)
    show(call, conf)


def with_pending(conf: Conf) -> None:
    """Make `conf` look as after a restart."""
    for key in conf.pending_delete:
        conf.options.pop(key, None)
        if key == "description":
            conf.description = None
    conf.options |= conf.pending
    if conf.pending_description is not None:
        conf.description = conf.pending_description


def show(call: Call, section: Section) -> None:
    """`key: value` lines sorted by key, the description percent-encoded among them, lxc.* entries last."""
    rows = [(key, f"{key}: {value}") for key, value in section.options.items()]
    if section.description is not None:
        rows.append(("description", f"description: {conf_files.encode(section.description)}"))
    for _, line in sorted(rows):
        call.out(line)
    for key, value in section.raw:
        call.out(f"{key}: {value}")
