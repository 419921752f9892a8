"""The steps of the features about what phoenix is started from, and about what stands in its way."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from pytest_bdd import given, parsers

if TYPE_CHECKING:
    from features.target import FakeTarget


@given(parsers.re(r'phoenix is started with "(?P<words>.*)"'))
def _environment(target: FakeTarget, words: str) -> None:
    target.more_environment |= dict(word.split("=", 1) for word in shlex.split(words))


@given("in the place of the cloud image is a pipe")
def _odd_image(target: FakeTarget) -> None:
    target.image.unlink()
    os.mkfifo(target.image)


@given(parsers.re(r'the template of the user-data says "(?P<text>.*)"'))
def _template(target: FakeTarget, text: str) -> None:
    (target.config / "user-data.yaml.j2").write_text(f"#cloud-config\n{text}\n")


@given(parsers.re(r'the whole template of the user-data is "(?P<text>.*)"'))
def _whole_template(target: FakeTarget, text: str) -> None:
    (target.config / "user-data.yaml.j2").write_text(f"{text}\n")


@given(parsers.re(r'"(?P<command>.*)" prints "(?P<printed>.*)" and fails with "(?P<error>.*)"'))
def _fails_printing(target: FakeTarget, command: str, printed: str, error: str) -> None:
    target.faults([{"match": command, "effect": False, "exit": 255, "stdout": f"{printed}\n", "stderr": f"{error}\n"}])


@given(parsers.re(r'"(?P<command>.*)" fails once with "(?P<error>.*)"'))
def _fails_once(target: FakeTarget, command: str, error: str) -> None:
    target.faults([{"match": command, "nth": 1, "effect": False, "exit": 255, "stderr": f"{error}\n"}])
