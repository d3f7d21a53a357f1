"""Furniture found in photographs of rooms that were labelled by eye: `python -m training.evaluate photographs`.

All furniture of these photographs is labelled, so what is missed counts as what is found wrongly does; `furniture`
judges one piece a photograph. Those that no network has learnt from (`training.data.photographs.held_out`); pixels
that are unknown do not count. The second table says what share of each kind was found; names of a kind that the
segmenter has no word for are found as furniture all the same. There is no bar. `--learnt` shows what was learnt from
instead; `--weights FILE` judges weights that are not shipped. `--out DIR` keeps `photographs.md` and
`photographs.csv`, `--plates N` the N worst: truth green, found red, both yellow. Intervals: 95 %, bootstrap over
photographs.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch

from training.common import parse_config
from training.data import photographs, shards
from training.data.room_furniture import UNKNOWN
from training.intervals import ratio
from training.label_edits import KINDS
from training.mask_figures import Figures, measure, table
from training.pages import Page
from training.segmenters import open_segmenter, write_plates
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


def is_furniture(labels: np.ndarray) -> np.ndarray:
    """HxW bool of HxW labels."""
    return (labels > 0) & (labels < UNKNOWN)


def by_kind(labels: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> list[str]:
    """Markdown lines: share of each kind's pixels that were found."""
    there: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for own, mask in zip(labels, found, strict=True):
        for kind in np.unique(own[is_furniture(own)]).tolist():
            there[kind].append((int((mask & (own == kind)).sum()), int((own == kind).sum())))
    lines = ["", "| kind | photographs | found (95 %) |", "|---|---|---|"]
    for name, kind in KINDS.items():
        if some := there.get(kind):
            hit, all_of_it = zip(*some, strict=True)
            share = ratio(hit, all_of_it, [str(index) for index in range(len(some))])
            lines.append(f"| {name} | {len(some)} | {share.text(2)} |")
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the tables; 0 when they could be measured, 2 when not."""
    options = parse_config(Options, argv)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    try:
        find = open_segmenter(options.weights, NAME, options.device).product(NAME)
        seen = list(photographs.pictures(options.data, learnt=options.learnt))[: options.limit]
        if not seen:
            raise ValueError(
                f"no photograph in {options.data} is labelled; pass the folder of the shards (--data)"
            )
    except (OSError, ValueError, VanisherError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    labels = [photographs.labels_of(one) for one in seen]
    figures, found, pairs = Figures("Vanisher, furniture"), [], []
    for one, own in zip(seen, labels, strict=True):
        started = time.perf_counter()
        found.append(find(one.rgb))
        seconds, known = time.perf_counter() - started, own != UNKNOWN
        truth, guess = is_furniture(own), found[-1] & known
        figures.counts.append(measure(one.key, guess, truth, seconds, known))
        pairs.append(((guess & truth).sum(), truth.sum(), guess.sum()))
    page = Page(options.out, "photographs")
    what = "learnt from" if options.learnt else "never learnt from"
    page.write(
        f"{len(seen)} photographs labelled by eye, {what}, split {shards.fingerprint(figures.keys)}", ""
    )
    page.write(*table([figures], "furniture's"), "")
    both, there, guessed = (list(column) for column in zip(*pairs, strict=True))
    page.write(f"- share of furniture that was found: {ratio(both, there, figures.keys).text(3)}")
    page.write(f"- share of what was found that is furniture: {ratio(both, guessed, figures.keys).text(3)}")
    page.write(*by_kind(labels, found))
    page.rows([{"photograph": c.key, "iou": c.both / max(c.either, 1)} for c in figures.counts])
    page.close()
    if options.out is not None and options.plates:
        worst = sorted(
            range(len(seen)), key=lambda at: figures.counts[at].both / max(figures.counts[at].either, 1)
        )
        worst = worst[: options.plates]
        truths = [is_furniture(labels[at]) for at in worst]
        write_plates(options.out / "plates", [seen[at] for at in worst], find, truths, "photographs-")
    return 0


if __name__ == "__main__":
    sys.exit(main())
