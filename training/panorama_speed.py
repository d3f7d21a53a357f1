"""The speed and memory bars of panoramas: the last part of `python -m training.evaluate panorama --speed`.

Panoramas are a room enlarged, with fresh grain, since texture is what costs time. Six caps of together a tenth of
the sphere stand in for six objects, one of them across +-180 degrees. Geometry is all that is not spent inside
`Vanisher.erase`: growing, planning, looking and pasting. Seconds are those of a second call, with weights loaded and
kernels compiled. Memory is the peak of a fresh process (`python -m training.panorama_speed`), the panorama included.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from panorama import Panorama, erase_panorama
from panorama.sphere import Frame
from training.pages import Bar, Page
from training.speed import REPOSITORY, Figure, own_peak_megabytes, scene
from vanisher_core import Mask, Vanisher

OBJECTS_WIDTH, NADIR_WIDTH, HUGE_WIDTH = 4096, 8192, 16384
OBJECTS_SHARE = 0.1
"""Of the sphere, that six objects cover."""
CENTRES = ((-180, -20), (-120, -30), (-60, -15), (0, -25), (60, -35), (115, 5))
"""Yaw and pitch of the six objects, in degrees."""
NADIR = 20.0
"""Degrees, radius of the tripod's cap."""
TOTAL_BAR, GEOMETRY_BAR, NADIR_BAR, MEMORY_BAR = 20.0, 2.0, 5.0, 3000.0  # seconds and MB
GRAIN = 4.0
"""Standard deviation, in codes."""
DRAWN = 2048
"""Columns at which masks are drawn, before they are enlarged."""


class Seconds(NamedTuple):
    """Time of one call: all of it, and what was not spent filling flat views."""

    total: float
    geometry: float


class Timed(Vanisher):
    """A Vanisher that adds up the seconds spent in `erase`."""

    spent = 0.0

    def erase(self, *args: Any, **options: Any) -> Any:
        """As `Vanisher.erase`."""
        start = time.perf_counter()
        try:
            return super().erase(*args, **options)
        finally:
            self.spent += time.perf_counter() - start


def enlarged(picture: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """A panorama at another width, uint8 (width/2) x width x 3, with grain; band by band, to spare memory."""
    out = np.asarray(cv2.resize(picture, (width, width // 2), interpolation=cv2.INTER_CUBIC), np.uint8)
    random = np.random.default_rng(0)
    for top in range(0, len(out), 256):
        band = out[top : top + 256]
        grain = random.standard_normal(band.shape[:2], np.float32)[..., None] * np.float32(GRAIN)
        band[:] = np.rint(np.clip(band + grain, 0, 255)).astype(np.uint8)
    return out


def six_objects(width: int) -> Mask:
    """Six equal caps that cover a tenth of the sphere; drawn small and enlarged."""
    frame = Frame.full(DRAWN, DRAWN // 2)
    rays = frame.directions(np.arange(DRAWN), np.arange(DRAWN // 2)[:, None])
    level = 1 - 2 * OBJECTS_SHARE / len(CENTRES)  # cosine of a cap's radius: its share is (1 - cos) / 2
    marks = np.zeros((DRAWN // 2, DRAWN), np.uint8)
    for yaw, pitch in np.radians(CENTRES):
        aim = (math.cos(pitch) * math.sin(yaw), math.sin(pitch), math.cos(pitch) * math.cos(yaw))
        marks[rays @ np.array(aim) >= level] = 255
    return Mask(cv2.resize(marks, (width, width // 2), interpolation=cv2.INTER_NEAREST).astype(np.uint8))


def seconds(
    vanisher: Timed, panorama: Panorama, mask: Mask | None = None, nadir: float | None = None
) -> Seconds:
    """Times one call with the user's defaults."""
    vanisher.spent = 0.0
    start = time.perf_counter()
    erase_panorama(panorama, mask, nadir=nadir, vanisher=vanisher)
    total = time.perf_counter() - start
    return Seconds(total, total - vanisher.spent)


def peak_megabytes(device: str, width: int = HUGE_WIDTH) -> float:
    """Peak memory, in MB, of a fresh process that erases nadir and one object at the seam from a panorama.

    Raises:
        RuntimeError: it failed; the message has its last words.
    """
    command = [sys.executable, "-m", "training.panorama_speed", "--width", str(width), "--device", device]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    if done.returncode != 0:
        raise RuntimeError(f"the memory probe ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return float(done.stdout.split()[-1])


def figures(room: NDArray[np.uint8], device: str) -> list[Figure]:
    """Measures everything on a room's picture."""
    vanisher = Timed(device)
    # loads every network and compiles every kernel that is timed below
    seconds(vanisher, Panorama.from_array(enlarged(room, 512)), six_objects(512), nadir=NADIR)
    objects = seconds(
        vanisher, Panorama.from_array(enlarged(room, OBJECTS_WIDTH)), six_objects(OBJECTS_WIDTH)
    )
    tripod = seconds(vanisher, Panorama.from_array(enlarged(room, NADIR_WIDTH)), nadir=NADIR)
    return [
        Figure("4096x2048, six objects, 10 % of the sphere", objects.total, "s", TOTAL_BAR),
        Figure("of which geometry", objects.geometry, "s", GEOMETRY_BAR),
        Figure(f"8192x4096, nadir {NADIR:g} degrees", tripod.total, "s", NADIR_BAR),
        Figure("of which geometry", tripod.geometry, "s", None),
        Figure("16384x8192, nadir and one object, peak memory", peak_megabytes(device), "MB", MEMORY_BAR),
    ]


def speed_page(page: Page, room: NDArray[np.uint8], device: str) -> list[Bar]:
    """Writes the table, and gives the bars."""
    found = figures(room, device)
    page.write("", "## speed and memory", "", "| what | measured | bar |", "|---|---|---|")
    page.write(*(figure.line() for figure in found))
    page.rows([figure._asdict() | {"met": figure.met()} for figure in found], "panorama-speed")
    return [
        Bar(figure.what, f"{figure.value:.2f} {figure.unit}", figure.met()) for figure in found if figure.bar
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """The memory probe: prints this process's peak MB."""
    parser = argparse.ArgumentParser(prog="python -m training.panorama_speed", description=main.__doc__)
    parser.add_argument("--width", type=int, default=HUGE_WIDTH)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(argv)
    panorama = Panorama.from_array(enlarged(scene((1024, 512)), options.width))
    mask = np.zeros((options.width // 2, options.width), np.uint8)
    side = options.width // 32
    mask[options.width // 4 : options.width // 4 + side, :side] = 255
    mask[options.width // 4 : options.width // 4 + side, -side:] = 255
    erase_panorama(panorama, Mask(mask), nadir=NADIR, vanisher=Vanisher(options.device))
    print(f"{own_peak_megabytes():.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
