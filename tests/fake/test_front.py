"""Command lines: what they mean, and how they are refused."""

from __future__ import annotations

import io

import pytest

from fake_calls import call
from fake_pve import formats, propstring, schema
from fake_pve.cli import commands, getopt, validate
from fake_pve.errors import CommandFailed
from fake_pve.main import main

CREATE = schema.command("qm", "create")["options"]


@pytest.mark.parametrize(
    ("argv", "name", "rest"),
    [
        (["status", "1"], "status", ["1"]),
        (["resize", "1"], "disk resize", ["1"]),
        (["disk", "resi", "1"], "disk resize", ["1"]),
        (["conf", "1"], "config", ["1"]),
        (["agent", "1", "ping"], "guest cmd", ["1", "ping"]),
        (["unl", "1"], "unlock", ["1"]),  # `unlink` is an alias and does not count
    ],
)
def test_commands_are_found_by_name_alias_and_abbreviation(argv, name, rest) -> None:
    assert commands.resolve("qm", argv) == (name, rest)


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        ([], "ERROR: no command specified"),
        (["nosuch"], "ERROR: unknown command 'qm nosuch'"),
        (["st"], "ERROR: incomplete command 'qm st'"),
        (["disk"], "ERROR: incomplete command 'qm disk'"),
        (["guest", "foo"], "ERROR: unknown command 'qm guest foo'"),
        (["STATUS"], "ERROR: unknown command 'qm STATUS'"),
    ],
)
def test_no_command_is_guessed(argv, problem) -> None:
    with pytest.raises(CommandFailed) as failure:
        commands.resolve("qm", argv)
    assert failure.value.message.splitlines()[0] == problem


@pytest.mark.parametrize(
    ("argv", "values", "arguments"),
    [
        (["8001", "--name", "x"], {"name": "x"}, ["8001"]),
        (["--name=x", "8001"], {"name": "x"}, ["8001"]),
        (["-name", "x"], {"name": "x"}, []),
        (["--Name", "x"], {"name": "x"}, []),
        (["--mem", "512"], {"memory": "512"}, []),
        (["--name", "a", "--name", "b"], {"name": "b"}, []),
        (["--tags", "a", "--tags", "b"], {"tags": "a,b"}, []),
        (["--onboot", "--memory", "512"], {"onboot": None, "memory": "512"}, []),
        (["--onboot", "0"], {"onboot": "0"}, []),
        (["--name", "--memory"], {"name": "--memory"}, []),
        (["--", "--name", "x"], {}, ["--name", "x"]),
        (["--net3", "virtio"], {"net3": "virtio"}, []),
        (["-"], {}, ["-"]),
    ],
)
def test_options(argv, values, arguments) -> None:
    parsed = getopt.parse(argv, CREATE)
    assert (parsed.values, parsed.arguments, parsed.problems) == (values, arguments, [])


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["--foo", "1"], "Unknown option: foo"),
        (["-name=x"], "Unknown option: name=x"),
        (["--net32", "virtio"], "Unknown option: net32"),
        (["--net01", "virtio"], "Unknown option: net01"),
        (["--name"], "Option name requires an argument"),
        (["--name="], "Option name requires an argument"),
        (["--no-onboot"], "Unknown option: no-onboot"),
        (["--ser", "x"], "Option ser is ambiguous (serial0, serial1, serial2, serial3)"),
        (["-1G"], "Unknown option: 1g"),
    ],
)
def test_options_that_are_refused(argv, problem) -> None:
    assert getopt.parse(argv, CREATE).problems == [problem]


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("cores", "4", None),
        ("cores", "0", "value must have a minimum value of 1"),
        ("cores", "1.5", "type check ('integer') failed - got '1.5'"),
        ("cpulimit", "0.5", None),
        ("cpulimit", "129", "value must have a maximum value of 128"),
        ("name", "web.example.com", None),
        ("name", "web-", "invalid format - value does not look like a valid DNS name\n"),
        ("name", "", "invalid format - value does not look like a valid DNS name\n"),
        ("bios", "uefi", "value 'uefi' does not have a value in the enumeration 'seabios, ovmf'"),
        ("serial0", "foo", "value does not match the regex pattern"),
        ("description", "x" * 8193, "value may only be 8192 characters long"),
        ("startup", "order=1,up=2", None),
        ("startup", "foo", "invalid format - unable to parse startup options\n"),
        ("hotplug", "disk,foo", "invalid format - invalid hotplug feature 'foo'\n"),
        ("tags", "a;b c", None),
        ("tags", "a!", "invalid format - invalid characters in tag\n"),
        ("cpu", "host,flags=+aes;-pcid", None),
        ("ipconfig0", "ip=10.0.0.5/24,gw=10.0.0.1", None),
        (
            "ipconfig0",
            "gw=10.0.0.1",
            "invalid format - format error\nipconfig0.ip: missing property required by 'ipconfig0.gw'\n",
        ),
        (
            "scsi0",
            "local:8,discard=on,discard=on",
            "invalid format - duplicate key in comma-separated list property: discard\n",
        ),
        ("scsi0", "8", "invalid format - format error\nscsi0.file: invalid format - unable to parse volume ID '8'\n\n"),
        ("memory", "15", "invalid format - format error\nmemory.current: value must have a minimum value of 16\n"),
        (
            "net0",
            "virtio=01:00:00:00:00:01",
            "invalid format - format error\nnet0.macaddr: invalid format - value does not look like a valid unicast MAC address\n\n",
        ),
    ],
)
def test_values(option, value, problem) -> None:
    assert validate.check_value(schema.find(CREATE, option), value, option) == problem


