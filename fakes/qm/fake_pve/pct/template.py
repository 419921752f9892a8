"""`pct template`: turn a container into a template, its volumes into base volumes."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve import lock
from fake_pve.errors import CommandFailed
from fake_pve.lxc import mountpoint, power
from fake_pve.storage import volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf


def run(call: Call) -> None:
    """Prints nothing (pct-clone-005). Refuses snapshots, a template, a running container, in this order."""
    vmid = call.params["vmid"]
    with lock.guest_lock(call.node, "lxc", vmid):
        conf = conf_files.load(call.node, "lxc", vmid)
        power.check_lock(conf)
        if conf.snapshots:
            raise CommandFailed("unable to create template, because CT contains snapshots")
        if conf.options.get("template") == "1":
            raise CommandFailed("you can't convert a template to a template")
        if power.is_running(call.node, vmid):
            raise CommandFailed("you can't convert a CT to template if the CT is running")
        try:
            make_bases(call, conf)
        except CommandFailed as problem:  # the task tells it, and its failure is lost (pct-life-012)
            call.err(problem.message)
            return
        conf.options["template"] = "1"
        power.save(call, vmid, conf)


def make_bases(call: Call, conf: Conf) -> None:
    """All mount points or none: each is looked at before the first is renamed. A folder of the node is no volume."""
    for key in mountpoint.keys(conf.options):
        source = mountpoint.volume(conf.options[key])
        if mountpoint.kind(source) != "volume" or not volume.has_feature(call.node, source, "template"):
            raise CommandFailed(f"Template feature is not available for '{source}'")
    for key, volid in list(mountpoint.volumes(conf.options)):
        properties = mountpoint.parse(key, conf.options[key])
        properties["volume"] = volume.make_base(call, volid)
        conf.options[key] = mountpoint.render(key, properties)
