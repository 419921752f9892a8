"""Record what a real node does, in the format of the recordings here, and tell how the fake differs.

usage: make record HOST=pve1      (python -m conformance.record HOST [FOLDER])

What runs there is in PLAN: questions, and guests with IDs of the range in config/acceptance.json, none of which is started.
The recording speaks of the IDs and names that the others here speak of, and each scenario names the version of its node.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from features import acceptance, real_target, settings

from conformance import replay
from conformance.likeness import normal
from conformance.recordings import packed, whole
from phoenix_pve import ssh_errors, storage_cfg
from phoenix_pve.errors import PhoenixError
from phoenix_pve.node import WHOLE, Questions
from phoenix_pve.ssh_node import SshNode

Scenario = dict[str, Any]
Step = dict[str, Any]

STORAGE_CFG = "/etc/pve/storage.cfg"
FAKE_NODE = "pve1"
FAKE_STORAGES = {"dir": "local", "lvmthin": "local-lvm"}
LVM = """dir: local
	path /var/lib/vz
	content images,iso,vztmpl,snippets,backup,import,rootdir

lvmthin: local-lvm
	thinpool data
	vgname pve
	content rootdir,images

"""
# id, tool, what it is about, its commands; 8001 and 101 are IDs of the range, STORAGE is that of the settings.
PLAN: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("absent", "qm", "a guest that is not there", ("qm status 8001", "qm config 8001", "qm destroy 8001")),
    ("absent", "pct", "a container that is not there", ("pct status 101", "pct config 101", "pct destroy 101")),
    (
        "refused",
        "qm",
        "values and options that are refused",
        ("qm create 99", "qm create 8001 --nonsense 1", "qm create 8001 --memory abc", "qm create 8001 --name a_b"),
    ),
    (
        "bare",
        "qm",
        "a machine without a disk: made, changed, destroyed",
        (
            "qm create 8001 --name web1 --memory 512 --cores 1 --tags phoenix",
            "qm config 8001",
            "qm status 8001",
            "qm create 8001",
            "qm set 8001 --cores 2 --tags phoenix,Web --description 'managed by phoenix'",
            "qm set 8001 --delete nonsense",
            "qm resize 8001 scsi0 +1G",
            "qm pending 8001",
            "qm config 8001",
            "qm stop 8001",
            "qm shutdown 8001",
            "qm destroy 8001 --purge 1",
            "qm status 8001",
        ),
    ),
    (
        "disk",
        "qm",
        "a disk of 1 GiB: made, grown, not shrunk, unlinked, destroyed",
        (
            "qm create 8001 --name web1 --memory 512 --tags phoenix --scsi0 STORAGE:1",
            "qm config 8001",
            "qm disk resize 8001 scsi0 2G",
            "qm disk resize 8001 scsi0 1G",
            "qm set 8001 --delete scsi0",
            "qm config 8001",
            "qm set 8001 --scsi1 STORAGE:1,discard=on",
            "qm destroy 8001 --purge 1 --destroy-unreferenced-disks 1",
        ),
    ),
)


@dataclass
class Recorder:
    """A node, and how its words become those of the recordings."""

    node: SshNode
    host: str
    ids: Mapping[int, int]
    storage: str
    storage_type: str
    storage_path: str
    name: str
    version: str
    there: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Words of the recordings -> words of the node."""
        self.there = {str(a): str(b) for a, b in self.ids.items()} | {"STORAGE": self.storage}

    @property
    def back(self) -> dict[str, str]:
        """Words of the node -> words of the recordings."""
        known = {str(real): str(literal) for literal, real in self.ids.items()}
        return {**known, self.storage: FAKE_STORAGES[self.storage_type], self.name: FAKE_NODE}

    def scenario(self, number: int, group: str, tool: str, about: str, lines: tuple[str, ...]) -> Scenario:
        """Run the commands of a scenario, then remove what they left."""
        prepare = (
            [{"write": {"path": "/etc/pve/storage.cfg", "content": LVM}}] if self.storage_type == "lvmthin" else []
        )
        try:
            steps = [self.step(line) for line in lines]
        finally:
            for vmid in real_target.taken(self.node, self.ids.values()):
                real_target.destroy(self.node, vmid)
        made = {"id": f"{tool}-{group}-{number:03}", "tool": tool, "group": group, "about": about}
        return {**made, "node": self.version, "steps": [*prepare, *packed(steps)]}

    def step(self, line: str) -> Step:
        """Run one command; what it said and what then is on the node."""
        done = self.node.run(_words(real_target.replaced(line, self.there)))
        return {
            "argv": [real_target.replaced(word, self.back) for word in done.argv],
            "exit": done.exit,
            "stdout": self.text(done.stdout),
            "stderr": self.text(done.stderr),
            "stdin": "",
            "conf": self.confs(),
            "volumes": self.volumes(),
        }

    def text(self, text: str) -> str:
        """The text in the words of the recordings, without what is random and without usage texts."""
        there = f"{self.storage_path}/"
        return normal(
            real_target.replaced(text.replace(there, "/var/lib/vz/") if self.storage_path else text, self.back)
        )

    def confs(self) -> dict[str, str]:
        """The configuration files of the range, by ID."""
        paths = {
            f"/etc/pve/{kind}/{vmid}.conf": lit for lit, vmid in self.ids.items() for kind in ("qemu-server", "lxc")
        }
        found = self.node.look(Questions(files=dict.fromkeys(paths, WHOLE))).files
        return {str(paths[path]): self.text(file.data.decode("utf-8", "replace")) for path, file in found.items()}

    def volumes(self) -> list[dict[str, Any]]:
        """The volumes of the range on the storage of the settings."""
        listed = self.node.run(["pvesm", "list", self.storage]).stdout.splitlines()[1:]
        rows = [line.split() for line in listed]
        ours = {str(vmid) for vmid in self.ids.values()}
        return [
            {
                "storage": FAKE_STORAGES[self.storage_type],
                "path": real_target.replaced(row[0].partition(":")[2], self.back),
                "format": row[1],
                "size": int(row[3]),
            }
            for row in rows
            if len(row) > 4 and row[4] in ours
        ]


