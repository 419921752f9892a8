"""`pvesm list <storage>`: the volumes of a storage (pvesm-list-001)."""

from __future__ import annotations

from fake_pve.storage import listing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.storage.listing import Volume


def run(call: Call) -> None:
    """A table, or with --output-format json the same as data."""
    vmid = call.params.get("vmid")
    content = call.params.get("content")
    found = listing.volumes(call.node, call.params["storage"], int(vmid) if vmid else None, content)
    if call.params.get("output-format", "text") != "text":
        from fake_pve.pvesm import output  # JSON is a rare wish

        output.dump(call, [as_data(volume) for volume in found])
        return
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


def as_data(volume: Volume) -> dict[str, object]:
    """A row as the API gives it."""
    row: dict[str, object] = {
        "volid": volume.volid,
        "format": volume.format,
        "content": volume.type,
        "size": volume.size,
    }
    if volume.vmid is not None:
        row["vmid"] = volume.vmid
    if volume.parent is not None:
        row["parent"] = volume.parent
    return row
