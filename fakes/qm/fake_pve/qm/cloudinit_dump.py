"""`qm cloudinit dump <vmid> <type>`: print what Proxmox itself would put on the drive, whatever `cicustom` says."""

from __future__ import annotations

from fake_pve import cloudinit
from fake_pve import conf as conf_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Print the "user", "network" or "meta" part and a blank line (qm-cloudinit-002, -004)."""
    vmid = call.params["vmid"]
    conf = conf_file.load(call.node, "qemu", vmid)
    match call.params["type"]:
        case "user":
            call.out(cloudinit.user_data(conf, vmid))
        case "network":
            call.out(cloudinit.network_config(call.node, conf))
        case _:
            user, network = cloudinit.user_data(conf, vmid), cloudinit.network_config(call.node, conf)
            call.out(cloudinit.meta_data(conf, user, network))
