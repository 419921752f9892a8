"""Has the node the storages and bridges that the configuration wants? PURE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_pve.plan import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from phoenix_pve.cluster import Here
    from phoenix_pve.storage_cfg import Storage


def storage_problems(
    storages: Mapping[str, Storage], name: str, content: str, key: str, beside: Iterable[str] = ()
) -> Iterator[Refusal]:
    """Yield why storage `name`, which the configuration's `key` states, cannot hold `content`.

    The advice allows the content types `beside` as well.
    """
    storage = storages.get(name)
    if storage is None:
        known = ", ".join(sorted(storages)) or "none"
        yield Refusal(f"{key}: the node has no storage `{name}`; it has: {known}", f"name one of these as `{key}`")
    elif storage.disabled:
        yield Refusal(f"{key}: the storage `{name}` is disabled", f"enable it: pvesm set {name} --disable 0")
    elif storage.elsewhere:
        nodes, able = sorted(storage.nodes), ", ".join(sorted(s.id for s in storages.values() if s.usable)) or "none"
        yield Refusal(
            f"{key}: the storage `{name}` is not for this node, only for {', '.join(nodes)}",
            f"name one that is: {able}; or work on a node that has it: phoenix --host {nodes[0]} …",
        )
    elif not storage.mounted:
        yield Refusal(
            f"{key}: nothing is mounted at {storage.mountpoint}, where the storage `{name}` is",
            f"mount it: mount {storage.mountpoint}",
        )
    elif content == "snippets" and not storage.path:
        able = ", ".join(sorted(s.id for s in storages.values() if s.path and not s.elsewhere)) or "none"
        yield Refusal(
            f"{key}: the storage `{name}` ({storage.type}) has no folder, so it cannot hold snippets",
            f"name one that has: {able}",
        )
    elif content not in storage.content:
        wanted = ",".join([*sorted(storage.content), *sorted({content, *beside} - storage.content)])
        yield Refusal(
            f"{key}: the storage `{name}` does not allow the content type `{content}`",
            f"allow it: pvesm set {name} --content {wanted}",
        )


def bridge_problems(bridges: frozenset[str] | None, name: str, key: str) -> Iterator[Refusal]:
    """Yield that the node lacks the bridge; Proxmox itself would notice only when the guest starts (qm-start-*)."""
    if bridges is not None and name not in bridges:
        known = ", ".join(sorted(bridges)) or "none"
        yield Refusal(
            f"{key}: the node has no bridge `{name}`; it has: {known}",
            f"name one of these as `{key}`, or define the bridge in /etc/network/interfaces",
        )


def quorum_problems(here: Here) -> Iterator[Refusal]:
    """Yield that the node sees too few nodes of its cluster: /etc/pve is read-only then.

    The tools do what needs no configuration all the same: `qm destroy` removes local disks and then cannot remove the
    guest (recordings: cluster, group quorum).
    """
    if not here.quorate:
        name, (online, total) = f"the node {here.name}" if here.name else "the node", here.online
        yield Refusal(
            f"{name} has no quorum ({online} of {total} nodes online), so nothing can be changed",
            "bring the other nodes back, or the network between them; see `pvecm status`",
            of_node=True,
        )
