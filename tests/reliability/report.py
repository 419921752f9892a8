"""Write docs/reliability.md from the figures of a whole run: `make reliability`.

Every kind that a test records (sampling.py, `record`) gets a table; KINDS says what it is called and explained by.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

TEXT = """# Reliability

What phoenix does when it is killed, when the node's tools fail, and when several work at once: shown by enumeration on the
fake node. `make reliability` repeats everything here in half an hour and writes the figures; `make soak` adds random
life cycles; `make test` runs a sample.

## Killed anywhere

Each flow runs once undisturbed; the journal of that run says which calls it makes, which files it writes, and how often
each call of a node tool changes the node's files. Then it runs again for every call, killed (`kill -9`) before, during and
after it; with the node's own tool killed before its work, after it, and at every single change that it makes on the way;
and killed before, in and after every operation on a file. The same command is then run once more. It must end in the state
of the undisturbed run: configuration (without random MAC addresses and UUIDs), volumes, snippets, power, what is inside,
and neither a file, a lock nor a process left over. A crash that did not come counts as a failure. Where several guests are
worked on at once, the order of calls differs from run to run; the tools are killed on the way in the same flows one by one.

{crashes}

Two states are left to a person, because they might be somebody else's work. The next run refuses with the commands that
mend them (or mends them with `--force`); the enumeration runs these commands and goes on:

- the tool dies in the middle of making a volume on a storage without folders (LVM, ZFS, Ceph). Proxmox does not say when
  such a volume was made, so it might be older;
- `pct clone` dies while its source is locked and the clone has no configuration yet, or has its whole one already. The lock
  might be that of a `pct move-volume`; where the source is worked on in the same run, `--force` leaves it
  to the command as well.

## Faults

Every call × failure, success without effect, garbage, bytes that are no text, a hang, slowness, a full storage, a lock for
a while and one for ever, and somebody else who changes the guest just before the call. The run must end in a documented
status with an error and a hint, without traceback, and never claim success wrongly; the next run must converge, and somebody
else's change must be noticed by an update and survive. What was set in a stopped guest is read back before it boots.

{faults}

Not to be seen by anybody: that `pct exec … chpasswd`, `qm cloudinit update` or `qm agent ping` say success and did nothing.

{others}## What makes it so

- **A look right before** everything that stops, starts, grows, clears away, clones or destroys: at the guest's configuration
  file, so it costs no call of a tool. UUID, time of creation and generation ID tell VMs apart, root volume and MAC addresses
  containers. A `set` carries the digest instead.
- **A note** (`/var/lib/phoenix/ID.unfinished` on the node) stands from before a guest is made until it is complete. It names
  the guest, the storages and the volumes that were there before, and the node adds when each command begins and ends. With
  it, a configuration that holds nothing but a lock, or a volume without a guest, is provably phoenix's own when it came into
  being while such a command ran: the next run clears it away and begins anew. Anything else phoenix refuses, and prints the
  exact commands. A password that was not set and a cloud-init drive that was not refreshed are found by it as well. So are a
  mount point's volume that no configuration names, and a disk that was grown without its configuration saying so: sizes are
  rescanned first then. The note also goes when a run ends with an error and nothing is left.
- **A record** (`/var/lib/phoenix/ID.record`) remembers what a guest was made from, and what only its next start brings.
- **What waits needlessly is set again.** `qm set` stores everything as waiting first; killed then, it leaves waiting what a
  running guest takes at once. phoenix knows these options.
- **Locks** are flocks on the node that is driven, `/run/phoenix/ID`, so that two workstations exclude each other too.
  The kernel drops them with their holder: none is ever stale. A command on the node holds a second one, `ID.busy`, while
  it runs, so that a run after a killed one waits for what is still at work, and says so. They cost no call of a tool.
  A run that wants several guests takes all or none, and otherwise one at a time, so that runs cannot block each other.
- **Commands outlive phoenix**: a session of their own, memory in place of pipes. Over SSH a command may end with the
  connection.
- **Deadlines**: a command that copies or wipes disks 4 hours (`--call-timeout`), another change 10 minutes, a query one.
  At the deadline it is asked to end, as Proxmox ends a task, and after 10 seconds killed. Over SSH it is only left behind.
  A question to a guest ends with the stage that it is asked for (`--timeout`), over SSH as well.
- **Truth after a request**: a guest that HA looks after is waited for until the node shows the power that was asked for;
  a guest on another node is never taken for one that is gone; without quorum, and where the start would fail for a reason
  that files show, nothing is begun. Tables in tests enumerate every goal × place of the guest, × power under HA, × power
  without quorum, × reason not to start. [cluster.md](cluster.md)
- **Digest**: changes carry the digest of the configuration they were planned from, so that one made meanwhile is not
  overwritten unseen.

## Signals

