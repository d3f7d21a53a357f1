"""`vanisher doctor`: is everything here that an erasure needs, and does one work?

Each check says what it found and, where something is wrong, what to do. Exit status 1 if any check failed.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vanisher_core import __version__
from vanisher_core.commands.common import print_json
from vanisher_core.errors import UsageError

PACKAGES = (
    "torch", "numpy", "pillow", "opencv-python-headless", "numba", "tifffile", "imagecodecs", "safetensors"
)  # fmt: skip
ATTACK_GROUP = "vanisher.attacks"
"""Entry points of other packages: functions that attack what listens, report, and give an exit status."""
ENOUGH_MEMORY = 1.5e9
"""Bytes: what a 24-megapixel photograph takes."""


@dataclass(frozen=True)
class Check:
    """One line of the report; `advice` is empty when all is well."""

    name: str
    ok: bool
    found: str
    advice: str = ""


def register(commands: Any) -> None:
    """Adds `doctor`."""
    parser = commands.add_parser("doctor", help="check that everything works here, and say what does not")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--attack", action="store_true", help="try to break into the running daemon instead")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs every check.

    Returns:
        0 if all are well, 1 if not.
    """
    if arguments.attack:
        return _attack(arguments.json)
    checks = [_guarded(name, check) for name, check in CHECKS.items()]
    ok = all(check.ok for check in checks)
    if arguments.json:
        print_json({"ok": ok, "vanisher": __version__, "checks": [asdict(check) for check in checks]})
        return 0 if ok else 1
    for check in checks:
        print(f"{'ok    ' if check.ok else 'NOT OK'}  {check.name:9}  {check.found}")
        if check.advice:
            print(f"{'':19}-> {check.advice}")
    print("All is well." if ok else "Something needs attention; see the arrows above.")
    return 0 if ok else 1


def _attack(as_json: bool) -> int:
    """Hands over to the package that has a daemon to attack.

    Raises:
        UsageError: none is installed.
        VanisherError: no daemon runs.
    """
    from importlib.metadata import entry_points

    for entry in entry_points(group=ATTACK_GROUP):
        return entry.load()(as_json=as_json)
    raise UsageError(
        "No daemon is installed here, so there is nothing to attack: install the whole of Vanisher."
    )


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    """A check that breaks is a finding, not the end of the report."""
    try:
        return check()
    except Exception as error:
        return Check(
            name,
            False,
            f"{type(error).__name__}: {error}",
            "install Vanisher again; if it stays, report this line",
        )


def _versions() -> Check:
    from importlib import metadata  # brings the e-mail package with it: a tenth of --help's time

    found, missing = [f"vanisher {__version__}", f"Python {platform.python_version()}"], []
    for package in PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            missing.append(package)
    advice = f"missing: {', '.join(missing)}; run 'pip install {' '.join(missing)}'" if missing else ""
    return Check("versions", not missing, ", ".join(found), advice)


def _processor() -> Check:
    import torch

    from vanisher_core.device import inference_dtype

    dtype = str(inference_dtype(torch.device("cpu"))).removeprefix("torch.")
    level = torch.backends.cpu.get_cpu_capability()
    flags = _cpu_flags()
    has = [label for flag, label in _FLAGS.items() if flag in flags]
    found = f"{platform.machine()}, {level}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"
    return Check(
        "processor", True, f"{found}, {', '.join(has) or 'no vector extension known'}; networks in {dtype}"
    )


_FLAGS = {
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_bf16": "AVX-512 bf16",
    "amx_bf16": "AMX bf16",
    "asimd": "NEON",
}


def _cpu_flags() -> set[str]:
    """Processor features as Linux lists them; empty elsewhere."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {flag for line in lines if line.startswith(("flags", "Features")) for flag in line.split()}


def _devices() -> Check:
    import torch

    from vanisher_core.device import pick_device

    cards = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    names = ["cpu", *(f"cuda ({card.name}, {card.total_memory / 2**30:.0f} GiB)" for card in cards)]
    if torch.backends.mps.is_available():
        names.append("mps")
    return Check("devices", True, f"{', '.join(names)}; auto is {pick_device('auto')}")


def _weights() -> Check:
    from vanisher_core.models import registry

    verdicts = registry.verify()
    bad = [verdict.problem for verdict in verdicts if not verdict.ok]
    if not verdicts:
        bad = [f"install Vanisher again, the weights come with it (looked in {registry.folder()})"]
    found = ", ".join(f"{verdict.name} {'whole' if verdict.ok else 'NOT whole'}" for verdict in verdicts)
    return Check("weights", not bad, found or "none", " ".join(bad))


def _compiled() -> Check:
    """Whether numba can keep what it compiles: without, every first erasure takes many seconds more."""
    from vanisher_core import exemplar

    chosen = os.environ.get("NUMBA_CACHE_DIR")
    package = Path(next(iter(exemplar.__path__)))
    place = Path(chosen) if chosen else package / "__pycache__"
    kept = sum(1 for _ in place.rglob("*.nbi")) if place.is_dir() else 0
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        advice = "" if kept else "set NUMBA_CACHE_DIR to a folder of yours that can be written"
        return Check(
            "compiled", bool(kept), f"{kept} functions kept, {place} is read-only ({error.strerror})", advice
        )
    return Check("compiled", True, f"{kept} functions kept in {place}, writable")


def _memory() -> Check:
    if not hasattr(os, "sysconf"):
        return Check("memory", True, "not known on this system")
    page = os.sysconf("SC_PAGE_SIZE")
    total = page * os.sysconf("SC_PHYS_PAGES")
    free = _available() or page * os.sysconf("SC_AVPHYS_PAGES")
    ok = free >= ENOUGH_MEMORY
    advice = (
        "" if ok else f"a 24-megapixel photograph takes up to {ENOUGH_MEMORY / 1e9} GB: close other programs"
    )
    return Check("memory", ok, f"{free / 1e9:.1f} GB free of {total / 1e9:.1f} GB", advice)


def _available() -> int:
    """Bytes that programs can still get, as Linux reckons it; 0 elsewhere."""
    path = Path("/proc/meminfo")
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _self_test() -> Check:
    """Erases a disc from a small drawn picture and compares everything outside the mask."""
    import numpy as np

    from vanisher_core import Mask, Photo, Vanisher

    rows, columns = np.mgrid[0:96, 0:128]
    wave = 110 + 50 * np.sin(columns / 5) * np.cos(rows / 7)
    noise = np.random.default_rng(0).normal(0, 6, (96, 128, 3))
    picture = np.clip(wave[..., None] + noise, 0, 255).astype(np.uint8)
    disc = (rows - 48) ** 2 + (columns - 64) ** 2 < 15**2
    picture[disc] = (220, 30, 30)
    began = time.perf_counter()
    result = Vanisher(device="auto").erase(Photo.from_array(picture), Mask.from_array(disc))
    seconds = time.perf_counter() - began
    outside = result.mask_used.array == 0
    exact = np.array_equal(result.photo.array[outside], picture[outside])
    gone = not (result.photo.array[disc] == (220, 30, 30)).all(axis=1).any()
    found = f"erased a disc in {seconds:.1f} s, {'exact' if exact else 'NOT exact'} outside the mask"
    return Check(
        "self-test",
        exact and gone,
        found,
        "" if exact and gone else "report this line; the installation is broken",
    )


CHECKS: dict[str, Callable[[], Check]] = {
    "versions": _versions,
    "processor": _processor,
    "devices": _devices,
    "weights": _weights,
    "compiled": _compiled,
    "memory": _memory,
    "self-test": _self_test,
}
"""Name -> check, in the order of the report."""
