"""Copy a configuration folder, with a public key added: with_key.py FROM TO KEY.pub. For demo.sh and shell.sh."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(source: Path, target: Path, key: str) -> None:
    """Write the copies."""
    target.mkdir()
    for name in ("phoenix_hypervisor_config.json", "phoenix_lxc_configs.json"):
        document = json.loads((source / name).read_text(encoding="utf-8"))
        holders = [document["admin"]] if "admin" in document else list(document.get("lxc_configs", {}).values())
        for holder in holders:
            holder.setdefault("ssh_authorized_keys", []).append(key)
        (target / name).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]).read_text(encoding="utf-8").strip())
