"""Values that the tools put into a form of their own before they store them."""

from __future__ import annotations

from fake_pve import conf_keys, dice
from fake_pve.propstring import TRUE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.node import Node

QEMU_VERSION = "10.1.2"
PINNED_MACHINE = {"pc": "pc-i440fx-10.1", "q35": "pc-q35-10.1"}
WINDOWS = frozenset("wxp w2k w2k3 w2k8 wvista win7 win8 win10 win11".split())  # noqa: SIM905
UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()")


def normal(key: str, value: str) -> str:
    """`value` as a configuration file holds it: numbers without leading zeros, booleans as 1 or 0."""
    try:
        return conf_keys.checked("qemu", key, value)
    except ValueError:
        return value


def tags(text: str) -> str:
    """Lower-case, each once, sorted, joined by `;` (qm-create-114…)."""
    words = text.replace(",", " ").replace(";", " ").lower().split()
    return ";".join(sorted(set(words)))


def uri_escape(text: str) -> str:
    """Percent-encode all but letters, digits and `-_.!~*'()`, as the stored `sshkeys` are."""
    raw = text.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in UNRESERVED else f"%{byte:02X}" for byte in raw)


def machine(text: str) -> dict[str, str]:
    """The properties of a `machine` value; the type may stand without its name."""
    parts = [part.partition("=") for part in text.split(",") if part.strip()]
    return {(key if equals else "type"): (value if equals else key) for key, equals, value in parts}


def machine_type(text: str) -> str:
    """The type of a `machine` value, "" when it names none."""
    return machine(text).get("type", "")


def print_machine(text: str) -> str:
    """The value as `qm create` stores it: the type, then the rest sorted by name (qm-firmware-017)."""
    found = machine(text)
    type_ = [found.pop("type")] if "type" in found else []
    return ",".join((*type_, *(f"{key}={found[key]}" for key in sorted(found))))


def pinned_machine(machine: str | None) -> str | None:
    """The machine version that a Windows guest is bound to (qm-create-105); None when it has one already."""
    kind = machine_type(machine or "") or "pc"
    pinned = PINNED_MACHINE.get(kind)
    if pinned is None or not machine:
        return pinned
    rest = [part for part in machine.split(",") if part not in (kind, f"type={kind}")]
    return ",".join((pinned, *rest))


def meta(node: Node) -> str:
    """Which QEMU made the guest, and when."""
    return f"creation-qemu={QEMU_VERSION},ctime={dice.now(node)}"


def agent(value: str) -> dict[str, str]:
    """The properties of an `agent` value; none when the agent is off, whatever else is said of it."""
    pairs = [part.partition("=") for part in value.split(",")]
    found = {(key if equals else "enabled"): (text if equals else key) for key, equals, text in pairs}
    enabled = found.get("enabled", "").lower() in TRUE
    return {**found, "enabled": "1"} if enabled else {}


def is_crypted(password: str) -> bool:
    """Whether this is a password's hash already: `$5$salt$hash` and its like."""
    words = password.split("$")
    return len(words) >= 4 and words[0] == "" and words[1] in ("1", "5", "6", "2a", "2y") and all(words[2:4])


def crypted(node: Node, password: str) -> str:
    """The SHA-256 crypt hash of a password with a random salt."""
    from fake_pve.vm.crypt import sha256_crypt  # only `qm set --cipassword` needs it

    letters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    salt = "".join(letters[byte % 64] for byte in dice.throw(node, 8))
    return sha256_crypt(password, salt)
