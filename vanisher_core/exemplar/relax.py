"""Compiled sweeps of successive over-relaxation on one plane, in red-black order.

Used at every level of their pyramids by `vanisher_core.membrane` (the Laplace equation) and by
`vanisher_core.exemplar.heal`. Red-black order does not depend on a scan direction; neighbours outside the picture are
left out (a free border).

A half sweep needs of the one before it no more than the rows next to its own. So all of them follow each other down the
plane, a row apart, and a row stays in the nearest cache until the last one has passed; the values are those of whole
sweeps one after the other. Of a row all pixels are computed, whole registers at a time, and every other one is kept.
"""

import numpy as np

from vanisher_core.exemplar.kernel import kernel


@kernel()
def ends_of(hole):  # pragma: no cover - compiled
    """First column of the hole in every row and the one after its last (int64 Hx2); 0 and 0 in rows without any."""
    height, width = hole.shape
    ends = np.zeros((height, 2), np.int64)
    for y in range(height):
        for x in range(width):
            if hole[y, x]:
                if ends[y, 1] == 0:
                    ends[y, 0] = x
                ends[y, 1] = x + 1
    return ends


@kernel(fastmath=True)
def _middle(here, above, below, keep, weight, new):  # pragma: no cover - compiled
    """One row but for its ends: towards the mean of the four neighbours where `keep` is not 0."""
    quarter, one = np.float32(0.25), np.uint64(1)
    for x in range(one, np.uint64(len(here) - 1)):
        mean = (above[x] + below[x] + here[x - one] + here[x + one]) * quarter
        new[x] = here[x] + weight * (mean - here[x]) if keep[x] else here[x]
    for x in range(one, np.uint64(len(here) - 1)):
        here[x] = new[x]


@kernel(fastmath=True)
def relax_plane(plane, hole, sweeps, omega):  # pragma: no cover - compiled
    """Relax `plane` (HxW float32) in place where `hole` (HxW bool); the last two sweeps are Gauss-Seidel."""
    height, width = plane.shape
    ends = ends_of(hole)
    new = np.empty(width, np.float32)
    keep = np.zeros((2, height, width), np.uint8)
    for y in range(height):
        for x in range(width):
            keep[(x + y) & 1, y, x] = hole[y, x]
    for step in range(height + 2 * sweeps - 1):
        for half in range(max(0, step - height + 1), min(2 * sweeps, step + 1)):
            y = step - half
            left, right = max(ends[y, 0], 1), min(ends[y, 1], width - 1)
            if ends[y, 0] == ends[y, 1]:
                continue
            weight = np.float32(omega if half < 2 * sweeps - 4 else 1.0)
            marks = keep[half & 1, y]
            if 0 < y < height - 1:
                if left < right:
                    part = slice(left - 1, right + 1)
                    _middle(plane[y, part], plane[y - 1, part], plane[y + 1, part], marks[part], weight, new)
                first, stride = 0, max(width - 1, 1)  # what is left: the picture's own sides
            else:
                first, stride = 0, 1
            for x in range(first, width, stride):
                if not marks[x]:
                    continue
                total = np.float32(0.0)
                count = np.float32(0.0)
                for j, i in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                    if 0 <= j < height and 0 <= i < width:
                        total += plane[j, i]
                        count += np.float32(1.0)
                if count > 0:
                    plane[y, x] += weight * (total / count - plane[y, x])


@kernel(fastmath=True)
def relax_linked(plane, hole, across, sweeps, omega):  # pragma: no cover - compiled
    """As `relax_plane`, with links of `across` (HxW float32 above 0) from each pixel to the one on its right.

    Whole sweeps one after the other, for one plane in a hundred needs it.
    """
    height, width = plane.shape
    ends = ends_of(hole)
    for half in range(2 * sweeps):
        weight = np.float32(omega if half < 2 * sweeps - 4 else 1.0)
        for y in range(height):
            for x in range(ends[y, 0] + ((ends[y, 0] + y + half) & 1), ends[y, 1], 2):
                if not hole[y, x]:
                    continue
                total = np.float32(0.0)
                links = np.float32(0.0)
                if y > 0:
                    total += plane[y - 1, x]
                    links += np.float32(1.0)
                if y < height - 1:
                    total += plane[y + 1, x]
                    links += np.float32(1.0)
                if x > 0:
                    total += across[y, x - 1] * plane[y, x - 1]
                    links += across[y, x - 1]
                if x < width - 1:
                    total += across[y, x] * plane[y, x + 1]
                    links += across[y, x]
                if links > 0:
                    plane[y, x] += weight * (total / links - plane[y, x])
