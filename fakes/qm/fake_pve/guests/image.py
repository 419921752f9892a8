"""Root trees for guests: built once by mmdebstrap from the machine's own apt sources, cached outside the repository.

<cache>/images/<name>-<recipe>/root.tar     readable by everybody; a recipe that changes has another hash
<cache>/trees/<name>-<recipe>-<ids>/        unpacked for one mapping of ids, read-only below every guest's own files
<cache>/disks/virtual-<recipe>.qcow2        the virtual image as a cloud image, to be imported into a node

The cache is $FAKE_PVE_CACHE, else $XDG_CACHE_HOME/fake-pve, else ~/.cache/fake-pve, for root /var/cache/fake-pve.
Ordinary users also find what root built there.

    python3 -m fake_pve.guests.image [simulated|virtual] [--check|--path|--rebuild]
    python3 -m fake_pve.guests.image --if-possible     one line where it is not, and no failure
    python3 -m fake_pve.guests.image --prune           remove what was made by recipes of the past

Where simulated guests have been found to run they are from then on the default of FAKE_PVE_GUEST (node.py).
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fake_pve.cli.program import parser
from fake_pve.guests import GuestFailed, diskimage, probe, recipe, state, userns
from fake_pve.guests.recipe import HOOKS, WITHOUT, Recipe, need, say
from fake_pve.node import SHARED_CACHE, cache, proof

if TYPE_CHECKING:
    from collections.abc import Iterator

INSIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inside")
EXECUTABLE = frozenset({"cloud-init-stages", "systemctl", "nproc", "dhclient"})
OPTIONS = ("--check", "--path", "--rebuild", "--if-possible", "--prune")

# the cache


def own_cache() -> str:
    """The folder into which this user builds."""
    return cache(os.environ)


def find(name: str) -> str | None:
    """The image's folder if it is built, in the user's cache or the shared one."""
    key = recipe.for_machine(name).key
    found = os.path.dirname(cached(f"images/{key}/root.tar"))
    return found if os.path.exists(f"{found}/root.tar") else None


def cached(path: str) -> str:
    """Where something is in the shared cache, unless it is in the user's own; in the own if it has yet to be made."""
    own, shared = f"{own_cache()}/{path}", f"{SHARED_CACHE}/{path}"
    return shared if os.path.exists(shared) and not os.path.exists(own) else own


@contextmanager
def only_one(path: str) -> Iterator[None]:
    """Hold a lock file, waiting for whoever holds it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def build(name: str, *, again: bool = False) -> str:
    """Build an image unless it is there; its folder. Reports progress; takes one to two minutes."""
    wanted = recipe.for_machine(name)
    own = own_cache()
    with only_one(f"{own}/{wanted.key}.lock"):
        found = None if again else find(name)
        if found:
            return found
        need(name)
        folder = f"{own}/images/{wanted.key}"
        with tempfile.TemporaryDirectory(dir=own, prefix="build-") as work:
            os.chmod(work, 0o755)  # noqa: S103 - mmdebstrap may work as another user
            _debootstrap(wanted, f"{work}/root.tar")
            state.write(f"{work}/recipe", f"{wanted.codename}\n{' '.join(wanted.packages)}\n{wanted.sources}")
            os.makedirs(f"{folder}", exist_ok=True)
            for part in ("recipe", "root.tar"):
                os.chmod(f"{work}/{part}", 0o644)
                os.replace(f"{work}/{part}", f"{folder}/{part}")
        return folder


def _debootstrap(wanted: Recipe, target: str) -> None:
    say(f"building the image {wanted.key} ({wanted.codename}, {len(wanted.packages)} packages and what they need)")
    started = time.monotonic()
    options = [f"--dpkgopt=path-exclude={pattern}" for pattern in WITHOUT]
    argv = ["mmdebstrap", "--variant=minbase", "--format=tar", '--aptopt=APT::Install-Recommends "false"', *options]
    argv += [f"--customize-hook=chroot \"$1\" sh -c '{hook}'" for hook in HOOKS[wanted.name]]
    argv += [f"--include={','.join(wanted.packages)}", wanted.codename, target, "-"]
    with tempfile.TemporaryFile(mode="w+", encoding="utf-8") as sources:
        sources.write(wanted.sources)
        sources.seek(0)
        process = subprocess.Popen(argv, stdin=sources, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        lines = []
        for line in process.stdout or ():
            lines.append(line)
            if line.startswith("I: "):
                say(f"  {time.monotonic() - started:4.0f} s  {line[3:].rstrip()}")
    if process.wait():
        state.write(f"{own_cache()}/build.log", "".join(lines))
        errors = [line.strip() for line in lines if line.startswith("E: ")] or ["it does not say why"]
        raise GuestFailed(f"mmdebstrap failed: {errors[0]} (see {own_cache()}/build.log); try again: make guest-image")


def tree() -> str:
    """The simulated image unpacked for this user's ids, ready to be a guest's root; GuestFailed if it is not built."""
    ids = userns.mapping()
    ready = f"{own_cache()}/trees/{version('simulated')}-{ids.key}"
    if not os.path.isdir(ready):
        with only_one(f"{ready}.lock"):
            if not os.path.isdir(ready):
                unpack("simulated", f"{ready}.partial", ids)
                os.rename(f"{ready}.partial", ready)  # a tree is whole or not there
    return ready


def disk() -> str:
    """The virtual image as a disk in qcow2 format, as a cloud image comes; GuestFailed if its tree is not built."""
    ready = cached(f"disks/{version('virtual')}.qcow2")
    if not os.path.exists(ready):
        with only_one(f"{ready}.lock"):
            if not os.path.exists(ready):
                _make_disk(ready)
    return ready


def version(name: str) -> str:
    """The name of what is made of a built image: it changes with the recipe, the build, and our files inside."""
    folder = built(name)
    tar = os.stat(f"{folder}/root.tar")
    made_of = repr((tar.st_size, tar.st_mtime_ns)).encode() + inside_archive(name)
    return f"{os.path.basename(folder)}-{hashlib.sha256(made_of).hexdigest()[:8]}"


def probe_files() -> tuple[str, str]:
    """A kernel and an initial RAM disk that powers the machine off."""
    ready = disk()
    return f"{ready}.vmlinuz", f"{ready}.initrd"


def _make_disk(ready: str) -> None:
    say("making a disk of the virtual image")
    need("virtual")
    ids = userns.mapping()
    work = f"{ready}.work"
    userns.remove_tree(work)
    os.makedirs(work)
    try:
        os.chmod(work, 0o755)  # noqa: S103 - the tree's root may be another user
        os.chown(work, *ids.root)
        unpack("virtual", f"{work}/tree", ids)
        diskimage.build(f"{work}/tree", f"{work}/disk.raw", ids)
        diskimage.to_qcow2(f"{work}/disk.raw", f"{work}/disk.qcow2")
        diskimage.probe_files(f"{work}/tree", ready)
        os.chmod(f"{work}/disk.qcow2", 0o644)
        os.replace(f"{work}/disk.qcow2", ready)
    finally:
        userns.remove_tree(work)


def built(name: str) -> str:
    """The folder of a built image."""
    folder = find(name)
    if folder is None:
        raise GuestFailed(f"there is no guest image yet: make guest-image (or python3 -m fake_pve.guests.image {name})")
    return folder


def unpack(name: str, target: str, ids: userns.Mapping) -> None:
    """Unpack an image's root tree, put our own files into it and prepare it."""
    userns.remove_tree(target)
    os.mkdir(target, 0o755)
    os.chown(target, *ids.root)
    with open(f"{built(name)}/root.tar", "rb") as file:
        userns.run_mapped(["tar", "--numeric-owner", "--exclude=./dev/*", "-xpf", "-"], target, file.fileno())
    with tempfile.TemporaryFile() as file:
        file.write(inside_archive(name))
        file.seek(0)
        userns.run_mapped(["tar", "-xf", "-"], target, file.fileno())
    userns.run_mapped(["sh", "-ec", ". ./usr/lib/fake-pve/prepare.sh"], target)


