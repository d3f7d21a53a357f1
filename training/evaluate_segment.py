"""Figures of the person segmenter beside those of others: `python -m training.evaluate segment`.

All methods see the same validation photographs at their own resolution (sources that never trained); what is
measured stands in `training.mask_figures`. `--reference DIR` adds the segmenter of 2018 from weights that
`training.reference` left in DIR. Intervals: 95 %, bootstrap over photographs; differences are paired.

`--out DIR` keeps `segment.md` and `segment.csv`; `--plates N` adds the N photographs where the product is
worst: truth green, found red, both yellow.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch

from training import segment_peers
from training.common import parse_config
from training.data import shards
from training.mask_figures import Figures, measure, table
from training.pages import Bar, Page, all_met
from training.peers import PeerMissing
from training.segmenters import Opened, open_segmenter, write_plates
from vanisher_core.errors import VanisherError

PRODUCT = "Vanisher"
IOU_BAR, IOU_GOAL = 0.66, 0.75
ACCURACY_BAR = 0.97

Makers = Mapping[str, Callable[[], segment_peers.Finder]]
"""Name -> what makes its finder; making one may raise `PeerMissing`."""


@dataclass(frozen=True)
class Options:
    """Options of the segmentation figures."""

    data: Path = shards.DEFAULT_FOLDER
    peers: Path = segment_peers.FOLDER
    weights: Path | None = None
    reference: Path | None = None
    limit: int | None = None
    threads: int = 2
    device: str = "cpu"
    out: Path | None = None
    plates: int = 0
    with_peers: bool = True


def photographs(options: Options) -> list[shards.Picture]:
    """The validation photographs with their masks."""
    found = shards.pictures(
        shards.shards(options.data, "people-*.tar"), lambda key: shards.validates("people", key)
    )
    return list(islice(found, options.limit))


def person(picture: shards.Picture) -> np.ndarray:
    """HxW bool: the labelled people."""
    return np.zeros(picture.rgb.shape[:2], bool) if picture.mask is None else picture.mask > 127


def run(name: str, find: segment_peers.Finder, pictures: Sequence[shards.Picture]) -> Figures:
    """One method on all photographs."""
    figures = Figures(name)
    for picture in pictures:
        started = time.perf_counter()
        found = find(picture.rgb)
        seconds = time.perf_counter() - started
        figures.counts.append(measure(picture.key, found, person(picture), seconds))
    return figures


def references(options: Options) -> Makers:
    """The reference segmenter, when its weights are given."""
    if options.reference is None:
        return {}
    from training.reference.methods import TITLES, reference_segmenters

    finders = reference_segmenters(options.reference, options.device)
    return {TITLES.get(name, name): (lambda find=find: find) for name, find in finders.items()}


def methods(options: Options, opened: Opened) -> Makers:
    """All methods of the table, ours first."""
    made: dict[str, Callable[[], segment_peers.Finder]] = {
        PRODUCT: lambda: opened.product("person"),
        "Vanisher, one pass of the network": lambda: opened.one_pass("person"),
        **references(options),
        "nobody anywhere": lambda: lambda rgb: np.zeros(rgb.shape[:2], bool),
    }
    if options.with_peers:
        made |= {name: (lambda make=make: make(options.peers)) for name, make in segment_peers.PEERS.items()}
    return made


def evaluate(makers: Makers, pictures: Sequence[shards.Picture]) -> list[Figures]:
    """Runs every method; one that is not there becomes a row with a note."""
    results = []
    for name, make in makers.items():
        try:
            results.append(run(name, make(), pictures))
        except PeerMissing as missing:
            results.append(Figures(name, note=str(missing)))
    return results


def bars(results: Sequence[Figures]) -> list[Bar]:
    """IoU above every peer and the bar of its own, and the accuracy that the 2018 report quotes."""
    ours, row = results[0], results[0].row()
    found = []
    for other in results:
        if other.name in segment_peers.PEERS:
            what = f"person IoU above that of {other.name}"
            gain = ours.gain_over(other) if other.counts else None
            measured = other.note if gain is None else gain.text(3, True)
            found.append(Bar(what, measured, None if gain is None else gain.mean > 0))
    iou, accuracy = ours.iou(), float(row["accuracy"])
    found.append(Bar(f"person IoU >= {IOU_BAR} (goal {IOU_GOAL})", iou.text(3), iou.mean >= IOU_BAR))
    found.append(Bar(f"pixel accuracy >= {ACCURACY_BAR}", f"{accuracy:.4f}", accuracy >= ACCURACY_BAR))
    found.append(Bar("recall of people under 1 % of the picture", f"{row['small_recall']:.3f}", None))
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the tables; 0 when every judged bar is met, 1 when one is missed, 2 for bad options."""
    options = parse_config(Options, argv)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    try:
        opened = open_segmenter(options.weights, "person", options.device)
        makers = methods(options, opened)
        pictures = photographs(options)
    except (FileNotFoundError, VanisherError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    page = Page(options.out, "segment")
    split = shards.fingerprint(picture.key for picture in pictures)
    page.write(f"{len(pictures)} validation photographs, split {split}, {options.threads} threads", "")
    results = evaluate(makers, pictures)
    judged = bars(results)
    page.write(*table(results, "person"), "", *(bar.line() for bar in judged))
    page.rows([figures.row() for figures in results])
    page.close()
    if options.out is not None and options.plates:
        ranks = {c.key: c.right / c.pixels for c in results[0].counts}
        worst = sorted(pictures, key=lambda picture: ranks[picture.key])[: options.plates]
        find = opened.product("person")
        write_plates(options.out / "plates", worst, find, [person(picture) for picture in worst], "segment-")
    return 0 if all_met(judged) else 1
