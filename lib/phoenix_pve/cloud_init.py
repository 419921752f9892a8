"""Render a guest's user-data from the jinja2 template, and say what is different in it. PURE but for the template."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING

from phoenix_pve.errors import ConfigError
from phoenix_pve.guest import Gone

if TYPE_CHECKING:
    import jinja2

    from phoenix_pve.guest import GuestSpec

TEMPLATE = "user-data.yaml.j2"
HERE = Path(__file__).resolve().parent


def template_path(folder: Path) -> Path:
    """Return the template of a configuration folder: its own, or the one that came with phoenix."""
    places = [folder / TEMPLATE, HERE.parent.parent / "config" / TEMPLATE, HERE / "data" / TEMPLATE]
    return next((place for place in places if place.is_file()), places[-1])


def render(spec: GuestSpec, template: Path) -> str:
    """Return the user-data of a guest. Raises ConfigError when the template is at fault."""
    import jinja2  # takes a while to load, and only creating and comparing needs it

    try:
        return _compiled(template).render(guest=spec, admin=spec.admin)
    except (OSError, UnicodeDecodeError) as error:
        problem = f"{template}: cannot be read: {error}"
    except jinja2.TemplateError as error:
        problem = f"{template}: {error}"
    raise ConfigError([problem], "mend the template, or remove it to use the one that comes with phoenix")


@functools.cache
def _compiled(template: Path) -> jinja2.Template:
    """Compile a template once for all guests: that costs far more than rendering it."""
    import jinja2

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True)  # noqa: S701 - YAML
    environment.filters["yaml"] = yaml_scalar
    return environment.from_string(template.read_text(encoding="utf-8"))


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
