"""The whole continuation of a surface: light apart from texture, offsets, labels, and the copy."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vanisher_core.membrane import membrane
from vanisher_core.shifts.labels import BLOCKED, Blocks, assigned, differences, rim_costs
from vanisher_core.shifts.offsets import dominant
from vanisher_core.window import bounding_box

LIGHT = 24.0
"""Pixels, sigma of the Gaussian that tells light from texture, at the scale where offsets are looked for."""
DARKEST = 2 / 255
"""Below it a logarithm would show noise only."""
BLOWN = 0.985
"""Least channel from which on a pixel is glare."""
LONGEST = 640
"""Pixels of the longer side of that scale."""
COUNT = 40
"""Offsets that are tried."""
MOST_BLOCKS = 2000
LEAST_BLOCK = 3
"""Blocks of a hole at most, and pixels of a block at least."""
STRONG = 6.0
"""Largest difference of two pixels that counts, in the surface's own usual ones."""
LOUD = 1.5
"""Likewise the largest detail that counts when offsets are looked for: a door is not what repeats."""
QUIET = 0.01
"""Usual difference (of logarithms) of a surface without texture: grain."""
USUAL, AVERSION = 2.5, 0.6
"""Factor by which a source's texture may be stronger or weaker than usual, and cost of each further e-fold, in usual
differences."""

SAMPLES = 6000
"""Pixels on which nearby offsets are compared."""


@dataclass(frozen=True, eq=False)
class Continued:
    """What `continued` made.

    Attributes:
        rgb: HxWx3 float32 in [0, 1]; the source's own outside the hole.
        done: HxW bool, the part of the hole that was filled; the rest had nothing to be copied from.
        seams: mean cost of two neighbouring blocks, in usual differences of the surface: 0 where all fits.
    """

    rgb: NDArray[np.float32]
    done: NDArray[np.bool_]
    seams: float


def continued(
    rgb: np.ndarray, hole: np.ndarray, known: np.ndarray,
    progress: Callable[[float], None] = lambda done: None,
) -> Continued | None:  # fmt: skip
    """Fills a hole in a flat surface by shifts of what is known of it.

    Args:
        rgb: HxWx3 float32 in [0, 1].
        hole: HxW bool, what to fill.
        known: HxW bool, what may be copied; False in the hole and where another surface shows.
        progress: called with the share done; may raise.

    Returns:
        The filled surface, or None where too little is known to tell how it goes on.
    """
    known = known & ~blown(rgb)
    if not (known.any() and hole.any()):
        return None
    box = bounding_box((hole | known).view(np.uint8)).slices
    scale = scale_of(hole[box].shape)
    light, detail = parted(rgb[box], known[box], LIGHT / scale)
    found = _labelled(detail, hole[box], known[box], scale, progress)
    if found is None:
        return None
    source, done, seams = found
    out = rgb.copy()
    part = np.exp(light + detail[source])
    out[box] = np.where(done[..., None], np.clip(part, 0, 1), out[box])
    whole = np.zeros_like(hole)
    whole[box] = done
    return Continued(out, whole, seams)


def warm_up() -> None:
    """Compiles (and caches) all kernels: seconds, once per installation."""
    stripes = np.zeros((96, LONGEST + 32, 3), np.float32)  # offsets are then looked for at a smaller scale
    stripes[:, ::16] = 0.5
    hole = np.zeros(stripes.shape[:2], bool)
    hole[40:56, 40:56] = True
    continued(stripes + 0.25, hole, ~hole)


def blown(rgb: np.ndarray) -> NDArray[np.bool_]:
    """HxW: glare, in which the surface is not seen."""
    white = (rgb.min(axis=2) >= BLOWN).view(np.uint8)
    return cv2.dilate(white, np.ones((5, 5), np.uint8)) > 0


def scale_of(shape: tuple[int, ...]) -> float:
    """By how much a picture of a shape is reduced where offsets are looked for."""
    return min(1.0, LONGEST / max(shape[:2]))


