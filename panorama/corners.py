"""Puts the corners of a room where the picture shows them.

The layout network answers on a grid of a degree, and behind furniture it guesses; the corner itself is mostly seen
above the furniture, as a step of colour that runs from the ceiling down. A corner that is wrong by two degrees paints a
strip of one wall with the other's colour, so each is moved to the nearest such step, and the walls' distances follow.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from panorama.layout import FIRST_WALL, Layout, Wall
from panorama.sphere import Frame
from panorama.views import reduced
from vanisher_core.vanish import eight_bit

COLUMNS = 1024
"""Of the sphere, at most, in which steps are looked for."""
REACH = math.radians(6)
"""How far a corner may lie from where the search has it."""
BESIDE = math.radians(1.4)
"""Width of the strips to both sides of a corner whose colours are compared."""
PARTS, UPPER = 10, 3
"""A wall is looked at in parts from its top down, and one of the upper ones must be seen: doors and windows end below
the ceiling, corners do not."""
STEP, CLEAR = 0.06, 0.3
"""Least step, as a difference of logarithms, that three of four parts must show; and where few parts are seen, all."""
MANY, FEW = 5, 1
"""Parts that are many, and that are needed at all."""
NEAR, STRONG = math.radians(1.5), 0.6
"""How near to where the search has the corner, and how large, a step must be of which no upper part is seen."""
FARTHER = 0.02
"""Step that is worth looking another degree farther away."""
INSET = math.radians(1.5)
"""Edges of the wall that are not looked at: cornices, skirting, and what the layout errs by."""
FIRM = 0.3
"""Weight of a corner that was seen against the distance of a whole wall that was."""
DARKEST = 0.02
QUARTER = math.pi / 2


def snapped(frame: Frame, picture: np.ndarray, hidden: np.ndarray, layout: Layout) -> Layout:
    """The layout with its corners moved to the steps of colour that are theirs.

    Args:
        frame: of the panorama, the whole sphere.
        picture: HxW or HxWxC samples.
        hidden: bool at any scale, what must not be looked at.
        layout: as it was found.
    """
    walls = layout.walls
    if len(walls) < 2:
        return layout
    steps = _Steps(frame, picture, hidden, layout)
    seen = [steps.nearest(wall.start) for wall in walls]
    distances = _distances(walls, seen, [steps.known_foot(index) for index in range(len(walls))])
    moved = [replace(wall, distance=own) for wall, own in zip(walls, distances, strict=True)]
    starts = [_start(moved[k - 1], moved[k], seen[k]) for k in range(len(moved))]
    turned = [replace(wall, start=start) for wall, start in zip(moved, starts, strict=True)]
    return replace(layout, walls=tuple(sorted(turned, key=lambda wall: wall.start)))


def meet(before: Wall, after: Wall) -> float | None:
    """Yaw at which two walls at right angles meet, None if they do not near the start of the second."""
    if round((after.facing - before.facing) / QUARTER) % 2 == 0:
        return None
    x, z = (
        after.distance * turn(after.facing) + before.distance * turn(before.facing)
        for turn in (math.sin, math.cos)
    )
    yaw = math.atan2(x, z)
    return yaw if abs(math.remainder(yaw - after.start, 2 * math.pi)) < REACH else None


def _start(before: Wall, after: Wall, seen: float | None) -> float:
    """Where the second wall begins: where it was seen to, or where it meets the first."""
    if seen is not None:
        return seen
    yaw = meet(before, after)
    return after.start if yaw is None else yaw


def _distances(walls: tuple[Wall, ...], seen: list[float | None], known: list[float]) -> list[float]:
    """Distances with which walls meet at the corners that were seen: least squares of their logarithms.

    For walls that meet at a yaw the ratio of distances is that of the cosines to their normals, so that the logarithms
    obey linear equations.
    """
    count = len(walls)
    rows, values = [], []
    for k, wall in enumerate(walls):
        before = walls[k - 1]
        rows.append(np.eye(count)[k] * max(known[k], 0.05))
        values.append(math.log(wall.distance) * max(known[k], 0.05))
        met = meet(before, wall)
        at = seen[k] if seen[k] is not None else met
        cosines = (
            None if at is None or met is None else (math.cos(at - wall.facing), math.cos(at - before.facing))
        )
        if cosines is not None and min(cosines) > 0:
            weight = FIRM if seen[k] is not None else 1.0
            rows.append((np.eye(count)[k] - np.eye(count)[k - 1]) * weight)
            values.append(math.log(cosines[0] / cosines[1]) * weight)
    return np.exp(np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)[0]).tolist()


def _median(values: np.ndarray) -> np.ndarray:
    """As `np.median(values, axis=0)`, which takes six times as long for so few."""
    ordered, half = np.sort(values, axis=0), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


class _Steps:
    """Steps of colour from each column of a small panorama to the next."""

    def __init__(self, frame: Frame, picture: np.ndarray, hidden: np.ndarray, layout: Layout) -> None:
        self.frame, small = reduced(frame, picture, COLUMNS)
        size = self.frame.width, self.frame.height
        self.layout = layout
        covered = cv2.resize(hidden.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
        known = cv2.dilate(covered.view(np.uint8), np.ones((3, 3), np.uint8)) == 0  # its outline is neither
        colours = np.log(eight_bit(small).astype(np.float32) / 255 + DARKEST)
        self.known = known
        self.side = max(round(BESIDE / self.frame.step), 1)
        self.steps, self.valid = self._steps(colours)
        yaw = self.frame.yaw(np.arange(size[0]))
        away = layout.away(yaw)
        self.foot, self.top = self._row(-np.arctan(1 / away)), self._row(np.arctan(layout.ceiling / away))

    def _row(self, pitch: np.ndarray) -> NDArray[np.float64]:
        return (0.5 - pitch / math.pi) * self.frame.full_height - 0.5

    def _steps(self, colours: np.ndarray) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """HxWx3 mean colour of the strip from each column on less that of the strip before it; HxW: both known."""
        side = self.side

        def strip(plane: np.ndarray) -> np.ndarray:
            wide = np.concatenate([plane, plane[:, :side]], axis=1).astype(np.float32)
            total = np.cumsum(
                np.concatenate([np.zeros_like(wide[:, :1]), wide], axis=1), axis=1, dtype=np.float64
            )
            return ((total[:, side:] - total[:, :-side])[:, : plane.shape[1]] / side).astype(np.float32)

        after, whole = strip(colours), strip(self.known) > 1 - 1e-6
        return after - np.roll(after, side, axis=1), whole & np.roll(whole, side, axis=1)

    def known_foot(self, wall: int) -> float:
        """Share of a wall's columns in which its foot is not hidden."""
        own = (
            self.layout.planes(self.frame.yaw(np.arange(self.frame.width)), np.zeros(1)) - FIRST_WALL == wall
        )
        columns = np.flatnonzero(own)
        rows = np.clip(np.rint(self.foot[columns]).astype(int), 0, self.frame.height - 1)
        return float(self.known[rows, columns].mean()) if len(columns) else 0.0

    def nearest(self, yaw: float) -> float | None:
        """Yaw of the step of colour that a corner near `yaw` must be; None if there is none."""
        middle = round((yaw / (2 * math.pi) + 0.5) * self.frame.width)
        reach, beside = int(REACH / self.frame.step), self.side + 1
        away = np.arange(-reach - beside, reach + beside + 1)
        both = np.array([self._strengths(int(middle + one) % self.frame.width) for one in away])
        # a gradient is as strong some way off; a step is not
        stands_out = both[beside:-beside] - (both[: -2 * beside] + both[2 * beside :]) / 2
        near = np.abs(away[beside:-beside]) * self.frame.step <= NEAR
        # not beside a step farther off
        near &= stands_out[:, 1] == maximum_filter1d(stands_out[:, 1], 2 * beside + 1)
        stands_out = np.where(near, stands_out.max(axis=1), stands_out[:, 0])
        degrees = np.degrees(np.abs(away[beside:-beside]) * self.frame.step)
        worth = np.where(stands_out >= STEP, stands_out - FARTHER * degrees, 0)
        if worth.max() <= 0:
            return None
        column = (middle + int(away[beside:-beside][worth.argmax()])) % self.frame.width
        return (column / self.frame.width - 0.5) * 2 * math.pi

    def _strengths(self, column: int) -> tuple[float, float]:
        """How large a step runs down the wall between a column and the one before; 0 if none does.

        Returns:
            By the rule for all columns, which asks for an upper part, and by that for columns `NEAR` the corner.
        """
        inset = INSET / self.frame.row_step
        ends = np.linspace(self.top[column] + inset, self.foot[column] - inset, PARTS + 1)
        found = []
        for part, (top, bottom) in enumerate(pairwise(ends)):
            rows = slice(max(round(top), 0), max(round(bottom), 0))
            valid = self.valid[rows, column]
            if valid.sum() >= max(2, 0.5 * len(valid)):
                found.append((part, _median(self.steps[rows, column][valid])))
        if len(found) < FEW:
            return 0.0, 0.0
        steps = np.stack([step for _, step in found])
        mean = steps.mean(axis=0)
        along = np.sort(steps @ (mean / max(float(np.linalg.norm(mean)), 1e-9)))
        strength = float(along[len(along) // 4])
        least = STEP if len(found) >= MANY else CLEAR
        upper = strength if strength >= least and found[0][0] < UPPER else 0.0
        return upper, max(upper, strength if strength >= STRONG else 0.0)
