"""Compiled votes: every patch of the field says what the hole pixels it covers should be.

After Wexler, Shechtman and Irani, "Space-Time Completion of Video" (PAMI 2007), section 3.1: a pixel becomes
the weighted mean of what the matches of all patches over it propose. The last vote copies one proposal
instead (that of the best patch near by), because a mean of dozens of proposals is a blur.
"""

import numpy as np

from vanisher_core.exemplar.kernel import kernel
from vanisher_core.exemplar.search import HUGE


@kernel(fastmath=True)
def vote(image, width, radius, hole, nnf, weight, out, box):  # pragma: no cover - compiled
    """Write the weighted mean of all proposals for each hole pixel of `box` (top, bottom, left, right)."""
    top, bottom, left, right = box
    height = nnf.shape[0] // width
    for y in range(top, bottom):
        for x in range(left, right):
            here = y * width + x
            if not hole[here]:
                continue
            red = np.float32(0.0)
            green = np.float32(0.0)
            blue = np.float32(0.0)
            total = np.float32(0.0)
            for j in range(max(-radius, -y), min(radius, height - 1 - y) + 1):
                for i in range(max(-radius, -x), min(radius, width - 1 - x) + 1):
                    shift = j * width + i
                    match = np.int64(nnf[here + shift])
                    if match >= 0:
                        w = weight[here + shift]
                        at = 3 * (match - shift)
                        red += w * image[np.uint64(at)]
                        green += w * image[np.uint64(at + 1)]
                        blue += w * image[np.uint64(at + 2)]
                        total += w
            if total > 0:
                out[3 * here] = red / total
                out[3 * here + 1] = green / total
                out[3 * here + 2] = blue / total


@kernel(fastmath=True)
def vote_best(image, width, radius, hole, nnf, dist, out, source, box, reach):  # pragma: no cover - compiled
    """As `vote`, but copy the proposal of the best patch within `reach` (wider where there is none)."""
    top, bottom, left, right = box
    height = nnf.shape[0] // width
    for y in range(top, bottom):
        for x in range(left, right):
            here = y * width + x
            if not hole[here]:
                continue
            for near in range(reach, radius + 1):
                best = HUGE
                at = np.int64(-1)
                for j in range(max(-near, -y), min(near, height - 1 - y) + 1):
                    for i in range(max(-near, -x), min(near, width - 1 - x) + 1):
                        shift = j * width + i
                        if nnf[here + shift] >= 0 and dist[here + shift] < best:
                            best = dist[here + shift]
                            at = np.int64(nnf[here + shift]) - shift
                if at >= 0:
                    source[here] = at
                    for c in range(3):
                        out[3 * here + c] = image[3 * at + c]
                    break
