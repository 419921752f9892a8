"""The steps about guests and nodes that say what nobody would."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from pytest_bdd import given, parsers, then

if TYPE_CHECKING:
    from features.conftest import Story
    from features.target import FakeTarget

FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def _answers(target: FakeTarget, vmid: int, answer: str) -> None:
    """Let a guest answer the question for its addresses; what others were told to say stays."""
    rule = {"match": f"qm guest cmd {vmid} *", "stdout": answer, "exit": 0, "effect": False}
    target.rules = [*getattr(target, "rules", [{"match": "qm agent *", "exit": 0, "effect": False}]), rule]
    target.faults(target.rules)


def _card(target: FakeTarget, vmid: int, **says: Any) -> str:
    mac = re.findall(r"[0-9A-F:]{17}", target.options(vmid)["net0"])[0]
    return json.dumps([{"name": "eth0", "hardware-address": mac.lower(), **says}])


@given(parsers.re(r"(?P<vmid>\d+) says that its address is (?P<address>.+)"), converters={"vmid": int})
def _address(target: FakeTarget, vmid: int, address: str) -> None:
    _answers(target, vmid, _card(target, vmid, **{"ip-addresses": [{"ip-address": json.loads(address), "prefix": 24}]}))


@given(
    parsers.re(r'(?P<vmid>\d+) answers the question for its addresses with "(?P<key>[\w-]+)": (?P<value>.+)'),
    converters={"vmid": int},
)
def _odd(target: FakeTarget, vmid: int, key: str, value: str) -> None:
    _answers(target, vmid, _card(target, vmid, **{key: json.loads(value)}))


@given(parsers.parse("{vmid:d} answers the question for its addresses with a megabyte too much"))
def _much(target: FakeTarget, vmid: int) -> None:
    card = _card(target, vmid, **{"ip-addresses": [{"ip-address": "10.0.0.6", "prefix": 24}]})
    _answers(target, vmid, " " * (1 << 20) + card)


@given(parsers.parse("{question} hangs"))
def _hangs(target: FakeTarget, question: str) -> None:
    target.faults([{"match": question, "hang": True}])


@given(parsers.parse('the node\'s tools say "{text}"'))
def _tools_say(target: FakeTarget, text: str) -> None:
    said = text.encode().decode("unicode_escape")
    target.faults([{"match": "qm status *", "exit": 2, "stderr": said}])


@then("nothing that I see moves a cursor or turns the direction of text")
def _harmless(story: Story) -> None:
    assert FORBIDDEN.findall(story.result.output) == []


@then("stdout is empty")
def _no_result(story: Story) -> None:
    assert story.result.stdout == ""
