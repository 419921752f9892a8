"""Make a fresh node: the folders, links and storages that a newly installed Proxmox VE host has.

    python3 -m fake_pve.seed DIR        a node in DIR, with stand-ins for an Ubuntu cloud image and a Debian template

Every caller may go on from there by writing files: the state is the files.
"""

from __future__ import annotations

import os
import sys

FOLDERS = (
    "/etc/pve/firewall",
    "/etc/pve/priv/lock",
    "/root",
    "/var/lib/vz/dump",
    "/var/lib/vz/images",
    "/var/lib/vz/import",
    "/var/lib/vz/private",
    "/var/lib/vz/snippets",
    "/var/lib/vz/template/cache",
    "/var/lib/vz/template/iso",
)
STORAGE_CFG = """dir: local
	path /var/lib/vz
	content images,iso,vztmpl,snippets,backup,import,rootdir

lvmthin: local-lvm
	thinpool data
	vgname pve
	content rootdir,images

"""
INTERFACES = """auto lo
iface lo inet loopback

iface eno1 inet manual

auto vmbr0
iface vmbr0 inet static
	address 192.0.2.10/24
	gateway 192.0.2.1
	bridge-ports eno1
	bridge-stp off
	bridge-fd 0

auto vmbr1
iface vmbr1 inet manual
	bridge-ports none
	bridge-stp off
	bridge-fd 0
"""
UBUNTU = "/var/lib/vz/template/iso/noble-server-cloudimg-amd64.img"
DEBIAN_TEMPLATE = "/var/lib/vz/template/cache/debian-12-standard_12.7-1_amd64.tar.zst"
GIB = 1 << 30


PROCESSORS = 8  # of the recorded node; starting a VM with more fails


def new_node(root: str, name: str = "pve1", storage_cfg: str = STORAGE_CFG) -> None:
    """Make a node `name` below the folder `root`; what is there already stays."""
    for folder in (*FOLDERS, f"/etc/pve/nodes/{name}/qemu-server", f"/etc/pve/nodes/{name}/lxc"):
        os.makedirs(root + folder, exist_ok=True)
    links = {"local": f"nodes/{name}", "qemu-server": f"nodes/{name}/qemu-server", "lxc": f"nodes/{name}/lxc"}
    for link, target in links.items():
        if not os.path.lexists(f"{root}/etc/pve/{link}"):
            os.symlink(target, f"{root}/etc/pve/{link}")
    _write(root, "/etc/pve/storage.cfg", storage_cfg.encode())
    _write(root, "/etc/network/interfaces", INTERFACES.encode())
    _write(root, "/etc/hostname", f"{name}\n".encode())
    _write(root, "/etc/pve/.members", f'{{\n"nodename": "{name}",\n"version": 0\n}}\n'.encode())
    _write(root, "/proc/cpuinfo", "".join(f"processor\t: {n}\n\n" for n in range(PROCESSORS)).encode())


def add_image(root: str, path: str = UBUNTU, size: int = 3 * GIB + GIB // 2) -> None:
    """Put a cloud image's stand-in at `path`: a qcow2 header that claims `size` bytes, without contents."""
    header = b"QFI\xfb" + (3).to_bytes(4, "big") + bytes(12) + (16).to_bytes(4, "big") + size.to_bytes(8, "big")
    _write(root, path, header + bytes(480))


def add_template(root: str, path: str = DEBIAN_TEMPLATE) -> None:
    """Put a container template's stand-in at `path`: a small archive with the files that `pct create` looks at."""
    import io  # templates are seeded far less often than nodes
    import tarfile

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz" if path.endswith("gz") else "w") as archive:
        for name, text in (("etc/debian_version", "12.7\n"), ("etc/hostname", "debian\n"), ("sbin/init", "")):
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    _write(root, path, packed.getvalue())


def _write(root: str, path: str, content: bytes) -> None:
    if os.path.exists(root + path):
        return
    os.makedirs(os.path.dirname(root + path), exist_ok=True)
    with open(root + path, "wb") as file:
        file.write(content)


def main(argv: list[str]) -> int:
    """Seed the folder named on the command line."""
    from fake_pve.cli.program import parser  # which tests that import this module do not need

    words = parser("fake_pve.seed", __doc__)
    words.add_argument("folder", metavar="DIR", help="the node's /; made if it is not there, and what is there stays")
    root = os.path.realpath(words.parse_args(argv).folder)
    try:
        new_node(root)
        add_image(root)
        add_template(root)
    except OSError as problem:
        print(f"fake-pve: no node can be made in {root}: {problem}", file=sys.stderr)
        return 1
    print(root)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
