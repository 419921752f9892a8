"""The cloud-init drive: what stands on it, and when it is written anew.

The drive itself stays an empty volume; its files are kept as plain text under
<root>/var/lib/fake-pve/cloudinit/<vmid>/ (user-data, meta-data, network-config, and vendor-data if there is one), from
where a simulated guest can boot. The wording of the files is recorded in qm-cloudinit-002…011.
"""

from __future__ import annotations

import os

from fake_pve import conf as conf_file
from fake_pve import files, sha1
from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.vm import drive, network, options, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from fake_pve.call import Call
    from fake_pve.conf import Conf
    from fake_pve.node import Node

DEFAULT_DNS = ("192.0.2.53",)
DEFAULT_SEARCH = ("example.test",)
FILES = {"user": "user-data", "meta": "meta-data", "network": "network-config", "vendor": "vendor-data"}


def generate(call: Call, vmid: str | int, conf: Conf | None = None) -> None:
    """Write the drive's content anew, if the guest has such a drive; `[special:cloudinit]` goes from the file.

    Fails as the real tool does when a `cicustom` snippet is not there (qm-cloudinit-005).
    """
    if conf is None:
        conf = conf_file.load(call.node, "qemu", vmid)
    if drive.cloudinit_key(conf.options) is None:
        return
    texts = contents(call.node, conf, str(vmid))
    call.out("generating cloud-init ISO")
    _write(folder(call.node, vmid), texts)
    if record.forget(conf):
        conf_file.save(call.node, "qemu", vmid, conf)


def folder(node: Node, vmid: str | int) -> str:
    """Where the drive's files are kept."""
    return f"{node.root}/var/lib/fake-pve/cloudinit/{vmid}"


def _write(path: str, texts: Mapping[str, str]) -> None:
    os.makedirs(path, exist_ok=True)
    for part, name in FILES.items():
        if part in texts:
            files.replace(f"{path}/{name}", texts[part])
        elif os.path.exists(f"{path}/{name}"):
            os.unlink(f"{path}/{name}")


def contents(node: Node, conf: Conf, vmid: str) -> dict[str, str]:
    """The drive's texts by part ("user", "meta", "network", perhaps "vendor"); a `cicustom` snippet replaces one."""
    custom = {part: snippet(node, volid) for part, volid in custom_parts(conf).items()}
    texts = {"user": user_data(conf, vmid), "network": network_config(node, conf), **custom}
    texts.setdefault("meta", meta_data(conf, texts["user"], texts["network"]))
    return texts


def custom_parts(conf: Conf) -> dict[str, str]:
    """`cicustom: user=local:snippets/u.yaml,network=…` -> part -> volume id."""
    pairs = (part.partition("=") for part in conf.options.get("cicustom", "").split(","))
    return {key: volid for key, _, volid in pairs if volid}


