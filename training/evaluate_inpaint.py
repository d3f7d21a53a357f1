"""Inpainting figures on validation photographs, beside rivals: `python -m training.evaluate inpaint`.

For every size (256, 512, native crops) it prints, as Markdown: each method's means with 95 % intervals, the
paired difference to PyPatchMatch, PSNR and LPIPS by kind and area of the hole, and whether the product's bar
is met. `--csv` writes one line a case and method; `--plates DIR` writes the default fill's worst cases beside
all others. Everything is seeded: two runs of one version give the same figures but for seconds and megabytes.

A hole that a method refuses is left out for all methods of that size, and counted under the table.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.holes import HoleCase, hole_cases
from training.methods import DEFAULT_METHODS, METHODS, method, set_threads
from training.metrics import Lpips, Measures, measure
from training.peers import Fill, PeerMissing
from training.report import print_size, worst_plates, write_csv
from training.speed import peak_megabytes
from training.validation import SIZES, Sample, data_folder, samples, silhouettes
from vanisher_core.errors import VanisherError

COUNTS = {"256": 60, "512": 40, "native": 24}


@dataclass(frozen=True)
class Row:
    """One fill: which method on which case, its figures and seconds."""

    method: str
    size: str
    case: int
    key: str
    kind: str
    band: str
    measures: Measures
    seconds: float


class Case(NamedTuple):
    """A photograph's crop with the hole to measure on."""

    sample: Sample
    hole: HoleCase


class Outcome(NamedTuple):
    """Everything measured at one size: rows by method, fills by (method, case), refusals as sentences."""

    rows: list[Row]
    fills: dict[tuple[str, int], NDArray[np.uint8]]
    refusals: list[str]


def cases_of(folder: Path, size: str, count: int, seed: int) -> list[Case]:
    """The evaluation cases of one size: same folder, size, count and seed, same cases."""
    found = samples(folder, size, count, seed)
    height, width = found[0].rgb.shape[:2]
    holes = hole_cases(len(found), (width, height), silhouettes(folder), seed)
    return [Case(sample, hole) for sample, hole in zip(found, holes, strict=True)]


def open_methods(names: Sequence[str], device: str) -> tuple[dict[str, Fill], list[str]]:
    """The methods that work here, each called once (weights, compiled code), and why the others do not."""
    rgb = np.random.default_rng(0).integers(0, 256, (96, 96, 3)).astype(np.uint8)
    hole = np.zeros((96, 96), bool)
    hole[40:56, 40:56] = True
    opened, absent = {}, []
    for name in names:
        try:
            fill = method(name, device)
            fill(rgb, hole)
        except (PeerMissing, VanisherError) as error:
            absent.append(f"{name}: {error}")
        else:
            opened[name] = fill
    return opened, absent


def run_cases(fills: dict[str, Fill], cases: Sequence[Case], size: str, lpips: Lpips | None) -> Outcome:
    """Fills every case with every method, in turn on each case, so that a busy machine hits all alike."""
    outcome = Outcome([], {}, [])
    for index, (sample, (hole, kind, band)) in enumerate(cases):
        features = None if lpips is None else lpips.features(sample.rgb)
        rows = []
        for name, fill in fills.items():
            start = time.perf_counter()
            try:
                filled = fill(sample.rgb, hole)
            except VanisherError as error:
                outcome.refusals.append(f"{name}, case {index} ({sample.key}, {kind}): {error}")
                break
            seconds = time.perf_counter() - start
            figures = measure(sample.rgb, filled, hole, lpips, features)
            rows.append(Row(name, size, index, sample.key, kind, band, figures, seconds))
            outcome.fills[name, index] = filled
        if len(rows) == len(fills):
            outcome.rows.extend(rows)
        if sys.stderr.isatty():
            print(f"\r{size}: {index + 1}/{len(cases)}", end="", file=sys.stderr, flush=True)
    return outcome


def parser() -> argparse.ArgumentParser:
    """The command line of `python -m training.evaluate inpaint`."""
    made = argparse.ArgumentParser(prog="python -m training.evaluate inpaint", description=__doc__)
    made.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    made.add_argument("--methods", nargs="+", choices=METHODS, default=list(DEFAULT_METHODS))
    made.add_argument("--count", type=int, help=f"cases a size (default {COUNTS})")
    made.add_argument("--data", type=Path, help="folder of tar shards (VANISHER_DATA, ../shared/data)")
    made.add_argument(
        "--metrics", type=Path, help="folder of LPIPS weights (VANISHER_METRICS, ../shared/metrics)"
    )
    made.add_argument("--no-lpips", action="store_true", help="leave LPIPS out (no weights needed)")
    made.add_argument("--no-memory", action="store_true", help="leave peak memory out (one process a method)")
    made.add_argument("--csv", type=Path, help="write one line a case and method")
    made.add_argument("--plates", type=Path, help="write the worst cases as pictures into this folder")
    made.add_argument("--threads", type=int, default=2)
    made.add_argument("--device", default="cpu")
    made.add_argument("--seed", type=int, default=0)
    return made


def _memory(names: Sequence[str], side: int, device: str) -> dict[str, float]:
    """Peak megabytes of a fresh process that fills a hole of a third of the side in a square picture."""
    return {name: peak_megabytes(name, (side, side), (side // 3, side // 3), device) for name in names}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the evaluation; 0 when it ran and every bar that could be judged is met, 1 when one is missed."""
    options = parser().parse_args(argv)
    try:
        folder = data_folder(options.data)
        lpips = None if options.no_lpips else Lpips(options.metrics)
        if options.count is not None and options.count < 1:
            raise ValueError(f"--count must be at least 1, got {options.count}")
        set_threads(options.threads)
    except (FileNotFoundError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    fills, absent = open_methods(options.methods, options.device)
    for line in absent:
        print(f"> left out: {line}")
    rows: list[Row] = []
    met = True
    for size in options.sizes:
        cases = cases_of(folder, size, options.count or COUNTS[size], options.seed)
        outcome = run_cases(fills, cases, size, lpips)
        side = cases[0].sample.rgb.shape[0]
        memory = {} if options.no_memory else _memory(list(fills), side, options.device)
        met = print_size(size, outcome.rows, memory, outcome.refusals) and met
        rows.extend(outcome.rows)
        if options.plates:
            worst_plates(options.plates, size, cases, outcome)
    if options.csv:
        write_csv(options.csv, rows)
    return 0 if met else 1
