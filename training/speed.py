"""The speed bars: `python -m training.evaluate speed`.

Four measurements, each printed with its bar: a 1024x768 photograph with a 150x200 hole in a warm process,
taken in turns with PyPatchMatch; a 24-megapixel photograph with a 600x400 hole, the whole call without file
reading; the peak memory of a fresh process that does the latter; and `vanisher erase` on a small picture from
a cold start. Medians of interleaved repetitions; the ratio to PyPatchMatch is the figure to trust on a busy
machine. The picture is made (smooth gradients, grain and edges), so that the command needs no data folder.

Peak memory is VmHWM of /proc/self/status, since getrusage's ru_maxrss starts at the parent's size after exec
on Linux (it is the fallback elsewhere).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.methods import BASELINE, METHODS, method, set_threads
from training.pages import Page
from training.peers import Fill, installed

WARM_SIZE, WARM_HOLE, WARM_BAR = (1024, 768), (150, 200), 0.6  # pixels, pixels, seconds
LARGE_SIZE, LARGE_HOLE, LARGE_BAR = (6000, 4000), (600, 400), 3.0
MEMORY_BAR = 1500.0  # MB
COLD_BAR = 4.0  # seconds
COLD_SIZE, COLD_HOLE = (320, 240), (40, 40)
REPOSITORY = Path(__file__).parents[1]


class Figure(NamedTuple):
    """A measured value with its bar (both in `unit`), None where it has no bar of its own."""

    what: str
    value: float
    unit: str
    bar: float | None

    def line(self) -> str:
        """As a line of a Markdown table."""
        verdict = "" if self.bar is None else f"< {self.bar:g} {self.unit}: {'yes' if self.met() else 'no'}"
        return f"| {self.what} | {self.value:.2f} {self.unit} | {verdict} |"

    def met(self) -> bool:
        """Whether the value is below its bar."""
        return self.bar is None or self.value < self.bar


def scene(size: tuple[int, int], seed: int = 0) -> NDArray[np.uint8]:
    """A made photograph, uint8 RGB: sky, ground, a fence, two scales of grain; same seed, same picture."""
    width, height = size
    generator = np.random.default_rng(seed)
    ramp = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    sky, ground = np.array([120, 160, 210], np.float32), np.array([110, 95, 60], np.float32)
    rgb = np.where((ramp < 0.45)[..., None], sky + 60 * ramp[..., None], ground + 30 * ramp[..., None])
    picture = np.broadcast_to(rgb, (height, width, 3)).astype(np.float32)
    for left in range(0, width, max(16, width // 24)):
        picture[int(0.35 * height) : int(0.6 * height), left : left + max(3, width // 160)] = (70, 60, 55)
    coarse = generator.normal(0, 14, (height // 8 + 1, width // 8 + 1)).astype(np.float32)
    picture += np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC))[..., None]
    picture += generator.normal(0, 5, (height, width, 1)).astype(np.float32)
    return np.clip(picture, 0, 255).astype(np.uint8)


def centred_hole(size: tuple[int, int], hole: tuple[int, int]) -> NDArray[np.bool_]:
    """A box of `hole` (w, h) pixels in the middle of a picture of `size` (w, h)."""
    made = np.zeros((size[1], size[0]), bool)
    left, top = (size[0] - hole[0]) // 2, (size[1] - hole[1]) // 2
    made[top : top + hole[1], left : left + hole[0]] = True
    return made


def interleaved(
    fills: dict[str, Fill], size: tuple[int, int], hole: tuple[int, int], turns: int
) -> dict[str, float]:
    """Median seconds of each method, called in turns on one picture; the first call is not counted."""
    rgb, mask = scene(size), centred_hole(size, hole)
    seconds: dict[str, list[float]] = {name: [] for name in fills}
    for turn in range(turns + 1):
        for name, fill in fills.items():
            start = time.perf_counter()
            fill(rgb, mask)
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: float(np.median(values)) for name, values in seconds.items()}


def own_peak_megabytes() -> float:
    """Peak resident memory of this process so far, in MB (10^6 bytes)."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    import resource  # absent on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def peak_megabytes(name: str, size: tuple[int, int], hole: tuple[int, int], device: str = "cpu") -> float:
    """Peak memory, in MB, of a fresh process that fills one hole with the named method.

    Raises RuntimeError, with the process's last words, when it fails.
    """
    command = [sys.executable, "-m", "training.speed", "--probe", name, "--device", device]
    command += ["--probe-size", *map(str, size), "--probe-hole", *map(str, hole)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    if done.returncode != 0:
        raise RuntimeError(
            f"the memory probe of {name} ended with {done.returncode}: {done.stderr.strip()[-500:]}"
        )
    return float(done.stdout.split()[-1])


def cold_seconds(turns: int) -> float:
    """Median wall seconds of `vanisher erase` on a small picture, a new process each time.

    Raises RuntimeError, with the command's stderr, when it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        photo, mask = Path(folder) / "photo.png", Path(folder) / "mask.png"
        Image.fromarray(scene(COLD_SIZE)).save(photo)
        Image.fromarray(centred_hole(COLD_SIZE, COLD_HOLE).astype(np.uint8) * 255).save(mask)
        command = [
            sys.executable,
            "-m",
            "vanisher_core",
            "erase",
            str(photo),
            "--mask",
            str(mask),
            "--overwrite",
        ]
        seconds = []
        for _ in range(turns):
            start = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
            seconds.append(time.perf_counter() - start)
            if done.returncode != 0:
                raise RuntimeError(
                    f"`vanisher erase` ended with {done.returncode}: {done.stderr.strip()[-500:]}"
                )
    return float(np.median(seconds))


def figures(model: str, device: str, turns: int, parts: Sequence[str]) -> list[Figure]:
    """Measures the asked parts ("warm", "large", "memory", "cold") of the product with one model."""
    fill = method(model, device)
    found = []
    if "warm" in parts:
        fills = {model: fill} | ({BASELINE: method(BASELINE)} if installed(BASELINE) else {})
        medians = interleaved(fills, WARM_SIZE, WARM_HOLE, turns)
        found.append(Figure("1024x768, 150x200 hole, warm", medians[model], "s", WARM_BAR))
        if BASELINE in medians:
            found.append(Figure("the same, PyPatchMatch", medians[BASELINE], "s", None))
            found.append(Figure("ratio to PyPatchMatch", medians[model] / medians[BASELINE], "x", 1.0))
    if "large" in parts:
        seconds = interleaved({model: fill}, LARGE_SIZE, LARGE_HOLE, turns)[model]
        found.append(Figure("24 megapixels, 600x400 hole, warm", seconds, "s", LARGE_BAR))
    if "memory" in parts:
        megabytes = peak_megabytes(model, LARGE_SIZE, LARGE_HOLE, device)
        found.append(Figure("24 megapixels, peak memory", megabytes, "MB", MEMORY_BAR))
    if "cold" in parts:
        found.append(Figure("vanisher erase, cold process", cold_seconds(turns), "s", COLD_BAR))
    return found


def parser() -> argparse.ArgumentParser:
    """The command line of `python -m training.evaluate speed`."""
    made = argparse.ArgumentParser(prog="python -m training.evaluate speed", description=__doc__)
    parts = ("warm", "large", "memory", "cold")
    made.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    made.add_argument("--model", choices=METHODS, default="auto")
    made.add_argument("--device", default="cpu")
    made.add_argument("--turns", type=int, default=3)
    made.add_argument("--threads", type=int, default=2)
    made.add_argument("--out", type=Path, help="keep speed.md and speed.csv in this folder")
    made.add_argument("--probe", choices=METHODS, help="fill one hole and print this process's peak MB")
    made.add_argument("--probe-size", nargs=2, type=int, default=LARGE_SIZE)
    made.add_argument("--probe-hole", nargs=2, type=int, default=LARGE_HOLE)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the figures as a Markdown table; 0 when all bars are met, 1 when one is missed."""
    options = parser().parse_args(argv)
    if options.probe:  # threads stay as they are: setting them would load what the method may not need
        size, hole = tuple(options.probe_size), tuple(options.probe_hole)
        method(options.probe, options.device)(scene(size), centred_hole(size, hole))
        print(f"{own_peak_megabytes():.1f}")
        return 0
    set_threads(options.threads)
    found = figures(options.model, options.device, max(1, options.turns), options.parts)
    page = Page(options.out, "speed")
    page.write(
        f"{options.threads} threads of {os.cpu_count()}, median of {options.turns}, model {options.model}"
    )
    page.write("", "| what | measured | bar |", "|---|---|---|", *(figure.line() for figure in found))
    page.rows([figure._asdict() | {"met": figure.met()} for figure in found])
    page.close()
    return 0 if all(figure.met() for figure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
