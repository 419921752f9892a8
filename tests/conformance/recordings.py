"""The recordings: read from recordings/*.jsonl with what was left out put back, or packed from raw ones.

usage: recordings.py FOLDER      (packs FOLDER/{qm,pct,pvesm}.jsonl and FOLDER/fixture.json)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
TOOLS = ("qm", "pct", "pvesm")
TEXTS = ("stdout", "stderr", "stdin")
Scenario = dict[str, Any]
Step = dict[str, Any]


def scenarios(tool: str) -> Iterator[Scenario]:
    """All scenarios of a tool, whole."""
    with (HERE / "recordings" / f"{tool}.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            scenario = json.loads(line)
            scenario["steps"] = list(whole(scenario["steps"]))
            yield scenario


def whole(steps: list[Step]) -> Iterator[Step]:
    """Steps with the full `conf` and `volumes` after each command, and with empty texts."""
    conf: dict[str, str] = {}
    volumes: list[dict[str, Any]] = []
    for step in steps:
        if "argv" not in step:
            yield step
            continue
        kept = {name: text for name, text in conf.items() if name not in step.get("gone", ())}
        conf = kept | step.get("conf", {})
        volumes = step.get("volumes", volumes)
        yield {**dict.fromkeys(TEXTS, ""), **step, "conf": conf, "volumes": volumes}


def packed(steps: list[Step]) -> Iterator[Step]:
    """The reverse of `whole`."""
    conf: dict[str, str] = {}
    volumes: list[dict[str, Any]] = []
    for step in steps:
        if "argv" not in step:
            yield step
            continue
        small = {key: value for key, value in step.items() if key not in ("conf", "volumes") and value != ""}
        changed = {name: text for name, text in step["conf"].items() if conf.get(name) != text}
        gone = [name for name in conf if name not in step["conf"]]
        small |= {"conf": changed} if changed else {}
        small |= {"gone": gone} if gone else {}
        small |= {"volumes": step["volumes"]} if step["volumes"] != volumes else {}
        conf, volumes = step["conf"], step["volumes"]
        yield small


def pack(folder: Path) -> None:
    """Write recordings/ and fixture.json from raw recordings."""
    for tool in TOOLS:
        raw = [json.loads(line) for line in (folder / f"{tool}.jsonl").read_text(encoding="utf-8").splitlines()]
        lines = []
        for scenario in raw:
            scenario["steps"] = list(packed(scenario["steps"]))
            lines.append(json.dumps(scenario, ensure_ascii=False, separators=(",", ":")) + "\n")
        (HERE / "recordings" / f"{tool}.jsonl").write_text("".join(lines), encoding="utf-8")
    (HERE / "fixture.json").write_text((folder / "fixture.json").read_text(encoding="utf-8"), encoding="utf-8")


if __name__ == "__main__":
    pack(Path(sys.argv[1]))
