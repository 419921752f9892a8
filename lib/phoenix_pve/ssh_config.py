"""How OpenSSH reaches a guest: as a block of a configuration file, or as the words of a command line. PURE."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from phoenix_pve.address import plain
from phoenix_pve.foreign import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from phoenix_pve.guest import GuestSpec

PROXY_VARIABLE = "PHOENIX_GUEST_PROXY_COMMAND"
"""The environment variable with a command whose stdin and stdout lead to the SSH port of the guest {id}."""


@dataclass(frozen=True)
class Access:
    """What is the same for all guests of one run.

    known_hosts  folder of the host keys of this node's guests, one file a guest
    host         the node to jump through, "" for the machine that phoenix runs on
    proxy        the command of PROXY_VARIABLE, "" for none
    """

    known_hosts: str
    host: str = ""
    proxy: str = ""


BATCH = (
    *("-T", "-x", "-a", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", "LogLevel=ERROR"),
    *("-o", "RemoteCommand=none", "-o", "ClearAllForwardings=yes", "-o", "PermitLocalCommand=no"),
)
"""A login that asks nothing and only runs a command, whatever the user's own configuration says of logins."""

NOWHERE = Access("")
"""For plans that are only looked at."""


@dataclass(frozen=True)
class Target:
    """One guest to log into; `address` may be empty where a proxy leads to it, `user` where no admin is configured.

    shared  whether `name` is the ID, alias or name of another guest as well, so that it leads to none
    """

    vmid: int
    name: str
    user: str
    address: str
    shared: bool = False


def access(option: str | None, environ: Mapping[str, str]) -> Access:
    """Return the ways into the guests of the node that `--host` or $PHOENIX_HOST names, else of this machine."""
    host, root = option or environ.get("PHOENIX_HOST", ""), environ.get("PHOENIX_NODE_ROOT", "")
    state = environ.get("XDG_STATE_HOME") or f"{environ.get('HOME', '')}/.local/state"
    return Access(f"{state}/phoenix/known_hosts/{_label(host, root)}", host, environ.get(PROXY_VARIABLE, ""))


def _label(host: str, root: str) -> str:
    """Return a folder name for a node: readable, and another one for every node."""
    plain = host or "local"
    safe = re.sub(r"[^A-Za-z0-9@._-]", "_", plain).lstrip(".")
    exact = safe == plain and not root
    return safe if exact else f"{safe}-{hashlib.sha256(f'{plain} {root}'.encode()).hexdigest()[:8]}"


def target(spec: GuestSpec, address: str) -> Target:
    """Return a guest as a place to log into."""
    return Target(spec.vmid, spec.name, spec.admin.username if spec.admin else "", address)


def alias(vmid: int) -> str:
    """Return the name under which a guest's host key is known; its address may change."""
    return f"phoenix-{vmid}"


def known_hosts_file(access: Access, vmid: int) -> str:
    """Return the path of the file that remembers a guest's host key."""
    return f"{access.known_hosts}/{vmid}"


def proxy_command(access: Access, vmid: int) -> str:
    """Return the command that leads into the guest, "" when there is a direct way or a jump."""
    return access.proxy.replace("{id}", str(vmid))


def jump(host: str) -> str:
    """Return a host as ProxyJump takes it.

    `root@2001:db8::1` and `ssh://root@[::1]:2222`, which ssh itself takes, are `root@[2001:db8::1]` and
    `root@[::1]:2222` there, and the sign before a zone is doubled.
    """
    user, at, name = host.removeprefix("ssh://").rstrip("/").rpartition("@")
    if name.startswith("["):
        return f"{user}{at}{name}".replace("%", "%%")
    if name.count(":") > 1:
        return f"{user}{at}[{name}]".replace("%", "%%")
    return host


def options(access: Access, target: Target) -> list[tuple[str, str]]:
    """Return the settings of ssh_config(5), as they are written in a file.

    accept-new: the key of the first contact is remembered, and any other is refused afterwards.
    """
    proxy = proxy_command(access, target.vmid)
    by_node = [("ProxyJump", jump(access.host))] if access.host else []
    way = [("ProxyCommand", proxy.replace("%", "%%"))] if proxy else by_node
    return [
        ("HostName", plain(target.address) or alias(target.vmid)),
        *([("User", target.user)] if target.user else []),
        ("HostKeyAlias", alias(target.vmid)),
        ("UserKnownHostsFile", _path(known_hosts_file(access, target.vmid))),
        ("StrictHostKeyChecking", "accept-new"),
        *way,
    ]


def _path(path: str) -> str:
    """Return a path as ssh_config(5) takes it; it knows no way to write a quotation mark."""
    escaped = path.replace("%", "%%")
    return f'"{escaped}"' if re.search(r"\s", path) else escaped


def block(access: Access, target: Target) -> str:
    """Return a block for a configuration file, found by the guest's ID and, where that is its own, by its name."""
    lines = "".join(f"  {key} {value}\n" for key, value in options(access, target))
    names = [] if target.shared else [target.name]
    return f"Host {' '.join([*names, str(target.vmid), alias(target.vmid)])}\n{lines}"


def command(access: Access, target: Target, words: Sequence[str], *, batch: bool = False) -> list[str]:
    """Return the ssh command that runs `words` in the guest, or opens a shell there without any.

    It goes to the guest's name, so that what the user's own configuration says of it (a key, say) holds as well. With
    `batch` it asks nothing.
    """
    settings = [word for key, value in options(access, target) for word in ("-o", f"{key}={value}")]
    quiet = BATCH if batch else ()
    return ["ssh", *quiet, *settings, "--", alias(target.vmid) if target.shared else target.name, *words]


def shell_line(argv: Sequence[str]) -> str:
    """Return a command as a line for a shell."""
    return " ".join(map(quoted, argv))
