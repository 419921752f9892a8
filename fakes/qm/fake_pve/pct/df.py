"""`pct df`: how full a container's mount points are."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve.errors import CommandFailed
from fake_pve.lxc import ext4, mountpoint, power
from fake_pve.storage import volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

HEAD = ("MP", "Volume", "Size", "Used", "Avail", "Use%", "Path")
RESERVED = 20  # one block of so many is kept for root


def run(call: Call) -> None:
    """A table with a row a mount point; a stopped container is complained about first (pct-misc-002)."""
    vmid = call.params["vmid"]
    if not power.is_running(call.node, vmid):
        call.err(f"{vmid} doesn't exist")
    options = conf_files.load(call.node, "lxc", vmid).options
    rows = [HEAD, *(row(call, key, mountpoint.parse(key, options[key])) for key in mountpoint.keys(options))]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(HEAD))]
    for cells in rows:
        call.out(line(cells, widths))


def row(call: Call, key: str, properties: dict[str, str]) -> tuple[str, ...]:
    """The cells of one mount point."""
    source = properties["volume"]
    size, used, free = figures(call, source)
    percent = f"{100 * used / (used + free) if used + free else 0:.1f}"
    return key, source, human(size), human(used), human(free), percent, properties.get("mp", "/")


def figures(call: Call, source: str) -> tuple[int, int, int]:
    """Bytes in all, used, free to users; zeros for what is no volume of the node."""
    if mountpoint.kind(source) != "volume":
        return 0, 0, 0
    try:
        power.activate(call, source)
    except CommandFailed as problem:
        problem.status = 255
        raise
    system = ext4.read(volume.path(call.node, source))
    if system is None:
        return 0, 0, 0
    files = ext4.FileSystem(system.blocks, system.inodes_per_group, system.reserved, system.used_blocks, 0)
    overhead = ext4.make(system.blocks * ext4.BLOCK).used_blocks - ext4.EMPTY_BLOCKS
    total, used = files.blocks - overhead, max(0, files.used_blocks - overhead)
    return total * ext4.BLOCK, used * ext4.BLOCK, max(0, total - used - files.blocks // RESERVED) * ext4.BLOCK


def human(size: int) -> str:
    """`973.4M`."""
    value, units = float(size), "BKMGT"
    while value >= 1024 and len(units) > 1:
        value, units = value / 1024, units[1:]
    return f"{value:.1f}{units[0]}"


def line(cells: tuple[str, ...], widths: list[int]) -> str:
    """Figures are aligned to the right."""
    text = []
    for column, cell in enumerate(cells):
        text.append(cell.rjust(widths[column]) if 2 <= column <= 5 else cell.ljust(widths[column]))
    return " ".join(text).rstrip()
