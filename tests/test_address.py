"""Which address of many is a guest's."""

from __future__ import annotations

import json

import pytest

from phoenix_pve import address
from phoenix_pve.guest import Kind
from samples import spec

MAC = "BC:24:11:00:80:01"
DOCKER = ("docker0", "02:42:9c:11:22:33", ["172.17.0.1/16"])
LOOPBACK = ("lo", "00:00:00:00:00:00", ["127.0.0.1/8", "::1/128"])
LINK_LOCAL = "fe80::be24:11ff:fe00:8001/64"

Cards = list[tuple[str, str, list[str]]]


def by_agent(cards: Cards) -> str:
    def addresses(texts: list[str]) -> list[dict[str, object]]:
        pairs = [text.split("/") for text in texts]
        return [
            {"ip-address": a, "ip-address-type": "ipv6" if ":" in a else "ipv4", "prefix": int(p)} for a, p in pairs
        ]

    return json.dumps([{"name": n, "hardware-address": m, "ip-addresses": addresses(a)} for n, m, a in cards])


def by_ip(cards: Cards) -> str:
    def addresses(texts: list[str]) -> list[dict[str, object]]:
        pairs = [text.split("/") for text in texts]
        return [{"family": "inet6" if ":" in a else "inet", "local": a, "prefixlen": int(p)} for a, p in pairs]

    return json.dumps([{"ifname": n, "address": m, "addr_info": addresses(a)} for n, m, a in cards])


def eth0(*addresses: str) -> tuple[str, str, list[str]]:
    return ("eth0", MAC.lower(), list(addresses))


CASES = {
    "one card": ([LOOPBACK, eth0("10.0.0.5/24", LINK_LOCAL)], "10.0.0.5"),
    "a docker bridge first": ([LOOPBACK, DOCKER, eth0("10.0.0.5/24")], "10.0.0.5"),
    "another card first": ([("eth1", "bc:24:11:00:80:02", ["192.168.7.7/24"]), eth0("10.0.0.5/24")], "10.0.0.5"),
    "IPv6 before IPv4": ([eth0(LINK_LOCAL, "2001:db8:1::5/64", "10.0.0.5/24")], "10.0.0.5"),
    "only global IPv6": ([eth0(LINK_LOCAL, "2606:4700::5/64")], "2606:4700::5"),
    "unique local after global IPv6": ([eth0("fd00::5/64", "2606:4700::5/64")], "2606:4700::5"),
    "only unique local IPv6": ([eth0(LINK_LOCAL, "fd00::5/64")], "fd00::5"),
    "a floating address first": ([eth0("10.0.0.100/32", "10.0.0.5/24")], "10.0.0.5"),
    "a point-to-point address": ([eth0("10.0.0.100/32")], "10.0.0.100"),
    "on a bridge with the same MAC": ([eth0(), ("br0", MAC.lower(), ["10.0.0.5/24"])], "10.0.0.5"),
    "link-local alone": ([DOCKER, eth0(LINK_LOCAL, "169.254.3.4/16")], ""),
    "no address yet": ([LOOPBACK, eth0()], ""),
    "no such card": ([LOOPBACK, DOCKER], ""),
    "no card at all": ([], ""),
}


@pytest.mark.parametrize(("cards", "wanted"), CASES.values(), ids=CASES)
@pytest.mark.parametrize(("kind", "text"), [(Kind.VM, by_agent), (Kind.CONTAINER, by_ip)])
def test_the_address_of_its_own_card_is_chosen(kind, text, cards, wanted) -> None:
    assert address.choose(kind, text(cards), MAC) == wanted


@pytest.mark.parametrize("answer", ["", "{}", "null", "[1]", '[{"name":"lo"}]', "agent error", '[{"addr_info":null}]'])
def test_an_answer_that_says_nothing_has_no_address(answer: str) -> None:
    assert address.choose(Kind.VM, answer, MAC) == ""
    assert address.choose(Kind.CONTAINER, answer, MAC) == ""


def test_a_deprecated_address_is_not_taken() -> None:
    text = json.dumps(
        [{"address": MAC.lower(), "addr_info": [{"local": "10.0.0.9", "prefixlen": 24, "deprecated": 1}]}]
    )
    assert address.choose(Kind.CONTAINER, text, MAC) == ""


def test_the_mac_comes_from_the_configuration_of_either_kind() -> None:
    assert address.mac_of(Kind.VM, {"net0": f"virtio={MAC},bridge=vmbr0"}) == MAC.lower()
    assert address.mac_of(Kind.CONTAINER, {"net0": f"name=eth0,hwaddr={MAC},ip=dhcp"}) == MAC.lower()
    assert address.mac_of(Kind.VM, {}) == ""


def test_a_stated_address_needs_no_question() -> None:
    assert address.stated(spec(network={"ip": "10.0.0.5/24"})) == "10.0.0.5"
    assert address.stated(spec()) == ""


def test_only_the_very_question_counts_as_one() -> None:
    assert address.is_question(["qm", "guest", "cmd", "8001", "network-get-interfaces"])
    assert address.is_question(["pct", "exec", "101", "--", "ip", "-j", "addr"])
    assert not address.is_question(["pct", "exec", "101", "--", "ip", "-j", "link"])
    assert not address.is_question(["qm", "guest", "cmd", "8001", "shutdown"])
