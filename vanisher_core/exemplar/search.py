"""Compiled nearest-neighbour search: which source patch looks most like each patch that touches the hole.

After Barnes, Shechtman, Finkelstein and Goldman, "PatchMatch" (SIGGRAPH 2009), section 3: propagation from
two neighbours in scan order, then random probes with halving radius; plus a guide term (see `cost`). Every
random number is a hash of (seed, pixel, probe), and a band sees its neighbours only as they were before the
sweep: the result is the same for any number of threads.

Array layout: `image` is flat float32, three channels interleaved, rows one after the other and `TAIL` floats
of padding; `guide` is flat float32, four channels interleaved; `nnf` holds source pixel indices (y * width +
x), -1 where a pixel is no target.
"""

import numpy as np

from vanisher_core.exemplar.kernel import kernel

NARROW, WIDE = 3, 5
"""Radius of the patches, 7x7 and 11x11."""
TAIL = 48
# patch rows of 7 and of 11 pixels, padded to whole AVX registers
_LANES = np.array([1.0] * 21 + [0.0] * 3, np.float32)
_WIDE_LANES = np.array([1.0] * 33 + [0.0] * 7, np.float32)


HUGE = np.float32(3e38)
"""Above every cost. Not infinity: `fastmath` lets the compiler assume that there is none."""
LOST = -2
"""Stands in a field where a match could not be carried up."""


