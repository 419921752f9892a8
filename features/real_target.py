"""A real node over SSH, as the features see it: with the IDs, storages and names that the feature files write.

Only IDs of the range in config/acceptance.json are touched, and they are free when a run starts. What is removed
carries phoenix's mark or was made by a step as `someone`'s, which a ledger in build/acceptance says, also to a later
`make acceptance-clean`; what others make in the range meanwhile stays.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fake_pve import seed
from features import settings
from features.target import FakeTarget, Result, container
from phoenix_pve.errors import PhoenixError
from phoenix_pve.locks import myself
from phoenix_pve.node import WHOLE, Questions
from phoenix_pve.ssh_node import SshNode, checked_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from features.settings import Settings

BUILD = Path(__file__).resolve().parent.parent / "build/acceptance"
SKEW = 300
"""Seconds by which the clocks of two machines may differ."""

LONGEST_RUN = 24 * 3600
"""Seconds after which nobody works under a claim any more."""

THE_RUN = 0
"""The lock on the node that says that features run there; no guest has this ID."""

VMLIST = "/etc/pve/.vmlist"
SNIPPETS = "/var/lib/vz/snippets"
MARKS = ("tags: phoenix", ";phoenix", "description: managed by phoenix", "#managed by phoenix")


def words(given: Settings) -> dict[str, str]:
    """What the feature files write -> what it is on the node."""
    pairs = {
        container("")["template"]: given.template,
        seed.UBUNTU: given.image,
        "local-lvm": given.second_storage,
        "local": given.storage,
        "vmbr0": given.bridge,
        "vmbr1": given.second_bridge,
    }
    return {literal: real for literal, real in pairs.items() if real} | {str(a): str(b) for a, b in given.vmids.items()}


def replaced(text: str, pairs: Mapping[str, str]) -> str:
    """Replace whole words, all at once: `local` is none in `local-lvm`, but one in `local:8001/vm-8001-disk-0.raw`."""
    if not pairs:
        return text
    longest = sorted(pairs, key=len, reverse=True)
    pattern = "|".join(_whole(word) for word in longest)
    return re.sub(pattern, lambda found: pairs[found[0]], text)


def _whole(word: str) -> str:
    """A number may stand between any letters but digits, a name not within a longer name or a path."""
    return rf"(?<!\d){word}(?!\d)" if word.isdigit() else rf"(?<![\w./-]){re.escape(word)}(?![\w/-]|\.\w)"


def inverse(pairs: Mapping[str, str]) -> dict[str, str]:
    """The way back; where two words became one, the first."""
    back: dict[str, str] = {}
    for literal, real in pairs.items():
        back.setdefault(real, literal)
    return back


@functools.cache
def connection(host: str) -> SshNode:
    """The one connection of this process for what an administrator does beside phoenix."""
    return SshNode(checked_host(host), os.environ.get("PHOENIX_NODE_ROOT", ""))


def taken(node: SshNode, vmids: Iterable[int]) -> dict[int, str]:
    """Which of the IDs are guests, here or elsewhere in the cluster: their configuration, or nothing."""
    found = node.look(Questions(files={VMLIST: WHOLE}, folders=("/etc/pve/qemu-server", "/etc/pve/lxc"))).files
    texts = {path: file.data.decode("utf-8", "replace") for path, file in found.items()}
    here = {int(found[1]): text for path, text in texts.items() if (found := re.search(r"/(\d+)\.conf$", path))}
    cluster = cluster_ids(texts[VMLIST]) if VMLIST in texts else set()
    return {vmid: here.get(vmid, "") for vmid in sorted({*vmids} & ({*here} | cluster))}


def cluster_ids(vmlist: str) -> set[int]:
    """The IDs of /etc/pve/.vmlist, which has no `ids` while a cluster has no guests.

    Raises SettingsError for anything else: an ID must not be taken for free because a list cannot be read.
    """
    try:
        return {int(vmid) for vmid in dict(json.loads(vmlist).get("ids", {}))}
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise settings.SettingsError(
            f"{VMLIST} of the node is no list of guests: {vmlist[:60]!r}\n"
            "  hint: see whether pve-cluster runs there: systemctl status pve-cluster"
        ) from None


def be_alone(host: str) -> None:
    """See to it that nobody else runs the features on the node until this process ends. Raises SettingsError."""
    if who := connection(host).hold([THE_RUN], myself("acceptance").replace("phoenix", "make", 1)):
        raise settings.SettingsError(
            f"the features are run on {host} already, by {who}\n  hint: wait until that is done, or end it"
        )


def claim(host: str) -> None:
    """Check once that the whole range is free, and note that from now on it is ours. Raises SettingsError."""
    given = settings.load()
    be_alone(host)
    first, last = given.ids
    there = taken(connection(host), range(first, last + 1))
    if there:
        raise settings.SettingsError(
            f"{host} has guests in the range {first}-{last}: {', '.join(map(str, there))}\n"
            f"  hint: what an earlier run left goes with: make acceptance-clean HOST={host}; "
            "otherwise choose another range in config/acceptance.json"
        )
    ledger(host).parent.mkdir(parents=True, exist_ok=True)
    ledger(host).write_text(json.dumps({"ids": given.ids, "time": time.time(), "made": []}), encoding="utf-8")


def is_marked(conf: str) -> bool:
    """Whether a guest's configuration carries phoenix's mark."""
    return any(mark in conf for mark in MARKS)


def claimed(host: str) -> dict[str, Any]:
    """What the ledger says; nothing when no run has claimed the range. Raises SettingsError for a broken one."""
    file = ledger(host)
    try:
        return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}
    except ValueError as error:
        raise settings.SettingsError(
            f"{file}: {error}\n  hint: see what the range in config/acceptance.json holds there, then remove the file"
        ) from None


def note(host: str, node: SshNode, vmid: int) -> None:
    """Write down that a step is about to make this guest, or to take the mark off it; not of a guest of others."""
    claim, there = claimed(host), taken(node, [vmid])
    if claim and (vmid not in there or is_marked(there[vmid])):
        made = sorted({*claim["made"], vmid})
        ledger(host).write_text(json.dumps({**claim, "made": made}), encoding="utf-8")


def ledger(host: str) -> Path:
    """The file that says that a run has claimed the range."""
    return BUILD / f"claimed-{re.sub(r'[^A-Za-z0-9.-]', '_', host)}.json"


def destroy(node: SshNode, vmid: int) -> None:
    """Remove a guest with all it has, whichever kind it is and whatever protects it."""
    found = node.look(Questions(files={f"/etc/pve/{kind}/{vmid}.conf": 1 for kind in ("qemu-server", "lxc")}))
    for path in found.files:
        tool = "qm" if "qemu-server" in path else "pct"
        for line in (f"unlock {vmid}", f"set {vmid} --protection 0", f"stop {vmid}"):
            node.run([tool, *line.split()])
        done = node.run([tool, "destroy", str(vmid), "--purge", "1", "--destroy-unreferenced-disks", "1"])
        if done.exit:
            raise PhoenixError(f"{tool} destroy {vmid}: {done.stderr.strip()}", "remove it by hand")
    node.remove(f"{SNIPPETS}/phoenix-{vmid}-user.yaml")


def clean(host: str) -> Iterator[str]:
    """Remove what an earlier run left; yield what is done. What carries no mark and no run claimed is kept."""
    node, (first, last) = connection(host), settings.load().ids
    be_alone(host)
    claim = claimed(host)
    for vmid, conf in taken(node, range(first, last + 1)).items():
        if is_marked(conf) or _made_under(claim, vmid, conf):
            destroy(node, vmid)
            yield f"{vmid}: removed"
        else:
            yield f"{vmid}: kept, since nothing shows that the features made it"
    ledger(host).unlink(missing_ok=True)


def _made_under(claim: Mapping[str, Any], vmid: int, conf: str) -> bool:
    """Whether a VM without mark is one that a step made for `someone`, and no later one of the same ID."""
    if vmid not in claim.get("made", ()):
        return False
    made = re.search(r"^meta:.*\bctime=(\d+)", conf, re.MULTILINE)
    return made is not None and claim["time"] - SKEW <= int(made[1]) <= claim["time"] + LONGEST_RUN


def release(host: str) -> list[int]:
    """End the claim when nothing is left in the range; return what is."""
    first, last = settings.load().ids
    left = list(taken(connection(host), range(first, last + 1)))
    if not left:
        ledger(host).unlink(missing_ok=True)
    connection(host).close()
    return left


@dataclass(repr=False)
class RealTarget(FakeTarget):
    """It speaks the feature files' language: words are exchanged on the way in and back on the way out."""

    host: str = ""
    keep: bool = False

    def __post_init__(self) -> None:
        """There is no node to make."""
        self.config = self.folder / "config"
        self.config.mkdir(parents=True)
        self.journal = self.folder / "journal.jsonl"
        self.given = settings.load()
        self.pairs = words(self.given)
        self.back = inverse(self.pairs)
        self.node = connection(self.host)

    def close(self) -> None:
        """Remove the guests that the scenario made."""
        made = claimed(self.host).get("made", ())
        there = {} if self.keep else taken(self.node, self.given.vmids.values())
        for vmid, conf in there.items():
            if is_marked(conf) or vmid in made:
                destroy(self.node, vmid)

    @property
    def phoenix_environment(self) -> dict[str, str]:
        """The user's own environment, with the way to the node."""
        mine = {"PHOENIX_HOST": self.host, "PHOENIX_CONFIG_DIR": str(self.config), "PHOENIX_JOURNAL": str(self.journal)}
        return {**os.environ, **mine}

    def write_config(self) -> None:
        """Write the configuration in the node's words."""
        super().write_config()
        for file in self.config.glob("*.json"):
            file.write_text(replaced(file.read_text(), self.pairs))
        self._give_addresses()

    def _give_addresses(self) -> None:
        """Give each VM without network_config its static address, when the settings state one."""
        file = self.config / "phoenix_hypervisor_config.json"
        if self.given.address == "dhcp" or self.raw_hypervisor is not None:
            return
        document = json.loads(file.read_text())
        for vm in document.get("vms", []):
            if "vmid" in vm:
                vm.setdefault("network_config", self._address(vm["vmid"]))
        file.write_text(json.dumps(document))

    def _address(self, vmid: int) -> dict[str, str]:
        address, _, prefix = self.given.address.partition("/")
        net, _, last = address.rpartition(".")
        made = {"ip": f"{net}.{int(last) + vmid - self.given.ids[0]}/{prefix}"}
        return {**made, "gw": self.given.gateway} if self.given.gateway else made

    def phoenix(self, line: str) -> Result:
        """Run phoenix against the node."""
        return self._back(super().phoenix(replaced(line, self.pairs)))

    def have_run(self, line: str) -> Result:
        """Run phoenix as a step that a scenario starts from."""
        return self.phoenix(line)

    def tool(self, line: str) -> Result:
        """Run a tool on the node, as its administrator."""
        argv = shlex.split(replaced(line, self.pairs))
        for vmid in {*map(str, self.given.vmids.values())} & {*argv}:
            note(self.host, self.node, int(vmid))
        done = self.node.run(argv)
        return self._back(Result(done.exit, done.stdout, done.stderr))

    def _back(self, result: Result) -> Result:
        return Result(result.status, self._text_back(result.stdout), self._text_back(result.stderr))

    def _text_back(self, text: str) -> str:
        return replaced(re.sub(r"ip=[\d./]+(,gw=[\d.]+)?", self._dhcp, text), self.back)

    def _dhcp(self, found: re.Match[str]) -> str:
        """An address that the settings gave is `dhcp` in the feature files."""
        net = self.given.address.rpartition(".")[0]
        return "ip=dhcp" if net and found[0].startswith(f"ip={net}.") else found[0]

    def calls(self) -> list[list[str]]:
        """Every command that phoenix ran on the node, by phoenix's own journal."""
        lines = self.journal.read_text().splitlines() if self.journal.exists() else []
        runs = [record["run"] for record in map(json.loads, lines) if "run" in record]
        return [[self._text_back(word) for word in argv] for argv in runs]

    def files(self) -> dict[str, bytes]:
        """Configuration files and snippets of the range's guests."""
        vmids = self.given.vmids.values()
        confs = [f"/etc/pve/{kind}/{vmid}.conf" for kind in ("qemu-server", "lxc") for vmid in vmids]
        snippets = [f"{SNIPPETS}/phoenix-{vmid}-user.yaml" for vmid in vmids]
        found = self.node.look(Questions(files=dict.fromkeys([*confs, *snippets], WHOLE)))
        return {path: file.data for path, file in found.files.items()}

    def snippet(self, vmid: int) -> tuple[str, int]:
        """The user-data of a VM, and the mode of its file."""
        path = f"{self.node.root}{SNIPPETS}/phoenix-{self.given.vmids[vmid]}-user.yaml"
        mode = self.node.run(["stat", "-c", "%a", path]).stdout
        return replaced(self.node.run(["cat", path]).stdout, self.back), int(mode or "0", 8)

    def snippets(self) -> list[str]:
        """The snippets of the range's guests."""
        return [path for path in self.files() if path.endswith(".yaml")]

    def leftovers(self) -> list[str]:
        """Guests, snippets and volumes of the range."""
        storages = [storage for storage in (self.given.storage, self.given.second_storage) if storage]
        listed = [
            line for storage in storages for line in self.node.run(["pvesm", "list", storage]).stdout.splitlines()
        ]
        ours = {str(vmid) for vmid in self.given.vmids.values()}
        return [*self.files(), *(line for line in listed if line.split()[-1:] and line.split()[-1] in ours)]

    def add_template(self) -> None:
        """The settings name the template."""
        assert self.given.template

    def check(self) -> None:
        """Have the image."""
        found = self.node.look(Questions(files={self.given.image: 1}))
        assert found.files, f"the node has no file {self.given.image}: config/acceptance.json names it"

    def version(self) -> str:
        """The version of the node."""
        return self.node.run(["sh", "-c", "pveversion || true"]).stdout.strip() or "unknown"

    def lock(self, vmid: int, lock: str) -> None:
        """Lock a VM, as a long task does."""
        done = self.tool(f"qm set {vmid} --lock {lock}")
        assert done.status == 0, done.output
