"""`--output-format json` and `json-pretty` of the commands that print tables."""

from __future__ import annotations

import json

from fake_pve.errors import NotModelled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def dump(call: Call, data: object) -> None:
    """Print `data` in the format that the call asks for; keys are sorted as the real tools sort them."""
    wanted = call.params["output-format"]
    if wanted == "json":
        call.out(json.dumps(data, sort_keys=True, separators=(",", ":")))
    elif wanted == "json-pretty":
        call.out(json.dumps(data, sort_keys=True, indent=3, separators=(",", " : ")))
    else:
        raise NotModelled(f"--output-format {wanted}")
