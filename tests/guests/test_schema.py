"""Real `cloud-init schema`, in the guest image's root tree, accepts every user-data that phoenix renders.

cloud-init is imported once and forks for each document: importing takes longer than checking.
"""

from __future__ import annotations

import io
import tarfile
import tempfile
from typing import Any

import pytest

from fake_pve.guests import GuestFailed, image, userns
from phoenix_pve import cloud_init
from phoenix_pve.guest import Admin
from places import ROOT
from samples import HASH, KEY, spec

INSIDE = """
import contextlib, glob, io, os, sys
from cloudinit.cmd import main
wrong = 0
for path in sorted(glob.glob("/tmp/*.yaml")):
    sys.stdout.flush()
    if pid := os.fork():
        if os.waitpid(pid, 0)[1]:
            wrong += 1
        continue
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            status = main.main(["cloud-init", "schema", "--config-file", path])
        except SystemExit as end:
            status = end.code
            print(end.code)
    good = not status and "Valid" in said.getvalue() and "eprecat" not in said.getvalue()
    if not good:
        print(path, "is refused:", said.getvalue().strip(), flush=True)
    os._exit(0 if good else 1)
sys.exit(f"{wrong} documents are refused" if wrong else 0)
"""
SCRIPT = "mount -t tmpfs none tmp; tar -xf - -C tmp; exec chroot . /usr/bin/python3 /tmp/check.py"

ADMINS = {
    "none": None,
    "key": Admin("admin", None, (KEY,)),
    "keys": Admin("admin", None, (KEY, KEY.replace("me@", "you@"), f'from="10.0.0.0/8",no-pty {KEY} # "quoted"')),
    "no-key": Admin("admin"),
    "password": Admin("admin", HASH),
    "password-login": Admin("admin", HASH, (KEY,), ssh_password_login=True),
    "number": Admin("_1234", "$y$j9T$" + "./" * 20, (f"{KEY} ünïcode: ' \\ {{{{ }}}}",)),
    "yaml-word": Admin("no", HASH, (KEY,)),
}
NAMES = ("ubuntu-2404", "web.example.com", "123", "no", "1e3", "a" * 63)


def rendered() -> dict[str, str]:
    """User-data by a file name that tells what is in it."""
    template = cloud_init.template_path(ROOT / "config")
    pairs = [*((NAMES[0], kind) for kind in ADMINS), *((name, "key") for name in NAMES[1:])]
    return {
        f"{name[:20]}-{kind}.yaml": cloud_init.render(spec(name=name, admin=ADMINS[kind]), template)
        for name, kind in pairs
    }


def check(files: dict[str, str]) -> None:
    """GuestFailed names what cloud-init refuses."""
    with tempfile.TemporaryFile() as archive:
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name, text in {**files, "check.py": INSIDE}.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(text.encode()), 0o644
                tar.addfile(entry, io.BytesIO(text.encode()))
        archive.seek(0)
        userns.run_mapped(["sh", "-ec", SCRIPT], image.tree(), archive.fileno())


def test_all_that_phoenix_renders_is_accepted(machine: None) -> None:
    found = rendered()
    assert len(found) == len(NAMES) + len(ADMINS) - 1
    check(found)


def test_what_is_wrong_is_refused(machine: None) -> Any:
    with pytest.raises(GuestFailed, match=r"bad.yaml is refused: (?s:.)*1 documents are refused"):
        check({"bad.yaml": "#cloud-config\nhostname: 5\nusers: [{name: [1]}]\n", "good.yaml": "#cloud-config\n{}\n"})
