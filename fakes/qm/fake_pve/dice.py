"""What is random or the time of day on a node: UUIDs, MAC addresses, password salts, the clock.

With `FAKE_PVE_SEED` all of it repeats: the n-th throw on a node is made from the seed and n, and time stands still at
`SEEDED_TIME` plus n seconds. n is kept in <root>/var/lib/fake-pve/dice.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.node import Node

SEEDED_TIME = 1_735_689_600  # 2025-01-01 00:00:00 UTC
MAC_PREFIX = "BC:24:11"  # Proxmox Server Solutions' own, the default of datacenter.cfg's mac_prefix


def throw(node: Node, size: int) -> bytes:
    """`size` (at most 20) random bytes."""
    if node.seed is None:
        return os.urandom(size)
    from fake_pve.sha1 import sha1_hex  # only seeded nodes pay for it

    return bytes.fromhex(sha1_hex(f"{node.seed}:{_count(node)}".encode()))[:size]


def now(node: Node) -> int:
    """Seconds since 1970."""
    return int(time.time()) if node.seed is None else SEEDED_TIME + _count(node)


def uuid(node: Node) -> str:
    """A version 4 UUID."""
    raw = bytearray(throw(node, 16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def mac(node: Node) -> str:
    """A MAC address as Proxmox makes them, upper-case."""
    return ":".join((MAC_PREFIX, *(f"{byte:02X}" for byte in throw(node, 3))))


def _count(node: Node) -> int:
    """The number of this throw, counted over all calls on the node, also parallel ones."""
    import fcntl  # only seeded nodes pay for it

    folder = f"{node.root}/var/lib/fake-pve"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/dice", "a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        count = int(file.read() or 0)
        file.truncate(0)
        file.write(str(count + 1))
    return count
