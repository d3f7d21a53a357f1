"""What a batch costs: `python -m tests.vanisher_core.batch_benchmarks [throughput|memory|all]`.

Times need a quiet machine with two free cores. `throughput` does the same photographs with one process of one
thread, with two, and (with --ray) on a local Ray cluster, in turns, start-up apart, as in a batch of thousands.
`memory` gives the largest resident memory of a worker over
several 24-megapixel photographs and 8K panoramas. The bars: 1.7 times, Ray within 15 %, 1.5 GB and 2 GB.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from tests.vanisher_core.batch_torture import smooth
from vanisher_core.batch.local import Engine, LocalEngine
from vanisher_core.batch.task import Job, Settings, Task

GIGABYTE = 1e9


def make(folder: Path, count: int, size: tuple[int, int], suffix: str) -> list[str]:
    """Writes textured photographs of (width, height) with a blob, and one mask for all; gives their names."""
    width, height = size
    rng = np.random.default_rng(0)
    tile = rng.normal(0, 9, (256, 256, 1))
    grain = np.tile(tile, (height // 256 + 1, width // 256 + 1, 1))[:height, :width]
    base = np.clip(smooth((height, width, 3)) * 0.6 + 50 + grain, 0, 255).astype(np.uint8)
    side = min(width, height)
    rows, columns = np.mgrid[:height, :width]
    mask = np.hypot(rows - height * 0.55, columns - width * 0.4) < side / 11
    (folder / "in").mkdir(parents=True)
    Image.fromarray(mask).save(folder / "mask.png")
    base[mask] = (200, 40, 40)
    names = [f"{index}{suffix}" for index in range(count)]
    for index, name in enumerate(names):
        Image.fromarray(np.roll(base, 16 * index, axis=2)).save(folder / "in" / name, quality=93)
    return names


def task(folder: Path, **settings: object) -> Task:
    """For the pictures of `make`."""
    chosen = Settings(masks="one", device="cpu", **settings)  # pyright: ignore[reportArgumentType]
    return Task(chosen, str(folder / "in"), str(folder / "out"), str(folder), 10**9, 10**9)


def seconds(engine: Engine, names: list[str]) -> float:
    """Per picture, all of them."""
    began = time.perf_counter()
    for _, report in engine.run(Job(name, name, "mask.png") for name in names):
        assert report["status"] == "done", report
    return (time.perf_counter() - began) / len(names)


def throughput(count: int, rounds: int, ray: bool) -> dict[str, float]:
    """Medians of seconds per picture in each way and of the bars' ratios, the ways taken in turns."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        names = make(folder, count, (1200, 900), ".jpg")
        engines: dict[str, Engine] = {}
        for workers in (1, 2):
            engine = LocalEngine(task(folder), workers)
            engines[f"local {workers}"] = stack.enter_context(engine)
        if ray:
            from vanisher_core.batch.cluster import RayEngine

            engines["ray 2"] = stack.enter_context(RayEngine(task(folder), 2))
        for engine in engines.values():
            seconds(engine, names[:4])  # every worker is warm after it
        taken = [{way: seconds(engine, names) for way, engine in engines.items()} for _ in range(rounds)]
    found = {f"{way}, s per picture": statistics.median(one[way] for one in taken) for way in engines}
    found["ratio (bar: 1.7)"] = statistics.median(one["local 1"] / one["local 2"] for one in taken)
    if ray:
        found["ray / local (bar: 1.15)"] = statistics.median(one["ray 2"] / one["local 2"] for one in taken)
    return {name: round(value, 3) for name, value in found.items()}


def memory(count: int, kind: str) -> float:
    """Largest resident memory in GB of a worker that did `count` large pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = (6000, 4000) if kind == "photo" else (8192, 4096)
        names = make(folder, count, size, ".jpg")
        extra = {"nadir": 20.0} if kind == "panorama" else {}
        most = 0
        with LocalEngine(task(folder, kind=kind, extra=extra), 1) as engine:

            def jobs() -> Iterator[Job]:
                nonlocal most
                for one in names:
                    yield Job(one, one, "mask.png")
                    most = max(most, peak(engine.pids[0]))

            for _, report in engine.run(jobs()):
                assert report["status"] == "done", report
                most = max(most, peak(engine.pids[0]))
        return round(most / GIGABYTE, 3)


def peak(pid: int) -> int:
    """Largest resident memory of a process so far, in bytes."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():  # not Linux
        return psutil.Process(pid).memory_info().rss
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def start() -> float:
    """Seconds of a whole batch of one small picture: what start-up costs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, 1, (256, 192), ".png")
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "vanisher_core", "batch", folder / "in", folder / "out",
             "--mask", folder / "mask.png", "--device", "cpu"],
            check=True, capture_output=True,
        )  # fmt: skip
        return round(time.perf_counter() - began, 2)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=("throughput", "memory", "all"), default="all")
    parser.add_argument("--count", type=int, default=12, help="photographs of a round of throughput")
    parser.add_argument("--rounds", type=int, default=5, help="of throughput")
    parser.add_argument("--large", type=int, default=4, help="pictures of each kind for memory")
    parser.add_argument("--ray", action="store_true", help="also on a local Ray cluster")
    chosen = parser.parse_args()
    if chosen.what in ("throughput", "all"):
        print(
            json.dumps(
                {"one picture, from nothing": start(), **throughput(chosen.count, chosen.rounds, chosen.ray)},
                indent=2,
            )
        )
    if chosen.what in ("memory", "all"):
        found = {
            "24 MP photographs, GB (bar: 1.5)": memory(chosen.large, "photo"),
            "8K panoramas, GB (bar: 2)": memory(chosen.large, "panorama"),
        }
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
