"""`qm disk unlink <vmid> --idlist scsi0`: the same as `qm set --delete` (qm-disk-010)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Hand the list on; with --force the volumes are removed at once."""
    from fake_pve.qm import set as set_command  # two subcommands share one piece of work

    params = {"vmid": call.params["vmid"], "delete": call.params["idlist"]}
    if "force" in call.params:
        params["force"] = call.params["force"]
    call.params = params
    set_command.run(call)
