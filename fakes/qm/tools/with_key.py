"""Copy a configuration folder: with_key.py FROM TO [KEY.pub], with that public key added. For demo.sh and shell.sh."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

CONFIGURATIONS = ("phoenix_hypervisor_config.json", "phoenix_lxc_configs.json")


def main(source: Path, target: Path, key: str) -> None:
    """Write the copies; everything else that lies in the folder goes along, and the schemas that the files name."""
    shutil.copytree(source, target)
    schemas = source.resolve().parent / "schemas"
    if schemas.is_dir():
        (target.parent / "schemas").symlink_to(schemas)
    for name in CONFIGURATIONS if key else ():
        document = json.loads((source / name).read_text(encoding="utf-8"))
        holders = [document["admin"]] if "admin" in document else list(document.get("lxc_configs", {}).values())
        for holder in holders:
            holder.setdefault("ssh_authorized_keys", []).append(key)
        (target / name).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    added = Path(sys.argv[3]).read_text(encoding="utf-8").strip() if sys.argv[3:] else ""
    main(Path(sys.argv[1]), Path(sys.argv[2]), added)
