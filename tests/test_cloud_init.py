"""Rendered user-data parses back to exactly what was meant, whatever stands in names, keys and hashes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from phoenix_pve import cloud_init
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


@pytest.mark.parametrize("text", ["{{ guest.nam }}", "{% if %}", "{{ undefined }}"])
def test_a_broken_template_is_a_configuration_error(tmp_path: Path, text: str) -> None:
    (tmp_path / cloud_init.TEMPLATE).write_text(text)
    with pytest.raises(ConfigError, match=cloud_init.TEMPLATE):
        cloud_init.render(spec(), tmp_path / cloud_init.TEMPLATE)
