"""Furniture found in photographed panoramas that were labelled by hand: `python -m training.evaluate labelled`.

Those that no network has learnt from (`training.data.labelled.held_out`), through the product's own
`find_in_panorama`; texels count by their area on the sphere, unknown ones not at all, and contact shadows, which the
product adds to its masks, are left out. There is no bar: few pictures, labelled by eye. `--learnt` shows those that
were learnt from instead. `--out DIR` keeps `labelled.md` and `labelled.csv`, `--plates N` the N worst: truth green,
found red, both yellow.
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
from PIL import Image

from panorama import Panorama, find_in_panorama
from panorama.rooms import classes as rendered
from training.common import parse_config
from training.data import labelled, shards
from training.data.room_furniture import BEYOND
from training.intervals import ratio
from training.pages import Page
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

    def row(self) -> dict[str, object]:
        """For the table and the CSV file."""
        return {"panorama": self.key, "iou": self.both / max(self.either, 1e-6), "furniture": self.truth,
                "missed": self.truth - self.both, "false": self.guess - self.both}  # fmt: skip


def look(picture: shards.Picture, device: str) -> Found:
    """Finds furniture in one panorama."""
    labels = labelled.label_of(picture.key)
    panorama = Panorama.from_array(picture.rgb)
    hole = find_in_panorama(panorama, (NAME,), device=device, shadows=False)[NAME].hole
    height, width = labels.shape
    guess = cv2.resize(hole.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA) > 0.5
    known = labels != rendered.TRIPOD
    truth, guess = known & (labels > 0) & (labels != BEYOND), guess & known
    weight = np.cos((0.5 - (np.arange(height) + 0.5) / height) * np.pi)[:, None]
    small = cv2.resize(picture.rgb, (width, height), interpolation=cv2.INTER_AREA)
    over = small // 2
    over[truth, 1] += 100
    over[guess, 0] += 100
    areas = (float((marks * weight).sum()) for marks in (guess & truth, guess, truth))
    return Found(picture.key, *areas, np.vstack([small, over]))


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table; 0 when it could be measured, 2 when not."""
    options = parse_config(Options, argv)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    page = Page(options.out, "labelled")
    found = []
    try:
        pictures = labelled.labelled(options.data, learnt=options.learnt)
        what = "learnt from" if options.learnt else "never learnt from"
        page.write(f"{len(pictures)} photographed panoramas labelled by hand, {what}", "")
        page.write("| panorama | IoU | furniture missed | found and none |", "|---|---|---|---|")
        for picture in pictures:
            found.append(look(picture, options.device))
            one = found[-1]
            missed, false = (
                (one.truth - one.both) / max(one.truth, 1e-6),
                (one.guess - one.both) / max(one.guess, 1e-6),
            )
            page.write(f"| {one.key} | {one.row()['iou']:.3f} | {missed:.1%} | {false:.1%} |")
    except (OSError, ValueError, VanisherError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if not found:
        print(
            f"error: no panorama in {options.data} is labelled; pass the shards' folder (--data)",
            file=sys.stderr,
        )
        return 2
    keys = [one.key for one in found]
    for name, above, below in (
        ("IoU of furniture", "both", "either"),
        ("share of furniture that was found", "both", "truth"),
        ("share of what was found that is furniture", "both", "guess"),
    ):
        figure = ratio([getattr(one, above) for one in found], [getattr(one, below) for one in found], keys)
        page.write(f"{name}: {figure.text(3)}")
    page.rows([one.row() for one in found])
    page.close()
    if options.out is not None and options.plates:
        folder = options.out / "plates"
        folder.mkdir(parents=True, exist_ok=True)
        worst = sorted(found, key=lambda one: one.both / max(one.either, 1e-6))
        for one in worst[: options.plates]:
            Image.fromarray(one.plate).save(folder / f"labelled-{one.key}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