def test_several_problems_are_sorted_and_the_synopsis_follows(tmp_path) -> None:
    status, out, err = call(tmp_path, "qm", "create", "8001", "--memory", "abc", "--cores", "0")
    assert (status, out) == (255, "")
    assert err.splitlines() == [
        "400 Parameter verification failed.",
        "cores: value must have a minimum value of 1",
        "memory: invalid format - format error",
        "memory.current: type check ('integer') failed - got 'abc'",
        "",
        "qm create <vmid> [OPTIONS]",
    ]


@pytest.mark.parametrize(
    ("key", "text", "values"),
    [
        ("net0", "virtio,bridge=vmbr0", {"model": "virtio", "bridge": "vmbr0"}),
        ("net0", "virtio=BC:24:11:00:00:01,tag=5", {"model": "virtio", "macaddr": "BC:24:11:00:00:01", "tag": "5"}),
        ("scsi0", "volume=local:8,ssd=on", {"file": "local:8", "ssd": "1"}),
        ("agent", "on", {"enabled": "1"}),
    ],
)
def test_property_strings_are_taken_apart(key, text, values) -> None:
    assert propstring.parse(schema.option_format("qm", key), text) == values


@pytest.mark.parametrize(
    ("tool", "key", "text"),
    [
        ("qm", "net0", "virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=5"),
        ("qm", "scsi0", "local:8001/vm-8001-disk-0.raw,discard=on,size=8G"),
        ("pct", "net0", "name=eth0,bridge=vmbr0,ip=dhcp"),
        ("pct", "mp0", "local:1,mp=/data,backup=1"),
    ],
)
def test_property_strings_come_back_in_the_real_order(tool, key, text) -> None:
    format_ = schema.option_format(tool, key)
    values = propstring.parse(format_, text)
    assert propstring.print_(format_, dict(reversed(values.items()))) == text


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("pve-vmid", ["100", "999999999"], ["99", "0100", "1000000000"]),
        ("ipv4", ["10.0.0.1"], ["10.0.0", "10.0.0.256", "10.0.0.01"]),
        ("ipv6", ["::1", "2001:db8::5", "::ffff:10.0.0.1", "1:2:3:4:5:6:7:8"], ["1:2:3", "::1::", "g::1"]),
        ("CIDR", ["10.0.0.0/8", "2001:db8::/64"], ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/7"]),
        ("mac-addr", ["bc:24:11:00:00:01"], ["01:24:11:00:00:01", "bc:24:11:00:00"]),
        ("pve-configid", ["s1", "a-b_c"], ["a", "1a", "a.b", "a b"]),
        ("pve-storage-id", ["local-lvm", "a1"], ["1bad", "a", "a-"]),
        ("pve-volume-id", ["local:iso/x.iso"], ["local:", "x", "/x"]),
        ("disk-size", ["8G", "0.5T", "512"], ["8GB", "G", "8g"]),
        ("pve-cpuset", ["0", "0,2-4"], ["foo", "4-2", ""]),
    ],
)
def test_named_formats(name, good, bad) -> None:
    for value in good:
        formats.check(name, value)
    for value in bad:
        with pytest.raises(propstring.PropertyError):
            formats.check(name, value)


def test_what_is_not_modelled_says_so_with_its_own_status(tmp_path) -> None:
    (tmp_path / "x.ovf").touch()
    status, _, err = call(tmp_path, "qm", "importovf", "8001", "x.ovf", "local")
    assert status == 70
    assert "not modelled" in err


def test_a_node_with_folders_for_files_is_told_and_no_mistake(tmp_path) -> None:
    guests = tmp_path / "etc/pve/nodes/pve1/lxc"
    (guests / "101.conf").mkdir(parents=True)
    assert call(tmp_path, "pct", "config", "101") == (255, "", f"can't open '{guests}/101.conf' - Is a directory\n")
    (tmp_path / "run").touch()
    assert call(tmp_path, "pct", "set", "102", "--cores", "1")[2].endswith("- Not a directory\n")


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("FAKE_PVE_ROOT", "", "FAKE_PVE_ROOT is not set: it must name the folder that stands for the node's /"),
        ("FAKE_PVE_ROOT", "/nowhere/node", "FAKE_PVE_ROOT names no folder: /nowhere/node"),
        ("FAKE_PVE_ROOT", "/tmp/..", "FAKE_PVE_ROOT is /, but this machine is no node to play with"),
        ("FAKE_PVE_GUEST", "real", "FAKE_PVE_GUEST is 'real', not one of none, recorded, simulated, virtual"),
        ("FAKE_PVE_TIME_SCALE", "fast", "FAKE_PVE_TIME_SCALE is 'fast', not a number from 0"),
        ("FAKE_PVE_TIME_SCALE", "-1", "FAKE_PVE_TIME_SCALE is '-1', not a number from 0"),
        ("FAKE_PVE_TIME_SCALE", "inf", "FAKE_PVE_TIME_SCALE is 'inf', not a number from 0"),
    ],
)
def test_a_wrong_environment_is_told(tmp_path, variable, value, why) -> None:
    err = io.BytesIO()
    environment = {"FAKE_PVE_ROOT": str(tmp_path), variable: value}
    assert main("pct", ["list"], environment, io.BytesIO(), io.BytesIO(), err) == 70
    assert err.getvalue().decode() == f"fake-pve: {why}\n"
    assert list(tmp_path.iterdir()) == []
