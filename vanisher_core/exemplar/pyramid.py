"""The levels a fill is worked out on, from coarse to fine, and the field's way up between them.

Plain numpy; see `vanisher_core.detail` for the method. A level keeps flat arrays, because the kernels index
pixels by one integer (y * width + x).
"""

from dataclasses import dataclass

import numpy as np

MIN_SOURCES = 100
_MAX_LEVELS = 9


@dataclass
class Level:
    """One scale: `image` (3 * pixels + tail floats), `guide` (4 * pixels), the others one value a pixel."""

    height: int
    width: int
    radius: int
    image: np.ndarray
    guide: np.ndarray
    hole: np.ndarray
    valid: np.ndarray
    sources: np.ndarray
    target: np.ndarray
    depth: np.ndarray
    nnf: np.ndarray
    dist: np.ndarray

    def box(self, field: np.ndarray) -> tuple[int, int, int, int]:
        """Bounds (top, bottom, left, right) of the set pixels of a flat bool field."""
        plane = field.reshape(self.height, self.width)
        rows, columns = np.flatnonzero(plane.any(1)), np.flatnonzero(plane.any(0))
        return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _clear_sides(plane: np.ndarray, radius: int) -> None:
    """False where no whole patch round a pixel lies inside the picture."""
    height, width = plane.shape
    plane[:radius] = plane[max(height - radius, 0) :] = False
    plane[:, :radius] = plane[:, max(width - radius, 0) :] = False


def make_level(
    image: np.ndarray, guide: np.ndarray, hole: np.ndarray, blocked: np.ndarray, radius: int, tail: int
) -> Level:
    """Build a level from HxWx3, HxWx4 and two HxW bool planes; `blocked` (no source) includes the hole."""
    import cv2

    height, width = hole.shape
    box = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    marks = np.ascontiguousarray(hole).view(np.uint8)
    valid = cv2.dilate(np.ascontiguousarray(blocked).view(np.uint8), box) == 0
    target = cv2.dilate(marks, box) > 0
    for plane in (valid, target):
        _clear_sides(plane, radius)
    flat = np.empty(3 * height * width + tail, np.float32)
    flat[: 3 * height * width] = image.reshape(-1)
    flat[3 * height * width :] = 0
    return Level(
        height,
        width,
        radius,
        flat,
        np.ascontiguousarray(guide, np.float32).reshape(-1),
        marks.view(bool).reshape(-1),
        valid.reshape(-1),
        np.flatnonzero(valid).astype(np.int32),
        target.reshape(-1),
        cv2.distanceTransform(marks, cv2.DIST_C, 3).reshape(-1),
        np.full(height * width, -1, np.int32),
        np.zeros(height * width, np.float32),
    )


def halve(plane: np.ndarray) -> np.ndarray:
    """Mean over 2x2 pixels; an odd side is continued by its last row or column."""
    import cv2

    for axis in (0, 1):
        if plane.shape[axis] % 2:  # apart: a copy with one more row or column would cost more than the means
            last = np.repeat(plane.take([-1], axis), 2, axis)
            if plane.shape[axis] == 1:
                return halve(last)
            even = plane[:-1] if axis == 0 else plane[:, :-1]
            return np.concatenate([halve(even), halve(last)], axis)
    return cv2.resize(plane, (plane.shape[1] // 2, plane.shape[0] // 2), interpolation=cv2.INTER_AREA)


def halve_any(plane: np.ndarray) -> np.ndarray:
    """True where any of 2x2 pixels is."""
    return halve(plane.astype(np.float32)) > 0


def build(
    image: np.ndarray,
    guide: np.ndarray,
    hole: np.ndarray,
    blocked: np.ndarray,
    radii: tuple[int, ...],
    tail: int,
    most: int | None = None,
) -> list[Level]:
    """At most so many levels from fine to coarse; ends where the hole is small for a patch or sources grow few."""
    import cv2

    levels = [make_level(image, guide, hole, blocked, radii[0], tail)]
    while len(levels) < (most or _MAX_LEVELS) and levels[0].sources.size >= 1:
        radius = radii[min(len(levels), len(radii) - 1)]
        if cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_C, 3).max() <= 1.5 * levels[-1].radius:
            break
        image, guide, hole, blocked = halve(image), halve(guide), halve_any(hole), halve_any(blocked)
        level = _rich_level(image, guide, hole, blocked, (radius, radii[0]), tail)
        if level is None:
            break
        levels.append(level)
    return levels


def _rich_level(
    image: np.ndarray,
    guide: np.ndarray,
    hole: np.ndarray,
    blocked: np.ndarray,
    radii: tuple[int, int],
    tail: int,
) -> Level | None:
    """A level with enough sources: too poor for wide patches it may still do for narrow ones; else None."""
    for radius in dict.fromkeys(radii):
        if min(hole.shape) >= 4 * radius + 2:
            level = make_level(image, guide, hole, blocked, radius, tail)
            if level.sources.size >= MIN_SOURCES:
                return level
    return None


def start(level: Level, key: int) -> None:
    """A random field."""
    random = np.random.default_rng(key)
    count = int(level.target.sum())
    level.nnf[level.target] = level.sources[random.integers(0, level.sources.size, count)]


def carry_up(coarse: Level, fine: Level, key: int) -> None:
    """The coarse field at double scale; matches that are no valid source there become random ones."""
    from vanisher_core.exemplar.search import LOST, doubled
    from vanisher_core.exemplar.workers import row_bands, run_bands

    sides = coarse.height, coarse.width, fine.height, fine.width

    def carry(band: tuple[int, int]) -> None:
        doubled(coarse.nnf, coarse.radius, sides, fine.target, fine.valid, fine.nnf, band)

    run_bands(carry, row_bands(0, fine.height, 12))
    wrong = np.flatnonzero(fine.nnf == LOST)
    random = np.random.default_rng(key)
    fine.nnf[wrong] = fine.sources[random.integers(0, fine.sources.size, wrong.size)]