def parted(
    rgb: np.ndarray, known: np.ndarray, sigma: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Logarithms of light (carried smoothly through what is unknown) and of texture (0 there)."""
    weight = known.astype(np.float32)
    whole = np.log(np.maximum(rgb, DARKEST)).astype(np.float32)
    step = max(round(sigma / 6), 1)  # light needs no resolution
    size = -(-rgb.shape[1] // step), -(-rgb.shape[0] // step)
    small = [
        cv2.GaussianBlur(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), (0, 0), sigma / step)
        for plane in (whole * weight[..., None], weight)
    ]
    clear = cv2.resize(weight, size, interpolation=cv2.INTER_AREA) > 0
    coarse = membrane(small[0] / np.maximum(small[1], 1e-6)[..., None], ~clear)
    light = np.asarray(cv2.resize(coarse, rgb.shape[1::-1], interpolation=cv2.INTER_CUBIC), np.float32)
    return light, (whole - light) * weight[..., None]


def _labelled(
    detail: np.ndarray, hole: np.ndarray, known: np.ndarray, scale: float,
    progress: Callable[[float], None],
) -> tuple[tuple[np.ndarray, np.ndarray], NDArray[np.bool_], float] | None:  # fmt: skip
    """Where every pixel is copied from (rows, columns), what was filled, and the cost of the seams."""
    small, gap, clear = reduced(detail, hole, known, scale)
    if not clear.any():
        return None
    side = max(LEAST_BLOCK, math.ceil(math.sqrt(gap.sum() / MOST_BLOCKS)))
    small, gap, clear = (_padded(plane, side) for plane in (small, gap, clear))
    grid = gap.shape[0] // side, gap.shape[1] // side
    strength, usual = _strength(small, clear, side)
    offsets = dominant(np.clip(small, -LOUD * usual, LOUD * usual), clear, gap, COUNT)
    if not len(offsets):
        return None
    blocks = Blocks.of(gap, side)
    most = STRONG * usual
    unary = rim_costs(small, clear, gap, blocks.side, blocks.rows, blocks.columns, offsets, most)
    unary = np.minimum(unary + usual * AVERSION * _aversion(strength, blocks, offsets), BLOCKED)
    fed = (unary < BLOCKED).any(axis=1)
    if not fed.any():
        return None
    blocks = blocks.only(fed, grid)
    label, cost = assigned(small, clear, blocks, offsets, np.ascontiguousarray(unary[fed]), most, progress)
    chosen = np.full(grid, -1)
    chosen[blocks.rows, blocks.columns] = label
    source, done = _copied_from(chosen, side, offsets, detail, hole, known, scale)
    return source, done, cost / usual


def reduced(
    detail: np.ndarray, hole: np.ndarray, known: np.ndarray, scale: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same at the scale where offsets are looked for."""
    if scale == 1:
        return detail, hole, known
    size = math.ceil(hole.shape[1] * scale), math.ceil(hole.shape[0] * scale)
    small = cv2.resize(detail, size, interpolation=cv2.INTER_AREA)
    gap = cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    clear = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.999
    return small * clear[..., None], gap, clear & ~gap


def _padded(plane: np.ndarray, side: int) -> np.ndarray:
    """A plane whose height and width are multiples of a block's."""
    below, right = -plane.shape[0] % side, -plane.shape[1] % side
    return np.pad(plane, ((0, below), (0, right), *[(0, 0)] * (plane.ndim - 2)))


def _strength(detail: np.ndarray, known: np.ndarray, side: int) -> tuple[NDArray[np.float32], float]:
    """Logarithm of texture over the usual round each pixel (0 where unknown), and the usual difference of pixels."""
    reach = (4 * side + 1, 4 * side + 1)
    weight = cv2.blur(known.astype(np.float32), reach)
    energy = cv2.blur((detail * detail).sum(axis=2), reach) / np.maximum(weight, 1e-6)
    middle = float(np.median(energy[known]))
    usual = max(math.sqrt(2 * middle), QUIET)
    return np.where(known, 0.5 * np.log(np.maximum(energy, 1e-8) / max(middle, 1e-8)), 0).astype(
        np.float32
    ), usual


def _aversion(strength: np.ndarray, blocks: Blocks, offsets: np.ndarray) -> NDArray[np.float32]:
    """NxK: how far the texture at the middle of each block's source is from the usual."""
    rows = blocks.rows[:, None] * blocks.side + blocks.side // 2 + offsets[:, 0]
    columns = blocks.columns[:, None] * blocks.side + blocks.side // 2 + offsets[:, 1]
    height, width = strength.shape
    found = strength[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
    return np.maximum(np.abs(found) - math.log(USUAL), 0)


def _copied_from(
    chosen: np.ndarray, side: int, offsets: np.ndarray, detail: np.ndarray, hole: np.ndarray, known: np.ndarray,
    scale: float,
) -> tuple[tuple[np.ndarray, np.ndarray], NDArray[np.bool_]]:  # fmt: skip
    """Source row and column of every pixel, and which of the hole have one."""
    height, width = hole.shape
    exact = _exact(offsets, np.unique(chosen[chosen >= 0]), detail, known, scale)
    rows, columns = np.mgrid[:height, :width]
    block_row = np.minimum((rows * scale).astype(int) // side, chosen.shape[0] - 1)
    block_column = np.minimum((columns * scale).astype(int) // side, chosen.shape[1] - 1)
    label = np.where(hole, chosen[block_row, block_column], -1)
    moved = exact[label]
    taken_rows, taken_columns = rows + moved[..., 0], columns + moved[..., 1]
    inside = (taken_rows >= 0) & (taken_rows < height) & (taken_columns >= 0) & (taken_columns < width)
    taken_rows, taken_columns = np.clip(taken_rows, 0, height - 1), np.clip(taken_columns, 0, width - 1)
    done = (label >= 0) & inside & known[taken_rows, taken_columns]
    return (np.where(done, taken_rows, rows), np.where(done, taken_columns, columns)), done


def _exact(
    offsets: np.ndarray, used: np.ndarray, detail: np.ndarray, known: np.ndarray, scale: float
) -> NDArray[np.int64]:
    """The offsets in the picture's own pixels: where they were found at a smaller scale, the best nearby."""
    if scale == 1:
        return offsets
    exact = np.rint(offsets / scale).astype(np.int64)
    rows, columns = np.nonzero(known)
    step = max(len(rows) // SAMPLES, 1)
    rows, columns = rows[::step], columns[::step]
    near = np.arange(-math.ceil(1 / scale), math.ceil(1 / scale) + 1)
    around = np.stack(np.meshgrid(near, near, indexing="ij"), axis=-1).reshape(-1, 2)
    for number in used.tolist():
        apart = differences(detail, known, rows, columns, exact[number] + around)
        exact[number] += around[int(np.argmin(apart))]
    return exact
