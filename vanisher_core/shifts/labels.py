"""Which part of a hole takes which offset: the labelling with the least visible seams.

The hole is divided into blocks; neighbours with different offsets pay for the difference of what both would show on
the two blocks, blocks at the rim for the difference to what is known there. The sum is minimised by alpha expansion
(Boykov, Veksler & Zabih, "Fast Approximate Energy Minimization via Graph Cuts", IEEE PAMI 2001), each expansion one
minimum cut.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vanisher_core.exemplar.kernel import kernel

BLOCKED = np.float32(1e4)
"""Cost of an offset that shows a block something unknown."""
PRECISION = 4000.0
"""Units of the integer capacities in one unit of cost."""
SWEEPS = 2
"""How often offsets are offered: all of them at first, then those that were taken."""
SPARSE = 2
"""Of so many rows and columns one is looked at along a seam."""


class Blocks(NamedTuple):
    """A hole in blocks.

    Attributes:
        side: pixels.
        rows: of the blocks, N.
        columns: of the blocks, N.
        pairs: Mx2, neighbouring blocks.
    """

    side: int
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    pairs: NDArray[np.int64]

    @classmethod
    def of(cls, hole: np.ndarray, side: int) -> Blocks:
        """The blocks that touch a hole whose sides are multiples of `side`."""
        height, width = hole.shape[0] // side, hole.shape[1] // side
        rows, columns = np.nonzero(hole.reshape(height, side, width, side).any(axis=(1, 3)))
        return cls.at(side, rows, columns, (height, width))

    @classmethod
    def at(cls, side: int, rows: np.ndarray, columns: np.ndarray, size: tuple[int, int]) -> Blocks:
        """Blocks at given places of a grid."""
        number = np.full(size, -1)
        number[rows, columns] = np.arange(len(rows))
        pairs = [
            np.stack([one[(one >= 0) & (two >= 0)], two[(one >= 0) & (two >= 0)]], axis=1)
            for one, two in ((number[:, :-1], number[:, 1:]), (number[:-1], number[1:]))
        ]
        return cls(side, rows, columns, np.concatenate(pairs))

    def only(self, which: np.ndarray, size: tuple[int, int]) -> Blocks:
        """Some of them; `size` is that of the grid."""
        return Blocks.at(self.side, self.rows[which], self.columns[which], size)


def assigned(
    detail: np.ndarray,
    known: np.ndarray,
    blocks: Blocks,
    offsets: np.ndarray,
    unary: np.ndarray,
    most: float,
    progress: Callable[[float], None] = lambda done: None,
) -> tuple[NDArray[np.int64], float]:
    """The offset (its number) of every block, and the cost of all seams per pair of neighbours.

    Args:
        detail: HxWxC float32.
        known: HxW bool.
        blocks: N blocks, each with an offset that is not blocked.
        offsets: Kx2.
        unary: NxK float32, cost of each offset for each block.
        most: largest difference of two pixels that counts: a seam cannot look worse than that.
        progress: called with the share done; may raise.
    """
    now = unary.argmin(axis=1)
    for sweep in range(SWEEPS):
        before = now.copy()
        offered = range(len(offsets)) if sweep == 0 else np.unique(now).tolist()
        for offset in offered:
            progress((sweep + offset / len(offsets)) / SWEEPS)
            free = unary[:, offset] < BLOCKED
            if free.any():
                near = blocks._replace(pairs=blocks.pairs[free[blocks.pairs].any(axis=1)])
                costs = _seams(detail, known, *near, offsets, now, offset, most)
                gain = unary[free, offset] - unary[free, now[free]]
                now[free] = np.where(_expanded(gain, near.pairs, free, costs), offset, now[free])
        if (now == before).all():
            break
    left = _seams(detail, known, *blocks, offsets, now, 0, most)[:, 0]
    own = unary[np.arange(len(now)), now]
    return now, float((left.sum() + own.sum()) / max(len(blocks.pairs), 1))


def _expanded(gain: np.ndarray, pairs: np.ndarray, free: np.ndarray, costs: np.ndarray) -> NDArray[np.bool_]:
    """Which blocks had better take an offset: the minimum cut of Kolmogorov & Zabih (IEEE PAMI 2004, section 4.1).

    Args:
        gain: N, by how much each of the blocks that may take it would cost more alone.
        pairs: Mx2, neighbours of which one at least may.
        free: bool, which of all blocks those N are.
        costs: Mx3, of `_seams`.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    count = len(gain)
    keep, second, first = costs.T.astype(np.float64)  # neither takes it; the second does; the first does
    one, two = (np.cumsum(free) - 1)[pairs].T
    both = free[pairs].all(axis=1)
    gain = gain.astype(np.float64)
    for number, may, more in (
        (one, free[pairs[:, 0]], first - keep),
        (two, free[pairs[:, 1]], np.where(both, -first, second - keep)),
    ):
        gain += np.bincount(number[may], more[may], count)
    one, two, between = one[both], two[both], np.maximum(first + second - keep, 0)[both]
    source, sink, nodes = count, count + 1, np.arange(count)
    tails = np.concatenate([np.full(count, source), nodes, one, two])
    heads = np.concatenate([nodes, np.full(count, sink), two, one])
    limits = np.concatenate([np.maximum(gain, 0), np.maximum(-gain, 0), between, np.zeros(len(one))])
    whole = np.rint(np.minimum(limits, float(BLOCKED)) * PRECISION).astype(np.int32)
    graph = coo_matrix((whole, (tails, heads)), shape=(count + 2, count + 2)).tocsr()
    rest = graph - maximum_flow(graph, source, sink).flow
    rest.eliminate_zeros()
    taken = np.ones(count + 2, bool)
    taken[breadth_first_order(rest, source, return_predecessors=False)] = False
    return taken[:count]


