"""What a guest image is made of on this machine, and what the machine lacks to make it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

from fake_pve.guests import GuestFailed, state

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMON = (
    *("openssh-server", "sudo", "cloud-init", "ifupdown", "iproute2", "netbase", "procps", "qemu-guest-agent"),
    *("libnss-myhostname", "iputils-ping", "ca-certificates", "less", "vim-tiny"),
)
MACHINE = (
    *("systemd-sysv", "udev", "dbus", "libpam-systemd", "cloud-guest-utils", "fdisk", "gdisk", "e2fsprogs"),
    *("isc-dhcp-client", "kmod", "grub-pc-bin", "busybox-static"),
)
KERNELS = {"debian": "linux-image-cloud-amd64", "ubuntu": "linux-image-virtual"}
WITHOUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*")
LOCALES = "echo en_US.UTF-8 UTF-8 > /etc/locale.gen; locale-gen"  # cloud-init's default, which Debian does not bring
GRUB = (
    'mkdir -p /boot/grub; grub-mkimage -O i386-pc -o /boot/grub/core.img -p "(hd0,msdos1)/boot/grub" '
    "biosdisk part_msdos ext2 normal linux"
)
HOOKS = {"simulated": (LOCALES,), "virtual": (LOCALES, GRUB)}
TOOLS = {
    "simulated": {"mmdebstrap": "mmdebstrap", "tar": "tar"},
    "virtual": {
        "mmdebstrap": "mmdebstrap",
        "tar": "tar",
        "mke2fs": "e2fsprogs",
        "qemu-img": "qemu-utils",
        "qemu-system-x86_64": "qemu-system-x86",
    },
}


class Recipe(NamedTuple):
    """Everything that decides what is in an image."""

    name: str
    codename: str
    packages: tuple[str, ...]
    sources: str

    @property
    def key(self) -> str:
        """`simulated-` and a hash of the recipe."""
        digest = hashlib.sha256(repr((*self, WITHOUT, HOOKS[self.name])).encode()).hexdigest()
        return f"{self.name}-{digest[:12]}"


def os_release() -> dict[str, str]:
    """/etc/os-release."""
    rows = (line.partition("=") for line in state.read("/etc/os-release").splitlines())
    return {key: value.strip("\"'") for key, _, value in rows}


def own_sources(codename: str, folder: str = "/etc/apt") -> str:
    """The machine's apt sources of its own distribution as one-line entries, sorted; third parties' are left out."""
    lines: set[str] = set()
    for place in (folder, f"{folder}/sources.list.d"):
        for name in sorted(os.listdir(place)) if os.path.isdir(place) else []:
            if name.endswith(".list"):
                lines.update(_one_line_entries(state.read(f"{place}/{name}"), codename))
            elif name.endswith(".sources"):
                lines.update(_deb822_entries(state.read(f"{place}/{name}"), codename))
    return "".join(f"{line}\n" for line in sorted(lines))


def _is_own(suite: str, codename: str) -> bool:
    return suite == codename or suite in {f"{codename}-{part}" for part in ("updates", "security")}


def _one_line_entries(text: str, codename: str) -> Iterator[str]:
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        head, _, rest = line.partition("]") if "[" in line else ("deb", "", line.removeprefix("deb "))
        fields = rest.split()
        if line.startswith("deb ") and len(fields) >= 3 and _is_own(fields[1], codename):
            yield f"{head}] {' '.join(fields)}" if "[" in head else f"deb {' '.join(fields)}"


def _deb822_entries(text: str, codename: str) -> Iterator[str]:
    for stanza in text.split("\n\n"):
        values: dict[str, str] = {}
        for line in stanza.splitlines():
            key, colon, value = line.partition(":")
            if colon and not line.startswith(("#", " ", "\t")):
                values[key.strip().lower()] = value.strip()
        if values.get("enabled", "yes").lower() == "no" or "deb" not in values.get("types", "").split():
            continue
        key = values.get("signed-by", "")
        option = f" [signed-by={key}]" if key.startswith("/") else ""
        for uri in values.get("uris", "").split():
            for suite in values.get("suites", "").split():
                if _is_own(suite, codename):
                    yield f"deb{option} {uri} {suite} {values.get('components', '')}".rstrip()


def for_machine(name: str) -> Recipe:
    """The recipe of an image on this machine; GuestFailed where there is nothing to build it from."""
    release = os_release()
    codename = release.get("VERSION_CODENAME", "")
    sources = own_sources(codename) if codename else ""
    if not sources:
        raise GuestFailed(
            "this machine has no apt sources of Debian or Ubuntu to build a guest image from: "
            "use FAKE_PVE_GUEST=none, or run phoenix's tests in a Debian or Ubuntu machine or container"
        )
    packages = list(COMMON)
    if name == "virtual":
        packages += [*MACHINE, KERNELS.get(release.get("ID", ""), KERNELS["debian"])]
    return Recipe(name, codename, tuple(packages), sources)


def missing(name: str) -> list[str]:
    """The packages that this machine lacks to build an image and to run guests of it."""
    wanted = dict(TOOLS[name])
    if os.geteuid() != 0:
        wanted["newuidmap"] = "uidmap"
    search = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return sorted({package for program, package in wanted.items() if shutil.which(program, path=search) is None})


def install_command(packages: list[str]) -> str:
    """The one command that installs packages."""
    return f"apt-get install --yes --no-install-recommends {' '.join(packages)}"


def need_to_run(name: str) -> None:
    """GuestFailed names what this machine lacks to run a guest."""
    tools = {"simulated": (), "virtual": ("qemu-system-x86_64", "qemu-img")}[name]
    lacking = sorted({TOOLS[name][tool] for tool in tools if shutil.which(tool) is None})
    if lacking:
        raise GuestFailed(f"this machine lacks {', '.join(lacking)}; as root: {install_command(lacking)}")


def need(name: str, *, install: bool = False) -> None:
    """GuestFailed names what is missing and the command that installs it; with `install`, root installs it."""
    lacking = missing(name)
    if not lacking:
        return
    command = install_command(lacking)
    if not install or os.geteuid() != 0:
        raise GuestFailed(f"this machine lacks {', '.join(lacking)}; as root: {command}")
    say(command)
    subprocess.run(["apt-get", "update", "--quiet=2"], check=False)
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if subprocess.run(command.split(), stdout=subprocess.DEVNULL, env=environ, check=False).returncode:
        raise GuestFailed(f"failed: {command}")


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)
