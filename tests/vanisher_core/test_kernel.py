import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import vanisher_core
from vanisher_core.exemplar import kernel as module
from vanisher_core.exemplar.kernel import kernel

SCRIPT = """
import numpy as np
from vanisher_core.exemplar import relax, search, stitch, vote
from vanisher_core.exemplar import kernel
print(kernel.__file__)
plane = np.array([[0, 9, 4]], np.float32)
relax.relax_plane(plane, np.array([[False, True, False]]), 4, 1.0)
print(plane[0].tolist(), relax.relax_plane.stats.cache_path)
"""


def run(package: Path, environment: dict[str, str]) -> list[str]:
    """Lines that SCRIPT prints with the package in the folder `package`; warnings are errors there too."""
    found = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    found |= {"PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1", **environment}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        capture_output=True, text=True, env=found, cwd=package, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_kernels_work_where_nothing_can_be_cached(tmp_path):
    copy = tmp_path / "vanisher_core"
    shutil.copytree(
        Path(vanisher_core.__file__).parent,
        copy,
        ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"),
    )
    for folder in (copy, copy / "exemplar"):
        (folder / "__pycache__").write_text("a plain file: no folder can be made here, not even by root")
    nowhere = str(tmp_path / "file" / "x")
    (tmp_path / "file").write_text("")
    places = {
        "XDG_CACHE_HOME": nowhere, "HOME": nowhere, "LOCALAPPDATA": nowhere, "USERPROFILE": nowhere,
    }  # fmt: skip
    origin, result = run(tmp_path, places)
    assert Path(origin) == copy / "exemplar" / "kernel.py"
    assert result == "[0.0, 2.0, 4.0] None"
    kept = tmp_path / "kept"
    _, result = run(tmp_path, {**places, "NUMBA_CACHE_DIR": str(kept)})
    assert result.startswith(f"[0.0, 2.0, 4.0] {kept}")
    assert list(kept.rglob("*.nbi")), "with a place to write, the compiled kernel is kept"


def test_every_kernel_of_the_package_uses_the_decorator():
    folder = Path(module.__file__).parent
    users = [path.name for path in folder.glob("*.py") if "numba import" in path.read_text(encoding="utf-8")]
    assert users == ["kernel.py"]


def test_options_reach_numba_and_other_errors_stay():
    @kernel(fastmath=True)
    def twice(values):
        return values * 2

    assert twice.targetoptions["fastmath"] is True
    assert twice.targetoptions["nogil"] is True
    assert (twice(np.arange(3)) == [0, 2, 4]).all()
    with pytest.raises(TypeError, match="already jitted"):
        kernel()(twice)


def test_only_a_refused_cache_is_forgiven(monkeypatch):
    def broken(**options):
        raise RuntimeError("something else")

    monkeypatch.setattr(module, "njit", broken)
    with pytest.raises(RuntimeError, match="something else"):
        kernel()(lambda values: values)
