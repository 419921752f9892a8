"""What single values of the configuration files may look like, as types of pydantic's.

Bounds and formats are Proxmox's own: the option tables of qm(1) and pct(1).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

PATTERN_MEANING: dict[str, str] = {}
"""A regular expression of this file -> what it stands for, in the words of an error message."""


def text(pattern: str, meaning: str, max_length: int | None = None) -> Any:
    """Describe a string that matches `pattern` from its first to its last character.

    `$` alone would let a trailing newline pass in Python and not in ECMAScript; the look-ahead makes both agree.
    """
    anchored = f"^(?:{pattern})$(?!\\n)"
    PATTERN_MEANING[anchored] = meaning
    return StringConstraints(pattern=anchored, strict=True, max_length=max_length)


def whole(value: Any) -> Any:
    """JSON has one kind of number: 2.0 is the integer 2, as JSON Schema sees it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = BeforeValidator(whole)


class _Optional:
    """Says of a field that its key may be left out, and that `null` is no value of it: `X | None` takes X alone."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        made = handler(source)
        return made["schema"] if made["type"] == "nullable" else made


OPTIONAL = _Optional()
"""Optional keys without it take `null` as well, which says "none"; see docs/configuration.md for the list."""

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = rf"{_BYTE}(?:\.{_BYTE}){{3}}"
_IPV6 = r"[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}"
_KEY_TYPE = (
    r"(?:ssh-(?:ed25519|rsa|dss)|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)"
)

DnsName = Annotated[
    str,
    text(
        rf"{_LABEL}(?:\.{_LABEL})*", "a DNS name: letters, digits and inner hyphens, with dots between", max_length=64
    ),
]
StorageId = Annotated[
    str,
    text(r"[a-zA-Z][a-zA-Z0-9_.-]*[a-zA-Z0-9]", "the name of a Proxmox storage, such as local-lvm", max_length=100),
    Field(examples=["local-lvm"]),
]
NodePath = Annotated[
    str,
    text(
        r"/[^\x00-\x1f\x7f,]*[^\x00-\x1f\x7f,/ ]",
        "the full path of a file on the node, beginning with / and without commas",
        max_length=4000,
    ),
    Field(examples=["/var/lib/vz/template/iso/noble-server-cloudimg-amd64.img"]),
]
GuestPath = Annotated[
    str,
    text(
        r"/(?:[^\x00-\x1f\x7f,]*[^\x00-\x1f\x7f,/ ])",
        "a full path inside the container, beginning with / and without commas",
        max_length=4000,
    ),
    Field(examples=["/srv"]),
]
TemplateSource = Annotated[
    str,
    text(
        r"(?:/|[a-zA-Z][a-zA-Z0-9_.-]*[a-zA-Z0-9]:vztmpl/)[^\x00-\x1f\x7f,]*[^\x00-\x1f\x7f,/ ]",
        "a container template: its full path, or a volume such as local:vztmpl/debian-12.tar.zst",
        max_length=4000,
    ),
    Field(examples=["local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"]),
]
Bridge = Annotated[
    str,
    text(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,14}", "the name of a bridge or network interface, such as vmbr0 or eth0"),
    Field(examples=["vmbr0"]),
]
Interface = Annotated[
    str,
    text(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,14}", "the name of a bridge or network interface, such as vmbr0 or eth0"),
    Field(examples=["eth0"]),
]
MacAddress = Annotated[
    str,
    text(
        r"[0-9a-fA-F][02468aceACE](?::[0-9a-fA-F]{2}){5}",
        "a unicast MAC address, such as BC:24:11:00:80:01 (its second digit is even)",
    ),
    Field(examples=["BC:24:11:00:80:01"]),
]
CpuType = Annotated[
    str,
    text(r"[a-zA-Z0-9][a-zA-Z0-9_.+-]*", "a CPU type, such as host or x86-64-v2-AES", max_length=100),
    Field(examples=["host", "x86-64-v2-AES"]),
]
GuestTag = Annotated[
    str,
    text(
        r"[a-zA-Z0-9_][a-zA-Z0-9_.+-]*",
        "a tag: letters, digits and _ . + -, beginning with one of a-z 0-9 _",
        max_length=100,
    ),
    Field(examples=["web"]),
]
Description = Annotated[str, text(r"[^\x00-\x08\x0b-\x1f\x7f]*", "text without control characters", max_length=8192)]
IpV4OrDhcp = Annotated[
    str,
    text(rf"dhcp|{_IPV4}/(?:[1-9]|[12][0-9]|3[0-2])", '"dhcp", or an IPv4 address with its prefix such as 10.0.0.5/24'),
    Field(examples=["10.0.0.5/24"]),
]
IpV4 = Annotated[str, text(_IPV4, "an IPv4 address, such as 10.0.0.1"), Field(examples=["10.0.0.1"])]
IpAddress = Annotated[
    str, text(rf"{_IPV4}|{_IPV6}", "an IP address, such as 10.0.0.1 or fd00::1"), Field(examples=["10.0.0.1"])
]
Username = Annotated[
    str,
    text(r"[a-z_][a-z0-9_-]{0,31}", "a Linux user name: a-z, 0-9, _ and -, not beginning with a digit"),
    Field(examples=["admin"]),
]
PasswordHash = Annotated[
    str,
    text(
        r"\$(?:1|2[abxy]|5|6|7|y|gy|sm3)\$[!-9;-~]+",
        "a password hash as crypt(5) writes it, such as $6$… (make one with: openssl passwd -6)",
        max_length=384,
    ),
]
_KEY_LINE = rf"(?:[!-~](?:[ -~]*[!-~])? )?{_KEY_TYPE} [A-Za-z0-9+/]{{16,}}={{0,3}}(?: [^\x00-\x1f\x7f]*)?"
KEY_LINE = re.compile(f"^{_KEY_LINE}$")
KeyLine = Annotated[
    str,
    text(
        _KEY_LINE,
        "a line of an OpenSSH authorized_keys file, such as: ssh-ed25519 AAAA… me@example",
        max_length=8192,
    ),
    Field(examples=["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEy me@example"]),
]
Text = Annotated[str, text(r"[^\x00-\x1f\x7f]+", "text on one line", max_length=4000)]

VmId = Annotated[
    int, Field(strict=True, ge=100, le=999_999_999, description="The guest's ID on the node.", examples=[8001]), Whole
]
Cores = Annotated[int, Field(strict=True, ge=1, le=8192, description="CPU cores.", examples=[2]), Whole]
MemoryMb = Annotated[
    int, Field(strict=True, ge=16, le=16_777_216, description="Memory in MiB.", examples=[2048]), Whole
]
VlanTag = Annotated[int, Field(strict=True, ge=1, le=4094, examples=[20]), Whole]
SizeGb = Annotated[int, Field(strict=True, ge=1, le=131_072, examples=[32]), Whole]