The first Ctrl-C or SIGTERM lets the command under way end, says what is done and what is not, and ends with 130 or 143. The
second leaves at once; the command goes on by itself. While phoenix only looks, the first is enough. A reader that leaves
(`| head`) is no error, and the work is completed; a full disk below the output is one.

## Secrets

Canary hashes run through whole flows, crashes and faults included; every output, journal, process list, lock and temporary
file is searched. They stand in the configuration, in the snippet (mode 0600 where the storage has modes: a CIFS or NFS
server that has none must be protected itself), and in what Proxmox makes of it: the cloud-init drive and the guest.

## Limits

A `qm` that is killed while its forked worker goes on is not seen by the busy lock; Proxmox's own locks still stand before
the worker. A `pct resize` that is killed between the volume and its file system leaves a small file system in a large
volume, which nothing shows from outside. A change of a network card's MAC address alone that is killed in the middle of `qm
set` waits for a restart, and is told as waiting. A note does not survive the loss of the node's file system. Figures are
from the fake; what is recorded of the real tools is in tests/conformance.

{run}
"""


class Kind(NamedTuple):
    """What is enumerated: the heading above it, what its table lists and counts, and what is tried and must hold."""

    title: str
    lists: str
    counts: str
    about: str


KINDS = {
    "crashes": Kind("Killed anywhere", "flow", "points", "in TEXT"),
    "faults": Kind("Faults", "flow", "faults", "in TEXT"),
    "hostile answers": Kind(
        "Strangers",
        "field",
        "words",
        """A guest, and whoever can write on a node, may say anything in every field that phoenix reads: the options, notes and locks of a
configuration, names of storages, bridges and nodes, what tools, agents, cloud-init, `uname` and ssh print, addresses. Each
field × a list of hostile words (every control character, those of direction and those that show nothing, sequences that
paint a terminal, lone surrogates, lines for ssh's configuration, shell, deep and long nonsense) × every way out (terminal
with and without colours, the live line, files, JSON, ssh's configuration, command lines of probes, journal, errors) is tried
in one process. Nothing may come out that does more than show, no line of the stranger's own, no field without end, no
traceback. A test guards that only one place writes to the user, and that it lets nothing through.""",
    ),
    "identity swaps": Kind(
        "A plan is for the guest that was seen",
        "flow",
        "swaps",
        """Before every look of every flow somebody replaces, protects, locks, moves or renames the guest; every call that changes
something is preceded by a look. From then on nothing of that guest may change, and no success may be claimed for a guest that is
another one, or elsewhere. (Protection only hinders a deletion.)""",
    ),
    "environments": Kind(
        "Environments",
        "environment",
        "commands",
        """Every odd environment (PATH, locale, HOME, working folder, folders that cannot be written, limits) × every command. It does
what it does in a nice shell, or is refused before anything is made, with a status and a hint.""",
    ),
}
"""Every kind by the name under which it is recorded; a new one is explained here."""


def section(kind: str, rows: list[tuple[str, int, int]]) -> str:
    """Return what is told of a kind that TEXT does not tell."""
    known = KINDS.get(kind) or Kind(kind.capitalize(), "what", "tried", "")
    return "\n\n".join(filter(None, [f"## {known.title}", known.about, table(rows, known.counts, known.lists)])) + "\n"


def table(rows: list[tuple[str, int, int]], what: str, lists: str = "flow") -> str:
    """Return a table with its sum."""
    lines = [f"| {lists} | {what} | not as it should be |", "|---|---:|---:|"]
    lines += [f"| {name} | {tried} | {failed} |" for name, tried, failed in rows]
    total = [sum(row[i] for row in rows) for i in (1, 2)]
    return "\n".join([*lines, f"| **all** | **{total[0]}** | **{total[1]}** |"])


def main(figures: str, target: str) -> int:
    """Write the page; return 1 when something was not as it should be."""
    found: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for line in Path(figures).read_text().splitlines():
        record = json.loads(line)
        found[record["kind"]][record["flow"]] = (record["tried"], record["failed"])
    rows = {kind: [(name, *pair) for name, pair in sorted(flows.items())] for kind, flows in found.items()}
    run = f"Last written {time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, Linux {platform.release()}."
    crashes, faults = (table(rows.get(kind, []), what) for kind, what in (("crashes", "points"), ("faults", "faults")))
    others = "".join(
        section(kind, rows[kind]) + "\n" for kind in sorted(rows.keys() - {"crashes", "faults"}, key=_place)
    )
    Path(target).write_text(TEXT.format(crashes=crashes, faults=faults, others=others, run=run), encoding="utf-8")
    print(target)
    return int(any(failed for kind in rows.values() for _, _, failed in kind))


def _place(kind: str) -> tuple[int, str]:
    """Return where a kind stands: in the order of KINDS, then the rest."""
    return ([*KINDS, kind].index(kind), kind)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
