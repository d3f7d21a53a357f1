"""Skirting: the strip at the foot of a wall, drawn on through the holes.

A strip a few texels high is lost between the fills of wall and floor, and whoever looks at an emptied room looks there.
Along a wall it is the same everywhere, seen at the same height above the floor, so what is known of it is measured once
(its colours relative to the wall above it, the median over the known columns) and drawn wherever it was erased. Walls
whose foot is hidden get that of another one, its colours relative to the floor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from panorama.layout import FIRST_WALL, Layout
from panorama.objects import EVEN, Part, covered
from panorama.sphere import Frame, Region

LOW, HIGH, BINS = -0.08, 0.18, 52
"""Heights above the floor that are looked at, in camera heights, and their number."""
FOOT = round(-LOW / (HIGH - LOW) * BINS)
"""The first bin above the layout's floor."""
APART = 4
"""Bins between that and a skirting, from which on the layout's floor is too low."""
EDGE = 6
"""Bins at the upper end that show the wall, and at the lower end that show the floor."""
DIFFERENT, CLEARLY = 0.06, 2.5
"""Least difference (of logarithms) of a skirting from wall and floor; likewise in its own usual deviations."""
PAINT = 0.3
"""Difference (of logarithms) up to which two walls have one paint, in uneven light."""
OTHER = 0.25
"""Least difference from the wall of what passes for skirting where no foot was measured; on other walls it would stand
out."""
LOWEST, HIGHEST, STRAIGHT = 6, 36, 24
"""Bins that a skirting may be high; and above the floor where that was measured (`panorama.feet`): what is higher there
is something else."""
SEEN, LEAST = 0.08, 8
"""Columns that must show the foot of a wall: as a share of the wall's, and at least so many."""
MOSTLY = 0.5
"""Share of a wall's columns that must show its foot to tell that it has no skirting."""
COLUMNS = 1024
"""Of the sphere, at most, in which a foot is measured."""
FADE = 4
"""Bins of a skirting's upper edge whose colours are a blend."""
ROWS = 64
"""Of the picture that are drawn at a time."""
DARKEST = 1e-3


@dataclass(frozen=True, eq=False)
class Skirting:
    """What stands at the foot of a wall.

    Attributes:
        share: BINS float32 in 0..1, how much of each height it covers.
        colour: BINSxC float32, logarithm of its colour over that of the wall above.
        own: the same over that of the floor, for another wall whose foot is not seen.
        seen: columns in which it was measured.
    """

    share: NDArray[np.float32]
    colour: NDArray[np.float32]
    own: NDArray[np.float32]
    seen: int


def heights() -> NDArray[np.float64]:
    """Above the floor, of the middle of each bin, in camera heights."""
    return LOW + (np.arange(BINS) + 0.5) * (HIGH - LOW) / BINS


