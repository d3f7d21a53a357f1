"""Figures of the furniture segmenter: `python -m training.evaluate furniture`.

**The figure of the bar** is the pooled IoU of the labelled object on the validation side of `interiors-*`
(keys whose CRC-32 is 0 modulo 8), judged among the pixels that are labelled: the object itself and a ring of
a tenth of the picture's longer side round it. Everything farther away is unlabelled there and may be other
furniture, so it counts for nothing; beside it stands the IoU over whole pictures, where every other piece
that is found counts as wrong. Two masks are judged: that of the class `furniture`, which `--remove furniture`
erases, and that of the object's own class.

A second table is on the validation photographs of the people set (`coco`, `cocop`), where all classes are
labelled: pooled IoU of each class on photographs that show any, and how much of all other photographs is
called furniture.

`--out DIR` keeps `furniture.md` and `furniture.csv`; `--plates N` adds the N worst photographs of interiors:
truth green, found red, both yellow. Intervals: 95 %, bootstrap over photographs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch

from training.common import parse_config
from training.data import shards
from training.data.interiors import CLASSES, INTERIOR_CODES, JUDGED_RING, VOC_CODES, ring_round
from training.mask_figures import Figures, measure, table
from training.pages import Bar, Page, all_met
from training.segmenters import Opened, open_segmenter, write_plates
from vanisher_core.errors import VanisherError

IOU_BAR = 0.75
ANY = CLASSES[0]


@dataclass(frozen=True)
class Options:
    """Options of the furniture figures."""

    data: Path = shards.DEFAULT_FOLDER
    weights: Path | None = None
    limit: int | None = None
    threads: int = 2
    device: str = "cpu"
    out: Path | None = None
    plates: int = 0


class Piece(NamedTuple):
    """A photograph of interiors with its labelled object."""

    picture: shards.Picture
    truth: np.ndarray
    """HxW bool."""
    name: str
    """Class of the object; of the larger part where two are labelled."""

    @property
    def judged(self) -> np.ndarray:
        """HxW bool: the object and the ring round it."""
        return self.truth | ring_round(self.truth, JUDGED_RING)


def pieces(options: Options) -> list[Piece]:
    """The validation side of interiors."""
    found = shards.pictures(
        shards.shards(options.data, "interiors-*.tar"), lambda key: shards.validates("interiors", key)
    )
    made = []
    for picture in islice(found, options.limit):
        if picture.classes is not None and picture.classes.any():
            index = int(np.bincount(picture.classes[picture.classes > 0]).argmax())
            made.append(Piece(picture, picture.classes > 0, CLASSES[INTERIOR_CODES[index]]))
    return made


def on_interiors(opened: Opened, found: Sequence[Piece]) -> dict[str, Figures]:
    """Rows of the first table: class `furniture`, own class, and `furniture` over whole pictures."""
    rows = {
        "any": Figures("Vanisher, furniture"),
        "own": Figures("Vanisher, own class"),
        "one": Figures("Vanisher, furniture, one pass of the network"),
        "whole": Figures("Vanisher, furniture, whole picture"),
    }
    for piece in found:
        for row, name, judged in (
            ("any", ANY, piece.judged), ("own", piece.name, piece.judged), ("one", ANY, piece.judged),
            ("whole", ANY, None),
        ):  # fmt: skip
            find = opened.one_pass(name) if row == "one" else opened.product(name)
            started = time.perf_counter()
            mask = find(piece.picture.rgb)
            seconds = time.perf_counter() - started
            counts = measure(piece.picture.key, mask, piece.truth, seconds, judged)
            rows[row].counts.append(counts)
    return rows


def by_class(figures: Figures, found: Sequence[Piece]) -> list[str]:
    """Markdown lines: IoU of the labelled object by its class."""
    lines = ["", "| labelled object | n | IoU (95 %) |", "|---|---|---|"]
    for name in CLASSES[1:]:
        chosen = [count for count, piece in zip(figures.counts, found, strict=True) if piece.name == name]
        if chosen:
            lines.append(f"| {name} | {len(chosen)} | {Figures(name, chosen).iou().text(3)} |")
    return lines


def on_photographs(opened: Opened, pictures: Iterable[shards.Picture]) -> list[str]:
    """Markdown lines of the second table: one pass of the network on fully labelled photographs."""
    rows = {name: Figures(name) for name in CLASSES}
    called: list[float] = []
    for picture in pictures:
        classes = np.zeros(picture.rgb.shape[:2], np.uint8) if picture.classes is None else picture.classes
        labels = np.zeros(classes.shape, np.uint8)
        for index, own in VOC_CODES.items():
            labels[classes == index] = own
        if not labels.any():
            called.append(float(opened.one_pass(ANY)(picture.rgb).mean()))
            continue
        for channel, name in enumerate(CLASSES):
            truth = labels > 0 if channel == 0 else labels == channel
            rows[name].counts.append(measure(picture.key, opened.one_pass(name)(picture.rgb), truth, 0.0))
    lines = ["", "| all labelled, one pass | photographs that show it | IoU (95 %) |", "|---|---|---|"]
    for name, figures in rows.items():
        shows = sum(count.outline_true[1] > 0 for count in figures.counts)
        lines.append(f"| {name} | {shows} | {figures.iou().text(3) if figures.counts else '-'} |")
    if called:
        lines += [
            "",
            f"Called furniture on {len(called)} photographs without any: {np.mean(called):.1%} of the pixels",
        ]
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the tables; 0 when the bar is met, 1 when it is missed, 2 when nothing could be measured."""
    options = parse_config(Options, argv)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    try:
        opened = open_segmenter(options.weights, ANY, options.device)
        found = pieces(options)
        people = shards.shards(options.data, "people-*.tar")
    except (FileNotFoundError, VanisherError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    page = Page(options.out, "furniture")
    split = shards.fingerprint(piece.picture.key for piece in found)
    page.write(f"{len(found)} validation pictures of interiors, split {split}, {options.threads} threads", "")
    rows = on_interiors(opened, found)
    others = islice(shards.pictures(people, lambda key: shards.validates("people", key)), options.limit)
    iou = rows["any"].iou()
    bar = Bar(f"IoU of the labelled object >= {IOU_BAR}", iou.text(3), iou.mean >= IOU_BAR)
    page.write(*table(list(rows.values()), "labelled object's"), *by_class(rows["any"], found))
    page.write(*on_photographs(opened, others), "", bar.line())
    page.rows([figures.row() for figures in rows.values()])
    page.close()
    if options.out is not None and options.plates:
        share = {count.key: count.both / max(count.either, 1) for count in rows["any"].counts}
        worst = sorted(found, key=lambda piece: share[piece.picture.key])[: options.plates]
        find, truths = opened.product(ANY), [piece.truth for piece in worst]
        write_plates(options.out / "plates", [piece.picture for piece in worst], find, truths, "furniture-")
    return 0 if all_met([bar]) else 1