@kernel()
def rim_costs(detail, known, hole, side, rows, columns, offsets, most):  # pragma: no cover - compiled
    """NxK: what each offset costs each block: differences to known pixels round it."""
    height, width = known.shape
    out = np.zeros((len(rows), len(offsets)), np.float32)
    for block in range(len(rows)):
        top, left = rows[block] * side, columns[block] * side
        for number in range(len(offsets)):
            down, right = offsets[number]
            total = 0.0
            for y in range(max(top - side, 0), min(top + 2 * side, height)):
                for x in range(max(left - side, 0), min(left + 2 * side, width)):
                    wanted = hole[y, x] and top <= y < top + side and left <= x < left + side
                    if not (wanted or known[y, x]):
                        continue
                    a, b = y + down, x + right
                    there = 0 <= a < height and 0 <= b < width and known[a, b]
                    if wanted:
                        if not there:
                            total = 1e30
                    elif not there:
                        total += most
                    else:
                        apart = 0.0
                        for channel in range(detail.shape[2]):
                            apart += (detail[a, b, channel] - detail[y, x, channel]) ** 2
                        total += min(np.sqrt(apart), most)
            out[block, number] = min(total / (side * side), 1e4)
    return out


@kernel()
def differences(detail, known, rows, columns, offsets):  # pragma: no cover - compiled
    """K: mean squared difference of pixels and those at each offset, where these are known; infinite where none is."""
    height, width = known.shape
    out = np.full(len(offsets), np.inf)
    for number in range(len(offsets)):
        down, right = offsets[number]
        total, count = 0.0, 0
        for index in range(len(rows)):
            y, x = rows[index], columns[index]
            a, b = y + down, x + right
            if 0 <= a < height and 0 <= b < width and known[a, b]:
                count += detail.shape[2]
                for channel in range(detail.shape[2]):
                    total += (detail[a, b, channel] - detail[y, x, channel]) ** 2
        if count:
            out[number] = total / count
    return out


@kernel(fastmath=True)
def _seams(
    detail, known, side, rows, columns, pairs, offsets, now, offset, most
):  # pragma: no cover - compiled
    """Mx3: cost of each pair as it is, if its second block takes `offset`, if its first block does."""
    out = np.zeros((len(pairs), 3), np.float32)
    seen = float(((side + SPARSE - 1) // SPARSE) ** 2)
    for index in range(len(pairs)):
        first, second = pairs[index]
        ways = ((now[first], now[second]), (now[first], offset), (offset, now[second]))
        for way in range(3):
            one, two = ways[way]
            if one == two:
                continue
            total = 0.0
            for block in (first, second):
                top, left = rows[block] * side, columns[block] * side
                for y in range(top, top + side, SPARSE):
                    for x in range(left, left + side, SPARSE):
                        total += _apart(detail, known, y, x, offsets[one], offsets[two], most)
            out[index, way] = total / seen
    return out


@kernel(fastmath=True, inline="always")
def _apart(detail, known, y, x, one, two, most):  # pragma: no cover - compiled
    """Difference of what two offsets show a pixel."""
    height, width = known.shape
    a, b, c, d = y + one[0], x + one[1], y + two[0], x + two[1]
    if not (
        0 <= a < height
        and 0 <= b < width
        and known[a, b]
        and 0 <= c < height
        and 0 <= d < width
        and known[c, d]
    ):
        return most
    total = 0.0
    for channel in range(detail.shape[2]):
        total += (detail[a, b, channel] - detail[c, d, channel]) ** 2
    return min(np.sqrt(total), most)
