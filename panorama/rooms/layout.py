"""The room's outline as seen from the eye."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from panorama.rooms.scene import Scene


@dataclass(frozen=True, eq=False)
class Layout:
    """Corners of the room, the eye at the origin (x right, y forward, z up).

    Attributes:
        corners: float64 (n, 2), outline in metres, anticlockwise seen from above.
        floor: Height of the floor, metres, negative.
        ceiling: Height of the ceiling, metres, positive.
    """

    corners: np.ndarray
    floor: float
    ceiling: float

    @classmethod
    def of(cls, scene: Scene) -> Layout:
        """The layout of a scene."""
        eye = scene.eye
        return cls(scene.plan.corners - eye[:2], float(-eye[2]), float(scene.plan.height - eye[2]))

    def pixels(self, width: int) -> np.ndarray:
        """float64 (2, n, 2): x and y in a panorama `width` wide of the corners at the floor, then the ceiling.

        A corner behind the jutting corner of an L is listed too, though the eye cannot see it.
        """
        away = np.hypot(*self.corners.T)
        x = (np.arctan2(self.corners[:, 0], self.corners[:, 1]) / (2 * math.pi) + 0.5) * width
        rows = [(0.5 - np.arctan2(z, away) / math.pi) * (width / 2) for z in (self.floor, self.ceiling)]
        return np.stack([np.stack([x, y], axis=1) for y in rows])
