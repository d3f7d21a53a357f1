"""Harmonic interpolation of a hole from its rim: the smoothest surface that meets the known pixels.

Used as the guide of exemplar synthesis when there is no network, as the whole fill of pictures too small for
patches, and by `blend.py` for colour corrections. A cascade of grids: known pixels are averaged down until
no hole is left (pull), the coarse solution starts the finer one (push), and a few over-relaxed sweeps settle
every level. After Perez, Gangnet and Blake, "Poisson Image Editing" (SIGGRAPH 2003), section 2, with a zero
guidance field; the cascade as in Bornemann and Deuflhard, "The cascadic multigrid method for elliptic
problems" (1996).
"""

import numpy as np

from vanisher_core.errors import HopelessFill

_SWEEPS = 14
_COARSE_SWEEPS = 40
LARGE, COARSE = 200_000, 4
"""Pixels of a hole from which on `carried` works at a fraction of the size, and what fraction."""


def membrane(values: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Fill `hole` with the harmonic interpolation of the known values.

    Args:
        values: HxWxC or HxW float32, any range; what stands inside the hole is ignored (it may be NaN).
        hole: HxW bool, True where a value is wanted.

    Returns:
        A new array of the shape of `values`, float32: known values bit-exact, the hole within the range of
        the known ones.

    Raises:
        ValueError: shapes do not fit.
        HopelessFill: the hole covers everything, so there is no rim to start from.
    """
    values = np.asarray(values, np.float32)
    hole = np.asarray(hole, bool)
    if values.ndim not in (2, 3) or values.shape[:2] != hole.shape:
        raise ValueError(f"values {values.shape} and hole {hole.shape} must agree in height and width")
    if not hole.any():
        return values.copy()
    if hole.all():
        raise HopelessFill("the hole covers the whole picture: leave some of the picture unmasked")
    top, bottom, left, right = _box(hole)
    out = values.copy()
    part = out[top:bottom, left:right]
    part_hole = np.ascontiguousarray(hole[top:bottom, left:right])
    part[part_hole] = _solve(part, part_hole)[part_hole]
    return out


def carried(values: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """As `membrane`, but coarsely where the hole is large: for what lies below transparency, which nobody sees.

    Args:
        values: HxWxC float32.
        hole: HxW bool.

    Returns:
        HxWxC float32, known values bit-exact.

    Raises:
        HopelessFill: the hole covers everything.
    """
    import cv2  # late: the command line's help imports this module's package

    if np.count_nonzero(hole) < LARGE:
        return membrane(values, hole)
    known = (~hole).astype(np.float32)
    size = -(-values.shape[1] // COARSE), -(-values.shape[0] // COARSE)
    share = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(np.where(hole[..., None], np.float32(0), values), size, interpolation=cv2.INTER_AREA)
    small = membrane(total / np.maximum(share, 1e-6)[..., None], share == 0)
    wide = cv2.resize(small, values.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.where(hole[..., None], wide, values).astype(np.float32)


def _box(hole: np.ndarray) -> tuple[int, int, int, int]:
    """Bounds of the hole and one pixel of rim: top, bottom, left, right."""
    rows = np.flatnonzero(hole.any(1))
    columns = np.flatnonzero(hole.any(0))
    return (
        max(0, int(rows[0]) - 1),
        min(hole.shape[0], int(rows[-1]) + 2),
        max(0, int(columns[0]) - 1),
        min(hole.shape[1], int(columns[-1]) + 2),
    )


def _solve(values: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The filled crop; planes are independent, so each has its own thread."""
    from vanisher_core.exemplar.workers import run_bands

    known = np.where(hole[..., None], np.float32(0), values.reshape(*hole.shape, -1))
    planes = np.ascontiguousarray(known.transpose(2, 0, 1))
    holes = _pull_holes(hole)
    run_bands(lambda index: _cascade(planes[index], holes), list(range(len(planes))))
    return planes.transpose(1, 2, 0).reshape(values.shape)


def _pull_holes(hole: np.ndarray) -> list[np.ndarray]:
    """The hole at every level, until nothing is hole: a coarse pixel is, when none of its four is known."""
    holes = [hole]
    while holes[-1].any():
        holes.append(np.logical_not(_quads(~holes[-1]).any((1, 3))))
    return holes


def _quads(plane: np.ndarray) -> np.ndarray:
    """H x W -> H/2 x 2 x W/2 x 2, zero-padded to even sizes."""
    height, width = plane.shape
    padded = np.pad(plane, ((0, height % 2), (0, width % 2)))
    return padded.reshape((height + 1) // 2, 2, (width + 1) // 2, 2)


def _cascade(plane: np.ndarray, holes: list[np.ndarray]) -> None:
    """Pull the known values down, then push and relax up, in place."""
    from vanisher_core.exemplar.relax import relax_plane

    known = plane[~holes[0]]
    low, high = known.min(), known.max()
    planes = [plane]
    for hole in holes[:-1]:
        count = _quads((~hole).astype(np.float32)).sum((1, 3))
        total = _quads(np.where(hole, np.float32(0), planes[-1])).sum((1, 3))
        planes.append(total / np.maximum(count, 1))
    for level in range(len(holes) - 2, -1, -1):
        fine, hole = planes[level], holes[level]
        fine[hole] = _push(planes[level + 1], hole.shape)[hole]
        relax_plane(fine, hole, _COARSE_SWEEPS if level > 1 else _SWEEPS, 1.6)
    np.clip(plane, low, high, out=plane, where=holes[0])


def _push(coarse: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Bilinear doubling (pixel centres at +0.5), cropped to `shape`."""
    padded = np.pad(coarse, 1, mode="edge")
    rows = np.empty((2 * coarse.shape[0], padded.shape[1]), np.float32)
    rows[0::2] = 0.75 * padded[1:-1] + 0.25 * padded[:-2]
    rows[1::2] = 0.75 * padded[1:-1] + 0.25 * padded[2:]
    out = np.empty((rows.shape[0], 2 * coarse.shape[1]), np.float32)
    out[:, 0::2] = 0.75 * rows[:, 1:-1] + 0.25 * rows[:, :-2]
    out[:, 1::2] = 0.75 * rows[:, 1:-1] + 0.25 * rows[:, 2:]
    return out[: shape[0], : shape[1]]