def draw_on(frame: Frame, work: np.ndarray, parts: list[Part], layout: Layout) -> None:
    """Draws every skirting through the holes that cross it, in place.

    Args:
        frame: of the picture, the whole sphere.
        work: HxW or HxWxC samples, the holes filled.
        parts: what was erased.
        layout: of the room.
    """
    open_ = covered(frame, parts) > 0
    step = max(frame.width // COLUMNS, 1)
    columns = np.arange(step // 2, frame.width, step)
    wall = layout.planes(frame.yaw(columns), np.zeros(1)) - FIRST_WALL
    rows = _rows(frame, layout, frame.yaw(columns))
    feet, known = _logarithms(work[rows, columns], work), ~open_[rows, columns]
    sure = _sure(layout, frame.yaw(columns))
    told = {}
    for number in np.unique(wall).tolist():
        own = wall == number
        told[number] = measured(feet[:, own], known[:, own] & sure[own], straight=True)
    if not any(told.values()):
        told = {number: measured(feet[:, wall == number], known[:, wall == number]) for number in told}
    seen = {number: skirting for number, skirting in told.items() if skirting is not None}
    if not any(skirting.share.any() for skirting in seen.values()):
        return
    wall_above, floor = (
        cv2.blur(side.mean(axis=0), (1, 5), borderType=cv2.BORDER_REPLICATE).reshape(len(columns), -1)
        for side in (feet[-EDGE:], feet[:EDGE])
    )
    # the other walls are as the one that most is seen of, which may well have none; where they have another paint than
    # that, its skirting is told by the floor, which is everywhere the same
    first = max(seen, key=lambda number: seen[number].seen)
    best = seen[first]
    paint = {number: np.median(wall_above[wall == number], axis=0) for number in told}
    alike = {number for number in told if np.abs(paint[number] - paint[first]).max() < PAINT}
    beside = np.where(np.isin(wall, [*seen, *alike])[:, None], wall_above, floor)
    every = {
        number: skirting or (best if number in alike else replace(best, colour=best.own))
        for number, skirting in told.items()
    }
    found = {number: skirting for number, skirting in every.items() if skirting.share.any()}
    for part in parts:
        _draw(frame, work, part, layout, found, beside)


def measured(feet: np.ndarray, known: np.ndarray, straight: bool = False) -> Skirting | None:
    """The skirting of one wall.

    Args:
        feet: BINSxNxC float32, logarithms of colours by height and column.
        known: BINSxN bool.
        straight: the layout's floor is where the picture's is in all of these columns: what is no wall above it is
            skirting, however much it resembles the floor.

    Returns:
        Its share is 0 everywhere where the wall has none; None where too little is seen to tell.
    """
    whole = known.mean(axis=0) > 0.95
    if whole.sum() < max(LEAST, SEEN * len(whole)):
        return None
    feet = feet[:, whole]
    wall, floor = feet[-EDGE:].mean(axis=0), feet[:EDGE].mean(axis=0)
    apart = []
    for beside in (wall, floor):
        away = feet - beside
        middle = np.median(away, axis=1)
        spread = np.median(np.abs(away - middle[:, None]), axis=1).max(axis=1)
        apart.append(np.abs(middle).max(axis=1) > np.maximum(DIFFERENT, CLEARLY * spread))
    share = _longest(apart[0] & (np.arange(BINS) >= FOOT if straight else apart[1]))
    if straight and share.sum() > STRAIGHT:
        return None
    if not LOWEST <= share.sum() <= HIGHEST:
        if whole.mean() < MOSTLY:
            return None  # perhaps only its doors are seen
        share[:] = False
    if int(np.argmax(share)) - FOOT >= APART:
        # the layout puts the foot too low: what shows below the skirting is floor, and no wall is to be seen there
        share[FOOT : int(np.argmax(share))] = True
    colour, own = (np.median(feet - beside, axis=1).astype(np.float32) for beside in (wall, floor))
    if share.any() and not straight and np.abs(colour[share]).max(axis=1).mean() < OTHER:
        return None  # as likely the wall itself, in the shade of something
    share = share.astype(np.float32)
    if share.sum() > 2 * FADE:  # its upper edge is a blend with this wall, and tinted by lenses
        top = BINS - int(np.argmax(share[::-1]))
        share[top - FADE : top] = np.linspace(1, 0, FADE + 2)[1:-1]
        colour[top - FADE : top], own[top - FADE : top] = colour[top - FADE - 1], own[top - FADE - 1]
    return Skirting(share, colour, own, int(whole.sum()))


def _longest(marks: np.ndarray) -> NDArray[np.bool_]:
    """The longest run of marks that touches neither end."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marks.astype(np.int8), [0]])))
    runs = [(int(b - a), int(a), int(b)) for a, b in edges.reshape(-1, 2) if a > 0 and b < len(marks)]
    out = np.zeros(len(marks), bool)
    if runs:
        _, first, last = max(runs)
        out[first:last] = True
    return out


def _sure(layout: Layout, yaw: np.ndarray) -> NDArray[np.bool_]:
    """In which directions (N) a plain wall's foot was seen."""
    if layout.feet is None:
        return np.zeros(len(yaw), bool)
    seen = layout.feet.seen
    return seen[np.floor((yaw / (2 * np.pi) + 0.5) * len(seen)).astype(int) % len(seen)]


def _rows(frame: Frame, layout: Layout, yaw: np.ndarray) -> NDArray[np.int64]:
    """BINSxN: rows of the picture that show each height."""
    pitch = np.arctan2(heights()[:, None] + layout.foot(yaw), layout.away(yaw))
    rows = (0.5 - pitch / np.pi) * frame.full_height - frame.top
    return np.clip(rows.astype(int), 0, frame.height - 1)


def _logarithms(samples: np.ndarray, work: np.ndarray) -> NDArray[np.float32]:
    """BINSxNxC: of the colours of samples of the picture."""
    samples = samples.reshape(*samples.shape[:2], -1)
    colours = samples[..., : colours_of(work)].astype(np.float32)
    return np.log(np.maximum(colours / full_scale(work), DARKEST))


def colours_of(work: np.ndarray) -> int:
    """How many channels of a picture are colour; alpha is none."""
    return 1 if work.ndim == 2 else work.shape[2] - (work.shape[2] in (2, 4))


def full_scale(work: np.ndarray) -> float:
    """The sample that is white: of a picture's integers the largest, of floats 1."""
    return 1.0 if work.dtype == np.float32 else float(np.iinfo(work.dtype).max)


class _Columns(NamedTuple):
    """Of a hole, all N long."""

    wall: np.ndarray
    """Which wall each shows."""
    away: np.ndarray
    """How far it is."""
    foot: np.ndarray
    """Height of its foot."""
    beside: np.ndarray
    """NxC, what its skirting's colours are relative to."""


def _draw(
    frame: Frame, work: np.ndarray, part: Part, layout: Layout, found: dict[int, Skirting], beside: np.ndarray
) -> None:
    """Draws the skirtings through one hole; `beside` (MxC) is what their colours are relative to, all round."""
    at = np.arange(part.region.left, part.region.right)
    yaw = frame.yaw(at)
    near = np.minimum(at % frame.width * len(beside) // frame.width, len(beside) - 1)
    columns = _Columns(
        layout.planes(yaw, np.zeros(1)) - FIRST_WALL, layout.away(yaw), layout.foot(yaw), beside[near]
    )
    ends = np.arctan2(np.array([LOW, HIGH])[:, None] + columns.foot, columns.away)
    rows = (0.5 - ends / np.pi) * frame.full_height - frame.top
    top, bottom = max(part.region.top, int(rows[1].min())), min(part.region.bottom, int(rows[0].max()) + 1)
    for first in range(top, bottom, ROWS):
        region = part.region._replace(top=first, bottom=min(first + ROWS, bottom))
        _draw_rows(frame, work, part, region, found, columns)


def _draw_rows(
    frame: Frame, work: np.ndarray, part: Part, region: Region, found: dict[int, Skirting], columns: _Columns
) -> None:
    """Draws on some rows of a hole."""
    alpha = part.alpha[region.top - part.region.top : region.bottom - part.region.top]
    if not alpha.any():
        return
    rise = np.tan(frame.pitch(np.arange(region.top, region.bottom)))[:, None] * columns.away - columns.foot
    at = (rise - LOW) / (HIGH - LOW) * BINS - 0.5
    source = frame.cut(work, region)
    colours = source.reshape(*source.shape[:2], -1).astype(np.float32)
    count, limit = colours_of(work), full_scale(work)
    for number, skirting in found.items():
        own = (columns.wall == number) & (at > 0) & (at < BINS - 1)
        weight = np.where(own, np.interp(at, np.arange(BINS), skirting.share), 0) * alpha / EVEN
        if not weight.any():
            continue
        tint = np.stack(
            [np.interp(at, np.arange(BINS), skirting.colour[:, c]) for c in range(count)], axis=-1
        )
        drawn = np.exp(tint + columns.beside) * limit
        colours[..., :count] += weight[..., None].astype(np.float32) * (drawn - colours[..., :count])
    if work.dtype != np.float32:
        colours = np.rint(np.clip(colours, 0, limit))
    changed = colours.astype(work.dtype).reshape(source.shape)
    hole = (alpha > 0).reshape(*alpha.shape, *[1] * (source.ndim - 2))
    frame.put(work, region, np.where(hole, changed, source))
