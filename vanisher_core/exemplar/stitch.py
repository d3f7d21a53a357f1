"""Compiled kernels of `vanisher_core.exemplar.heal`: steps at the seams, and sweeps of the equation."""

import numpy as np

from vanisher_core.exemplar.kernel import kernel


@kernel()
def mismatch(image, source, hole, width, step, top, bottom, out):  # pragma: no cover - compiled
    """Step of the copy minus the step of its sources, between each pixel p and p + step (1: right, width: down).

    `out` (pixels x 3) is written from the row before `top` to the row before `bottom`; it stays 0 where neither end is
    hole or no source knows the step.
    """
    last = hole.shape[0]
    for p in range(max(0, (top - 1) * width), bottom * width):
        q = p + step
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
        for c in range(3):
            known = image[3 * (first + step) + c] - image[3 * first + c]
            known += image[3 * (second + step) + c] - image[3 * second + c]
            out[p, c] = image[3 * q + c] - image[3 * p + c] - np.float32(0.5) * known


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
