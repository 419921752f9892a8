"""Whatever shell phoenix was started from: what the commands find, and what is in the way is told."""

from __future__ import annotations

import io
import json
import os
import resource
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import phoenix
import pytest

from phoenix_pve import folders, inventory, local_locks, local_process, login, storage_cfg
from phoenix_pve.errors import CommandFailedError, ConfigError, NodeError
from phoenix_pve.lock_files import FOLDER, TOO_MANY, lock_path
from phoenix_pve.node import NOTES, LocalNode, Questions
from phoenix_pve.node_needs import storage_problems
from phoenix_pve.ssh_config import Access, access
from places import ROOT

LOCALES: list[dict[str, str]] = [
    {},
    {"LC_ALL": "C"},
    {"LC_ALL": "POSIX", "LANG": "de_DE.ISO-8859-1"},
    {"LANG": "de_DE@euro", "LANGUAGE": "de:fr"},
    {"LC_CTYPE": "UTF-8", "LC_MESSAGES": "nowhere"},
    {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize("locale", LOCALES, ids=str)
def test_commands_run_in_utf_8_in_every_locale(locale: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LANG", "LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in locale.items():
        monkeypatch.setenv(name, value)
    done = LocalNode().run(["sh", "-c", 'env; printf "%s" "$0" | od -An -tx1', "ä—\udcff"])
    lines = done.stdout.splitlines()
    assert {"LC_ALL=C.UTF-8", "LANG=C.UTF-8"} <= set(lines)
    assert not any(line.startswith(("LANGUAGE=", "PYTHONIO", "PYTHONUTF8", "PYTHONCOERCE")) for line in lines)
    assert lines[-1] == " c3 a4 e2 80 94 ff"


def python(code: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    """Python in a locale of its own, with phoenix's modules."""
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "lib"), **environ}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=False)


def test_a_python_that_speaks_ascii_still_passes_words_as_utf_8() -> None:
    code = (
        "from phoenix_pve.node import LocalNode; print(ascii(LocalNode().run(['printf', '%s', '\\xe4\\u2014']).stdout))"
    )
    done = python(code, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.stdout == b"'\\xe4\\u2014'\n", done.stderr


@pytest.mark.parametrize("environ", [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "latin-1"}])
def test_a_folder_with_a_letter_that_the_locale_lacks(tmp_path: Path, environ: dict[str, str]) -> None:
    folder = tmp_path / "Größe—𝕏"
    folder.mkdir()
    (folder / inventory.HYPERVISOR_FILE).write_text(
        json.dumps({"vms": [], "admin": {"username": "a", "ssh_authorized_keys_file": "ключ"}})
    )
    (folder / "ключ").write_text("")
    env = {"PATH": os.environ["PATH"], "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", **environ}
    argv = [sys.executable, str(ROOT / "phoenix.py"), "--config", str(folder), "validate"]
    done = subprocess.run(argv, env=env, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b": valid; 0 VMs" in done.stdout


@pytest.mark.parametrize(
    ("encoding", "wanted"),
    [
        ("ISO-8859-1", b"\xe4"),
        ("KOI8-R", b"\\xe4"),
        ("UTF-8", b"\xc3\xa4"),
        ("ANSI_X3.4-1968", b"\xc3\xa4"),
        ("odd", b"\xc3\xa4"),
    ],
)
def test_a_terminal_is_written_to_in_its_own_encoding(
    encoding: str, wanted: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr("locale.getencoding", lambda: encoding)
    phoenix._heed_the_terminal()
    out.write("ä")
    out.flush()
    assert out.buffer.getvalue() == wanted  # type: ignore[attr-defined]


PATHS = {
    "": "/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
    ":": "/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
    "/usr/bin:/bin": "/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
    "/x:/usr/bin/::/bin": "/x:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
    "/sbin:/bin": "/sbin:/bin:/usr/local/sbin:/usr/sbin",
    "/opt/own": "/opt/own",
    "relative:/bin": "/somewhere/relative:/bin:/usr/local/sbin:/usr/sbin:/sbin",
}


@pytest.mark.parametrize(("path", "wanted"), PATHS.items())
def test_the_folders_of_the_tools_are_on_path(path: str, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getcwd", lambda: "/somewhere")
    assert local_process.surroundings({b"PATH": path.encode()})[b"PATH"].decode() == wanted


def test_without_a_path_at_all_tools_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PATH")
    assert LocalNode().run(["true"]).exit == 0
    assert local_process.which("sh") in {"/usr/bin/sh", "/bin/sh"}


@pytest.fixture
def gone(tmp_path: Path) -> Iterator[Path]:
    """A working folder that was removed."""
    before, folder = Path.cwd(), tmp_path / "gone"
    folder.mkdir()
    os.chdir(folder)
    folder.rmdir()
    yield folder
    os.chdir(before)


def test_in_a_folder_that_is_gone(gone: Path, tmp_path: Path) -> None:
    assert LocalNode().run(["pwd"]).stdout == "/\n"
    with pytest.raises(ConfigError, match="x: the working folder does not exist any more") as caught:
        inventory.config_folder("x", {}, ROOT)
    assert caught.value.status == 3
    assert inventory.config_folder(str(tmp_path), {}, ROOT) == tmp_path
    with pytest.raises(ConfigError, match="working folder"):
        inventory.config_folder(None, {"PHOENIX_CONFIG_DIR": "x"}, ROOT)
    assert inventory.config_folder(None, {}, ROOT) == ROOT / "config"


def test_a_command_of_the_node_does_not_depend_on_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert LocalNode(folder="/").run(["pwd"]).stdout == "/\n"
    assert LocalNode().run(["pwd"]).stdout == f"{tmp_path}\n", "a login is the user's own"


HOMES = [
    ({"HOME": "/home/me"}, "/home/me/.local/state"),
    ({"HOME": "/home/me/"}, "/home/me//.local/state"),
    ({"HOME": "/home/me", "XDG_STATE_HOME": "/s"}, "/s"),
    ({"HOME": "/home/me", "XDG_STATE_HOME": "relative"}, "/home/me/.local/state"),
    ({}, "/of/passwd/.local/state"),
    ({"HOME": ""}, "/of/passwd/.local/state"),
    ({"HOME": "relative"}, "/of/passwd/.local/state"),
    ({"HOME": "/"}, "/of/passwd/.local/state"),
]


@pytest.mark.parametrize(("environ", "wanted"), HOMES)
def test_where_state_is_kept(environ: dict[str, str], wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pwd.getpwuid", lambda _: type("", (), {"pw_dir": "/of/passwd"}))
    assert access(None, login.with_home(environ)).known_hosts == f"{wanted}/phoenix/known_hosts/local"


def test_a_user_without_home_and_without_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: int) -> None:
        raise KeyError

    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert access(None, login.with_home({})).known_hosts == "/.local/state/phoenix/known_hosts/local"


STATES: dict[str, Callable[[Path], object]] = {
    "a file": Path.touch,
    "a device": lambda path: path.symlink_to("/dev/null"),
    "a pipe": os.mkfifo,
    "read-only": lambda path: path.symlink_to("/proc/self"),
    "a link that leads nowhere": lambda path: path.symlink_to("/proc/nowhere"),
    "a link to itself": lambda path: path.symlink_to(path),
}


@pytest.mark.parametrize("state", STATES)
def test_a_state_folder_that_cannot_be_used_is_told(tmp_path: Path, state: str) -> None:
    STATES[state](tmp_path / "state")
    with pytest.raises(NodeError, match="cannot be") as caught:
        login.check_state(Access(str(tmp_path / "state/phoenix/known_hosts/local")))
    assert (caught.value.status, caught.value.hint) == (8, "let $XDG_STATE_HOME name a folder of yours")


def test_a_folder_in_the_place_of_a_host_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "8001").mkdir()
    with pytest.raises(NodeError, match="8001 is a folder") as caught:
        login.check_state(Access(str(tmp_path)))
    assert caught.value.hint == f"remove it: rm -r {tmp_path}/8001"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
def test_modes_do_not_depend_on_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        node = LocalNode(str(tmp_path))
        node.write(f"{NOTES}/1.unfinished", "note")
        node.write("/var/lib/vz/snippets/a", "text")
        assert node.hold([8001], "me") is None
        login.check_state(Access(str(tmp_path / "state/phoenix/known_hosts")))
        made = node.run(["sh", "-c", "umask"]).stdout
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE((tmp_path / path.lstrip("/")).stat().st_mode) for path in MODES}
    assert (modes, made) == (MODES, "0022\n")


MODES = {
    "/var/lib": 0o755,
    NOTES: 0o700,
    f"{NOTES}/1.unfinished": 0o600,
    "/var/lib/vz/snippets": 0o755,
    "/var/lib/vz/snippets/a": 0o600,
    FOLDER: 0o700,
    lock_path(8001): 0o600,
    "/state/phoenix/known_hosts": 0o700,
}


def test_a_folder_of_phoenix_with_another_mode_is_corrected_and_no_other_one(tmp_path: Path) -> None:
    for name in (NOTES, FOLDER, "/snippets"):
        folders.make(tmp_path / name.lstrip("/"))
        (tmp_path / name.lstrip("/")).chmod(0o777)
    node = LocalNode(str(tmp_path))
    node.write(f"{NOTES}/1", "x")
    node.write("/snippets/1", "x")
    assert node.hold([8001], "me") is None
    found = [stat.S_IMODE((tmp_path / name.lstrip("/")).stat().st_mode) for name in (NOTES, FOLDER, "/snippets")]
    assert found == [0o700, 0o700, 0o777]


@pytest.fixture
def few_files() -> Iterator[Callable[[int, int], None]]:
    """Lets a test lower how many files may be open; this process keeps the hard limit."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield lambda soft, hard: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, max(hard, before[1])))
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    local_process._soft_limit.clear()


def test_more_guests_than_open_files(tmp_path: Path, few_files: Callable[[int, int], None]) -> None:
    few_files(256, 4096)
    node = LocalNode(str(tmp_path))
    assert node.hold(range(1000, 1300), "me") is None
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 300
    assert LocalNode(str(tmp_path)).hold([1299], "you") == "me"
    assert node.run(["sh", "-c", "sleep 0.1; ulimit -Sn"]).stdout == "256\n", "what select(2) has to cope with"


def test_more_guests_than_may_ever_be_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    most = len(list(Path("/proc/self/fd").iterdir())) + local_locks.SPARE + 100
    monkeypatch.setattr(local_process, "raise_open_files", lambda _: most)
    node = LocalNode(str(tmp_path))
    assert node.hold(range(1000, 1300), "me") == TOO_MANY
    assert node.hold([1299], "me") is None, "one by one they can be"
    assert LocalNode(str(tmp_path)).hold(range(1000, 1040), "you") is None


def test_a_machine_without_open_files_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(local_locks, "_open", full)
    with pytest.raises(NodeError, match="guest 8001 cannot be locked: Too many open files") as caught:
        LocalNode(str(tmp_path)).hold([8001], "me")
    assert "ulimit -n" in caught.value.hint


def test_endless_words_end_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_process, "MOST_ANSWER", 1 << 20)
    with pytest.raises(CommandFailedError, match="`yes` printed more than 1 MiB and was ended"):
        LocalNode().run(["yes"])


ODD: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "socket": lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_what_is_no_file_is_named_and_not_opened(tmp_path: Path) -> None:
    for name, make in ODD.items():
        make(tmp_path / name)
    (tmp_path / "file").touch()
    files = {f"/{name}": 1 for name in [*ODD, "file", "nothing"]}
    found = LocalNode(str(tmp_path)).look(Questions(files=files, folders=("",)))
    assert found.odd == {f"/{name}" for name in ODD}
    assert set(found.files) == {"/file"}


def test_what_is_mounted(tmp_path: Path) -> None:
    (tmp_path / "proc").symlink_to("/proc")
    found = LocalNode(str(tmp_path)).look(Questions(mounts=("/proc", "/nowhere", "/")))
    assert found.mounted == {"/proc"}
    assert LocalNode().look(Questions(mounts=("/proc", "/usr/nowhere"))).mounted == {"/proc"}


MOUNTPOINTS = {
    "": "",
    "yes": "/mnt/usb",
    "1": "/mnt/usb",
    "On": "/mnt/usb",
    "no": "",
    "0": "",
    "false": "",
    "/mnt": "/mnt",
}


@pytest.mark.parametrize(("text", "wanted"), MOUNTPOINTS.items())
def test_a_storage_that_must_be_mounted(text: str, wanted: str) -> None:
    line = f"\tis_mountpoint {text}\n" if text else ""
    found = storage_cfg.parse(f"dir: usb\n\tpath /mnt/usb/\n\tcontent images\n{line}")["usb"]
    assert found.mountpoint == wanted
    assert list(storage_problems({"usb": found}, "usb", "images", "storage_pool")) == []


def test_a_storage_that_is_not_mounted_is_refused() -> None:
    usb = storage_cfg.Storage(
        "usb", "dir", "/mnt/usb", frozenset({"images"}), False, frozenset(), mountpoint="/mnt/usb", mounted=False
    )
    (refusal,) = storage_problems({"usb": usb}, "usb", "images", "storage_pool")
    assert refusal.message == "storage_pool: nothing is mounted at /mnt/usb, where the storage `usb` is"
    assert refusal.hint == "mount it: mount /mnt/usb"
