"""Compiled kernels of `vanisher_core.exemplar.heal`: steps at the seams, and sweeps of the equation."""

import numpy as np

from vanisher_core.exemplar.kernel import kernel


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


@kernel()
def relax(
    plane, right, down, pull, hole, weight_right, weight_down, hold, sweeps
):  # pragma: no cover - compiled
    """Over-relaxed sweeps of sum_q w (c_q - c_p + m_pq) + pull_p = hold_p c_p over the hole.

    All arrays H x W; `plane` holds c and is changed in place. Red-black order; the last two sweeps are Gauss-Seidel.
    """
    height, width = hole.shape
    for sweep in range(sweeps):
        omega = np.float32(1.7 if sweep < sweeps - 2 else 1.0)
        for colour in range(2):
            for y in range(height):
                for x in range((y + colour) & 1, width, 2):
                    if not hole[y, x]:
                        continue
                    total = pull[y, x]
                    weight = hold[y, x]
                    if x + 1 < width:
                        w = weight_right[y, x]
                        total += w * (plane[y, x + 1] + right[y, x])
                        weight += w
                    if x > 0:
                        w = weight_right[y, x - 1]
                        total += w * (plane[y, x - 1] - right[y, x - 1])
                        weight += w
                    if y + 1 < height:
                        w = weight_down[y, x]
                        total += w * (plane[y + 1, x] + down[y, x])
                        weight += w
                    if y > 0:
                        w = weight_down[y - 1, x]
                        total += w * (plane[y - 1, x] - down[y - 1, x])
                        weight += w
                    if weight > 0:
                        plane[y, x] += omega * (total / weight - plane[y, x])
