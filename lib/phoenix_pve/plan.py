"""What will be done to one guest: a Plan is a tuple of Changes, decided before anything runs. Frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from phoenix_pve.foreign import admit
from phoenix_pve.kinds import ON_THE_DRIVE
from phoenix_pve.values import props

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phoenix_pve.guard import Expected
    from phoenix_pve.guest import Kind, Power
    from phoenix_pve.readiness import Stage
    from phoenix_pve.records import Record


class When(StrEnum):
    """When a change takes effect."""

    NOW = ""
    NEXT_START = "at next start"


@dataclass(frozen=True)
class Difference:
    """One thing that will be different, for a reader: `memory: 2048 MiB → 4096 MiB`; `why` where that needs saying."""

    what: str
    old: str
    new: str
    when: When = When.NOW
    why: str = ""


@dataclass(frozen=True)
class WriteSnippet:
    """Store the rendered user-data. `text` holds password hashes: it is never shown."""

    volume: str
    path: str
    text: str = field(repr=False)
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class RemoveSnippet:
    """Remove the user-data of a guest that is gone."""

    volume: str
    path: str


@dataclass(frozen=True)
class Create:
    """Make the guest: the options of `qm create` or `pct create`, in order; `template` comes first for containers.

    pct reads root's public `keys` from a file, which is at `keys_path` only as long as it runs.
    """

    options: tuple[tuple[str, str], ...]
    differences: tuple[Difference, ...] = ()
    template: str = ""
    keys: str = ""
    keys_path: str = ""


@dataclass(frozen=True)
class Clone:
    """Make the guest as a full clone of `source` on `storage`; it then converges as any existing guest does."""

    source: int
    name: str
    storage: str


@dataclass(frozen=True)
class Note:
    """Note on the node that the guest is being worked on, so that a later run knows what an interrupted one left."""

    path: str
    text: str


@dataclass(frozen=True)
class Tidy:
    """Remove the note, and whatever else an interrupted run left; `found` says that one did."""

    paths: tuple[str, ...]
    found: bool = False


@dataclass(frozen=True)
class Remember:
    """Write the record of the guest, once its identity is known."""

    path: str
    record: Record


@dataclass(frozen=True)
class Mend:
    """Clear away a half-made guest of phoenix: its configuration, its volumes, its lock on the source."""

    configuration: bool
    volumes: tuple[str, ...]
    source: int | None = None


@dataclass(frozen=True)
class SetPassword:
    """Give a user inside a container the password with this hash, which is secret."""

    user: str
    hash: str = field(repr=False)


@dataclass(frozen=True)
class SetOptions:
    """Set every option that differs in one call, unless someone changed the file since its `digest` was taken.

    removed  the options that the same call takes away
    """

    options: tuple[tuple[str, str], ...]
    digest: str = ""
    differences: tuple[Difference, ...] = ()
    makes_volumes: bool = False
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grow:
    """Grow a disk to `gib` GiB. A new guest's disk has no line of its own: creating it tells the size.

    rescan  an interrupted run may have grown the volume already, which the configuration does not tell then
    """

    slot: str
    gib: int
    difference: Difference | None = None
    rescan: bool = False


@dataclass(frozen=True)
class RefreshCloudInit:
    """Write the cloud-init drive of a running guest anew, so that its next boot sees the new user-data."""


@dataclass(frozen=True)
class LookAgain:
    """See that what was set is there before what relies on it: a clone must not boot as its source."""


@dataclass(frozen=True)
class Start:
    """Start the guest."""


@dataclass(frozen=True)
class Resume:
    """Let a paused guest go on."""


@dataclass(frozen=True)
class Shutdown:
    """Ask the guest to shut down, and after `timeout` seconds stop it if `force` says so."""

    timeout: int
    force: bool


@dataclass(frozen=True)
class Stop:
    """Stop the guest at once, like pulling the plug."""


@dataclass(frozen=True)
class Destroy:
    """Destroy the guest with the volumes that its configuration names."""

    volumes: tuple[str, ...]


@dataclass(frozen=True)
class WaitForAgent:
    """Wait until the guest agent answers."""


@dataclass(frozen=True)
class WaitFor:
    """Wait until the guest has reached a stage after its agent.

    address  the stated one, "" for one that only the guest knows
    proxy    a command that leads to its SSH port, "" for the way over its address
    """

    stage: Stage
    address: str = ""
    proxy: str = ""


@dataclass(frozen=True)
class WaitForPower:
    """Wait until HA, which was only asked, has switched the guest off or on.

    service  what HA calls the guest: `vm:8001`
    beat     when its manager showed last that it is alive, in seconds of the epoch
    """

    power: Power
    service: str
    beat: int = 0


Change = (
    WriteSnippet
    | RemoveSnippet
    | Create
    | Clone
    | Note
    | Tidy
    | Remember
    | Mend
    | SetPassword
    | SetOptions
    | Grow
    | RefreshCloudInit
    | LookAgain
    | Start
    | Resume
    | Shutdown
    | Stop
    | Destroy
    | WaitForAgent
    | WaitFor
    | WaitForPower
)


def first_start(changes: Sequence[Change]) -> int:
    """Return the place of the first start, or of the end."""
    return next((i for i, change in enumerate(changes) if isinstance(change, Start)), len(changes))


def guarded(change: Change, digest: str) -> Change:
    """Return a change with the digest that was not known yet when it was planned."""
    return replace(change, digest=digest) if isinstance(change, SetOptions) and not change.digest else change


def undone(done: Sequence[Change], left: Sequence[Change]) -> tuple[Change, ...]:
    """Return what is left to do although it was done: options that were set, disks that were grown."""
    touched = {name for change in done for name in _touches(change)}
    return tuple(change for change in left if touched.intersection(_touches(change)))


def overtaken(ahead: Sequence[Change], left: Sequence[Change]) -> list[str]:
    """Return the options that lie ahead and, by what is `left` now, need another value or none: others changed them."""
    now = _options_set(left)
    return [name for name, value in _options_set(ahead).items() if not props.mean_the_same(now.get(name, ""), value)]


def _options_set(changes: Sequence[Change]) -> dict[str, str]:
    sets = [change for change in changes if isinstance(change, SetOptions)]
    return {
        name: value for change in sets for name, value in [*change.options, *((name, "") for name in change.removed)]
    }


def _touches(change: Change) -> list[str]:
    match change:
        case SetOptions():
            return [*(name for name, _ in change.options), *change.removed]
        case Grow():
            return [f"size of {change.slot}"]
        case _:
            return []


def unseen(changes: Sequence[Change]) -> frozenset[str]:
    """Return what a refreshed cloud-init drive holds and a running guest reads at its next start."""
    kinds = {type(change) for change in changes}
    if RefreshCloudInit not in kinds or Start in kinds:
        return frozenset()
    return frozenset({"user-data"} | (_options_set(changes).keys() & ON_THE_DRIVE))


@dataclass(frozen=True)
class Refusal:
    """Why a plan will not be carried out, and what to do about it. Names of the node's that it quotes do no harm.

    of_node  whether the node is not fit for it
    """

    message: str
    hint: str
    of_node: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", admit(self.message))
        object.__setattr__(self, "hint", admit(self.hint))


class Goal(StrEnum):
    """What was asked for; decides the words of the outcome."""

    CREATE = "create"
    DELETE = "delete"
    START = "start"
    STOP = "stop"
    RESTART = "restart"


@dataclass(frozen=True)
class Plan:
    """Everything that will happen to one guest.

    refusals  reasons not to touch it; with one, `changes` is empty
    waiting   options that were set earlier and wait for the next start
    notes     what to know of the guest, although nothing stands against the plan
    exists    whether the guest was there when the plan was made
    digest    that of its configuration then, "" for one that was not there
    expected  what the guest must still be before each change
    log       the note in which the node writes when commands begin and end, "" while there is none
    renewing  those of `changes` after which cloud-init takes the guest for another one at its next boot
    """

    goal: Goal
    kind: Kind
    vmid: int
    name: str
    changes: tuple[Change, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    waiting: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    exists: bool = True
    running: bool = False
    digest: str = ""
    expected: Expected | None = None
    log: str = ""
    renewing: tuple[Change, ...] = ()

    @property
    def unseen(self) -> frozenset[str]:
        """What a refreshed cloud-init drive holds and a running guest reads at its next start; no file shows that."""
        return unseen(self.changes)

    @property
    def before_start(self) -> Plan:
        """The part that does not need the guest to run."""
        return replace(self, changes=self.changes[: first_start(self.changes)])

    @property
    def from_start(self) -> Plan:
        """The rest: the start, and what comes after it."""
        return replace(self, changes=self.changes[first_start(self.changes) :])

    @property
    def alters(self) -> bool:
        """Whether anything will be different afterwards: waiting alone changes nothing."""
        return any(not isinstance(change, WaitForAgent | WaitFor | WaitForPower) for change in self.changes)
