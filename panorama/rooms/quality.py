"""How much work a rendering takes."""

from __future__ import annotations

from dataclasses import dataclass

from vanisher_core.errors import UsageError


@dataclass(frozen=True)
class Quality:
    """Samples and grids.

    Attributes:
        subpixels: Rays along one side of a pixel for edges and textures.
        direct: Shadow rays from each pixel to sources other than the sun.
        sun: Shadow rays to the sun from each pixel.
        gather: Directions gathered on the coarse grid.
        coarse: Pixels along one side of a cell of the coarse grid (bounced and mirrored light).
        mirror: Reflected rays for each glossy cell.
        rounds: Rounds of the filter on bounced light.
    """

    subpixels: int
    direct: int
    sun: int
    gather: int
    coarse: int
    mirror: int
    rounds: int


QUALITIES = {
    "draft": Quality(2, 3, 1, 4, 2, 1, 5),
    "normal": Quality(2, 6, 2, 8, 2, 2, 5),
    "high": Quality(3, 24, 6, 40, 2, 10, 4),
}
"""Name -> settings of `render`."""


def quality_of(name: str) -> Quality:
    """The settings of a name.

    Raises:
        UsageError: no such name.
    """
    if name not in QUALITIES:
        raise UsageError(f"The quality is {name!r}; choose one of {', '.join(QUALITIES)}.")
    return QUALITIES[name]