@kernel(fastmath=True, forceinline=True)
def _mix(value):  # pragma: no cover - compiled
    """The finaliser of splitmix64: a 64-bit hash."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@kernel(fastmath=True, forceinline=True)
def _narrow_difference(image, width, target, source, best):  # pragma: no cover - compiled
    """Squared difference of two 7x7 patches; may end above `best`."""
    row = np.uint64(3 * width)
    two = np.uint64(6 * width)
    at = np.uint64(3 * (target - NARROW * width - NARROW))
    there = np.uint64(3 * (source - NARROW * width - NARROW))
    a1, b1 = at + row, there + row
    a2, b2 = a1 + two, b1 + two
    a3, b3 = a2 + two, b2 + two
    total = np.float32(0.0)
    for k in range(np.uint64(24)):
        d1 = image[a1 + k] - image[b1 + k]
        d2 = image[a2 + k] - image[b2 + k]
        d3 = image[a3 + k] - image[b3 + k]
        total += _LANES[k] * (d1 * d1 + d2 * d2 + d3 * d3)
    if total >= best:
        return total
    a1, b1 = at, there
    a2, b2 = a1 + two, b1 + two
    a3, b3 = a2 + two, b2 + two
    a4, b4 = a3 + two, b3 + two
    part = np.float32(0.0)
    for k in range(np.uint64(24)):
        d1 = image[a1 + k] - image[b1 + k]
        d2 = image[a2 + k] - image[b2 + k]
        d3 = image[a3 + k] - image[b3 + k]
        d4 = image[a4 + k] - image[b4 + k]
        part += _LANES[k] * (d1 * d1 + d2 * d2 + d3 * d3 + d4 * d4)
    return total + part


@kernel(fastmath=True, forceinline=True)
def _wide_difference(image, width, target, source, best):  # pragma: no cover - compiled
    """Squared difference of two 11x11 patches; may end above `best`. Rows across the whole patch first."""
    row = np.uint64(3 * width)
    a0 = np.uint64(3 * (target - WIDE * width - WIDE))
    b0 = np.uint64(3 * (source - WIDE * width - WIDE))
    a2, b2 = a0 + np.uint64(2) * row, b0 + np.uint64(2) * row
    a5, b5 = a0 + np.uint64(5) * row, b0 + np.uint64(5) * row
    a8, b8 = a0 + np.uint64(8) * row, b0 + np.uint64(8) * row
    total = np.float32(0.0)
    for k in range(np.uint64(40)):
        d1 = image[a2 + k] - image[b2 + k]
        d2 = image[a5 + k] - image[b5 + k]
        d3 = image[a8 + k] - image[b8 + k]
        total += _WIDE_LANES[k] * (d1 * d1 + d2 * d2 + d3 * d3)
    if total >= best:
        return total
    a3, b3, a7, b7 = a2 + row, b2 + row, a8 - row, b8 - row
    a10, b10 = a5 + np.uint64(5) * row, b5 + np.uint64(5) * row
    part = np.float32(0.0)
    for k in range(np.uint64(40)):
        d1 = image[a0 + k] - image[b0 + k]
        d2 = image[a3 + k] - image[b3 + k]
        d3 = image[a7 + k] - image[b7 + k]
        d4 = image[a10 + k] - image[b10 + k]
        part += _WIDE_LANES[k] * (d1 * d1 + d2 * d2 + d3 * d3 + d4 * d4)
    total += part
    if total >= best:
        return total
    a1, b1, a4, b4 = a0 + row, b0 + row, a5 - row, b5 - row
    a6, b6, a9, b9 = a5 + row, b5 + row, a8 + row, b8 + row
    part = np.float32(0.0)
    for k in range(np.uint64(40)):
        d1 = image[a1 + k] - image[b1 + k]
        d2 = image[a4 + k] - image[b4 + k]
        d3 = image[a6 + k] - image[b6 + k]
        d4 = image[a9 + k] - image[b9 + k]
        part += _WIDE_LANES[k] * (d1 * d1 + d2 * d2 + d3 * d3 + d4 * d4)
    return total + part


@kernel(fastmath=True, forceinline=True)
def cost(image, guide, width, radius, target, source, strength, best):  # pragma: no cover - compiled
    """Squared difference of two patches of `radius` plus `strength` times that of their guides; may end above `best`.

    The guide is smooth, so a 3x3 grid of step 3 describes it. Indices are unsigned (a signed one is tested
    for wrap-around at every access) and rows are taken together (one horizontal sum for three or four rows):
    ten times faster.
    """
    four = np.uint64(4)
    line = np.uint64(12 * width)
    a2 = np.uint64(4 * target)
    b2 = np.uint64(4 * source)
    a1, b1, a3, b3 = a2 - line, b2 - line, a2 + line, b2 + line
    side = np.uint64(12)
    total = np.float32(0.0)
    for c in range(four):
        d1 = guide[a1 + c] - guide[b1 + c]
        d2 = guide[a2 + c] - guide[b2 + c]
        d3 = guide[a3 + c] - guide[b3 + c]
        e1 = guide[a1 - side + c] - guide[b1 - side + c]
        e2 = guide[a2 - side + c] - guide[b2 - side + c]
        e3 = guide[a3 - side + c] - guide[b3 - side + c]
        f1 = guide[a1 + side + c] - guide[b1 + side + c]
        f2 = guide[a2 + side + c] - guide[b2 + side + c]
        f3 = guide[a3 + side + c] - guide[b3 + side + c]
        total += d1 * d1 + d2 * d2 + d3 * d3 + e1 * e1 + e2 * e2 + e3 * e3 + f1 * f1 + f2 * f2 + f3 * f3
    total *= strength
    if total >= best:
        return total
    if radius == WIDE:
        return total + _wide_difference(image, width, target, source, best - total)
    return total + _narrow_difference(image, width, target, source, best - total)


@kernel(fastmath=True)
def evaluate(
    image, guide, width, radius, nnf, dist, strength, top, bottom, left, right
):  # pragma: no cover - compiled
    """Set `dist` to the cost of the present match for every target in the band."""
    for y in range(top, bottom):
        for x in range(left, right):
            here = y * width + x
            if nnf[here] >= 0:
                dist[here] = cost(image, guide, width, radius, here, np.int64(nnf[here]), strength, HUGE)


@kernel(fastmath=True)
def sweep(
    image,
    guide,
    width,
    radius,
    valid,
    sources,
    nnf,
    before,
    dist,
    strength,
    box,
    step,
    key,
    probes,
    reach,
    first,
):  # pragma: no cover - compiled
    """One scan (step 1: forward, -1: backward) of the band `box` = (top, bottom, left, right).

    `before` is the field as it was before this sweep, read for the row outside the band; `sources` lists the
    valid pixels. Probes look `first` pixels away at the start, then half as far each; at `reach` or more, anywhere.
    """
    top, bottom, left, right = box
    size = nnf.shape[0]
    height = size // width
    for row in range(bottom - top):
        y = top + row if step > 0 else bottom - 1 - row
        for column in range(right - left):
            x = left + column if step > 0 else right - 1 - column
            here = y * width + x
            match = np.int64(nnf[here])
            if match < 0:
                continue
            best = dist[here]
            above = here - step * width
            beside = np.int64(nnf[above]) if row > 0 else np.int64(before[above])
            upper = beside + step * width if beside >= 0 else match
            beside = np.int64(nnf[here - step])
            lateral = beside + step if beside >= 0 else match
            state = _mix(np.uint64(key) ^ (np.uint64(here) * np.uint64(0x9E3779B97F4A7C15)))
            away = first
            near_y = match // width
            near_x = match - near_y * width
            for probe in range(-2, probes):  # one call of `cost`, for the compiler copies it here
                if probe == -2:
                    candidate = lateral
                elif probe == -1:
                    candidate = upper
                else:
                    state = _mix(state + np.uint64(0x9E3779B97F4A7C15))
                    if away >= reach:
                        pick = ((state >> np.uint64(33)) * np.uint64(sources.shape[0])) >> np.uint64(31)
                        candidate = np.int64(sources[pick])
                    else:
                        span = np.uint64(2 * away + 1)
                        cy = near_y + np.int64(((state >> np.uint64(33)) * span) >> np.uint64(31)) - away
                        cx = (
                            near_x
                            + np.int64(((state & np.uint64(0x7FFFFFFF)) * span) >> np.uint64(31))
                            - away
                        )
                        inside = (
                            cy >= radius and cy < height - radius and cx >= radius and cx < width - radius
                        )
                        candidate = cy * width + cx if inside else match
                    away = max(away >> 1, 1)
                if candidate != match and valid[candidate]:
                    d = cost(image, guide, width, radius, here, candidate, strength, best)
                    if d < best:
                        best, match = d, candidate
                        near_y = match // width
                        near_x = match - near_y * width
            nnf[here] = match
            dist[here] = best


@kernel(fastmath=True)
def exhaust(image, weight, width, radius, sources, nnf, dist, box):  # pragma: no cover - compiled
    """Set the match of every target in `box` to the best of all sources, pixels counting by `weight`.

    For the coarsest level alone, where there are few of both: at the start the hole holds nothing to go by, so known
    pixels decide (weight 1 there, next to nothing in the hole).
    """
    top, bottom, left, right = box
    for y in range(top, bottom):
        for x in range(left, right):
            here = y * width + x
            if nnf[here] < 0:
                continue
            best = HUGE
            match = np.int64(nnf[here])
            for n in range(sources.shape[0]):
                source = np.int64(sources[n])
                total = np.float32(0.0)
                for j in range(-radius, radius + 1):
                    for i in range(-radius, radius + 1):
                        at = here + j * width + i
                        a, b = np.uint64(3 * at), np.uint64(3 * (source + j * width + i))
                        d1 = image[a] - image[b]
                        d2 = image[a + np.uint64(1)] - image[b + np.uint64(1)]
                        d3 = image[a + np.uint64(2)] - image[b + np.uint64(2)]
                        total += weight[np.uint64(at)] * (d1 * d1 + d2 * d2 + d3 * d3)
                    if total >= best:
                        break
                if total < best:
                    best, match = total, source
            nnf[here] = match
            dist[here] = best


@kernel()
def doubled(nnf, radius, sides, target, valid, out, band):  # pragma: no cover - compiled
    """Set the targets of the rows `band` in `out` to their match at half size, doubled; `LOST` where no source is.

    `nnf` is the field at half size, `radius` that of its patches; `sides` are height and width of both sizes.
    """
    half_height, half_width, height, width = sides
    for y in range(band[0], band[1]):
        from_y = min(max(y // 2, radius), half_height - 1 - radius)
        for x in range(width):
            here = y * width + x
            if not target[here]:
                continue
            from_x = min(max(x // 2, radius), half_width - 1 - radius)
            match = np.int64(nnf[from_y * half_width + from_x])
            to_y = 2 * (match // half_width) + y - 2 * from_y
            to_x = 2 * (match % half_width) + x - 2 * from_x
            inside = match >= 0 and 0 <= to_y < height and 0 <= to_x < width
            out[here] = LOST
            if inside and valid[to_y * width + to_x]:
                out[here] = to_y * width + to_x
