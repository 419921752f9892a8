"""Rendered user-data parses back to exactly what was meant, whatever stands in names, keys and hashes."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from phoenix_pve import cloud_init, sandbox
from phoenix_pve.errors import ConfigError
from phoenix_pve.guest import Admin
from places import ROOT
from samples import HASH, KEY, spec

TEMPLATE = ROOT / "config" / cloud_init.TEMPLATE


def parsed(**changes: Any) -> Any:
    text = cloud_init.render(spec(**changes), TEMPLATE)
    assert text.startswith("#cloud-config\n")
    return yaml.safe_load(text)


def test_the_whole_structure() -> None:
    assert parsed(admin=Admin("bob", HASH, (KEY,), ssh_password_login=True)) == {
        "hostname": "ubuntu-2404",
        "manage_etc_hosts": True,
        "ssh_pwauth": True,
        "users": [
            {
                "name": "bob",
                "groups": ["sudo"],
                "shell": "/bin/bash",
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "lock_passwd": False,
                "passwd": HASH,
                "ssh_authorized_keys": [KEY],
            }
        ],
    }


def test_without_a_password_the_account_is_locked_for_passwords() -> None:
    user = parsed(admin=Admin("bob", None, (KEY,)))["users"][0]
    assert user["lock_passwd"] is True
    assert "passwd" not in user


def test_without_an_admin_the_image_keeps_its_own() -> None:
    assert parsed(admin=None) == {"hostname": "ubuntu-2404", "manage_etc_hosts": True}


def test_a_full_name_stays_the_hostname() -> None:
    found = parsed(name="web.example.com")
    assert (found["hostname"], found["fqdn"], found["prefer_fqdn_over_hostname"]) == (
        "web.example.com",
        "web.example.com",
        True,
    )


@given(name=st.text(), hash_=st.text(min_size=1), keys=st.lists(st.text()))
def test_no_text_can_change_the_structure(name: str, hash_: str, keys: list[str]) -> None:
    found = parsed(name=name, admin=Admin(name, hash_, tuple(keys)))
    assert found["hostname"] == name
    assert found["users"][0]["name"] == name
    assert found["users"][0]["passwd"] == hash_
    assert found["users"][0].get("ssh_authorized_keys", []) == keys
    assert set(found) - {"fqdn", "prefer_fqdn_over_hostname"} == {"hostname", "manage_etc_hosts", "ssh_pwauth", "users"}


def test_a_configuration_folder_may_bring_its_own_template(tmp_path: Path) -> None:
    (tmp_path / cloud_init.TEMPLATE).write_text("#cloud-config\nhostname: {{ guest.name | yaml }}\nlocale: C.UTF-8\n")
    text = cloud_init.render(spec(), cloud_init.template_path(tmp_path))
    assert yaml.safe_load(text) == {"hostname": "ubuntu-2404", "locale": "C.UTF-8"}


def test_without_its_own_the_template_of_phoenix_is_taken(tmp_path: Path) -> None:
    assert cloud_init.template_path(tmp_path) == TEMPLATE


MISTAKES = {
    "{{ guest.nam }}": "has no attribute 'nam'",
    "{% if %}": "Expected an expression",
    "{{ undefined }}": "'undefined' is undefined",
    "{{ 1/0 }}": "ZeroDivisionError: division by zero",
    "{{ guest.name + 1 }}": "TypeError: ",
    "{{ guest | yaml }}": "TypeError: Object of type GuestSpec is not JSON serializable",
    "{{ [1] | sum(5,6,7) }}": "TypeError: ",
    "{{ {}['x'] }}": "has no attribute 'x'",
    "{{ 'x' | nosuchfilter }}": "No filter named 'nosuchfilter'",
    "{{ guest is nosuchtest }}": "No test named 'nosuchtest'",
    "{% nosuchtag %}": "unknown tag 'nosuchtag'",
    "{{ 'x' | int(base=99) | yaml }}{{ 'x'.encode('nosuch') }}": "LookupError: unknown encoding",
    "{{ '%d' % 'x' }}": "TypeError: ",
    "{{ '{0.x}'.format(1) }}": "'x'",
    "{{ [3, 'x'] | sort }}": "TypeError: ",
    '{% include "x" %}': "neither include, import nor extend",
    '{% extends "/etc/passwd" %}': "neither include, import nor extend",
    '{% import "x" as y %}': "neither include, import nor extend",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}": "it calls itself without end",
}
ESCAPES = {
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}": "'__init__'",
    "{{ guest.name.__class__.__mro__[1].__subclasses__() | length }}": "'__class__'",
    "{{ ''['__class__'] }}": "'__class__'",
    "{{ '' | attr('__class__') }}": "'__class__'",
    "{{ [''] | map(attribute='__class__') | join }}": "'__class__'",
    "{{ '{0.__class__}'.format('') }}": "'__class__'",
    "{{ ('{0.__class__}' | attr('format'))('') }}": "'__class__'",
    "{{ self.__init__.__globals__ }}": "'__init__'",
    "{{ joiner.__init__.__globals__ }}{{ lipsum.__globals__ }}": "'__init__'",
    "{{ namespace.mro() }}": "'mro'",
    "{{ (range | attr('__self__')) }}": "'__self__'",
    "{% set f = guest.name.join %}{{ f.__self__ }}": "'__self__'",
    "{{ guest.__dataclass_fields__ }}": "'__dataclass_fields__'",
    "{{ guest.tags.append('x') if guest.tags else [].append('x') }}": "append",
    "{{ {}.update({1: 2}) }}": "update",
    "{{ namespace(x=1).__class__ }}": "'__class__'",
}
BLOW_UPS = {
    "{{ range(10**9) | list }}": "Range too big",
    "{{ 10**(10**10) }}": "the result would be too large",
    "{{ 'x' * 10**10 }}": "the result would be too large",
    "{{ 10**10 * [1] }}": "the result would be too large",
    "{{ 'x' | center(10**10) }}": "it needs too much memory",
    "{{ '%1000000000d' % 1 }}": "it needs too much memory",
    "{{ '{:1000000000}'.format(1) }}": "it needs too much memory",
    "{% set n = namespace(x='x') %}{% for i in range(40) %}{% set n.x = n.x ~ n.x %}{% endfor %}": "too much memory",
    "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}": "it does not come to an end",
}


@pytest.mark.parametrize(("text", "problem"), [*MISTAKES.items(), *ESCAPES.items(), *BLOW_UPS.items()])
def test_whatever_is_wrong_with_a_template_is_told_with_file_and_line(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / cloud_init.TEMPLATE).write_text(f"#cloud-config\n{text}\n# {text.count(chr(10))}\n")
    with pytest.raises(ConfigError) as caught:
        cloud_init.render(spec(), tmp_path / cloud_init.TEMPLATE)
    assert caught.value.message.startswith(f"{tmp_path}/{cloud_init.TEMPLATE}:2: ")
    assert problem in caught.value.message
    assert "\n" not in caught.value.message


def test_a_filter_that_takes_for_ever_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "MOST_SECONDS", 0.2)
    (tmp_path / cloud_init.TEMPLATE).write_text("{% set n = 10 %}{{ 1.5 | round(n * 10000000, 'ceil') }}")
    with pytest.raises(ConfigError, match="it does not come to an end"):
        cloud_init.render(spec(), tmp_path / cloud_init.TEMPLATE)


def test_too_much_text_is_told(tmp_path: Path) -> None:
    (tmp_path / cloud_init.TEMPLATE).write_text("{{ 'x' * 1000000 }}{{ 'x' * 1000000 }}")
    with pytest.raises(ConfigError, match="it makes more than 1 MiB of text"):
        cloud_init.render(spec(), tmp_path / cloud_init.TEMPLATE)


def test_what_is_harmless_goes_on_as_before(tmp_path: Path) -> None:
    (tmp_path / cloud_init.TEMPLATE).write_text(
        "{% set n = namespace(x=2) %}{% macro twice(a) %}{{ a * n.x }}{% endmacro %}{{ twice(3) }} {{ 'ab' * 3 }} "
        "{% for key in admin.ssh_authorized_keys %}{{ loop.index }} {{ key.split() | first }}{% endfor %} {{ 2**10 }}"
    )
    wanted = f"6 ababab 1 {KEY.split()[0]} 1024"
    assert cloud_init.render(spec(admin=Admin("bob", HASH, (KEY,))), tmp_path / cloud_init.TEMPLATE) == wanted


def test_the_limits_hold_for_the_template_alone(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_AS), sys.gettrace()
    (tmp_path / cloud_init.TEMPLATE).write_text("{{ 1/0 }}")
    with pytest.raises(ConfigError):
        cloud_init.render(spec(), tmp_path / cloud_init.TEMPLATE)
    assert (resource.getrlimit(resource.RLIMIT_AS), sys.gettrace()) == before


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (os.mkfifo, "no regular file"),
        (Path.mkdir, "Is a directory"),
        (lambda path: path.symlink_to("/dev/zero"), "no regular file"),
        (lambda path: path.symlink_to("gone"), "no such file"),
        (lambda path: path.write_bytes(b"\xff"), "not UTF-8"),
    ],
)
def test_a_template_that_is_none_is_told(tmp_path: Path, make: Callable[[Path], object], problem: str) -> None:
    make(tmp_path / cloud_init.TEMPLATE)
    with pytest.raises(ConfigError, match=problem):
        cloud_init.render(spec(), cloud_init.template_path(tmp_path))
