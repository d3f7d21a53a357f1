"""Puts the feet of walls where the picture shows them.

A layout's walls are planes at right angles and its camera stands level; a photographed room is neither exactly, so that
the line along which it has the floor begin runs some degrees beside the one that is seen, and whoever empties the room
sees a kink where the two meet. Where a plain wall's foot is in sight, the line is measured: from the wall's own colour
downwards to where it ends and then over the skirting, if there is one. Elsewhere it is what fits these best with walls
that stay straight (`panorama/footprint.py`).
"""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from panorama.footprint import straight
from panorama.layout import FIRST_WALL, Feet, Layout
from panorama.sphere import Frame
from panorama.views import reduced
from vanisher_core.vanish import eight_bit

COLUMNS, LEAST_COLUMNS = 1024, 512
"""Of the sphere, at most, in which feet are looked for, and with which they can be told."""
LOW, HIGH, BINS = -0.1, 0.22, 64
"""Heights above the layout's floor that are looked at, in camera heights, and their number."""
STEP = (HIGH - LOW) / BINS
EDGE = 6
"""Bins at the upper end that show the wall, and at the lower end that show the floor."""
DIFFERENT, NOISE, SHADE = 0.08, 3.0, 0.15
"""A wall ends where it differs (in logarithms) so much, by so many of its own deviations, and by this part of what it
differs from the floor: walls get darker towards it."""
CONTRAST = 0.25
"""Least difference between wall and floor."""
RUN, LONG = math.radians(3), math.radians(12)
"""Of the circle, on end, that must show a foot; and to tell what stands there."""
GAP, STRAIGHT, JUMP = 2, 1.5, 8
"""Columns missing in a run, bins by which it may miss a straight line, and those between neighbours that part runs: a
wall's end and the plinth of a closet."""
SLOPE, MOSTLY, ROUNDS = 0.25, 0.75, 4
"""Bins a column that such a line may rise, and share of a run that must lie on it: curtains end in waves. How often
what lies off it is left out."""
HIGHEST, EVEN, CLEAR = 24, 0.05, 0.06
"""Bins that a skirting may be high; a step of brightness (of logarithms) so small that the wall's end is left behind,
and the least one from skirting to floor."""
LIKE, FLOOR = 0.15, 0.2
"""Mean difference of brightness up to which a short stretch shows the skirting that a long one does; largest difference
of any colour up to which it is floor that a wall ends at."""
DARKEST = 1e-3
BRIGHTNESS = np.array([0.3, 0.6, 0.1], np.float32)
"""Of red, green and blue; lenses tint the wall's end blue."""
FARTHEST = 0.1
"""Camera heights by which a foot may be off."""


def standing(frame: Frame, picture: np.ndarray, hidden: np.ndarray, layout: Layout) -> Layout:
    """The layout with the feet of its walls where they are seen.

    Args:
        frame: of the panorama, the whole sphere.
        picture: HxW or HxWxC samples.
        hidden: bool at any scale, what must not be looked at.
        layout: as it was found.
    """
    small, less = reduced(frame, picture, COLUMNS)
    if small.width < LEAST_COLUMNS:
        return layout
    # from the beginning of a wall on, so that no run of columns is cut by the seam
    first = math.floor((layout.walls[0].start / (2 * math.pi) + 0.5) * small.width) + 1
    columns = (np.arange(small.width) + first) % small.width
    yaw = small.yaw(columns)
    heights = LOW + (np.arange(BINS) + 0.5) * STEP
    pitch = np.arctan2(heights[:, None] - 1, layout.away(yaw))
    rows = np.clip(((0.5 - pitch / math.pi) * small.full_height).astype(int), 0, small.height - 1)
    strip = np.log(np.maximum(eight_bit(less)[rows, columns].astype(np.float32) / 255, DARKEST))
    ends = np.where(_covered(hidden, small)[rows, columns].any(axis=0), np.nan, ends_of(strip))
    wall = layout.planes(yaw, np.zeros(1)) - FIRST_WALL
    feet = np.empty(small.width)
    feet[columns] = _feet(strip, _runs(ends, wall, RUN / small.step), ends, LONG / small.step)
    seen = np.abs(feet) <= FARTHEST
    if not seen.any():
        return layout
    level = straight(layout, small.yaw(np.arange(small.width)), np.where(seen, feet, np.nan))
    return replace(layout, feet=Feet(level - 1, seen))


def _covered(hidden: np.ndarray, frame: Frame) -> NDArray[np.bool_]:
    """What is hidden, and its outline, at the size of a frame."""
    covered = cv2.resize(hidden.astype(np.float32), (frame.width, frame.height), interpolation=cv2.INTER_AREA)
    wide = np.pad((covered > 0).view(np.uint8), ((0, 0), (2, 2)), mode="wrap")
    return cv2.dilate(wide, np.ones((3, 5), np.uint8))[:, 2:-2] > 0


