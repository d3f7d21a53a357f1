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

import numpy as np

TOLERANCE = 0.05
"""Differences of a step of this size (of the full range, over three channels) count half as shade."""
REACH = 200.0
"""Pixels after which a correction has died away."""
_LEVELS = 8
_SWEEPS, _COARSE_SWEEPS = 16, 24
_RESISTANCE_FLOOR = 1e-6


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
    from vanisher_core.exemplar.stitch import mismatch

    plane = hole.reshape(-1, width)
    out = np.zeros((*plane.shape, 3), np.float32)
    rows, columns = np.flatnonzero(plane.any(1)), np.flatnonzero(plane.any(0))
    if rows.size == 0:
        return out
    # one known pixel all round, so that the steps across the rim take part
    box = np.s_[max(0, rows[0] - 1) : rows[-1] + 2, max(0, columns[0] - 1) : columns[-1] + 2]
    steps = []
    for step in (1, width):
        found = np.zeros((hole.size, 3), np.float32)
        mismatch(image, source, hole, width, step, int(rows[0]), int(rows[-1]) + 1, found)
        steps.append(np.ascontiguousarray(found.reshape(out.shape)[box]))
    right, down = steps
    out[box] = _cascade(right, down, _weight(right), _weight(down), plane[box], np.float32(REACH**-2), 0)
    return out


def _weight(step: np.ndarray) -> np.ndarray:
    """Geman-McClure weight of each pair: 1 for a shade, 0 for an edge; HxWx3 -> HxW."""
    return (1 + np.square(step).sum(-1) / np.float32(TOLERANCE**2)) ** np.float32(-2)


def _cascade(
    right: np.ndarray, down: np.ndarray, weight_right: np.ndarray, weight_down: np.ndarray,
    hole: np.ndarray, screen: np.float32, level: int,
) -> np.ndarray:  # fmt: skip
    """The correction HxWx3 of one level: that of the coarser level, doubled and relaxed."""
    from vanisher_core.exemplar.stitch import relax
    from vanisher_core.exemplar.workers import run_bands

    out = np.zeros((*hole.shape, 3), np.float32)
    if not hole.any():
        return out
    if level < _LEVELS and min(hole.shape) >= 8:
        coarse_right, coarse_weight_right = _halved(right, weight_right)
        coarse_down, coarse_weight_down = _halved(down.swapaxes(0, 1), weight_down.T)
        inner = _padded(hole)
        inner = inner[0::2, 0::2] & inner[0::2, 1::2] & inner[1::2, 0::2] & inner[1::2, 1::2]
        coarse = _cascade(
            coarse_right, coarse_down.swapaxes(0, 1), coarse_weight_right, coarse_weight_down.T,
            inner, 4 * screen, level + 1,
        )  # fmt: skip
        out[...] = coarse.repeat(2, 0).repeat(2, 1)[: hole.shape[0], : hole.shape[1]]
        out[~hole] = 0
    hole, weight_right, weight_down = (np.ascontiguousarray(a) for a in (hole, weight_right, weight_down))
    corrections, rights, downs = (np.ascontiguousarray(np.moveaxis(a, -1, 0)) for a in (out, right, down))
    sweeps = _COARSE_SWEEPS if level else _SWEEPS

    def settle(c: int) -> None:
        relax(corrections[c], rights[c], downs[c], hole, weight_right, weight_down, screen, sweeps)

    run_bands(settle, [0, 1, 2])
    return np.moveaxis(corrections, 0, -1)


def _halved(step: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs to the right (HxWx3 steps, HxW weights) at half size.

    A coarse pair runs over half a fine pair, the pair between two blocks and half a fine pair again: steps add up, and
    so do resistances (1 / weight); the two rows of a block lie side by side, where weights add up.
    """
    step, weight = _padded(step), _padded(weight)
    inner_step, inner = _rows_joined(step[:, 0::2], weight[:, 0::2])
    cross_step, cross = _rows_joined(step[:, 1::2], weight[:, 1::2])
    next_step, following = np.roll(inner_step, -1, 1), np.roll(inner, -1, 1)
    resistance = 1 / np.maximum(cross, _RESISTANCE_FLOOR)
    resistance += 0.5 / np.maximum(inner, _RESISTANCE_FLOOR) + 0.5 / np.maximum(following, _RESISTANCE_FLOOR)
    return cross_step + (inner_step + next_step) / 2, 1 / resistance


def _rows_joined(step: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    upper, lower = weight[0::2], weight[1::2]
    total = upper + lower
    mean = (step[0::2] * upper[..., None] + step[1::2] * lower[..., None]) / np.maximum(total, 1e-6)[
        ..., None
    ]
    return mean, total


def _padded(plane: np.ndarray) -> np.ndarray:
    """Even sides, filled with zeros."""
    return np.pad(plane, ((0, plane.shape[0] % 2), (0, plane.shape[1] % 2), *[(0, 0)] * (plane.ndim - 2)))