def inside_archive(name: str) -> bytes:
    """What is put into /usr/lib/fake-pve of a tree, as a tar whose bytes depend on nothing else."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for entry_name in sorted(os.listdir(f"{INSIDE}/{name}")):
            with open(f"{INSIDE}/{name}/{entry_name}", "rb") as file:
                data = file.read()
            entry = tarfile.TarInfo(f"usr/lib/fake-pve/{entry_name}")
            entry.size = len(data)
            entry.mode = 0o755 if entry_name in EXECUTABLE else 0o644
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def prune() -> list[str]:
    """Remove from the user's own cache what is not the current version of anything; the removed paths."""
    names = [name for name in HOOKS if find(name)]
    current = (*(recipe.for_machine(name).key for name in HOOKS), "template-")
    versions = (*(version(name) for name in names), "template-")
    removed = []
    for kind, kept in (("images", current), ("trees", versions), ("disks", versions), ("templates", versions)):
        folder = f"{own_cache()}/{kind}"
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            if not name.startswith(kept):
                userns.remove_tree(f"{folder}/{name}")
                removed.append(f"{folder}/{name}")
    return removed


def main(argv: list[str]) -> int:
    """Build and unpack the named images; the exit status."""
    words = parser("fake_pve.guests.image", __doc__)
    words.add_argument("names", metavar="IMAGE", nargs="*", help=" or ".join(HOOKS))
    for option in OPTIONS:
        words.add_argument(option, dest="options", action="append_const", const=option)
    wanted = words.parse_args(argv)
    if unknown := [name for name in wanted.names if name not in HOOKS]:
        words.error(f"no such image: {unknown[0]} (there are {', '.join(HOOKS)})")
    options = set(wanted.options or ())
    if "--if-possible" in options:
        return if_possible()
    try:
        if "--prune" in options:
            for path in prune():
                say(f"removed {path}")
            return 0
        for name in wanted.names or ["simulated"]:
            print(provide(name, options))
    except GuestFailed as error:
        say(error.message)
        return 1
    return 0


def if_possible() -> int:
    """Provide simulated guests, or say in one line why there are none; the exit status is 0 either way."""
    try:
        provide("simulated", set())
    except (GuestFailed, OSError) as error:
        say(f"without guests that can be entered: {error}")
    return 0


def provide(name: str, options: set[str]) -> str:
    """Do for one image what the command line asks; what to print."""
    if "--check" in options:
        return f"{name}: {find(name) or 'not built yet'}\n{probe.why_not() or 'simulated guests can run here'}"
    with remembered(name):
        again = "--rebuild" in options
        need(name, install=True, built=not again and find(name) is not None)
        if name == "simulated" and (reason := probe.why_not()):
            raise GuestFailed(reason)
        folder = build(name, again=again)
        path = disk() if name == "virtual" else tree()
    return path if "--path" in options else f"{name}: {folder}"


@contextmanager
def remembered(name: str) -> Iterator[None]:
    """Remember whether simulated guests run here for this user: where they do, they are the default (node.py)."""
    if name != "simulated":
        yield
        return
    try:
        yield
    except BaseException:
        userns.remove_tree(proof(os.environ))
        raise
    state.write(proof(os.environ), "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
