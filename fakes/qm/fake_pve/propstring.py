"""Property strings: `local:8,discard=on` is a comma-separated list of `key=value`; one value may stand without its key.

Formats are described in fake_pve/schema/__init__.py. `parse` gives canonical names and values, `print_` the real order.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.schema import Format

TRUE = ("1", "on", "yes", "true")
FALSE = ("0", "off", "no", "false")


class PropertyError(Exception):
    """`message` is what stands after `invalid format - `; it ends with a newline, as the real tools' does."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def boolean(text: str) -> str | None:
    """`1` or `0` for a boolean's spellings, None for anything else (any case is accepted)."""
    lower = text.lower()
    return "1" if lower in TRUE else "0" if lower in FALSE else None


def parse(format_: Format, text: str, path: str = "", *, check: bool = True) -> dict[str, str]:
    """Values by canonical property name. `path` is the option's name, for messages.

    A value may stand for its key (default_key); an alias gives its canonical name; a key alias (`virtio=MAC`) gives two
    values (qm-create-075…082). Raises PropertyError; with `check` false only the shape is looked at.
    """
    values: dict[str, str] = {}
    for part in text.split(","):
        if part.strip():
            _add(values, format_, part)
    if check:
        _check(format_, values, path)
    return values


def _add(values: dict[str, str], format_: Format, part: str) -> None:
    """Take one `key=value` or bare value into `values`."""
    key, equals, value = part.partition("=")
    if not equals:
        key, value = _default_key(format_), part
    elif not key or not value:
        raise PropertyError("missing key in comma-separated list property\n")
    if key in values:
        raise PropertyError(f"duplicate key in comma-separated list property: {key}\n")
    schema = format_.get(key)
    if schema is None:
        values[key] = value
        return
    if "keyAlias" in schema:
        other = schema["keyAlias"]
        if other in values:
            raise PropertyError(f"duplicate key in comma-separated list property: {other}\n")
        values[other] = key
    while "alias" in schema:
        key = schema["alias"]
        if key in values:
            raise PropertyError(f"duplicate key in comma-separated list property: {key}\n")
        schema = format_[key]
    if schema["type"] == "boolean":
        value = boolean(value) or value
    values[key] = value


def _default_key(format_: Format) -> str:
    """The property whose value may stand alone."""
    for name, schema in format_.items():
        if schema.get("default_key"):
            return name
    raise PropertyError("value without key, but schema does not define a default key\n")


def _check(format_: Format, values: dict[str, str], path: str) -> None:
    """Each value against its schema; the problems become one PropertyError, sorted by name."""
    from fake_pve.cli.validate import check_object  # the two know each other: a property may itself have a format

    problems = check_object(format_, values, path)
    if problems:
        lines = [f"{name}: {problems[name]}\n" for name in sorted(problems)]
        raise PropertyError("format error\n" + "".join(lines))


def print_(format_: Format, values: dict[str, str], skip: tuple[str, ...] = ()) -> str:
    """The property string of `values`: the default key's bare value, then required keys, then the rest, each sorted.

    A key alias is put back (`model=virtio,macaddr=X` gives `virtio=X`), sizes stay as they are (qm-create-001…082).
    """
    parts = []
    done = set(skip)
    default = next((name for name, schema in format_.items() if schema.get("default_key")), None)
    if default is not None and default in values and default not in done:
        parts.append(_default_part(format_, values, default, done))
    for required in (True, False):
        for name in sorted(values):
            if name not in done and _is_required(format_, name) == required:
                done.add(name)
                parts.append(f"{name}={values[name]}")
    return ",".join(parts)


def _default_part(format_: Format, values: dict[str, str], default: str, done: set[str]) -> str:
    """The first part: the bare value, or with its key alias' value (`virtio=BC:24:…`)."""
    value = values[default]
    done.add(default)
    alias = format_.get(value)
    if alias is not None and alias.get("keyAlias") == default:
        target = alias["alias"]
        if target in values:
            done.add(target)
            return f"{value}={values[target]}"
    return value


def _is_required(format_: Format, name: str) -> bool:
    schema = format_.get(name)
    return schema is not None and not schema.get("optional")
