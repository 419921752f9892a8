"""Lines at the width of a terminal: nothing is lost, nothing is wider than it can be, commands stay commands."""

from __future__ import annotations

import re
import shlex

import pytest

from phoenix_pve.wrapping import columns, wrapped

WIDTHS = [20, 40, 80, 100, 120, 300]
IMAGE = "/var/lib/vz/template/iso/noble-server-cloudimg-amd64.img"
CARD = "virtio=BC:24:11:00:80:01,bridge=vmbr0,firewall=1,mtu=9000,queues=2,tag=30"
LINES = [
    "8001 ubuntu-2404 (VM): will be created",
    f"  \x1b[32m+\x1b[0m disk scsi0: 32 GiB on local, from {IMAGE}",
    f"  \x1b[33m~\x1b[0m network card net0: {CARD}   (at next start)",
    "error: 8003 db: network_bridge: the node has no bridge `vmbr9`; it has: vmbr0, vmbr1",
    "  hint: allow it: `pvesm set local --content backup,images,import,iso,rootdir,snippets,vztmpl`, then run it again",
    "8001 web: the description says 日本語の説明 and Zeilen mit Umlauten wie ä, ö und ü",
    "a`b c",
    "x" * 400,
    "",
    "   ",
]
COMMANDS = [
    f"  $ qm create 8001 --name web --scsi0 local:0,import-from={IMAGE},discard=on --description 'it'\"'\"'s a b'",
    "  $ install -D -m 600 /dev/stdin /var/lib/vz/snippets/phoenix-8001-user.yaml   # the rendered user-data",
    "  $ until qm agent 8001 ping; do sleep 1; done",
    "    $ pct exec 101 -- chpasswd -e <<< '***'",
    "  $ qm set 8001 --tags 'a;b' --boot order=scsi0 --net0 'virtio,bridge=vm br0' --cores -1",
]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("line", LINES)
def test_a_line_is_broken_between_words_and_loses_none(line: str, width: int) -> None:
    found = wrapped(line, width)
    assert re.sub(r"\s", "", "".join(found)) == re.sub(r"\s", "", line)
    longest = max((columns(part) for part in re.findall(r"[^\s,]+,?", line)), default=0)
    assert max(map(columns, found)) <= max(width, width // 2 + longest)
    lead = len(line) - len(line.lstrip(" "))
    assert all(part.startswith(" " * min(lead + 4, width // 2)) and part.strip() for part in found[1:])
    assert found == [line] or columns(line) > width


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_that_is_broken_is_the_same_to_a_shell(line: str, width: int) -> None:
    found = wrapped(line, width)
    assert all(part.endswith(" \\") for part in found[:-1])
    whole = "\n".join(found).replace("$ ", "", 1).replace("\\\n", "")
    assert shlex.split(whole, comments=True) == shlex.split(line.replace("$ ", "", 1), comments=True)
    assert all(columns(part) <= width or len(shlex.split(part.rstrip("\\"), comments=True)) <= 1 for part in found[1:])


def test_an_option_stays_with_its_value_where_both_fit() -> None:
    assert wrapped("  $ qm set 8001 --cores 4 --memory 4096", 30) == [
        "  $ qm set 8001 --cores 4 \\",
        "      --memory 4096",
    ]


@pytest.mark.parametrize(
    "line", ["  $ qm set 8001 --description 'one\ntwo'", "  $ # wait until its SSH server answers"]
)
def test_what_cannot_be_broken_stays_whole(line: str) -> None:
    assert wrapped(line, 20) == [line]


def test_what_stands_in_backticks_is_one_word() -> None:
    assert wrapped("hint: run `phoenix plan 8001` to see it", 26) == [
        "hint: run",
        "    `phoenix plan 8001` to",
        "    see it",
    ]


def test_the_last_column_of_a_table_hangs() -> None:
    assert wrapped("8001  web  vm  running  not made by phoenix", 34, 24) == [
        "8001  web  vm  running  not made",
        " " * 17 + "by phoenix",
    ]
