"""Furniture found in panoramas: `python -m training.evaluate find`.

Rendered rooms that nothing was trained on, through the product's own `find_in_panorama`; truth is the renderer's
class mask of everything that an empty room has not (rugs, pictures and lamps too, the tripod apart: it is told by
angle). Texels count by their area on the sphere. Contact shadows, which the product adds to its masks, are left out
here. Called on the empty render of the same rooms, whatever is found is a false alarm.

`--again` empties every room by its true mask and looks again: the new-object rate, as a share of the erased area.
`--out DIR` keeps `find.md` and `find.csv`, `--plates N` the N worst rooms: truth green, found red, both yellow.
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
from panorama.baselines import on_sphere
from panorama.rooms import classes as rendered
from training.common import parse_config
from training.intervals import ratio
from training.pages import Bar, Page, all_met
from training.panorama_rooms import RoomCase, chosen
from training.plates import found_plate, save_plates
from vanisher_core import Vanisher
from vanisher_core.errors import VanisherError

IOU_BAR, AGAIN_BAR = 0.8, 0.05
NAME = "furniture"


@dataclass(frozen=True)
class Options:
    """Options of the finding figures."""

    cache: Path = Path("runs/rooms")
    rooms: int = 24
    seeds: tuple[int, ...] = ()
    """Other rooms of `cache`, such as rooms lived in that were held out of training; none: validation rooms."""
    width: int = 1024
    again: bool = False
    threads: int = 2
    device: str = "cpu"
    out: Path | None = None
    plates: int = 0


class Found(NamedTuple):
    """Areas of one room in texels of the equator."""

    seed: int
    both: float
    either: float
    truth: float
    alarm: float
    """Found in the empty room, of the whole sphere."""
    again: float
    erased: float
    guess: np.ndarray
    """HxW bool."""

    def row(self) -> dict[str, object]:
        """For the CSV file."""
        again = self.again / self.erased if self.erased else ""
        return {"seed": self.seed, "iou": self.both / max(self.either, 1), "truth": self.truth,
                "false_alarm": self.alarm, "again": again}  # fmt: skip


def truth_of(seed: int, options: Options) -> tuple[np.ndarray, np.ndarray]:
    """HxW bool: what is furniture in a room, and what is known of (all but the tripod)."""
    labels = np.asarray(Image.open(options.cache / f"{seed:05d}-classes.png"))
    known = labels != rendered.TRIPOD
    return known & (labels != rendered.ROOM), known


def look(case: RoomCase, options: Options) -> Found:
    """Finds furniture in one room, in the same room empty, and, if asked, after erasing it."""
    weight = np.cos(case.frame.pitch(np.arange(case.frame.height)))[:, None]
    truth, known = truth_of(case.seed, options)

    def find(picture: np.ndarray) -> np.ndarray:
        panorama = Panorama.from_array(picture)
        return find_in_panorama(panorama, (NAME,), device=options.device, shadows=False)[NAME].hole

    def area(marks: np.ndarray) -> float:
        return float((marks * weight).sum())

    guess = find(case.furnished) & known
    again = 0.0
    if options.again:
        emptied = on_sphere(Vanisher(options.device))(case.furnished, case.hole)
        again = area(find(emptied) & case.hole)
    alarm = area(find(case.empty)) / (weight.sum() * case.frame.width)
    erased = area(case.hole) if options.again else 0.0
    return Found(
        case.seed, area(guess & truth), area(guess | truth), area(truth), alarm, again, erased, guess
    )


def bars(found: Sequence[Found]) -> list[Bar]:
    """IoU, and the new-object rate where it was measured."""
    keys = [str(one.seed) for one in found]
    iou = ratio([one.both for one in found], [one.either for one in found], keys)
    made = [Bar(f"IoU of furniture on rendered rooms >= {IOU_BAR}", iou.text(3), iou.mean >= IOU_BAR)]
    if any(one.erased for one in found):
        rate = ratio([one.again for one in found], [one.erased for one in found], keys)
        what = f"furniture found again in at most {AGAIN_BAR:.0%} of the erased area"
        made.append(Bar(what, rate.text(3), rate.mean <= AGAIN_BAR))
    return made


def write_plates(folder: Path, found: Sequence[Found], cases: dict[int, RoomCase], options: Options) -> None:
    """The worst rooms: furnished, and truth and guess in colours over it."""
    worst = sorted(found, key=lambda one: one.both / max(one.either, 1))[: options.plates]
    truths = (truth_of(one.seed, options)[0] for one in worst)
    plates = (
        (str(one.seed), found_plate(cases[one.seed].furnished, truth, one.guess))
        for one, truth in zip(worst, truths, strict=True)
    )
    save_plates(folder, "find", plates)


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table; 0 when the bars are met, 1 when one is missed, 2 when nothing could be measured."""
    options = parse_config(Options, argv)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    page = Page(options.out, "find")
    page.write(
        f"{len(options.seeds) or options.rooms} rendered rooms {options.width} px wide, never trained on", ""
    )
    page.write("| room | IoU | false alarms in the empty room | found again |", "|---|---|---|---|")
    found, cases = [], {}
    try:
        for case in chosen(options.cache, options.rooms, options.width, options.seeds):
            found.append(look(case, options))
            cases[case.seed] = case
            row = found[-1].row()
            again = f"{row['again']:.3f}" if options.again else "-"
            page.write(f"| {case.seed} | {row['iou']:.3f} | {found[-1].alarm:.2%} | {again} |")
    except (ValueError, VanisherError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    judged = bars(found)
    page.write("", *(bar.line() for bar in judged))
    page.rows([one.row() for one in found])
    page.close()
    if options.out is not None and options.plates:
        write_plates(options.out, found, cases, options)
    return 0 if all_met(judged) else 1
