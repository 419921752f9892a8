"""`pvesm list <storage>`: the volumes of a storage (pvesm-list-001)."""

from __future__ import annotations

from fake_pve.storage import listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.storage.listing import Volume


def run(call: Call) -> None:
    """A table."""
    vmid = call.params.get("vmid")
    content = call.params.get("content")
    found = listing.volumes(call.node, call.params["storage"], int(vmid) if vmid else None, content)
    for line in table(found):
        call.out(line)


def table(found: list[Volume]) -> list[str]:
    """The text: columns as wide as their longest cell, the title of the sizes not counted."""
    name_width = max([len("Volid"), *(len(volume.volid) for volume in found)])
    size_width = max((len(str(volume.size)) for volume in found), default=0)
    rows = [("Volid", "Format", "Type", "Size", "VMID")]
    rows += [(v.volid, v.format, v.type, str(v.size), "" if v.vmid is None else str(v.vmid)) for v in found]
    return [
        f"{volid:<{name_width}} {format_:<7} {type_:<9} {size:>{size_width}} {vmid}".rstrip()
        for volid, format_, type_, size, vmid in rows
    ]
