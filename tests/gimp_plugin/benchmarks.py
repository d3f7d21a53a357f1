"""Seconds that GIMP adds to an erasure: 600x400 pixels of a 24-megapixel 16-bit image, against the library's call.

    python -m tests.gimp_plugin.benchmarks           both GIMPs; exit status 1 if one takes 2 s more

The library gets the whole photograph in memory; the plug-in reads, sends, fetches, and makes the layer. The best
of some rounds counts on both sides, after one that loads the networks; both with one thread.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
from skimage.data import astronaut

from tests.gimp_plugin import gimp_root
from tests.gimp_plugin.conftest import Job, install
from tests.local_server.daemons import running
from vanisher_core import Mask, Photo, Vanisher

SIZE, HOLE = (6000, 4000), (2600, 1800, 600, 400)

ROUNDS = 4

MOST = 2.0
"""Seconds that GIMP may add."""


def photograph() -> np.ndarray:
    """HxWx3 uint16 with grain in the low bits."""
    rng = np.random.default_rng(0)
    large = cv2.resize(astronaut(), SIZE, interpolation=cv2.INTER_CUBIC).astype(np.uint16) * 240
    tile = rng.integers(0, 4000, (500, 600, 3)).astype(np.uint16)
    return large + np.tile(tile, (SIZE[1] // 500, SIZE[0] // 600, 1))


def library(photo: Photo, mask: Mask) -> float:
    """Seconds of the library's call."""
    vanisher, seconds = Vanisher(), []
    for _ in range(ROUNDS):
        start = time.monotonic()
        vanisher.erase(photo, mask)
        seconds.append(time.monotonic() - start)
    return min(seconds[1:])


def in_gimp(suite: str, pixels: np.ndarray) -> float:
    """Seconds of the procedure in a real GIMP."""
    gimp = gimp_root.gimp(suite)
    (gimp.root / "job").mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=gimp_root.folder()) as state,
        tempfile.TemporaryDirectory(dir=gimp.root / "job") as folder,
        running(Path(state)) as daemon,
    ):
        job = Job(gimp, Path(folder), f"/job/{Path(folder).name}")
        install(job)
        job.know(daemon)
        job.settings(state=f"{job.inside}/state")
        (job.folder / "large.raw").write_bytes(pixels.tobytes())
        (job.folder / "large.json").write_text(json.dumps({"size": SIZE, "hole": HOLE, "rounds": ROUNDS}))
        if job.run("large.py") != 0:
            raise RuntimeError(job.log.read_text(errors="replace")[-3000:])
        return min(json.loads((job.folder / "results.json").read_text())[1:])


def main() -> int:
    """Prints the table."""
    pixels = photograph()
    hole = np.zeros(SIZE[::-1], np.uint8)
    left, top, width, height = HOLE
    hole[top : top + height, left : left + width] = 255
    alone = library(Photo.from_array(pixels), Mask(hole))
    print(f"library                {alone:6.2f} s")
    status = 0
    for suite, version in gimp_root.SUITES.items():
        seconds = in_gimp(suite, pixels)
        more = seconds - alone
        status |= more >= MOST
        print(f"GIMP {version}               {seconds:6.2f} s   {more:+.2f} s   (may add {MOST:g} s)")
    return status


if __name__ == "__main__":
    sys.exit(main())
