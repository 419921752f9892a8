"""Network cards by rtnetlink: the guest's tree need not have `ip`, nor need the machine."""

from __future__ import annotations

import ipaddress
import os
import socket
import struct

RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE = 16, 20, 24
NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL, NLM_F_CREATE = 1, 4, 0x200, 0x400
IFLA_ADDRESS, IFLA_IFNAME, IFLA_LINKINFO, IFLA_NET_NS_FD = 1, 3, 18, 28
IFLA_INFO_KIND, IFLA_INFO_DATA, VETH_INFO_PEER = 1, 2, 1
IFA_ADDRESS, IFA_LOCAL = 1, 2
IFA_F_NODAD = 2
RTA_OIF, RTA_GATEWAY = 4, 5
RTNH_F_ONLINK = 4
IFF_UP = 1

Address = ipaddress.IPv4Interface | ipaddress.IPv6Interface


def attribute(kind: int, data: bytes) -> bytes:
    """One attribute: length, type, data, padded to four bytes."""
    return struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def name_attribute(name: str) -> bytes:
    """An interface's name."""
    return attribute(IFLA_IFNAME, name.encode() + b"\0")


def mac_attribute(mac: str) -> bytes:
    """An interface's hardware address."""
    return attribute(IFLA_ADDRESS, bytes.fromhex(mac.replace(":", "")))


def link_header(index: int = 0, flags: int = 0, mask: int = 0) -> bytes:
    """A struct ifinfomsg."""
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, mask)


class Netlink:
    """A socket into the network namespace in which it was made, wherever its process goes later."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        self.sequence = 0

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def ask(self, kind: int, flags: int, body: bytes) -> None:
        """Send one request and wait for its acknowledgement; OSError with the kernel's number."""
        self.sequence += 1
        head = struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | NLM_F_ACK | flags, self.sequence, 0)
        self.socket.send(head + body)
        code = struct.unpack_from("=i", self.socket.recv(65536), 16)[0]
        if code:
            raise OSError(-code, f"rtnetlink request {kind}: {os.strerror(-code)}")

    def add_veth(self, name: str, mac: str, peer: str) -> None:
        """A cable: `name` with `mac` at one end, `peer` at the other."""
        other = attribute(VETH_INFO_PEER, link_header() + name_attribute(peer))
        kind = attribute(IFLA_INFO_KIND, b"veth\0") + attribute(IFLA_INFO_DATA, other)
        body = link_header() + name_attribute(name) + mac_attribute(mac) + attribute(IFLA_LINKINFO, kind)
        self.ask(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, body)

    def move(self, index: int, namespace: int) -> None:
        """Put an interface of this namespace into the one whose file is `namespace`."""
        self.ask(RTM_NEWLINK, 0, link_header(index) + attribute(IFLA_NET_NS_FD, struct.pack("=I", namespace)))

    def up(self, index: int) -> None:
        """Switch an interface on."""
        self.ask(RTM_NEWLINK, 0, link_header(index, IFF_UP, IFF_UP))

    def add_address(self, index: int, address: Address) -> None:
        """Give an interface an address and the route into its network."""
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        head = struct.pack(
            "=BBBBI", family, address.network.prefixlen, IFA_F_NODAD if address.version == 6 else 0, 0, index
        )
        packed = address.ip.packed
        self.ask(
            RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, head + attribute(IFA_LOCAL, packed) + attribute(IFA_ADDRESS, packed)
        )

    def add_gateway(self, index: int, gateway: str) -> None:
        """Send everything else through `gateway`, whatever network it is in."""
        address = ipaddress.ip_address(gateway)
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        head = struct.pack(
            "=BBBBBBBBI", family, 0, 0, 0, 254, 3, 0, 1, RTNH_F_ONLINK
        )  # main table, boot, universe, unicast
        body = head + attribute(RTA_GATEWAY, address.packed) + attribute(RTA_OIF, struct.pack("=i", index))
        self.ask(RTM_NEWROUTE, NLM_F_CREATE, body)
