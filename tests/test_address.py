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


ODD = [
    '[{"hardware-address":"MAC","ip-addresses":3}]',
    '[{"hardware-address":"MAC","ip-addresses":[5]}]',
    '[{"hardware-address":"MAC","ip-addresses":[[]]}]',
    '[{"hardware-address":"MAC","ip-addresses":{"ip-address":"10.0.0.5"}}]',
    '[{"hardware-address":"MAC","ip-addresses":[{"ip-address":"10.0.0.5","prefix":"x"}]}]',
    '[{"hardware-address":"MAC","ip-addresses":[{"ip-address":"10.0.0.5","prefix":true}]}]',
    '[{"hardware-address":"MAC","ip-addresses":[{"ip-address":"10.0.0.5","prefix":NaN}]}]',
    '[{"hardware-address":"MAC","ip-addresses":[{"ip-address":"10.0.0.5","prefix":1e999}]}]',
    '[{"hardware-address":"MAC","ip-addresses":[{"ip-address":"10.0.0.5","prefix":-1}]}]',
    '[{"hardware-address":"MAC","ip-addresses":[{"ip-address":167772165}]}]',
    '[{"hardware-address":"MAC","ip-addresses":[{"ip-address":["10.0.0.5"]}]}]',
    '[{"hardware-address":"MAC","ip-addresses":[{"ip-address":null}]}]',
    '[{"hardware-address":["MAC"],"ip-addresses":[{"ip-address":"10.0.0.5"}]}]',
    '[{"hardware-address":7,"ip-addresses":[{"ip-address":"10.0.0.5"}]}]',
    '{"hardware-address":"MAC","ip-addresses":[{"ip-address":"10.0.0.5"}]}',
    '[{"hardware-address":"MAC","ip-addresses":[{"ip-address":"10.0.0.5","prefix":' + "9" * 5000 + "}]}]",
    "[" * 100_000,
    '[{"hardware-address":"MAC","ip-addresses":' * 20_000,
]


@pytest.mark.parametrize("answer", ODD, ids=range(len(ODD)))
def test_an_odd_answer_has_no_address_and_is_no_traceback(answer: str) -> None:
    by_vm = answer.replace("MAC", MAC.lower())
    words = {"hardware-address": "address", "ip-addresses": "addr_info", "ip-address": "local", "prefix": "prefixlen"}
    by_container = by_vm
    for word, other in words.items():
        by_container = by_container.replace(f'"{word}"', f'"{other}"')
    assert address.choose(Kind.VM, by_vm, MAC) == ""
    assert address.choose(Kind.CONTAINER, by_container, MAC) == ""


NONE_OF_ITS_OWN = [
    "2001:db8::1%h", "2001:db8::1%h\n  ProxyCommand touch x", "fe80::1%eth0", "10.0.0.5%eth0", "10.0.0.5\n", " 10.0.0.5", "10.0.0.5/24",
    "::ffff:127.0.0.1", "::ffff:10.0.0.5", "::127.0.0.1", "127.0.0.2", "0.0.0.0", "255.255.255.255", "240.0.0.1", "224.0.0.1", "ff02::1",
    "10.0.0.05", "0x0a000005", "167772165", "10.5", "web1", "-oProxyCommand=x", "$(reboot)", "١٠.0.0.5", "", "\ud800", "1" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("text", NONE_OF_ITS_OWN, ids=map(ascii, NONE_OF_ITS_OWN))
def test_what_is_no_plain_address_of_a_guest_is_not_taken(text: str) -> None:
    assert address.best([(text, 24)]) == ""


def test_an_address_is_printed_in_one_way() -> None:
    assert address.best([("2606:4700:0:0:0:0:0:5", 64)]) == "2606:4700::5"
    assert address.plain("2606:4700::0005") == "2606:4700::5"
    assert (address.plain("fe80::1%eth0"), address.plain("web1")) == ("", "")
