"""The panorama bars: quality beside simpler ways, the seam, exactness and the roll test.

Seam energy: over the rows in which the hole holds both columns at +-180 degrees and their neighbours, and which lie
within 60 degrees of the horizon (nearer to a pole all columns are alike), the mean |difference| between the first
and the last column, over the mean of the same between neighbours a few columns on either side. 1 is no seam.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from training.intervals import ratio
from training.pages import Bar
from training.panorama_rooms import Picture, RoomCase
from training.peers import Fill
from training.report import Table, column, difference

OURS = "Vanisher on the sphere"
RELIT = f"{OURS}, relit"
"""With `relight`: what an emptied room gets; it lifts shadows round the hole too."""
LPIPS_RATIO = 0.7
ROLL_CODES = 1.0
"""Mean difference inside the mask that rolling may make, in codes of 8 bits."""
NEIGHBOURS = 6
"""Column pairs on either side that a seam is compared with."""
STEEPEST = math.radians(60)
SHARES = (0.137, 0.5, 0.81)
"""Of the width, by which a room is rolled."""


class Seam(NamedTuple):
    """One fill's seam: mean steps across and beside it (codes), over so many rows of the hole."""

    method: str
    seed: int
    across: float
    beside: float
    rows: int


class Rolled(NamedTuple):
    """A roll by so many columns: mean difference inside the hole (codes), samples that differ outside."""

    columns: int
    inside: float
    outside: int


def seam(method: str, case: RoomCase, filled: Picture) -> Seam:
    """Measures the seam of one fill; 0 rows where the hole does not reach it."""
    near = np.roll(case.hole, NEIGHBOURS + 1, axis=1)[:, : 2 * NEIGHBOURS + 2]
    level = np.abs(case.frame.pitch(np.arange(case.frame.height))) < STEEPEST
    rows = near.all(axis=1) & level
    if not rows.any():
        return Seam(method, case.seed, 0.0, 0.0, 0)
    band = np.roll(filled, NEIGHBOURS + 1, axis=1)[rows, : 2 * NEIGHBOURS + 2].astype(np.float64)
    steps = np.abs(np.diff(band, axis=1)).mean(axis=(0, 2))
    return Seam(
        method,
        case.seed,
        float(steps[NEIGHBOURS]),
        float(np.delete(steps, NEIGHBOURS).mean()),
        int(rows.sum()),
    )


def seam_lines(seams: Sequence[Seam]) -> list[str]:
    """Markdown lines: seam energy of each method over the rooms whose hole reaches the seam."""
    lines = ["| method | rooms | step across, codes | beside | seam energy |", "|---|---|---|---|---|"]
    for name in dict.fromkeys(found.method for found in seams):
        used = _reaching(seams, name)
        if used:
            across, beside = (_pooled(used, field) for field in ("across", "beside"))
            cells = [name, str(len(used)), f"{across:.2f}", f"{beside:.2f}", f"{across / beside:.2f}"]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def rolled(fill: Fill, case: RoomCase) -> list[Rolled]:
    """Rolls a room, erases, rolls back, and compares with erasing alone."""
    straight = fill(case.furnished, case.hole)
    found = []
    for part in SHARES:
        columns = round(part * case.hole.shape[1])
        other = fill(np.roll(case.furnished, columns, axis=1), np.roll(case.hole, columns, axis=1))
        apart = np.abs(np.roll(other, -columns, axis=1).astype(int) - straight)
        outside = int(np.count_nonzero(apart[~case.hole]))
        found.append(Rolled(columns, float(apart[case.hole].mean()), outside))
    return found


def roll_bars(found: Sequence[Rolled]) -> list[Bar]:
    """The bars of the roll test."""
    inside, outside = max(one.inside for one in found), max(one.outside for one in found)
    return [
        Bar("roll then erase = erase then roll within 1/255 inside", f"{inside:.4f} codes", inside <= ROLL_CODES),
        Bar("and exactly outside", f"{outside} samples differ", outside == 0),
    ]  # fmt: skip


def bars(
    table: Table, rivals: Sequence[str], simpler: Sequence[str], seams: Sequence[Seam], outside: int
) -> list[Bar]:
    """The bars of the rooms.

    Args:
        table: rows by method, against the empty render. The rivals' bar is RELIT's, where there is one; for OURS,
            which may touch nothing outside the hole, the ratio is then told and not judged.
        rivals: methods (a); the best by LPIPS counts.
        simpler: methods (b) and (c).
        seams: of all methods.
        outside: samples outside the hole that the product changed.
    """
    exact = Bar("exact outside the hole", f"{outside} samples differ", outside == 0)
    if not table.get(OURS):
        return [Bar("quality on rooms", "every room was refused", False)]
    present = [name for name in rivals if name in table]
    found = [Bar("LPIPS beside (a)", "none installed", None)]
    if present and RELIT in table:
        untouched = _against_best(table, present, OURS)
        found = [_against_best(table, present, RELIT), untouched._replace(met=None)]
    elif present:
        found = [_against_best(table, present, OURS)]
    found += [_better(table, name) for name in simpler if name in table]
    return [*found, _seam_bar(seams), exact]


def _against_best(table: Table, rivals: Sequence[str], method: str) -> Bar:
    best = min(rivals, key=lambda name: float(np.mean(column(table[name], "lpips"))))
    ours, theirs = table[method], table[best]
    part = ratio(column(ours, "lpips"), column(theirs, "lpips"), [row.key for row in ours])
    psnr = difference(ours, theirs, "psnr")
    measured = f"{part.text(2)} x {best}; PSNR {psnr.text(2, True)} dB"
    return Bar(
        f"{method}: LPIPS <= {LPIPS_RATIO} x the best of (a)", measured, _verdict(part.mean, LPIPS_RATIO)
    )


def _better(table: Table, name: str) -> Bar:
    lpips, psnr = (difference(table[OURS], table[name], figure) for figure in ("lpips", "psnr"))
    measured = f"LPIPS {lpips.text(4, True)}, PSNR {psnr.text(2, True)} dB"
    return Bar(f"LPIPS better than {name}", measured, _verdict(lpips.mean, 0.0))


def _seam_bar(seams: Sequence[Seam]) -> Bar:
    """Met unless the whole interval lies above 1: a seamless fill is as often just above as just below."""
    what, used = "seam energy at +-180 not above its neighbours (beyond chance)", _reaching(seams, OURS)
    if not used:
        return Bar(what, "no hole reaches the seam", None)
    above, below = ([getattr(one, field) * one.rows for one in used] for field in ("across", "beside"))
    energy = ratio(above, below, [str(one.seed) for one in used])
    return Bar(what, f"{energy.text(2)}, {len(used)} rooms", bool(energy.low <= 1))


def _reaching(seams: Sequence[Seam], method: str) -> list[Seam]:
    return [one for one in seams if one.method == method and one.rows]


def _pooled(seams: Sequence[Seam], field: str) -> float:
    return sum(getattr(one, field) * one.rows for one in seams) / sum(one.rows for one in seams)


def _verdict(figure: float, limit: float) -> bool | None:
    """None when it was not measured (LPIPS without weights)."""
    return None if np.isnan(figure) else bool(figure <= limit)
