"""Heal the seams between copied regions: copies keep their texture and give up their different shades.

A fill is a patchwork: neighbouring pixels may come from places whose light differs, which shows as steps in skies
and on walls. Each pair of neighbours has the step that its sources have (between the same two pixels where they
were copied from) and the step that the copy has. Where the two differ little, it is a difference of shade, and it
is spread over the surroundings by a weighted, screened Poisson equation; where they differ much, it is an edge and
stays.

After Perez, Gangnet and Blake, "Poisson Image Editing" (SIGGRAPH 2003), and the gradient-domain votes of Darabi et
al., "Image Melding" (SIGGRAPH 2012, section 3.3). The weight of a pair is that of Geman and McClure; the equation
is solved from coarse to fine, where series of pairs add their steps and their resistances.
"""

from typing import NamedTuple

import numpy as np

TOLERANCE = 0.05
"""Differences of a step of this size (of the full range, over three channels) count half as shade."""
REACH = 40.0
"""Pixels after which a correction has died away."""
_LEVELS = 8
_SWEEPS, _COARSE_SWEEPS = 8, 16
_WEIGHT_FLOOR = 1e-6


def shade_correction(image: np.ndarray, source: np.ndarray, hole: np.ndarray, width: int) -> np.ndarray:
    """What to add to a copied fill so that its patches agree in shade.

    Args:
        image: at least 3 * pixels float32, row by row: the picture with the copies in its hole.
        source: pixels int64: index of the pixel that each hole pixel was copied from, -1 elsewhere.
        hole: pixels bool.
        width: columns of the picture.

    Returns:
        HxWx3 float32, 0 outside the hole.
    """
    plane = hole.reshape(-1, width)
    out = np.zeros((*plane.shape, 3), np.float32)
    rows, columns = np.flatnonzero(plane.any(1)), np.flatnonzero(plane.any(0))
    if rows.size == 0:
        return out
    # one known pixel all round, so that the steps across the rim take part
    top, left = max(0, int(rows[0]) - 1), max(0, int(columns[0]) - 1)
    box = np.s_[top : int(rows[-1]) + 2, left : int(columns[-1]) + 2]
    inside = np.ascontiguousarray(plane[box])
    pairs = _pairs(image, source, hole, width, (top, left), inside)
    out[box] = np.moveaxis(_cascade(pairs, inside, 0), 0, -1)
    return out


class _Pairs(NamedTuple):
    """The equation of one level: sum over neighbours q of w (c_q - c_p + m_pq), plus pull_p - hold_p c_p, is 0.

    Attributes:
        right: 3xHxW, m of each pixel and its right neighbour.
        down: 3xHxW, m of each pixel and the one below.
        weight_right: HxW, w of the same pairs; 0 unless both ends are hole.
        weight_down: HxW.
        pull: 3xHxW and
        hold: HxW: pairs of a hole pixel and a known one (whose correction is 0), and the screen.
    """

    right: np.ndarray
    down: np.ndarray
    weight_right: np.ndarray
    weight_down: np.ndarray
    pull: np.ndarray
    hold: np.ndarray


def _pairs(
    image: np.ndarray, source: np.ndarray, hole: np.ndarray, width: int, corner: tuple[int, int], inside: np.ndarray
) -> _Pairs:  # fmt: skip
    """The equation of the finest level: the part of the picture that begins at a corner (row, column)."""
    from vanisher_core.exemplar.stitch import mismatch, rim
    from vanisher_core.exemplar.workers import row_bands, run_bands

    shape = inside.shape
    steps, pull = np.zeros((2, 3, *shape), np.float32), np.zeros((3, *shape), np.float32)
    weights, inner = np.zeros((2, 2, *shape), np.float32)
    hold = np.where(inside, np.float32(REACH**-2), np.float32(0))
    softness = np.float32(TOLERANCE**-2)
    bands = row_bands(0, shape[0], 12)

    def compare(band: tuple[int, int]) -> None:
        for axis, step in enumerate((1, width)):
            mismatch(image, source, hole, width, step, band, corner, softness, steps[axis], weights[axis])

    run_bands(compare, bands)
    run_bands(lambda band: rim(steps, weights, inside, band, pull, hold, inner), bands)
    return _Pairs(steps[0], steps[1], inner[0], inner[1], pull, hold)


