"""A guest whose ID is taken where this node's own tool does not look: on another node, or by the other kind. PURE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from phoenix_pve.kinds import FACTS
from phoenix_pve.ownership import is_ours
from phoenix_pve.plan import Refusal

if TYPE_CHECKING:
    from phoenix_pve.cluster import Here
    from phoenix_pve.guest import GuestSpec, GuestState, Kind

OTHER_ID = "give the guest another ID in the configuration"


@dataclass(frozen=True)
class Elsewhere:
    """Who has the ID.

    node   the other node of the cluster; "" is this one, where it is of the other kind
    state  its configuration, None when that cannot be read
    """

    kind: Kind
    node: str
    state: GuestState | None

    @property
    def named(self) -> str:
        """In words: "VM `shop-db`"."""
        name = self.state.name if self.state else ""
        return f"{FACTS[self.kind].word} `{name}`" if name else f"a {FACTS[self.kind].word}"


def is_the_one(spec: GuestSpec, elsewhere: Elsewhere) -> bool:
    """Return whether a guest on another node is the configured one: of its kind, with phoenix' mark and its name."""
    found = elsewhere.state
    return bool(elsewhere.node and elsewhere.kind is spec.kind and found and is_ours(spec, found))


def may_be_the_one(spec: GuestSpec, elsewhere: Elsewhere) -> bool:
    """Return whether it is, or nobody can tell since its configuration cannot be read."""
    same = elsewhere.node and elsewhere.kind is spec.kind
    return is_the_one(spec, elsewhere) or bool(same and elsewhere.state is None)


def words(spec: GuestSpec, elsewhere: Elsewhere) -> str:
    """Return who has the ID, and where, in one sentence."""
    if is_the_one(spec, elsewhere):
        return f"{spec.vmid} {spec.name} is on node {elsewhere.node}"
    mine, other = FACTS[spec.kind].word, FACTS[elsewhere.kind].word
    name = elsewhere.state.name if elsewhere.state else ""
    if not elsewhere.node:
        called = f"; it is called `{name}`" if name else ""
        return f"{spec.vmid} is a {other} here, the configuration defines a {mine}{called}"
    defined = f", the configuration defines a {mine}" if elsewhere.kind is not spec.kind else ""
    return f"the ID {spec.vmid} is taken by {elsewhere.named} on node {elsewhere.node}{defined}"


def refusal(spec: GuestSpec, elsewhere: Elsewhere, here: Here, command: str) -> Refusal:
    """Return why `command` leaves a guest alone, and what leads on: to go there, to bring it here, or another ID."""
    text = words(spec, elsewhere)
    if not elsewhere.node:
        return Refusal(text, f"{OTHER_ID}, or define it as what it is")
    if command == "adopt" and elsewhere.kind is spec.kind:
        return Refusal(text, f"{there(spec.vmid, elsewhere, here, command)}; or {OTHER_ID}")
    if may_be_the_one(spec, elsewhere):
        return Refusal(text, there(spec.vmid, elsewhere, here, command))
    return Refusal(text, OTHER_ID)


def there(vmid: int, elsewhere: Elsewhere, here: Here, command: str) -> str:
    """Return the commands that work on a guest where it is, or bring it here."""
    tool, online = FACTS[elsewhere.kind].tool, "--online" if elsewhere.kind == "vm" else "--restart"
    bring = f"on {elsewhere.node}: {tool} migrate {vmid} {here.name or 'NODE'} ({online} while it runs)"
    return f"work there: phoenix --host {elsewhere.node} {command} {vmid}; or bring it here, {bring}"


def short(spec: GuestSpec, elsewhere: Elsewhere) -> tuple[str, str]:
    """Return what a listing says of the guest: its status, and whose its ID is when that is somebody else's."""
    if may_be_the_one(spec, elsewhere):
        return f"on node {elsewhere.node}", ""
    if not elsewhere.node:
        return "absent", words(spec, elsewhere).removeprefix(f"{spec.vmid} ")
    return "absent", words(spec, elsewhere).replace(f"the ID {spec.vmid}", "the ID")


def source_refusal(spec: GuestSpec, node: str, here: Here) -> Refusal:
    """Return that the guest which this one is to be cloned from is on another node (recordings, group other-node)."""
    facts = FACTS[spec.kind]
    return Refusal(
        f"the {facts.word} {spec.clone_from}, which {spec.vmid} is cloned from, is on node {node}, and Proxmox clones "
        "only what is on the node itself",
        f"bring it here, on {node}: {facts.tool} migrate {spec.clone_from} {here.name or 'NODE'}; "
        f"or work there: phoenix --host {node} create {spec.vmid}",
    )
