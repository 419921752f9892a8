"""Somebody else takes a guest's ID, or locks, protects, renames or migrates it, at every look that phoenix takes.

Every call that changes something is preceded by a look. Whatever happened to the guest before that look must be left as it
is from then on, and no success may be claimed for a guest that is another one, or elsewhere.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.reliability.crashes import Ground
from tests.reliability.faults import judged
from tests.reliability.flows import Flow
from tests.reliability.lab import Crash, Ended, Lab, content

VM, BOX = "qemu-server", "lxc"


@dataclass(frozen=True)
class Scene:
    """A node as the one who disturbs sees it."""

    root: Path
    bin: Path
    vmid: int

    @property
    def folder(self) -> str:
        return VM if self.vmid >= 1000 else BOX

    @property
    def conf(self) -> Path:
        return self.root / f"etc/pve/nodes/pve1/{self.folder}/{self.vmid}.conf"

    @property
    def away(self) -> Path:
        return self.root / f"etc/pve/nodes/pve2/{self.folder}/{self.vmid}.conf"

    def tool(self, *words: str) -> None:
        subprocess.run(
            [str(self.bin / ("qm" if self.folder == VM else "pct")), *words], capture_output=True, check=False
        )


def replaces(scene: Scene) -> bool:
    vmid = str(scene.vmid)
    scene.tool("set", vmid, "--protection", "0")
    scene.tool("stop", vmid)
    scene.tool("destroy", vmid, "--purge", "1")
    if scene.conf.exists():
        return False
    if scene.folder == VM:
        scene.tool("create", vmid, "--name", "precious", "--memory", "512", "--scsi0", "local:1")
    else:
        template = "/var/lib/vz/template/cache/debian-12-standard_12.7-1_amd64.tar.zst"
        scene.tool("create", vmid, template, "--hostname", "precious", "--rootfs", "local:1")
    scene.tool("start", vmid)
    return scene.conf.exists()


def protects(scene: Scene) -> bool:
    return _sets(scene, "protection", "1")


def locks(scene: Scene) -> bool:
    return _sets(scene, "lock", "backup")


def renames(scene: Scene) -> bool:
    return _sets(scene, "name" if scene.folder == VM else "hostname", "renamed")


def _sets(scene: Scene, key: str, value: str) -> bool:
    """Set an option of a whole guest, as with a hand in its file."""
    text = scene.conf.read_text() if scene.conf.exists() else ""
    head, mark, rest = text.partition("\n[")
    if "memory: " not in head or f"{key}: {value}" in head:
        return False
    kept = "".join(f"{line}\n" for line in head.splitlines() if not line.startswith(f"{key}: "))
    scene.conf.write_text(f"{kept}{key}: {value}\n{mark}{rest}")
    return True


def migrates(scene: Scene) -> bool:
    if not scene.conf.exists():
        return False
    scene.away.parent.mkdir(parents=True, exist_ok=True)
    scene.conf.rename(scene.away)
    for power in (scene.root / "run/fake-pve").glob(f"*-{scene.vmid}"):
        power.unlink()
    kind = "qemu" if scene.folder == VM else "lxc"
    entry = {"node": "pve2", "type": kind, "version": 2}
    (scene.root / "etc/pve/.vmlist").write_text(json.dumps({"version": 3, "ids": {str(scene.vmid): entry}}))
    return True


WHO: dict[str, Callable[[Scene], bool]] = {
    "replaces": replaces,
    "protects": protects,
    "locks": locks,
    "renames": renames,
    "migrates": migrates,
}


def act(order: dict[str, str], root: Path) -> None:
    """Disturb, and write down what is there then; called in phoenix's process right before a look."""
    scene = Scene(root, Path(order["bin"]), int(order["vmid"]))
    if WHO[order["who"]](scene):
        Path(order["seen"]).write_text(json.dumps(picture(root, scene.vmid)))


def picture(root: Path, vmid: int) -> dict[str, str]:
    """Return all that is there of a guest: configuration on either node, power, volumes, user-data."""
    places = [
        *root.glob(f"etc/pve/nodes/*/*/{vmid}.conf"),
        *root.glob(f"run/fake-pve/*-{vmid}"),
        *root.glob(f"**/*vm-{vmid}-*"),
        *root.glob(f"var/lib/vz/snippets/*-{vmid}-*"),
    ]
    return {str(path.relative_to(root)): content(path) for path in sorted(places) if path.is_file()}


@dataclass(frozen=True)
class Swap:
    """Who does it to whom, before which look."""

    who: str
    vmid: int
    look: int
    looks: int
    """How many there are in all."""

    @property
    def name(self) -> str:
        return f"{self.who} {self.vmid} before look {self.look}"


def victims(flow: Flow) -> list[int]:
    """Return the guest that a flow is about, and what it is cloned from."""
    named = int(re.findall(r"\d{3,}", flow.line)[0])
    wanted = [*flow.config.vms, *({"vmid": int(key), **one} for key, one in flow.config.containers.items())]
    own = next((one for one in wanted if one["vmid"] == named), {})
    return [named, *filter(None, [own.get("clone_from_vmid"), own.get("clone_from_ctid")])]


def swaps(ground: Ground, looks: int) -> list[Swap]:
    """Return everything that can happen to the guests of a flow after the first look."""
    return [Swap(who, vmid, at, looks) for vmid in victims(ground.flow) for who in WHO for at in range(2, looks + 1)]


def fate(ground: Ground, swap: Swap, folder: Path) -> list[str] | None:
    """Let it happen; return what is wrong then, None where there was nobody whom it could happen to."""
    lab = Lab.copied(ground.folder / "ready", folder)
    run = lab.phoenix(ground.flow.line, Crash(swap=f"{swap.look} {swap.who} {swap.vmid}"))
    seen = lab.folder / "swapped"
    problems = _judged(ground, swap, lab, run, json.loads(seen.read_text())) if seen.exists() else None
    shutil.rmtree(folder)
    return problems and [*problems, f"{run.status} {run.said[-500:]!r}"]


def _judged(ground: Ground, swap: Swap, lab: Lab, run: Ended, before: dict[str, str]) -> list[str]:
    found = judged(run)
    own = swap.vmid == victims(ground.flow)[0]
    read = swap.look >= swap.looks  # then the configuration was read for the last time before
    if own and not read and swap.who in {"replaces", "renames", "migrates"} and run.status == 0:
        found.append("success is claimed")
    harmless = swap.who == "protects" and not ground.flow.line.startswith("delete")
    if own and not harmless:
        now = picture(lab.root, swap.vmid)
        kept = {name for name in {*before, *now} if not (swap.who == "replaces" and _left_over(name, lab))}
        found += [f"{name} changed" for name in sorted(kept) if before.get(name) != now.get(name)]
    return found


def _left_over(name: str, lab: Lab) -> bool:
    """Whether a file is user-data of the guest that is gone: no configuration that is there names it."""
    snippet = Path(name)
    texts = (conf.read_text() for conf in lab.root.glob("etc/pve/nodes/*/*/*.conf"))
    return snippet.parent.name == "snippets" and not any(snippet.name in text for text in texts)
