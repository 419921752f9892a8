"""`pvesm extractconfig <volume>`: the guest configuration inside a backup. Only a missing backup is modelled."""

from __future__ import annotations

from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.storage import volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

WARNING = (
    "Use of uninitialized value $ownervm in concatenation (.) or string at /usr/share/perl5/PVE/CLI/pvesm.pm line 187."
)


def run(call: Call) -> None:
    """Wording and status from pvesm-cli-009, Perl's warning included."""
    volid = call.params["volume"]
    _, found = volume.locate(call.node, volid)
    if found.type != "backup":
        raise CommandFailed(f"unable to use volume {volid} - content type needs to be 'backup'")
    if found.vmid is None:
        call.err(WARNING)
    if not volume.exists(call.node, volid):
        raise CommandFailed(f"volume '{volid}' does not exist", 2)
    raise NotModelled("reading the configuration in a backup")
