"""What the daemon costs: `python -m tests.local_server.benchmarks`. Times need a quiet machine.

Overhead of `/v1/erase` over the library call (both warm), seconds to the first answer after start, memory of the
daemon before any model, of the workers with models, and after the idle time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from local_server.client import wait_for
from tests.local_server.daemons import encoded, hole, picture, running, start
from vanisher_core import Mask, Photo, Vanisher

WIDTH, HEIGHT = 1024, 768
HOLES = ((150, 200), (32, 32))
"""Width and height of what is erased: the case of `training.evaluate speed`, and next to nothing."""
OVERHEAD_BAR = 0.15


def overhead(rounds: int, width: int, height: int) -> tuple[list[float], list[float]]:
    """Seconds of the library call and of the request for the same picture and hole, taken in turns."""
    image, marks = encoded(picture(WIDTH, HEIGHT), "JPEG", quality=92), np.zeros((HEIGHT, WIDTH), np.uint8)
    left, top = (WIDTH - width) // 2, (HEIGHT - height) // 2
    marks[top : top + height, left : left + width] = 255
    mask = encoded(marks)
    vanisher = Vanisher()

    def library() -> None:
        photo = Photo.from_bytes(image)
        vanisher.erase(photo, Mask.from_bytes(mask)).photo.to_bytes()

    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as daemon:
        pairs = []
        for index in range(rounds + 1):
            times = []
            for call in (library, lambda: daemon.client.erase(image, mask=mask)):
                began = time.perf_counter()
                call()
                times.append(time.perf_counter() - began)
            if index:
                pairs.append(times)
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def first_answer() -> float:
    """Seconds from starting the process to its first answer."""
    with tempfile.TemporaryDirectory() as folder:
        state, log = Path(folder) / "state", Path(folder) / "log"
        began = time.perf_counter()
        process = start(state, log)
        try:
            wait_for(state).get_json("/healthz")
            return time.perf_counter() - began
        finally:
            process.terminate()
            process.wait()


def memory() -> dict[str, float]:
    """MiB of the daemon and its workers, in the states that matter."""
    found = {}
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), idle_seconds=3) as daemon:
        process = psutil.Process(daemon.process.pid)

        def total() -> float:
            return sum(one.memory_info().rss for one in (process, *process.children())) / 2**20

        found["fresh"] = total()
        daemon.client.get_json("/v1/models")
        found["pictures worker"] = total()
        daemon.client.erase(encoded(picture()), mask=encoded(hole()))
        found["models loaded"] = total()
        while process.children():
            time.sleep(0.2)
        found["after idle"] = total()
    return found


def main() -> None:
    """Prints everything."""
    parser = argparse.ArgumentParser(description="Benchmarks of the daemon")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(os.cpu_count())  # the daemon on as many threads as the library here
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; bar: the first overhead at most {OVERHEAD_BAR:.0%}"
    )
    for width, height in HOLES:
        library, daemon = overhead(arguments.rounds, width, height)
        share = statistics.median(daemon) / statistics.median(library) - 1
        best = min(daemon) / min(library) - 1
        print(f"erase {width}x{height} from {WIDTH}x{HEIGHT}: library {min(library):.3f} s best, "
              f"{statistics.median(library):.3f} median; daemon {min(daemon):.3f} best, "
              f"{statistics.median(daemon):.3f} median; overhead {best:+.1%} best, {share:+.1%} median")  # fmt: skip
    print(f"first answer {min(first_answer() for _ in range(3)):.2f} s after start")
    print("memory, MiB: " + ", ".join(f"{name} {value:.0f}" for name, value in memory().items()))


if __name__ == "__main__":
    main()
