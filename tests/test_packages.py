"""Both packages as somebody gets them: built, unpacked by pip into a fresh environment, and used."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder

from places import ROOT

SOURCES = {"phoenix_pve": ROOT, "fake_pve": ROOT / "fakes/qm"}
TRY_PLUGIN = """
def test_it(pve_node):
    pve_node.run("qm", "create", "100")
    assert "100 VM 100" in pve_node.run("qm", "list").stdout
"""


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_package_stands_alone(tmp_path: Path, name: str) -> None:
    made = next(SdistBuilder(str(SOURCES[name])).build(directory=str(tmp_path)))
    with tarfile.open(made) as archive:
        members = archive.getmembers()
        packed = archive.extractfile(f"{members[0].name.split('/')[0]}/LICENSE")
        assert packed
        assert packed.read() == (ROOT / "LICENSE").read_bytes()
    assert [member.name for member in members if not member.isfile()] == [], "a link may lead out of the package"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both packages, each as source and as wheel; a wheel is made from the source package."""
    folder = tmp_path_factory.mktemp("dist")
    for source in SOURCES.values():
        done = subprocess.run(
            [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(source)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Fresh:
    """A virtual environment with nothing in it but what pip puts there, and a folder to work in."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder / "venv", with_pip=True)
        self.folder, self.bin = folder, folder / "venv/bin"

    def run(self, program: str, *words: str) -> str:
        """Run a program of the environment; return what it says."""
        environ = {
            name: text for name, text in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL"))
        }
        environ["PATH"] = f"{self.bin}:{environ['PATH']}"
        done = subprocess.run(
            [str(self.bin / program), *words], cwd=self.folder, env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("form", [".tar.gz", "-py3-none-any.whl"])
def test_phoenix_installs_and_works(built: Path, tmp_path: Path, form: str) -> None:
    fresh = Fresh(tmp_path)
    (package,) = built.glob(f"phoenix_pve-*{form}")
    fresh.run("pip", "install", "--quiet", str(package))
    assert fresh.run("phoenix", "--version").startswith("phoenix 0.")
    assert "valid; 1 VM, 1 container" in fresh.run("phoenix", "--config", str(ROOT / "config"), "validate")


@pytest.mark.slow
@pytest.mark.parametrize("form", [".tar.gz", "-py3-none-any.whl"])
def test_the_fake_installs_and_works(built: Path, tmp_path: Path, form: str) -> None:
    fresh = Fresh(tmp_path)
    (package,) = built.glob(f"fake_pve-*{form}")
    fresh.run("pip", "install", "--quiet", str(package), "pytest")
    assert fresh.run("python", "-m", "fake_pve.seed", "node").strip() == str(tmp_path / "node")
    (tmp_path / "test_it.py").write_text(TRY_PLUGIN)
    assert "1 passed" in fresh.run("python", "-m", "pytest", "-q", "test_it.py")