def _words(line: str) -> list[str]:
    return [word.strip("'") for word in re.findall(r"'[^']*'|\S+", line)]


def recorder(host: str) -> Recorder:
    """Look at the node. Raises SettingsError for a storage of a kind that the recordings do not speak of."""
    node, given = real_target.connection(host), settings.load()
    cfg = node.look(Questions(files={STORAGE_CFG: WHOLE})).files.get(STORAGE_CFG)
    found = storage_cfg.parse(cfg.data.decode("utf-8", "replace") if cfg else "").get(given.storage)
    if found is None or found.type not in FAKE_STORAGES:
        raise settings.SettingsError(f"storage: recordings are made on a {' or '.join(FAKE_STORAGES)} storage")
    name = node.run(["hostname", "-s"]).stdout.strip()
    version = node.run(["sh", "-c", "pveversion || true"]).stdout.strip() or "unknown"
    return Recorder(node, host, given.vmids, given.storage, found.type, found.path, name, version)


def record(host: str) -> Iterator[Scenario]:
    """Claim the range, run the plan, give the range back."""
    real_target.claim(host)
    made = recorder(host)
    for number, (group, tool, about, lines) in enumerate(PLAN, 1):
        yield made.scenario(number, group, tool, about, lines)
    real_target.release(host)


def differences(scenario: Scenario) -> Iterator[str]:
    """Yield how the fake differs."""
    for step, differs in replay.run({**scenario, "steps": list(whole(scenario["steps"]))}):
        for part, (wanted, got) in differs.items():
            yield f"  $ {' '.join(step['argv'])}\n    {part}\n      real: {wanted!r}\n      fake: {got!r}"


def main(argv: list[str]) -> int:
    """Record, write, replay."""
    if not argv or not argv[0]:
        print("usage: make record HOST=pve1", file=sys.stderr)
        return 2
    folder = Path(argv[1] if len(argv) > 1 else "build/recordings")
    try:
        scenarios = list(record(argv[0]))
    except (settings.SettingsError, PhoenixError) as error:
        print(f"error: {acceptance.told(error)}", file=sys.stderr)
        return 1
    path = folder / f"{ssh_errors.name_of(argv[0])}-{time.strftime('%Y-%m-%d')}.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in scenarios), encoding="utf-8")
    tell(path, scenarios)
    return 0


def tell(path: Path, scenarios: list[Scenario]) -> None:
    """Print what was recorded and where the fake differs."""
    steps = sum("argv" in step for scenario in scenarios for step in scenario["steps"])
    print(f"{path}: {len(scenarios)} scenarios, {steps} commands, node: {scenarios[0]['node']}")
    differing = 0
    for scenario in scenarios:
        if lines := list(differences(scenario)):
            differing += len(lines)
            print(f"{scenario['id']} ({scenario['about']})", *lines, sep="\n")
    print("the fake does the same" if not differing else f"the fake differs in {differing} places")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