def snippet(node: Node, volid: str) -> str:
    """The text of a snippet; wording and status from qm-cloudinit-005."""
    from fake_pve.storage import volume  # only guests with cicustom need it

    _, found = volume.locate(node, volid)
    if found.type != "snippets":
        raise CommandFailed(f"{volid} is not in the snippets directory", 2)
    try:
        with open(volume.path(node, volid), encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        raise CommandFailed(f"volume '{volid}' does not exist", 2) from None


def drive_format(conf: Conf) -> str:
    """`citype`, or what the guest's system usually reads (qm-cloudinit-006)."""
    windows = conf.options.get("ostype") in options.WINDOWS
    found = conf.options.get("citype", "configdrive2" if windows else "nocloud")
    if found == "opennebula":
        raise NotModelled("citype opennebula")
    return found


# --- user-data -------------------------------------------------------------------------------------------------------


def user_data(conf: Conf, vmid: str) -> str:
    """What Proxmox makes of ciuser, cipassword, sshkeys and the name (qm-cloudinit-006)."""
    host, fqdn = names(conf, vmid)
    user, password = conf.options.get("ciuser"), conf.options.get("cipassword")
    lines = ["#cloud-config", f"hostname: {host}", "manage_etc_hosts: true", f"fqdn: {fqdn}"]
    if user is not None:
        lines.append(f"user: {user}")
    if user == "root":
        lines.append("disable_root: False")
    if password is not None:
        lines.append(f"password: {password}")
    lines += _keys(conf.options.get("sshkeys"))
    lines += ["chpasswd:", "  expire: False"]
    if user != "root":
        lines += ["users:", "  - default"]
    if conf.options.get("ciupgrade", "1") == "1":
        lines.append("package_upgrade: true")
    return "".join(line + "\n" for line in lines)


def names(conf: Conf, vmid: str) -> tuple[str, str]:
    """(host name, full name): a name with dots is split, else the search domain is added (qm-cloudinit-006, -011)."""
    name = conf.options.get("name") or f"VM{vmid}"
    search = conf.options.get("searchdomain", "").strip()
    if "." in name:
        return name.partition(".")[0], name
    return name, f"{name}.{search}" if search else name


def _keys(stored: str | None) -> list[str]:
    if stored is None:
        return []
    keys = [line for line in conf_file.decode(stored).split("\n") if line.strip()]
    return ["ssh_authorized_keys:", *(f"  - {key}" for key in keys)]


# --- meta-data -------------------------------------------------------------------------------------------------------


def meta_data(conf: Conf, user: str, network_text: str) -> str:
    """The instance's identity, a digest of the other two parts: whenever they change, cloud-init runs again."""
    digest = sha1.sha1_hex((user + network_text).encode("utf-8", "surrogateescape"))
    if drive_format(conf) == "nocloud":
        return f"instance-id: {digest}\n"
    return f'{{\n     "uuid": "{digest}",\n     "network_config": {{ "content_path": "/content/0000" }}\n}}\n'


# --- network-config --------------------------------------------------------------------------------------------------


class Card:
    """A network card and its `ipconfigN`: `ip` "dhcp" or address/prefix, `gw`, `ip6`, `gw6`."""

    def __init__(self, index: int, mac: str, settings: dict[str, str]) -> None:
        self.index = index
        self.mac = mac
        self.settings = settings


def cards(conf: Conf) -> list[Card]:
    """The cards that have an `ipconfigN`, in the order of their names as text (net10 before net2)."""
    found = []
    for key in sorted(filter(network.is_name, conf.options)):
        index = int(key[3:])
        text = conf.options.get(f"ipconfig{index}")
        if text:
            settings = dict(part.partition("=")[::2] for part in text.split(","))
            mac = network.parse(conf.options[key]).get("macaddr", "").lower()
            found.append(Card(index, mac, settings))
    return found


def dns(node: Node, conf: Conf) -> tuple[list[str], list[str]]:
    """(name servers, search domains): the guest's own, else the node's."""
    servers, search = _node_dns(node)
    own_servers, own_search = conf.options.get("nameserver"), conf.options.get("searchdomain")
    return (
        list(servers) if own_servers is None else own_servers.split(),
        list(search) if own_search is None else own_search.split(),
    )


def _node_dns(node: Node) -> tuple[list[str], list[str]]:
    """What /etc/resolv.conf of the node says; without the file, names and addresses reserved for documentation."""
    try:
        with open(f"{node.root}/etc/resolv.conf", encoding="utf-8", errors="replace") as file:
            lines = [line.split() for line in file]
    except OSError:
        return list(DEFAULT_DNS), list(DEFAULT_SEARCH)
    servers = [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]
    search = [word for words in lines if words[:1] in (["search"], ["domain"]) for word in words[1:]]
    return servers[:3], search


def network_config(node: Node, conf: Conf) -> str:
    """The network part in the drive's format."""
    if drive_format(conf) == "nocloud":
        return _nocloud_network(node, conf)
    return _configdrive_network(node, conf)


def _nocloud_network(node: Node, conf: Conf) -> str:
    """Version 1 of cloud-init's own network configuration (qm-cloudinit-007)."""
    lines = ["version: 1", "config:"]
    for card in cards(conf):
        lines += ["    - type: physical", f"      name: eth{card.index}", f"      mac_address: '{card.mac}'"]
        lines += ["      subnets:", *_subnets(card.settings)]
    servers, search = dns(node, conf)
    if servers or search:
        lines.append("    - type: nameserver")
        for key, words in (("address", servers), ("search", search)):
            lines += [f"      {key}:", *(f"      - '{word}'" for word in words)] if words else []
    return "".join(line + "\n" for line in lines)


def _subnets(settings: Mapping[str, str]) -> list[str]:
    lines = []
    ip, ip6 = settings.get("ip"), settings.get("ip6")
    if ip == "dhcp":
        lines.append("      - type: dhcp4")
    elif ip:
        address, mask = ipv4(ip)
        lines += ["      - type: static", f"        address: '{address}'", f"        netmask: '{mask}'"]
        lines += [f"        gateway: '{settings['gw']}'"] if "gw" in settings else []
    if ip6 in ("dhcp", "auto"):
        lines.append("      - type: dhcp6" if ip6 == "dhcp" else "      - type: ipv6_slaac")
    elif ip6:
        lines += ["      - type: static6", f"        address: '{ip6}'"]
        lines += [f"        gateway: '{settings['gw6']}'"] if "gw6" in settings else []
    return lines


def ipv4(text: str) -> tuple[str, str]:
    """`10.0.0.5/24` -> ("10.0.0.5", "255.255.255.0")."""
    address, _, prefix = text.partition("/")
    length = min(int(prefix), 32) if prefix.isdecimal() else 32
    bits = (0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF
    return address, ".".join(str(byte) for byte in bits.to_bytes(4, "big"))


def _configdrive_network(node: Node, conf: Conf) -> str:
    """Debian's interfaces file, which Windows' cloudbase-init reads (qm-cloudinit-006)."""
    lines = ["auto lo", "iface lo inet loopback", ""]
    servers, search = dns(node, conf)
    lines += [f"        dns_nameservers {' '.join(servers)}"] if servers else []
    lines += [f"        dns_search {' '.join(search)}"] if search else []
    for card in cards(conf):
        lines += _interface(card)
    return "".join(line + "\n" for line in lines)


def _interface(card: Card) -> list[str]:
    lines = [f"auto eth{card.index}"]
    ip, ip6 = card.settings.get("ip"), card.settings.get("ip6")
    start = f"iface eth{card.index}"
    if ip == "dhcp":
        lines.append(f"{start} inet dhcp")
    elif ip:
        address, mask = ipv4(ip)
        lines += [f"{start} inet static", f"        address {address}", f"        netmask {mask}"]
        lines += [f"        gateway {card.settings['gw']}"] if "gw" in card.settings else []
    if ip6 in ("dhcp", "auto"):
        lines.append(f"{start} inet6 {ip6}")
    elif ip6:
        address, _, prefix = ip6.partition("/")
        lines += [f"{start} inet6 static", f"        address {address}", f"        netmask {prefix}"]
        lines += [f"        gateway {card.settings['gw6']}"] if "gw6" in card.settings else []
    return lines
