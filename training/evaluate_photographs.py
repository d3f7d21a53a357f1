"""Furniture found in photographs of rooms that were labelled by eye: `python -m training.evaluate photographs`.

All furniture of these rooms is labelled, so what is missed counts as what is found wrongly does; `furniture` judges
one piece a photograph. Those whose labels no network has learnt from (`training.data.photographs.held_out`); pixels
that are unknown, or show what lies beyond the walls, do not count. The second table says what share of each kind was
found as furniture, whatever it was called. There is no bar. `--learnt` shows what was learnt from instead; `--weights
FILE` judges weights that are not shipped. `--out DIR` keeps `photographs.md` and `photographs.csv`, `--plates N` those
N with most wrong pixels: truth green, found red, both yellow. Intervals: 95 %, bootstrap over photographs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch

from training.common import parse_config
from training.data import photographs, shards
from training.data.labels import is_furniture, without_beyond
from training.data.room_furniture import UNKNOWN
from training.intervals import ratio
from training.label_edits import KINDS
from training.mask_figures import Counts, Figures, measure, table
from training.pages import Page
from training.plates import found_plate, save_plates
from training.segment_peers import Finder
from training.segmenters import open_segmenter
from vanisher_core.errors import VanisherError

NAME = "furniture"


@dataclass(frozen=True)
class Options:
    """Options of the figures on labelled photographs."""

    data: Path = shards.DEFAULT_FOLDER
    weights: Path | None = None
    learnt: bool = False
    limit: int | None = None
    threads: int = 2
    device: str = "cpu"
    out: Path | None = None
    plates: int = 0


class Found(NamedTuple):
    """What was found in one photograph."""

    picture: shards.Picture
    labels: np.ndarray
    """HxW, those of what lies beyond the walls unknown."""
    guess: np.ndarray
    """HxW bool, where labels are known."""
    counts: Counts

    @property
    def truth(self) -> np.ndarray:
        """HxW bool."""
        return is_furniture(self.labels)

    def row(self) -> dict[str, object]:
        """For the CSV file, in pixels."""
        missed, false = self.truth & ~self.guess, self.guess & ~self.truth
        return {"photograph": self.picture.key, "furniture": int(self.truth.sum()),
                "missed": int(missed.sum()), "false": int(false.sum())}  # fmt: skip


def look(picture: shards.Picture, find: Finder) -> Found:
    """Finds furniture in one of `photographs.pictures`."""
    labels = without_beyond(photographs.labels_of(picture))
    started = time.perf_counter()
    mask = find(picture.rgb)
    seconds, known = time.perf_counter() - started, labels != UNKNOWN
    counts = measure(picture.key, mask, is_furniture(labels), seconds, known)
    return Found(picture, labels, mask & known, counts)


def shares(found: Sequence[Found]) -> list[str]:
    """Markdown lines: how much of the furniture was found, and how much of what was found is furniture."""
    keys, both = [one.picture.key for one in found], [float((one.guess & one.truth).sum()) for one in found]
    return [
        f"- {name}: {ratio(both, [float(mask.sum()) for mask in masks], keys).text(3)}"
        for name, masks in (
            ("share of furniture that was found", [one.truth for one in found]),
            ("share of what was found that is furniture", [one.guess for one in found]),
        )
    ]


def by_kind(found: Sequence[Found]) -> list[str]:
    """Markdown lines: share of each kind's pixels that were found."""
    lines = ["", "| kind | photographs | found (95 %) |", "|---|---|---|"]
    for name, kind in KINDS.items():
        shown = [one for one in found if (one.truth & (one.labels == kind)).any()]
        if shown:
            there = [one.labels == kind for one in shown]
            hit = [float((one.guess & mask).sum()) for one, mask in zip(shown, there, strict=True)]
            keys = [one.picture.key for one in shown]
            share = ratio(hit, [float(mask.sum()) for mask in there], keys)
            lines.append(f"| {name} | {len(shown)} | {share.text(2)} |")
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the tables; 0 when they could be measured, 2 when not."""
    options = parse_config(Options, argv)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    try:
        find = open_segmenter(options.weights, NAME, options.device).product(NAME)
        seen = islice(photographs.pictures(options.data, learnt=options.learnt), options.limit)
        found = [look(picture, find) for picture in seen]
        if not found:
            raise ValueError(
                f"no photograph in {options.data} is labelled; pass the folder of the shards (--data)"
            )
    except (OSError, ValueError, VanisherError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    page, figures = (
        Page(options.out, "photographs"),
        Figures("Vanisher, furniture", [one.counts for one in found]),
    )
    what = "learnt from" if options.learnt else "never learnt from"
    split = shards.fingerprint(figures.keys)
    page.write(f"{len(found)} photographs labelled by eye, {what}, split {split}", "")
    page.write(*table([figures], "furniture's"), "", *shares(found), *by_kind(found))
    page.rows([one.row() for one in found])
    page.close()
    if options.out is not None and options.plates:
        worst = sorted(found, key=lambda one: int((one.guess != one.truth).sum()), reverse=True)[
            : options.plates
        ]
        plates = ((one.picture.key, found_plate(one.picture.rgb, one.truth, one.guess)) for one in worst)
        save_plates(options.out, "photographs", plates)
    return 0


if __name__ == "__main__":
    sys.exit(main())
