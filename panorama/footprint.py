"""The outline of a room's floor: straight from corner to corner, through the feet of walls that were seen.

A wall's foot that is seen in part tells where the rest of it stands, for it is straight; and where that ends in a
corner the next wall begins. So the corners are put where they fit all feet that were seen best (least squares, held a
little to where the layout has them), and each wall's foot runs straight between two of them.

On one wall the height of a straight foot above the layout's is the mean of those at its two corners, weighted by the
distance along the wall. So all of it is linear.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from panorama.layout import Layout

MEET = 0.12
"""Relative difference of distance up to which two walls meet in a corner (one that was moved to where it is seen parts
them a little); else one ends in front of the other."""
HELD, MOVED = 0.3, 0.2
"""Weight of a corner's place in the layout, in columns that show a foot; by how much, in camera heights, its foot may
stand higher or lower."""
WIDE = math.radians(110)
"""A wall that spans more may bend straight ahead: beside the camera little says where its far ends are."""
GRAZING = math.radians(88)
"""Largest angle between a direction and a wall's normal that counts."""
FADES = math.radians(6)
"""How far from the feet that were seen what differs from a straight line there still does."""


class _Stretch(NamedTuple):
    """A straight stretch of a foot, radians."""

    begin: float
    end: float
    facing: float
    distance: float

    def along(self, yaw: np.ndarray | float) -> NDArray[np.float64]:
        """Place along the wall, in distances of it."""
        angle = np.mod(np.asarray(yaw) - self.facing + math.pi, 2 * math.pi) - math.pi
        return np.tan(np.clip(angle, -GRAZING, GRAZING))

    def away(self, yaw: float) -> float:
        return self.distance * math.hypot(1, float(self.along(yaw)))


def straight(layout: Layout, yaw: np.ndarray, seen: np.ndarray) -> NDArray[np.float64]:
    """How high feet stand above the layout's floor, all round.

    Args:
        layout: with its walls.
        yaw: N, radians of evenly spread columns in their order round the circle.
        seen: N, the height of the foot in each, in camera heights; NaN where it was not seen, but not everywhere.

    Returns:
        N float64; what was given where it was seen.
    """
    at = np.flatnonzero(np.isfinite(seen))
    weights = _weights(_stretches(layout), yaw)
    own = weights[at]
    corners = np.linalg.solve(own.T @ own + HELD * np.eye(weights.shape[1]), own.T @ seen[at])
    line = weights @ np.clip(corners, -MOVED, MOVED)
    every = np.arange(len(yaw))
    beside = np.interp(every, at, (seen - line)[at], period=len(yaw))
    away = np.abs(every[:, None] - at)
    nearest = np.minimum(away, len(yaw) - away).min(axis=1) * (2 * math.pi / len(yaw))
    return line + beside * np.exp(-nearest / FADES)


def _stretches(layout: Layout) -> list[_Stretch]:
    """The feet of the walls, in their order."""
    found = []
    for index, wall in enumerate(layout.walls):
        end = layout.walls[(index + 1) % len(layout.walls)].start
        end += 2 * math.pi * (end < wall.start or len(layout.walls) == 1)
        if end == wall.start:
            continue  # it is nowhere seen
        ahead = wall.start + (wall.facing - wall.start) % (2 * math.pi)
        bends = end - wall.start > WIDE and ahead < end
        for begin, until in ((wall.start, ahead), (ahead, end)) if bends else ((wall.start, end),):
            found.append(_Stretch(begin, until, wall.facing, wall.distance))
    return found


def _weights(stretches: list[_Stretch], yaw: np.ndarray) -> NDArray[np.float64]:
    """NxK: how much each corner says in each column; the k-th is where the k-th stretch begins, the rest free ends."""
    begins = np.array([one.begin for one in stretches])
    turned = begins[0] + np.mod(yaw - begins[0], 2 * math.pi)
    which = np.searchsorted(begins, turned, side="right") - 1
    out = np.zeros((len(yaw), 2 * len(stretches)))
    for index, one in enumerate(stretches):
        after = (index + 1) % len(stretches)
        meet = abs(one.away(one.end) / stretches[after].away(stretches[after].begin) - 1) < MEET
        own = np.flatnonzero(which == index)
        begin, end = one.along(one.begin), one.along(one.end)
        share = np.clip((one.along(yaw[own]) - begin) / np.maximum(end - begin, 1e-9), 0, 1)
        out[own, index] += 1 - share
        out[own, after if meet else len(stretches) + index] += share
    return out
