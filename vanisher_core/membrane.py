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
_LEAST_ROWS = 4
"""Where links across are weak, only rows are halved down to so many: columns that stand apart must not be mixed before
colours have run down them."""
LARGE, COARSE = 200_000, 4
"""Pixels of a hole from which on `carried` works at a fraction of the size, and what fraction."""


def membrane(values: np.ndarray, hole: np.ndarray, across: np.ndarray | None = None) -> np.ndarray:
    """Fill `hole` with the harmonic interpolation of the known values.

    Args:
        values: HxWxC or HxW float32, any range; what stands inside the hole is ignored (it may be NaN).
        hole: HxW bool, True where a value is wanted.
        across: HxW float32 above 0, how well each pixel is linked to the one on its right, where 1 is a link up or
            down: what is weakly linked may differ. None: 1.

    Returns:
        A new array of the shape of `values`, float32: known values bit-exact, the hole within the range of
        the known ones.

    Raises:
        ValueError: shapes do not fit.
        HopelessFill: the hole covers everything, so there is no rim to start from.
    """
    values = np.asarray(values, np.float32)
    hole = np.asarray(hole, bool)
    shapes = {values.shape[:2], hole.shape, hole.shape if across is None else across.shape}
    if values.ndim not in (2, 3) or len(shapes) > 1:
        raise ValueError(
            f"values {values.shape}, hole {hole.shape} and across must agree in height and width"
        )
    if not hole.any():
        return values.copy()
    if hole.all():
        raise HopelessFill("the hole covers the whole picture: leave some of the picture unmasked")
    top, bottom, left, right = _box(hole)
    out = values.copy()
    part = out[top:bottom, left:right]
    part_hole = np.ascontiguousarray(hole[top:bottom, left:right])
    links = None if across is None else np.ascontiguousarray(across[top:bottom, left:right], np.float32)
    solved = _solve(part, part_hole, links)
    np.copyto(part, solved, where=part_hole.reshape(*part_hole.shape, *[1] * (part.ndim - 2)))
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
    clear = cv2.copyTo(values, (~hole).view(np.uint8))
    total = cv2.resize(clear, size, interpolation=cv2.INTER_AREA)
    small = membrane(total / np.maximum(share, 1e-6)[..., None], share == 0)
    wide = cv2.resize(small, values.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return cv2.copyTo(values, (~hole).view(np.uint8), wide)


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


def _solve(values: np.ndarray, hole: np.ndarray, across: np.ndarray | None) -> np.ndarray:
    """The filled crop; planes are independent, so each has its own thread."""
    from vanisher_core.exemplar.workers import run_bands

    known = np.where(hole[..., None], np.float32(0), values.reshape(*hole.shape, -1))
    planes = np.ascontiguousarray(known.transpose(2, 0, 1))
    every = list(range(len(planes)))
    if across is None:
        holes, shares = _pulled(hole)
        run_bands(lambda index: _cascade(planes[index], holes, shares), every)
    else:
        run_bands(lambda index: _linked(planes[index], hole, across), every)
    return planes.transpose(1, 2, 0).reshape(values.shape)


def _pulled(hole: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The hole at every level, until nothing is hole, and how much of each pixel's four is known at all but the first.

    A coarse pixel is hole when none of its four is known.
    """
    holes, shares = [hole], []
    while holes[-1].any():
        shares.append(_halved((~holes[-1]).astype(np.float32)))
        holes.append(shares[-1] == 0)
    return holes, shares


def _halved(plane: np.ndarray) -> np.ndarray:
    """Means of 2x2 pixels (float32); an odd side is continued by zeros."""
    import cv2  # late, as above

    height, width = plane.shape
    if height % 2 or width % 2:
        plane = np.pad(plane, ((0, height % 2), (0, width % 2)))
    return cv2.resize(plane, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)


def _linked(plane: np.ndarray, hole: np.ndarray, across: np.ndarray) -> None:
    """Fill a plane whose columns are linked unevenly, in place: from one with half the rows, then of half the size."""
    import cv2

    from vanisher_core.exemplar.relax import relax_linked

    if not hole.any():
        return
    by_rows = len(plane) > _LEAST_ROWS
    halve, links = (_halved_rows, _links_by_rows) if by_rows else (_halved, _links)
    share = halve((~hole).astype(np.float32))
    coarse = halve(np.where(hole, np.float32(0), plane)) / np.maximum(share, np.float32(0.25))
    _linked(coarse, share == 0, links(across))
    size = (plane.shape[1] if by_rows else 2 * coarse.shape[1], 2 * len(coarse))
    finer = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)
    np.copyto(plane, finer[: len(plane), : plane.shape[1]], where=hole)
    relax_linked(plane, hole, across, _SWEEPS if by_rows else _COARSE_SWEEPS, 1.6)
    np.clip(plane, plane[~hole].min(), plane[~hole].max(), out=plane, where=hole)


def _halved_rows(plane: np.ndarray) -> np.ndarray:
    """Means of two rows each; an odd one is continued by zeros."""
    plane = np.pad(plane, ((0, len(plane) % 2), (0, 0)))
    return (plane[::2] + plane[1::2]) / 2


def _links_by_rows(across: np.ndarray) -> np.ndarray:
    """Two links side by side, where those up and down are twice as long and lie alone: four times as much."""
    wide = np.pad(across, ((0, len(across) % 2), (0, 0)), mode="edge")
    return 2 * (wide[::2] + wide[1::2])


def _links(across: np.ndarray) -> np.ndarray:
    """Half a link, a whole one and half of a third in a row lead to the next coarse pixel, side by side in two rows."""
    height, width = across.shape
    wide = np.pad(across, ((0, height % 2), (0, width % 2 + 2)), mode="edge")
    rows = (wide[::2] + wide[1::2]) / 2
    first, between, last = (rows[:, start : start + width + width % 2 : 2] for start in range(3))
    return (2 / (0.5 / first + 1 / between + 0.5 / last)).astype(np.float32)


def _cascade(plane: np.ndarray, holes: list[np.ndarray], shares: list[np.ndarray]) -> None:
    """Pull the known values down, then push and relax up, in place."""
    import cv2

    from vanisher_core.exemplar.relax import relax_plane

    known = plane[~holes[0]]
    low, high = known.min(), known.max()
    planes = [plane]
    for hole, share in zip(holes, shares, strict=False):
        planes.append(
            _halved(np.where(hole, np.float32(0), planes[-1])) / np.maximum(share, np.float32(0.25))
        )
    for level in range(len(holes) - 2, -1, -1):
        fine, hole, coarse = planes[level], holes[level], planes[level + 1]
        double = cv2.resize(
            coarse, (2 * coarse.shape[1], 2 * coarse.shape[0]), interpolation=cv2.INTER_LINEAR
        )
        np.copyto(fine, double[: hole.shape[0], : hole.shape[1]], where=hole)
        relax_plane(fine, hole, _COARSE_SWEEPS if level > 1 else _SWEEPS, 1.6)
    np.clip(plane, low, high, out=plane, where=holes[0])
