"""The room round a camera: floor, ceiling and upright walls at right angles.

The camera stands upright and its height is the unit of length. Which layout a picture shows is found by
`panorama.walls`; a hole is cut along its edges, and each part filled in a view straight onto its plane, where
boards, tiles and skirting are straight and a copy continues them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from panorama.sphere import turned
from vanisher_core.exemplar.workers import run_bands

FLOOR, CEILING, FIRST_WALL = 0, 1, 2
"""Numbers of the planes."""
BESIDE = 1e-3
"""Least cosine between a direction and the normal of the wall that it shows."""
BAND = 64
"""Rows of a view that are looked up at a time."""
RIM, NEAR = 128, 1e-6
"""Directions in which a plane's edges are looked up, and how near to its corners, in radians."""


@dataclass(frozen=True)
class Wall:
    """A stretch of columns that show one wall.

    Attributes:
        start: yaw in radians where it begins (to the left), in -pi..pi.
        facing: yaw of the direction from the camera straight to it.
        distance: in camera heights.
    """

    start: float
    facing: float
    distance: float


@dataclass(frozen=True, eq=False)
class Feet:
    """Where walls meet the floor, as far as they were seen to (`panorama.feet`), in columns evenly round the camera.

    Attributes:
        heights: N float64, of the foot at the wall's distance; about -1.
        seen: N bool, where it was measured and not interpolated.
    """

    heights: NDArray[np.float64]
    seen: NDArray[np.bool_]


LEVEL = np.array([-1.0])
"""Heights of feet that were not measured."""


@dataclass(frozen=True)
class Layout:
    """Floor, ceiling and walls round the camera.

    Attributes:
        walls: by ascending start; the last reaches round to the first.
        ceiling: height above the camera, in camera heights.
        score: mean probability of the edges, 0..1.
        feet: of the walls, where they are not exactly one camera height below it.
    """

    walls: tuple[Wall, ...]
    ceiling: float
    score: float
    feet: Feet | None = field(default=None, compare=False)

    def planes(self, yaw: np.ndarray, pitch: np.ndarray) -> np.ndarray:
        """Which plane directions show: `FLOOR`, `CEILING`, or `FIRST_WALL` and the wall's index.

        Args:
            yaw: radians, any turn.
            pitch: radians; broadcasts with `yaw`.

        Returns:
            int16 of the common shape.
        """
        index, away = self._seen(yaw)
        rise = np.tan(pitch) * away
        walls = np.where(rise > self.ceiling, CEILING, index + FIRST_WALL)
        return np.where(rise < self.foot(yaw), FLOOR, walls).astype(np.int16)

    def shown(self, across: np.ndarray, down: np.ndarray, rotation: np.ndarray) -> np.ndarray:
        """`planes` of the directions of a view.

        Args:
            across: float64, x of the plane z = 1 for each column of the view.
            down: float64, y of it, downwards, for each row.
            rotation: 3x3, the camera's.

        Returns:
            int16 rows x columns.
        """
        from panorama.rays import planes

        walls = np.array([(w.start, math.sin(w.facing), math.cos(w.facing), w.distance) for w in self.walls])
        feet = LEVEL if self.feet is None else self.feet.heights
        out = np.empty((len(down), len(across)), np.int16)

        def see(top: int) -> None:
            band = slice(top, top + BAND)
            planes(across, down[band], np.asarray(rotation, np.float64), walls, self.ceiling, feet, out[band])

        run_bands(see, list(range(0, len(down), BAND)))
        return out

    def away(self, yaw: np.ndarray) -> np.ndarray:
        """How far the wall is in the directions of a yaw (radians, any turn), level, in camera heights."""
        return self._seen(yaw)[1]

    def foot(self, yaw: np.ndarray) -> np.ndarray:
        """How high the wall's foot is there (negative), in camera heights; between the columns that are known."""
        if self.feet is None:
            return np.full(np.shape(yaw), -1.0)
        count = len(self.feet.heights)
        at = np.mod((np.asarray(yaw) / (2 * math.pi) + 0.5) * count - 0.5, count)
        return np.interp(at, np.arange(count + 1), np.append(self.feet.heights, self.feet.heights[0]))

    def _seen(self, yaw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Index of the wall that a yaw shows, and how far it is."""
        starts, facings, distances = np.array([(w.start, w.facing, w.distance) for w in self.walls]).T
        yaw = np.mod(yaw + math.pi, 2 * math.pi) - math.pi
        index = (np.searchsorted(starts, yaw, side="right") - 1) % len(starts)
        return index, distances[index] / np.maximum(np.cos(yaw - facings[index]), BESIDE)

    def rim(self, plane: int) -> np.ndarray:
        """Nx3 directions, of any length, along the edges of a plane, its corners among them."""
        starts = np.array([wall.start for wall in self.walls])
        yaw = np.concatenate([np.linspace(-math.pi, math.pi, RIM), starts - NEAR, starts + NEAR])
        index, away = self._seen(yaw)
        own = index == plane - FIRST_WALL if plane >= FIRST_WALL else np.ones(len(yaw), bool)
        level = np.stack([np.sin(yaw), np.zeros(len(yaw)), np.cos(yaw)], axis=1) * away[:, None]
        floor, ceiling = self.foot(yaw), np.full(len(yaw), self.ceiling)
        heights = {FLOOR: (floor,), CEILING: (ceiling,)}.get(plane, (floor, ceiling))
        return np.concatenate(
            [level[own] + height[own, None] * np.array([0.0, 1.0, 0.0]) for height in heights]
        )

    def towards(self, plane: int) -> np.ndarray:
        """Rotation (3x3) of a camera that looks straight at a plane, its sides along the walls."""
        if plane >= FIRST_WALL:
            return turned(self.walls[plane - FIRST_WALL].facing, 0.0)
        return turned(self.walls[0].facing, -math.pi / 2 if plane == FLOOR else math.pi / 2)
