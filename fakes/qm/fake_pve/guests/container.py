"""What a simulated container is made of: its template's tree, and the files that Proxmox writes into it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

from fake_pve.guests import GuestFailed, image, state, userns

if TYPE_CHECKING:
    from fake_pve.guests.spec import Spec

FILES = dict[str, tuple[str, int]]
KEYS = "root/.ssh/authorized_keys"


def remember(guest: str, spec: Spec) -> None:
    """Keep what `pct create` puts into the container until there is one to put it into."""
    path = f"{guest}/first.json"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump({"ssh_keys": spec.ssh_keys, "password": spec.password}, file)


def config(guest: str, spec: Spec, nics: list[dict[str, str]]) -> dict[str, Any]:
    """The container's part of what the launcher is told."""
    first = take_first(guest)
    files = start_files(spec, nics)
    if first.get("ssh_keys"):
        files[KEYS] = (first["ssh_keys"].rstrip("\n") + "\n", 0o600)
    commands = [(["/usr/bin/ssh-keygen", "-A"], "")]
    if first.get("password"):
        commands.append((["/usr/sbin/chpasswd"], f"root:{first['password']}\n"))
    return {"tree": tree(spec.template), "files": files, "first_boot": commands}


def take_first(guest: str) -> dict[str, str]:
    """What was remembered, once."""
    path = f"{guest}/first.json"
    text = state.read(path)
    if not text:
        return {}
    os.unlink(path)
    found: dict[str, str] = json.loads(text)
    return found


def start_files(spec: Spec, nics: list[dict[str, str]]) -> FILES:
    """Hostname, hosts, network and resolver, as Proxmox writes them before each start of a Debian container."""
    name, _, domain = spec.hostname.partition(".")
    domain = domain or spec.searchdomain.partition(" ")[0]
    names = f"{name}.{domain} {name}" if domain else name
    address = next((nic["address"] for nic in nics if nic["address"]), "127.0.1.1")
    hosts = (
        "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
        f"# --- BEGIN PVE ---\n{address} {names}\n# --- END PVE ---\n"
    )
    files = {
        "etc/hostname": (f"{name}\n", 0o644),
        "etc/hosts": (hosts, 0o644),
        "etc/network/interfaces": (interfaces(nics), 0o644),
    }
    if spec.nameserver:
        lines = [f"search {spec.searchdomain}"] if spec.searchdomain else []
        lines += [f"nameserver {server}" for server in spec.nameserver.split()]
        files["etc/resolv.conf"] = ("".join(f"{line}\n" for line in lines), 0o644)
    return files


def interfaces(nics: list[dict[str, str]]) -> str:
    """/etc/network/interfaces; the launcher has configured the cards by the time anyone reads it."""
    blocks = ["auto lo\niface lo inet loopback\n"]
    for nic in nics:
        block = f"auto {nic['name']}\n"
        for family, cidr, gateway in (("inet", nic["cidr"], nic["gateway"]), ("inet6", nic["cidr6"], nic["gateway6"])):
            if nic["lease"] and family == "inet":
                block += f"iface {nic['name']} inet dhcp\n"
            elif "/" in cidr:
                block += f"iface {nic['name']} {family} static\n        address {cidr}\n"
                block += f"        gateway {gateway}\n" if gateway else ""
            elif cidr:
                block += f"iface {nic['name']} {family} {cidr}\n"
        blocks.append(block)
    return "\n".join(blocks)


def tree(template: str | None) -> str:
    """The template's root tree, unpacked once for this user; the guest image's where the template holds no system."""
    if template is None or not holds_system(template):
        return image.tree()
    status = os.stat(template)
    key = hashlib.sha256(f"{os.path.realpath(template)} {status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[
        :12
    ]
    ids = userns.mapping()
    ready = f"{image.own_cache()}/trees/template-{key}-{ids.key}"
    with image.only_one(f"{ready}.lock"):
        if not os.path.isdir(ready):
            userns.remove_tree(f"{ready}.partial")
            os.mkdir(f"{ready}.partial", 0o755)
            os.chown(f"{ready}.partial", *ids.root)
            with open(template, "rb") as file:
                argv = ["tar", "--numeric-owner", "--exclude=./dev/*", decompressor(template), "-xpf", "-"]
                userns.run_mapped(argv, f"{ready}.partial", file.fileno())
            os.rename(f"{ready}.partial", ready)
    return ready


def decompressor(template: str) -> str:
    """Tar's option for a template's compression, which it cannot guess from a pipe."""
    options = {".zst": "--zstd", ".xz": "--xz", ".gz": "--gzip"}
    return options.get(os.path.splitext(template)[1], "--no-auto-compress")


def holds_system(template: str) -> bool:
    """Whether an archive is a root tree, that is, whether it has a shell."""
    done = subprocess.run(["tar", "-tf", template], capture_output=True, text=True, check=False)
    if done.returncode and "zstd" in done.stderr and "exec" in done.stderr:
        raise GuestFailed("this machine lacks zstd to unpack the template; as root: apt-get install --yes zstd")
    wanted = {"bin/sh", "usr/bin/sh"}
    return any(line.removeprefix("./") in wanted for line in done.stdout.splitlines())
