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
    from collections.abc import Iterator, Mapping

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
QEMU = {"qemu-img": "qemu-utils", "qemu-system-x86_64": "qemu-system-x86"}
BUILDERS = {"mmdebstrap": "mmdebstrap"}
TOOLS = {
    "simulated": {"tar": "tar", "ssh": "openssh-client"},
    "virtual": {"tar": "tar", "ssh": "openssh-client", "mke2fs": "e2fsprogs", **QEMU},
}
"""Programs and their packages: what builds the tree of an image, and what makes guests of it and enters them."""
APT = ("apt-get", "-o", "DPkg::Lock::Timeout=300")  # another apt may be at work, as often on a new machine


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


def missing(name: str, *, built: bool = False) -> list[str]:
    """The packages that this machine lacks to run guests of an image, and to build it unless it is `built`."""
    wanted = {**TOOLS[name], **({} if built else BUILDERS)}
    if os.geteuid() != 0:
        wanted["newuidmap"] = "uidmap"
    return lacking(wanted)


def lacking(wanted: Mapping[str, str]) -> list[str]:
    """The packages of those programs that are not there."""
    search = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return sorted({package for program, package in wanted.items() if shutil.which(program, path=search) is None})


def install_command(packages: list[str]) -> str:
    """The one command that installs packages."""
    return f"apt-get install --yes --no-install-recommends {' '.join(packages)}"


def need_to_run(name: str) -> None:
    """GuestFailed names what this machine lacks to run a guest."""
    _refuse_without(lacking({"simulated": {}, "virtual": QEMU}[name]))


def need(name: str, *, install: bool = False, built: bool = False) -> None:
    """GuestFailed names what is missing and the command that installs it; with `install`, root installs it."""
    if install and os.geteuid() == 0 and (packages := missing(name, built=built)):
        _install(packages)
    _refuse_without(missing(name, built=built))


def _refuse_without(packages: list[str]) -> None:
    if packages:
        raise GuestFailed(f"this machine lacks {', '.join(packages)}; as root: {install_command(packages)}")


def _install(packages: list[str]) -> None:
    command = install_command(packages)
    say(command)
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "--quiet=2"], command.split()[1:]):
        subprocess.run([*APT, *words], stdout=subprocess.DEVNULL, env=environ, check=False)


def say(text: str) -> None:
    """A line of progress."""
    print(text, file=sys.stderr, flush=True)
