"""What shines: windows as rectangles of sky, panels and lamps, the sun."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from panorama.rooms.materials import Colour


@dataclass(frozen=True)
class Light:
    """One source.

    Attributes:
        kind: "window" (rectangle through which the outside is seen, its normal pointing there), "panel" (rectangle
            that emits to the side of its normal), "sky" (such a one that only outdoors is lit by), "ball" (sphere) or
            "sun" (parallel light).
        at: (3,) centre in metres; for the sun, the unit vector towards it.
        first: (3,) half of one side of the rectangle; for a ball, (radius, 0, 0); for the sun, (angle, 0, 0).
        second: (3,) half of the other side.
        radiance: Emitted linear RGB; for the sun, the irradiance on a surface that faces it. Unused by windows.
        furnished: Whether it belongs to the furniture and is missing from the empty room.
    """

    kind: str
    at: np.ndarray
    first: np.ndarray
    second: np.ndarray
    radiance: Colour
    furnished: bool = False

    @property
    def normal(self) -> np.ndarray:
        """Unit normal of a rectangle."""
        cross = np.cross(self.first, self.second)
        return cross / np.linalg.norm(cross)


@dataclass(frozen=True)
class Outside:
    """What is seen through the windows.

    Attributes:
        sky: Radiance at the zenith.
        horizon: Radiance of the sky at the horizon.
        ground: Radiance below the horizon.
        growth: Radiance of trees or houses in front of the sky.
        skyline: Mean height of these, as an angle in radians.
        seed: Where the noise of the skyline is read.
    """

    sky: Colour
    horizon: Colour
    ground: Colour
    growth: Colour
    skyline: float
    seed: float
