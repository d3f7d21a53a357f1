"""Coarse grids of the whole sphere, looked up between their cells: what networks say of a small panorama."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from panorama.sphere import Frame


def enlarged(grid: np.ndarray, frame: Frame) -> NDArray[np.float32]:
    """A grid (hxw) of the whole sphere at the size of a frame that shows it, bilinear."""
    across, down = places(grid.shape[1], frame.width), places(grid.shape[0], frame.height)
    return looked_up(surrounded(grid), across, down)


def places(cells: int, texels: int) -> NDArray[np.float32]:
    """Where texels' centres lie among cells of a grid that `surrounded` has widened."""
    return ((np.arange(texels) + 0.5) * cells / texels - 0.5 + 1).astype(np.float32)


def surrounded(grid: np.ndarray) -> NDArray[np.float32]:
    """A grid (hxw or hxwxC) with one cell more on every side: round the sphere, and the last row again."""
    beside = ((0, 0),) * (grid.ndim - 2)
    wide = np.pad(grid.astype(np.float32), ((0, 0), (1, 1), *beside), mode="wrap")
    return np.pad(wide, ((1, 1), (0, 0), *beside), mode="edge")


def looked_up(wide: np.ndarray, across: np.ndarray, down: np.ndarray) -> NDArray[np.float32]:
    """Values between the four nearest cells for every row and column; exactly 0 among zeros."""
    return between(between(wide, down, 0), across, 1)


def between(grid: np.ndarray, places: np.ndarray, axis: int) -> NDArray[np.float32]:
    """Values between the two nearest cells along an axis (`cv2.remap` would round places to 1/32 of a cell)."""
    first = places.astype(np.intp)
    share = (places - first).astype(np.float32).reshape(-1, *(1,) * (grid.ndim - 1 - axis))
    return grid.take(first, axis) * (1 - share) + grid.take(first + 1, axis) * share
