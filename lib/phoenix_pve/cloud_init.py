"""Render a guest's user-data from the jinja2 template, and say what is different in it. PURE but for the template."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix_pve.guest import Gone

if TYPE_CHECKING:
    from phoenix_pve.guest import GuestSpec

TEMPLATE = "user-data.yaml.j2"
HERE = Path(__file__).resolve().parent


def template_path(folder: Path) -> Path:
    """Return the template of a configuration folder: its own, whatever it is, or the one that came with phoenix."""
    places = [folder / TEMPLATE, HERE.parent.parent / "config" / TEMPLATE, HERE / "data" / TEMPLATE]
    return next((place for place in places if os.path.lexists(place)), places[-1])


@functools.cache
def render(spec: GuestSpec, template: Path) -> str:
    """Return the user-data of a guest. Raises ConfigError when the template is at fault."""
    from phoenix_pve import sandbox  # jinja2 takes a while to load, and only creating and comparing needs it

    return sandbox.render(template, {"guest": spec, "admin": spec.admin}, {"yaml": yaml_scalar})


def yaml_scalar(value: object) -> str:
    """Return a value as YAML on one line that no content can break out of: JSON, with YAML's line ends escaped.

    JSON leaves U+0085, U+2028 and the like as they are, which YAML takes for line ends.
    """
    text = json.dumps(None if isinstance(value, Gone) else value, ensure_ascii=False)
    return "".join(char if _plain(char) else f"\\u{ord(char):04x}" for char in text)


def _plain(char: str) -> bool:
    code = ord(char)
    return (
        0x20 <= code < 0x7F
        or 0xA0 <= code < 0x2028
        or 0x202A <= code < 0xD800
        or 0xE000 <= code < 0xFEFF
        or code > 0xFFFF
    )
