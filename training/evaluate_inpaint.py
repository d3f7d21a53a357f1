"""Inpainting figures on validation photographs, beside rivals: `python -m training.evaluate inpaint`.

For every size (256, 512, native crops) it prints, as Markdown: each method's means with 95 % intervals, the
paired difference to PyPatchMatch, PSNR and LPIPS by kind and area of the hole, and which of the product's
bars are met (`training.inpaint_bars`). `--out DIR` keeps that as `inpaint.md` and every case and method as a
line of `inpaint.csv`; `--plates N` adds the default fill's N worst cases beside all others. `--reference DIR`
lists the two reference systems too, from weights that `training.reference` left in DIR. Everything is seeded:
two runs of one version give the same figures but for seconds and megabytes.

A hole that a method refuses is left out for all methods of that size, and counted under the table.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.holes import HoleCase, hole_cases
from training.inpaint_bars import bars
from training.inpaint_plates import write_worst
from training.methods import DEFAULT_METHODS, METHODS, method, references, set_threads
from training.metrics import Lpips, Measures, measure
from training.pages import Page, all_met
from training.peers import Fill, PeerMissing
from training.report import by_method, tables
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

    def as_dict(self) -> Mapping[str, object]:
        """As a line of the CSV file; figures in full."""
        head = {name: getattr(self, name) for name in ("method", "size", "case", "key", "kind", "band")}
        figures = {name: f"{value:.6g}" for name, value in self.measures._asdict().items()}
        return head | figures | {"seconds": f"{self.seconds:.4f}"}


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


def open_methods(
    names: Sequence[str], device: str, more: Mapping[str, Fill] | None = None
) -> tuple[dict[str, Fill], list[str]]:
    """The methods that work here, each called once (weights, compiled code), and why the others do not.

    `more` are methods that are open already: the reference systems.
    """
    rgb = np.random.default_rng(0).integers(0, 256, (96, 96, 3)).astype(np.uint8)
    hole = np.zeros((96, 96), bool)
    hole[40:56, 40:56] = True
    opened, absent = {}, []
    ready = dict(more or {})
    for name in [*names, *ready]:
        try:
            fill = ready[name] if name in ready else method(name, device)
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
    made.add_argument("--reference", type=Path, help="folder with weights of the reference systems")
    made.add_argument("--out", type=Path, help="keep inpaint.md and inpaint.csv in this folder")
    made.add_argument("--plates", type=int, default=0, help="worst cases a size, as pictures in OUT/plates")
    made.add_argument("--threads", type=int, default=2)
    made.add_argument("--device", default="cpu")
    made.add_argument("--seed", type=int, default=0)
    return made


def _memory(names: Sequence[str], side: int, device: str) -> dict[str, float]:
    """Peak megabytes of a fresh process that fills a hole of a third of the side in a square picture."""
    return {name: peak_megabytes(name, (side, side), (side // 3, side // 3), device) for name in names}


def _checked(options: argparse.Namespace) -> tuple[Path, Lpips | None, dict[str, Fill]]:
    """What the options name: data folder, measuring network, reference systems."""
    if options.count is not None and options.count < 1:
        raise ValueError(f"--count must be at least 1, got {options.count}")
    if options.plates and options.out is None:
        raise ValueError(f"--plates {options.plates} needs --out DIR to write them to")
    set_threads(options.threads)
    folder = data_folder(options.data)
    lpips = None if options.no_lpips else Lpips(options.metrics)
    return folder, lpips, {} if options.reference is None else references(options.reference, options.device)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the evaluation; 0 when it ran and every bar that could be judged is met, 1 when one is missed."""
    options = parser().parse_args(argv)
    try:
        folder, lpips, more = _checked(options)
    except (FileNotFoundError, ValueError, VanisherError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    page = Page(options.out, "inpaint")
    fills, absent = open_methods(options.methods, options.device, more)
    page.write(*(f"> left out: {line}" for line in absent))
    rows: list[Row] = []
    met = True
    for size in options.sizes:
        cases = cases_of(folder, size, options.count or COUNTS[size], options.seed)
        outcome = run_cases(fills, cases, size, lpips)
        rows.extend(outcome.rows)
        measured = [] if options.no_memory else [name for name in fills if name not in more]
        memory = _memory(measured, cases[0].sample.rgb.shape[0], options.device)
        table = by_method(outcome.rows)
        judged = bars(table, size, [name for name in more if name in fills])
        count = len(next(iter(table.values()), []))
        page.write("", f"## {size}{'' if size == 'native' else ' px'}: {count} holes", "")
        page.write(*tables(table, memory), "", *(bar.line() for bar in judged))
        page.write(*(f"- refused, left out for all: {line}" for line in outcome.refusals))
        met = all_met(judged) and met
        if options.plates:
            write_worst(options.out / "plates", size, cases, outcome, options.plates)
    page.rows([row.as_dict() for row in rows])
    page.close()
    return 0 if met else 1
