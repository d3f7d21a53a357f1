"""Furniture found in panoramas that were labelled by eye: `python -m training.evaluate labelled`.

Photographs that no network has learnt from (`training.data.labelled.held_out`), through the product's own
`find_in_panorama`; texels count by their area on the sphere, unknown ones not at all, and contact shadows, which the
product adds to its masks, are left out. There is no bar: few pictures, and labels that began as drafts of an earlier
finder (most were painted over as a whole). `--learnt` shows what was learnt from instead. `--out DIR` keeps
`labelled.md` and `labelled.csv`, `--plates N` the N worst: truth green, found red, both yellow.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch

from panorama import Panorama, find_in_panorama
from panorama.sphere import Frame
from training.common import parse_config
from training.data import labelled, shards
from training.data.labels import is_furniture
from training.data.room_furniture import UNKNOWN
from training.intervals import ratio
from training.pages import Page
from training.plates import found_plate, save_plates
from vanisher_core.errors import VanisherError

NAME = "furniture"


@dataclass(frozen=True)
class Options:
    """Options of the figures on labelled panoramas."""

    data: Path = shards.DEFAULT_FOLDER
    learnt: bool = False
    threads: int = 2
    device: str = "cpu"
    out: Path | None = None
    plates: int = 0


class Found(NamedTuple):
    """Areas of one panorama in texels of the equator."""

    key: str
    both: float
    guess: float
    truth: float
    plate: np.ndarray

    @property
    def either(self) -> float:
        """Found, or there."""
        return self.guess + self.truth - self.both

    @property
    def iou(self) -> float:
        """Intersection over union."""
        return self.both / max(self.either, 1e-6)

    def row(self) -> dict[str, object]:
        """For the CSV file."""
        return {"panorama": self.key, "iou": self.iou, "furniture": self.truth,
                "missed": self.truth - self.both, "false": self.guess - self.both}  # fmt: skip

    def line(self) -> str:
        """For the table."""
        missed, false = 1 - self.both / max(self.truth, 1e-6), 1 - self.both / max(self.guess, 1e-6)
        return f"| {self.key} | {self.iou:.3f} | {missed:.1%} | {false:.1%} |"


def look(picture: shards.Picture, device: str) -> Found:
    """Finds furniture in one panorama."""
    labels = labelled.label_of(picture.key)
    hole = find_in_panorama(Panorama.from_array(picture.rgb), (NAME,), device=device, shadows=False)[
        NAME
    ].hole
    height, width = labels.shape
    known = labels != UNKNOWN
    guess = cv2.resize(hole.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0.5
    truth, guess = is_furniture(labels), guess & known
    weight = np.cos(Frame.full(width, height).pitch(np.arange(height)))[:, None]
    both, found, there = (float((marks * weight).sum()) for marks in (guess & truth, guess, truth))
    small = cv2.resize(picture.rgb, (width, height), interpolation=cv2.INTER_AREA)
    return Found(picture.key, both, found, there, found_plate(small, truth, guess))


def figures(found: Sequence[Found]) -> list[str]:
    """Pooled, with intervals over homes: rooms of one flat are alike."""
    homes = [labelled.home_of(one.key) for one in found]
    both = [one.both for one in found]
    return [
        f"- {name}: {ratio(both, below, homes).text(3)}"
        for name, below in (
            ("IoU of furniture", [one.either for one in found]),
            ("share of furniture that was found", [one.truth for one in found]),
            ("share of what was found that is furniture", [one.guess for one in found]),
        )
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table; 0 when it could be measured, 2 when not."""
    options = parse_config(Options, argv)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    page, found = Page(options.out, "labelled"), []
    what = "learnt from" if options.learnt else "never learnt from"
    page.write(f"Panoramas labelled by eye, {what}", "")
    page.write("| panorama | IoU | furniture missed | found and none |", "|---|---|---|---|")
    try:
        for picture in labelled.pictures(options.data, learnt=options.learnt):
            found.append(look(picture, options.device))
            page.write(found[-1].line())
        if not found:
            raise ValueError(
                f"no panorama in {options.data} is labelled; pass the folder of the shards (--data)"
            )
    except (OSError, ValueError, VanisherError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    page.write("", *figures(found))
    page.rows([one.row() for one in found])
    page.close()
    if options.out is not None and options.plates:
        worst = sorted(found, key=lambda one: one.iou)[: options.plates]
        save_plates(options.out, "labelled", ((one.key, one.plate) for one in worst))
    return 0


if __name__ == "__main__":
    sys.exit(main())
