"""Plates of the cases where the default fill is worst: truth, hole and every method's fill, with names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from training.methods import BASELINE, PRODUCT, title
from training.report import Table, by_method

if TYPE_CHECKING:
    from training.evaluate_inpaint import Case, Outcome, Row

MARGIN = 40
"""Pixels of the photograph shown round the hole."""

CAPTION = 14
"""Height of the line of names, in pixels."""

MAGENTA = np.array([255, 0, 255], np.uint8)


def worst(rows: Sequence[Row], table: Table) -> list[Row]:
    """Rows of one method, the worst first: by LPIPS over PyPatchMatch's, else LPIPS, else PSNR."""
    reference = {row.case: row.measures.lpips for row in table.get(BASELINE, [])}

    def badness(row: Row) -> float:
        if np.isnan(row.measures.lpips):
            return -row.measures.psnr
        return row.measures.lpips - reference.get(row.case, 0.0)

    return sorted(rows, key=badness, reverse=True)


def window(hole: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The hole's box with MARGIN round it, cut at the picture's edge."""
    rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
    across = slice(max(0, int(columns[0]) - MARGIN), int(columns[-1]) + MARGIN)
    return slice(max(0, int(rows[0]) - MARGIN), int(rows[-1]) + MARGIN), across


def side_by_side(pictures: Sequence[NDArray[np.uint8]], names: Sequence[str]) -> NDArray[np.uint8]:
    """Pictures of one size in a row under their names."""
    width = pictures[0].shape[1]
    strip = Image.new("RGB", (width * len(pictures), CAPTION))
    for index, name in enumerate(names):
        ImageDraw.Draw(strip).text((index * width + 2, 1), name[: max(1, width // 6)], fill="white")
    return np.vstack([np.asarray(strip), np.hstack(list(pictures))])


def write_worst(folder: Path, size: str, cases: Sequence[Case], outcome: Outcome, count: int) -> list[Path]:
    """Writes the `count` worst cases of the default fill (or of the first method), worst first.

    The file name tells size, rank, case and kind of hole.
    """
    table = by_method(outcome.rows)
    judged = next((name for name in PRODUCT if name in table), next(iter(table), None))
    if judged is None or count < 1:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for rank, row in enumerate(worst(table[judged], table)[:count]):
        truth, hole = cases[row.case].sample.rgb, cases[row.case].hole.hole
        marked = np.where(hole[..., None], MAGENTA, truth)
        shown = [truth, marked, *(outcome.fills[name, row.case] for name in table)]
        view = window(hole)
        plate = side_by_side([picture[view] for picture in shown], ["truth", "hole", *map(title, table)])
        path = folder / f"{size}-{rank:02d}-case{row.case:03d}-{row.kind}.png"
        Image.fromarray(plate).save(path)
        written.append(path)
    return written