def _cascade(pairs: _Pairs, hole: np.ndarray, level: int) -> np.ndarray:
    """The correction 3xHxW of one level: that of the coarser level, doubled and relaxed."""
    from vanisher_core.exemplar.stitch import relax
    from vanisher_core.exemplar.workers import run_bands

    out = np.zeros((3, *hole.shape), np.float32)
    if level < _LEVELS and max(hole.shape) > 2:
        coarse = _cascade(_coarser(pairs), np.asarray(_quads(hole).any((-3, -1))), level + 1)
        out[...] = coarse.repeat(2, 1).repeat(2, 2)[:, : hole.shape[0], : hole.shape[1]]
        out[:, ~hole] = 0
    sweeps = _COARSE_SWEEPS if level else _SWEEPS

    def settle(c: int) -> None:
        relax(
            out[c],
            pairs.right[c],
            pairs.down[c],
            pairs.pull[c],
            hole,
            pairs.weight_right,
            pairs.weight_down,
            pairs.hold,
            sweeps,
        )

    run_bands(settle, [0, 1, 2])
    return out


def _coarser(pairs: _Pairs) -> _Pairs:
    """The equation at half size."""
    right, weight_right = _halved(pairs.right, pairs.weight_right)
    down, weight_down = _halved(pairs.down.swapaxes(1, 2), pairs.weight_down.T)
    down, weight_down = np.ascontiguousarray(down.swapaxes(1, 2)), np.ascontiguousarray(weight_down.T)
    pull, hold = _quads(pairs.pull).sum((-3, -1)), _quads(pairs.hold).sum((-3, -1))
    return _Pairs(right, down, weight_right, weight_down, pull, hold)


def _halved(step: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs to the right (3xHxW steps, HxW weights) at half size.

    A coarse pair runs over half a fine pair, the pair between two blocks and half a fine pair again: steps add up, and
    so do resistances (1 / weight); the two rows of a block lie side by side, where weights add up.
    """
    step, weight = _padded(step), _padded(weight)
    inner_step, inner = _rows_joined(step[..., 0::2], weight[:, 0::2])
    cross_step, cross = _rows_joined(step[..., 1::2], weight[:, 1::2])
    resistance = _half_resistance(inner)
    total = 1 / np.maximum(cross, _WEIGHT_FLOOR) + resistance + np.roll(resistance, -1, -1)
    joined = cross_step + (inner_step + np.roll(inner_step, -1, -1)) / 2
    return joined, np.where(cross > 0, 1 / total, 0).astype(np.float32)


def _half_resistance(weight: np.ndarray) -> np.ndarray:
    """Of half a pair; none where there is no pair (a block that is hole on one side only)."""
    return np.where(weight > 0, 0.5 / np.maximum(weight, _WEIGHT_FLOOR), 0)


def _rows_joined(step: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    upper, lower = weight[0::2], weight[1::2]
    total = upper + lower
    return (step[:, 0::2] * upper + step[:, 1::2] * lower) / np.maximum(total, 1e-6), total


def _quads(plane: np.ndarray) -> np.ndarray:
    """(C x) H x W -> (C x) H/2 x 2 x W/2 x 2."""
    plane = _padded(plane)
    return plane.reshape(*plane.shape[:-2], plane.shape[-2] // 2, 2, plane.shape[-1] // 2, 2)


def _padded(plane: np.ndarray) -> np.ndarray:
    """Even sides, filled with zeros."""
    height, width = plane.shape[-2:]
    if height % 2 == width % 2 == 0:
        return plane
    return np.pad(plane, (*[(0, 0)] * (plane.ndim - 2), (0, height % 2), (0, width % 2)))
