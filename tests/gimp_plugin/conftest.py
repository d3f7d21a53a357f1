"""Real GIMPs and a real daemon, shared by the tests of the plug-in; the results of one GIMP start serve many tests."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.gimp_plugin import gimp_root
from tests.local_server.daemons import Daemon, running

HERE = Path(__file__).parent
PLUG_IN = HERE.parents[1] / "gimp_plugin" / "plug-ins" / "vanisher"

GIMP_SECONDS = 900.0
"""For one start; a busy machine takes its time."""

NEEDED = ("python-eval", "file-png")
"""GIMP's own plug-ins: the batch interpreter, and what `Vanish people` reads its mask with."""

SHARED = ("daemon.json", "daemon.lock")


@dataclass(frozen=True)
class Job:
    """A folder inside a GIMP's root.

    Attributes:
        gimp: whose root.
        folder: seen from the host.
        inside: the same, seen from inside.
    """

    gimp: gimp_root.Gimp
    folder: Path
    inside: str

    @property
    def log(self) -> Path:
        """What GIMP and its plug-ins said."""
        return self.folder / "gimp.log"

    @property
    def profile(self) -> Path:
        """GIMP's own folder."""
        return self.folder / "profile"

    def settings(self, **values: Any) -> None:
        """Writes `vanisher.json`."""
        (self.profile / "vanisher.json").write_text(json.dumps(values), encoding="utf-8")

    def know(self, daemon: Daemon) -> None:
        """Lets the GIMP in the root find a daemon outside: its files, the lock's own inode among them."""
        state = self.folder / "state"
        state.mkdir(mode=0o700, exist_ok=True)
        for name in SHARED:
            (state / name).unlink(missing_ok=True)
            os.link(daemon.state / name, state / name)

    def run(self, script: str, **env: str) -> int:
        """Runs `inside/SCRIPT` in GIMP; its exit status."""
        for path in (HERE / "inside").glob("*.py"):
            shutil.copy(path, self.folder)
        variables = {"GIMP3_DIRECTORY": f"{self.inside}/profile", **env}
        return self.gimp.batch(f"{self.inside}/{script}", variables, self.log, GIMP_SECONDS)


@pytest.fixture(
    scope="session", params=list(gimp_root.SUITES), ids=lambda suite: f"gimp{gimp_root.SUITES[suite]}"
)
def gimp(request: pytest.FixtureRequest) -> gimp_root.Gimp:
    """A real GIMP, each version in turn."""
    try:
        return gimp_root.gimp(request.param)
    except gimp_root.NoRoot as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def job(gimp: gimp_root.Gimp) -> Iterator[Job]:
    """A folder with a profile in which the plug-in is installed."""
    (gimp.root / "job").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=gimp.root / "job") as name:
        job = Job(gimp, Path(name), f"/job/{Path(name).name}")
        install(job)
        yield job


def install(job: Job) -> None:
    """The plug-in into a fresh profile that has, of GIMP's own plug-ins, only what the tests need.

    GIMP asks every plug-in at its first start, which takes many seconds.
    """
    mine = job.profile / "plug-ins"
    shutil.copytree(PLUG_IN, mine / "vanisher", ignore=shutil.ignore_patterns("__pycache__"))
    for name in NEEDED:
        (found,) = job.gimp.root.glob(f"usr/lib/*/gimp/3.0/plug-ins/{name}")
        shutil.copytree(found, mine / name)
    (job.profile / "gimprc").write_text('(plug-in-path "${gimp_dir}/plug-ins")\n')


@pytest.fixture(scope="session")
def state_place() -> Iterator[Path]:
    """A folder beside the roots, on their file system, so that files can be linked into them."""
    place = gimp_root.folder()
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place, prefix="run-") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def daemon(gimp: gimp_root.Gimp, state_place: Path) -> Iterator[Daemon]:
    """A real daemon for the suite."""
    with running(Path(tempfile.mkdtemp(dir=state_place))) as daemon:
        yield daemon
