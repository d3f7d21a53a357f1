"""Compiled nearest-neighbour search: which source patch looks most like each patch that touches the hole.

After Barnes, Shechtman, Finkelstein and Goldman, "PatchMatch" (SIGGRAPH 2009), section 3: propagation from two neighbours in scan
order, then random probes with halving radius; plus a guide term (see `cost`). Every random number is a hash of
(seed, pixel, probe), and a band sees its neighbours only as they were before the sweep: the result is the same for any
number of threads.

Array layout: `image` is flat float32, three channels interleaved, rows one after the other and `TAIL` floats of padding;
`guide` is (pixels, 4) float32; `nnf` holds source pixel indices (y * width + x), -1 where a pixel is no target.
"""

import numpy as np
from numba import njit

RADIUS = 3
"""Patches are 7x7."""
TAIL = 32
_ROW = 24  # floats compared per patch row: 21 used, 3 of zero weight, so that a row is three AVX registers


@njit(cache=True, nogil=True, fastmath=True, inline="always")
def _mix(value):  # pragma: no cover - compiled
    """The finaliser of splitmix64: a 64-bit hash."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(cache=True, nogil=True, fastmath=True)
def cost(image, guide, width, target, source, strength, best):  # pragma: no cover - compiled
    """Squared difference of two patches plus `strength` times that of their guides; may stop early above `best`.

    The guide is smooth, so a 3x3 grid of step 3 describes it.
    """
    total = np.float32(0.0)
    for j in range(-1, 2):
        for i in range(-1, 2):
            shift = 3 * (j * width + i)
            for c in range(4):
                d = guide[target + shift, c] - guide[source + shift, c]
                total += d * d
    total *= strength
    if total >= best:
        return total
    at = 3 * (target - RADIUS * width - RADIUS)
    there = 3 * (source - RADIUS * width - RADIUS)
    for _ in range(7):
        for k in range(21):
            d = image[at + k] - image[there + k]
            total += d * d
        if total >= best:
            return total
        at += 3 * width
        there += 3 * width
    return total


@njit(cache=True, nogil=True, fastmath=True)
def evaluate(image, guide, width, nnf, dist, strength, top, bottom, left, right):  # pragma: no cover - compiled
    """Set `dist` to the cost of the present match for every target in the band."""
    for y in range(top, bottom):
        for x in range(left, right):
            here = y * width + x
            if nnf[here] >= 0:
                dist[here] = cost(image, guide, width, here, nnf[here], strength, np.float32(np.inf))


@njit(cache=True, nogil=True, fastmath=True)
def sweep(
    image, guide, width, valid, sources, nnf, before, dist, strength, box, step, key, probes, reach
):  # pragma: no cover - compiled
    """One scan (step 1: forward, -1: backward) of the band `box` = (top, bottom, left, right).

    `before` is the field as it was before this sweep, read for the row outside the band; `sources` lists the valid pixels.
    """
    top, bottom, left, right = box
    size = nnf.shape[0]
    height = size // width
    for row in range(bottom - top):
        y = top + row if step > 0 else bottom - 1 - row
        for column in range(right - left):
            x = left + column if step > 0 else right - 1 - column
            here = y * width + x
            match = nnf[here]
            if match < 0:
                continue
            best = dist[here]
            beside = nnf[here - step]
            if beside >= 0:
                candidate = beside + step
                if candidate != match and valid[candidate]:
                    d = cost(image, guide, width, here, candidate, strength, best)
                    if d < best:
                        best, match = d, candidate
            above = here - step * width
            beside = nnf[above] if row > 0 else before[above]
            if beside >= 0:
                candidate = beside + step * width
                if candidate != match and valid[candidate]:
                    d = cost(image, guide, width, here, candidate, strength, best)
                    if d < best:
                        best, match = d, candidate
            state = _mix(np.uint64(key) ^ (np.uint64(here) * np.uint64(0x9E3779B97F4A7C15)))
            radius = reach
            for _ in range(probes):
                state = _mix(state + np.uint64(0x9E3779B97F4A7C15))
                if radius * 2 >= height and radius * 2 >= width:
                    candidate = sources[np.int64(((state >> np.uint64(33)) * np.uint64(sources.shape[0])) >> np.uint64(31))]
                else:
                    span = np.uint64(2 * radius + 1)
                    dy = np.int64(((state >> np.uint64(33)) * span) >> np.uint64(31)) - radius
                    dx = np.int64(((state & np.uint64(0x7FFFFFFF)) * span) >> np.uint64(31)) - radius
                    cy = match // width + dy
                    cx = match % width + dx
                    radius_in = cy >= RADIUS and cy < height - RADIUS and cx >= RADIUS and cx < width - RADIUS
                    candidate = cy * width + cx if radius_in else match
                radius = radius >> 1
                if radius < 1:
                    radius = 1
                if candidate != match and valid[candidate]:
                    d = cost(image, guide, width, here, candidate, strength, best)
                    if d < best:
                        best, match = d, candidate
            nnf[here] = match
            dist[here] = best
