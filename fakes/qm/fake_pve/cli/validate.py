"""Values against their schemas, with the real tools' wording (recorded in qm-create-*, qm-cli-*, pvesm-add-*)."""

from __future__ import annotations

from fake_pve import formats, propstring

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.schema import Format, Option


UNDEFINED = "property is not defined in schema and the schema does not allow additional properties"


def check_object(options: Format, values: dict[str, str], path: str = "") -> dict[str, str]:
    """Problems of a set of values by full name (`scsi0.ssd`), without those that are fine.

    `path` is the option that the values belong to, empty for the command line itself.
    """
    from fake_pve.schema import find  # a family such as net[0-31] on the command line

    problems: dict[str, str] = {}
    before = f"{path}." if path else ""
    for name, option in options.items():
        if name not in values and not option.get("optional") and "alias" not in option:
            problems[before + name] = "property is missing and it is not optional"
    for name, value in values.items():
        found = find(options, name)
        if found is None or "alias" in found:
            problems[before + name] = UNDEFINED
            continue
        problem = check_value(found, value, before + name)
        if problem:
            problems[before + name] = problem
        needed = found.get("requires")
        if needed and needed not in values:
            problems[before + needed] = f"missing property required by '{before}{name}'"
    return problems


def check_value(option: Option, value: str, path: str) -> str | None:
    """What is wrong with one value, or None; in the real tools' order: type, format, pattern, lengths, bounds, enum."""
    kind = option.get("type", "string")
    if not formats.has_type(kind, value):
        return f"type check ('{kind}') failed - got '{value}'"
    try:
        _check_format(option, value, path)
    except propstring.PropertyError as problem:
        return f"invalid format - {problem.message}"
    if "pattern" in option and not formats.matches(option["pattern"], value):
        return "value does not match the regex pattern"
    return _check_length(option, value) or _check_bounds(option, kind, value) or _check_enum(option, value)


def _check_format(option: Option, value: str, path: str) -> None:
    """A property string's parts, then the named format's own rule; raises PropertyError."""
    name = option.get("format_name")
    parts = None
    if "format" in option:
        parts = propstring.parse(option["format"], value, path)
    if name:
        formats.check(name, value, parts)


def _check_length(option: Option, value: str) -> str | None:
    if "maxLength" in option and len(value) > option["maxLength"]:
        return f"value may only be {option['maxLength']} characters long"
    if "minLength" in option and len(value) < option["minLength"]:
        return f"value must be at least {option['minLength']} characters long"
    return None


def _check_bounds(option: Option, kind: str, value: str) -> str | None:
    if kind not in ("integer", "number"):
        return None
    number = float(value)
    if "maximum" in option and number > option["maximum"]:
        return f"value must have a maximum value of {option['maximum']}"
    if "minimum" in option and number < option["minimum"]:
        return f"value must have a minimum value of {option['minimum']}"
    return None


def _check_enum(option: Option, value: str) -> str | None:
    if "enum" in option and value not in option["enum"]:
        return f"value '{value}' does not have a value in the enumeration '{', '.join(option['enum'])}'"
    return None
