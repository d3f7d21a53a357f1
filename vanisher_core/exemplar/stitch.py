"""Compiled kernels of `vanisher_core.exemplar.heal`: steps at the seams, and sweeps of the equation."""

import numpy as np

from vanisher_core.exemplar.kernel import kernel
from vanisher_core.exemplar.relax import ends_of


@kernel()
def mismatch(
    image, source, hole, width, step, band, corner, softness, out, weight
):  # pragma: no cover - compiled
    """Step of the copy minus the step of its sources, between each pixel p and p + step (1: right, width: down).

    `out` (3 x h x w) and `weight` (h x w) are a part of the picture that begins at `corner` (row, column); of it the
    rows `band` (top, bottom) are written. The step stays 0 where neither end is hole or no source knows it; `softness`
    is one over the square of the steps whose weight is a quarter.
    """
    last = hole.shape[0]
    for y in range(band[0], band[1]):
        for x in range(out.shape[2]):
            p = (y + corner[0]) * width + x + corner[1]
            q = p + step
            weight[y, x] = np.float32(1.0)
            if q >= last or (step == 1 and q % width == 0) or not (hole[p] or hole[q]):
                continue
            first = np.int64(-1)
            second = np.int64(-1)
            if hole[p] and source[p] >= 0:
                s = source[p]
                if s + step < last and not hole[s + step] and not (step == 1 and (s + 1) % width == 0):
                    first = s
            if hole[q] and source[q] >= 0:
                s = source[q] - step
                if s >= 0 and not hole[s] and not (step == 1 and (s + 1) % width == 0):
                    second = s
            if first < 0 and second < 0:
                continue
            first, second = (first if first >= 0 else second), (second if second >= 0 else first)
            square = np.float32(0.0)
            for c in range(3):
                known = image[3 * (first + step) + c] - image[3 * first + c]
                known += image[3 * (second + step) + c] - image[3 * second + c]
                value = image[3 * q + c] - image[3 * p + c] - np.float32(0.5) * known
                out[c, y, x] = value
                square += value * value
            share = np.float32(1.0) / (np.float32(1.0) + square * softness)
            weight[y, x] = share * share


@kernel()
def rim(steps, weights, hole, band, pull, hold, inner):  # pragma: no cover - compiled
    """Sort the pairs of the rows `band`: those within the hole keep their weight in `inner`, the rim's act as springs.

    `steps` (2 x 3 x H x W) and `weights` (2 x H x W) are those of the pairs to the right and down, as `inner`; `hold`
    (H x W) has the screen in it already.
    """
    height, width = hole.shape
    for y in range(band[0], band[1]):
        for x in range(width):
            if not hole[y, x]:
                continue
            for axis in range(2):
                j, i = (y, x + 1) if axis == 0 else (y + 1, x)
                if j < height and i < width:
                    w = weights[axis, y, x]
                    if hole[j, i]:
                        inner[axis, y, x] = w
                    else:
                        hold[y, x] += w
                        for c in range(3):
                            pull[c, y, x] += w * steps[axis, c, y, x]
                j, i = (y, x - 1) if axis == 0 else (y - 1, x)
                if j >= 0 and i >= 0 and not hole[j, i]:
                    w = weights[axis, j, i]
                    hold[y, x] += w
                    for c in range(3):
                        pull[c, y, x] -= w * steps[axis, c, j, i]


@kernel(fastmath=True)
def _middle(here, above, below, steps, share, across, up, down, omega, new):  # pragma: no cover - compiled
    """One row but for its ends: over-relaxed towards (steps + sum of w c_q) * share where `share` is above 0."""
    one, last = np.uint64(1), np.uint64(len(here) - 1)
    for x in range(one, last):
        total = steps[x] + across[x] * here[x + one] + across[x - one] * here[x - one]
        total += up[x] * above[x] + down[x] * below[x]
        new[x] = here[x] + omega * (total * share[x] - here[x]) if share[x] > 0 else here[x]
    for x in range(one, last):
        here[x] = new[x]


@kernel(fastmath=True)
def relax(
    plane, right, down, pull, hole, weight_right, weight_down, hold, sweeps
):  # pragma: no cover - compiled
    """Over-relaxed sweeps of sum_q w (c_q - c_p + m_pq) + pull_p = hold_p c_p over the hole.

    All arrays H x W; `plane` holds c and is changed in place. Red-black order, as `relax.relax_plane`; the last two
    sweeps are Gauss-Seidel.
    """
    height, width = hole.shape
    # what does not change from sweep to sweep, with a pixel all round: the steps, and one over the sum of weights
    steps = np.zeros((height + 2, width + 2), np.float32)
    share = np.zeros((2, height + 2, width + 2), np.float32)
    across, along = np.zeros((2, height + 2, width + 2), np.float32)
    field = np.zeros((height + 2, width + 2), np.float32)
    for y in range(height):
        for x in range(width):
            field[y + 1, x + 1] = plane[y, x]
            across[y + 1, x + 1] = weight_right[y, x] if x + 1 < width else 0
            along[y + 1, x + 1] = weight_down[y, x] if y + 1 < height else 0
            if not hole[y, x]:
                continue
            total, weight = pull[y, x], hold[y, x]
            if x + 1 < width:
                total += weight_right[y, x] * right[y, x]
                weight += weight_right[y, x]
            if x > 0:
                total -= weight_right[y, x - 1] * right[y, x - 1]
                weight += weight_right[y, x - 1]
            if y + 1 < height:
                total += weight_down[y, x] * down[y, x]
                weight += weight_down[y, x]
            if y > 0:
                total -= weight_down[y - 1, x] * down[y - 1, x]
                weight += weight_down[y - 1, x]
            steps[y + 1, x + 1] = total
            if weight > 0:
                share[(x + y) & 1, y + 1, x + 1] = np.float32(1) / weight
    new = np.empty(width + 2, np.float32)
    ends = ends_of(hole)
    for step in range(height + 2 * sweeps - 1):
        for half in range(max(0, step - height + 1), min(2 * sweeps, step + 1)):
            y = step - half
            if ends[y, 0] == ends[y, 1]:
                continue
            part = slice(ends[y, 0], ends[y, 1] + 2)
            omega = np.float32(1.7 if half < 2 * sweeps - 4 else 1.0)
            _middle(
                field[y + 1, part], field[y, part], field[y + 2, part], steps[y + 1, part],
                share[half & 1, y + 1, part], across[y + 1, part], along[y, part], along[y + 1, part], omega, new,
            )  # fmt: skip
    plane[:] = field[1:-1, 1:-1]