def _feet(
    strip: np.ndarray, runs: list[NDArray[np.intp]], ends: np.ndarray, long: float
) -> NDArray[np.float64]:
    """Height of the floor's edge in each column over the layout's, NaN where it is not seen.

    Args:
        strip: BINSxNxC float32, logarithms of colours by height and column.
        runs: columns that show where the wall ends.
        ends: N, the bin where it does.
        long: columns of a run that tells by itself what stands at the wall's foot; shorter ones show the same, or are
            left out.
    """
    feet = np.full(strip.shape[1], np.nan)
    lines = [_straight(run, ends[run]) for run in runs]
    profiles = [_profile(strip[:, own], line) for own, line in lines]
    told_by = {k: _skirting(profiles[k]) for k, (own, _) in enumerate(lines) if len(own) >= long}
    high = {k: bins for k, bins in told_by.items() if bins is not None}
    told = max((k for k in high if high[k]), key=lambda k: len(lines[k][0]), default=None)
    for k, (own, line) in enumerate(lines):
        if k not in told_by and told is not None and _alike(profiles[k], profiles[told], high[told]):
            high[k] = high[told]
        if k in high:
            feet[own] = (line - high[k]) * STEP + LOW
    return feet


def ends_of(strip: np.ndarray) -> NDArray[np.float64]:
    """The bin, from its lower edge, where the wall ends in each column (N); NaN where none can be told from the floor.

    Args:
        strip: BINSxNxC float32, logarithms of colours by height and column.
    """
    wall, floor = np.median(strip[-EDGE:], axis=0), np.median(strip[:EDGE], axis=0)
    away = np.abs(strip - wall).max(axis=2)
    contrast = np.abs(wall - floor).max(axis=1)
    limit = np.maximum(np.maximum(DIFFERENT, NOISE * away[-EDGE:].mean(axis=0)), SHADE * contrast)
    differs = away > limit
    ended = differs.copy()
    ended[1:] &= differs[:-1]  # in two bins, one below the other
    end = BINS - np.argmax(ended[::-1], axis=0).astype(float)
    below = np.arange(BINS)[:, None] < end - 1
    once = (~differs & below).sum(axis=0) <= 1  # below a radiator there is wall again
    clear = ended.any(axis=0) & once & (contrast > CONTRAST) & (end > EDGE) & (end < BINS - EDGE)
    return np.where(clear, end, np.nan)


def _runs(ends: np.ndarray, wall: np.ndarray, least: float) -> list[NDArray[np.intp]]:
    """Columns of one wall, on end but for small gaps, that show where it ends, without a jump."""
    at = np.flatnonzero(np.isfinite(ends))
    cuts = np.flatnonzero((np.diff(at) > GAP + 1) | (np.diff(wall[at]) != 0)) + 1
    found = []
    for run in np.split(at, cuts):
        jumps = np.abs(np.diff(median_filter(ends[run], 5, mode="nearest"))) > JUMP if len(run) else []
        found += np.split(run, np.flatnonzero(jumps) + 1)
    return [run for run in found if len(run) >= least]


def _straight(run: np.ndarray, ends: np.ndarray) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The straight line (in bins) that most ends of a run lie on, and the columns in which they do; none: no such."""
    even = median_filter(ends, 5, mode="nearest")
    near, line = np.ones(len(run), bool), even
    for _ in range(ROUNDS):
        if near.sum() < 2:
            break
        line = np.polyval(np.polyfit(run[near], even[near], 1), run)
        away = np.abs(even - line)
        near = away <= max(STRAIGHT, float(np.median(away)))
    near = np.abs(even - line) <= STRAIGHT
    if near.mean() < MOSTLY or abs(line[-1] - line[0]) > SLOPE * (run[-1] - run[0]):
        near[:] = False
    return run[near], line[near]


def _profile(strip: np.ndarray, line: np.ndarray) -> NDArray[np.float32]:
    """Colours (logarithms, over those of the floor) by bins below the end of a wall, the median of a run.

    Args:
        strip: BINSxNxC, the columns of the run.
        line: N, where the wall ends.
    """
    if not len(line):
        return np.zeros((HIGHEST + 1, strip.shape[2]), np.float32)
    below = np.rint(line).astype(int) - 1 - np.arange(HIGHEST + 1)[:, None]
    colours = strip[np.maximum(below, 0), np.arange(strip.shape[1])] - strip[:EDGE].mean(axis=0)
    inside = (below >= 0).mean(axis=1) >= 0.5
    return np.where(inside[:, None], np.median(colours, axis=1), 0).astype(np.float32)


def _skirting(profile: np.ndarray) -> int | None:
    """How many bins below the end of a wall the floor begins; 0: at once; None: it cannot be told."""
    brightness = profile @ BRIGHTNESS
    # steps[k] lies between the bins k + 1 and k + 2 below the end
    steps = np.abs((brightness[2:-1] + brightness[3:]) - (brightness[:-3] + brightness[1:-2])) / 2
    even = np.flatnonzero(steps < EVEN)
    if not len(even):
        return None
    lower = int(np.argmax(steps[even[0] :])) + int(even[0])
    if steps[lower] >= CLEAR:
        return lower + 2
    return 0 if np.abs(profile[even[0] + 1 : even[0] + 1 + EDGE]).max() < FLOOR else None


def _alike(one: np.ndarray, other: np.ndarray, high: int) -> bool:
    """Whether two profiles show the same skirting; its upper edge is blurred."""
    return bool(np.abs((one - other) @ BRIGHTNESS)[high // 3 : high].mean() < LIKE)
