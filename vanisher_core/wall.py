"""Says what a wall looks like behind what stands before it or hangs on it.

A wall has little texture, and a patch of another tone is what anybody sees at once. So its colours are carried through
the hole as light, and only what is finer is copied. Two cases:

- *plain*: one colour in uneven light. It is carried in from those pixels of the rim that are the wall's own, which a
  robust fit of a plane to the colours round the hole tells (iteratively reweighted least squares with Tukey's biweight:
  Holland & Welsch, "Robust Regression Using Iteratively Reweighted Least-Squares", Communications in Statistics 1977):
  sockets, frames and shadows stand out, and are not drawn on.
- *upright*: several materials side by side. Doors, curtains, posts and changes of paint run up and down a wall. So
  their edges are drawn on straight through the hole, and colours are carried in from all sides but across these
  (conductances by the gradient as in Perona and Malik, "Scale-Space and Edge Detection Using Anisotropic Diffusion",
  IEEE PAMI 12, 1990).
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from vanisher_core.membrane import membrane
from vanisher_core.window import bounding_box

SMALL = 192
"""Longer side at which colours are fitted."""
FINE, FINEST = 3.5, 1.5
"""Pixels: what a blur of this sigma takes away counts as texture, and is copied; less where edges run into the hole."""
NEAR, NEAR_MIN = 0.2, 12.0
"""Distance from the hole at which a pixel's say has fallen to a third, as a share of the hole's side; least, pixels."""
ROUNDS, TUKEY = 12, 4.7
LEAST_SCALE, MOST_SCALE = 0.012, 0.05
"""Usual deviation from the fit: below the first it is taken to be that; above the second the surface is not plain."""
CELL = 0.12
"""Side of the cells in which the commonest colour is looked for."""
RIM, SOME = 6, 0.4
"""Pixels next to the hole, and the share of them that must be the wall's own: the rest may lie in a shadow. So far to
its left and right no edges are looked for: the soft outline of what stood there is none of the wall's."""
FAR, MOSTLY = 36, 0.9
"""Pixels from the hole beyond which there are no such shadows, and the share that must be the wall's own there: where
less is, a door or a curtain reaches the hole."""
BLOWN = 0.97
"""Of full scale: a surface as light as this is burnt out."""
EDGE, LEAST_LINK = 0.008, 1e-7
"""Difference of neighbours in a row, of full scale, at which little of what one is goes over to the other; and what
always does."""
STEEP, SLIVER = 0.016, 12
"""Such a difference that is an edge beside a hole as well; about so many pixels, below which what lies between the two
is no wall."""
WEAK = 0.5
"""A link across that is an edge of the wall."""
BUSY, LEAST_DETAIL = 6.0, 0.002
"""Times the usual detail of a wall, taken to be at least the second: what has more is another thing, and not copied."""
LENGTH, SEEN = 32, 0.1
"""Rows over which such a difference is averaged, and the share of them that must be known: grain is no edge."""
BESIDE, ALONG, MOST_UNEVEN = 48, 24, 0.06
"""Pixels round a hole in which a wall is compared with what is so many pixels above and below, and by how much it may
differ on average."""
CLOSE = 4
"""Pixels next to what stands out that are no part of the surface either: halos, soft edges, shadows."""


class Wall(NamedTuple):
    """A wall round a hole.

    Attributes:
        light: HxWx3 float32 in [0, 1]: the picture, with its smooth continuation in the hole.
        own: HxW bool: known pixels of it near the hole, that may be copied.
        kind: "plain" or "upright".
    """

    light: NDArray[np.float32]
    own: NDArray[np.bool_]
    kind: str


def behind(rgb: np.ndarray, hole: np.ndarray, known: np.ndarray, *, upright: bool = True) -> Wall | None:
    """The wall that a hole lies in, or None if it is patterned: bricks, tiles, wallpaper, books.

    Args:
        rgb: HxWx3 float32 in [0, 1], upright.
        hole: HxW bool, what to fill.
        known: HxW bool, what may be looked at; False in the hole and where another surface shows.
        upright: whether what it shows runs up and down, as on a wall; else only a plain surface is continued.
    """
    if not (hole.any() and known.any()):
        return None
    height, width = hole.shape
    reach = max(BESIDE, round(3 * NEAR * float(np.sqrt(np.count_nonzero(hole)))))
    near = bounding_box(hole.view(np.uint8)).expanded(reach).clipped((width, height)).slices
    part = rgb[near], np.ascontiguousarray(hole[near]), np.ascontiguousarray(known[near])
    found = _plain(*part) or (_upright(*part) if upright else None)
    if found is None:
        return None
    light, own = rgb.copy(), np.zeros_like(hole)
    light[near], own[near] = found.light, found.own
    return Wall(light, own, found.kind)


def _plain(rgb: np.ndarray, hole: np.ndarray, known: np.ndarray) -> Wall | None:
    """The wall, if it has one colour."""
    smooth = _smooth(rgb, known, FINE)
    fit = _fitted(smooth, hole, known)
    if fit is None:
        return None
    away, scale = fit
    if np.median(smooth[known & (away < scale)]) > BLOWN:
        return None  # the sky in a window: what stands in it goes on
    stands_out = known & (away > TUKEY * scale)
    own = known & ~_close_to(stands_out, CLOSE)
    rim, near, far = (known & _close_to(hole, reach) for reach in (RIM, FAR, BESIDE))
    shares = [float(own[marks].mean()) if marks.any() else 0.0 for marks in (rim, far & ~near)]
    if scale > MOST_SCALE or shares[0] < SOME or shares[1] < MOSTLY:
        return None
    # grain of single pixels at the rim would be drawn out into streaks
    light = np.where(hole[..., None], membrane(np.where(own[..., None], smooth, rgb), ~own), rgb)
    return Wall(light.astype(np.float32), own, "plain")


def _upright(rgb: np.ndarray, hole: np.ndarray, known: np.ndarray) -> Wall | None:
    """The wall, if what it shows runs up and down."""
    smooth = _smooth(rgb, known, FINEST)
    near = known & _close_to(hole, BESIDE)
    if not near.any() or _unevenness(smooth, known)[near].mean() > MOST_UNEVEN:
        return None
    across = np.exp(-np.square(_edges(smooth, known & ~_beside(hole, RIM)) / EDGE)).clip(LEAST_LINK)
    outline = _outline(smooth, hole, known, across < WEAK)
    light = membrane(np.where(known[..., None], smooth, rgb), ~known | outline, across)
    detail = _smooth(np.abs(rgb - smooth), known, RIM).max(axis=2)
    usual = max(float(np.median(detail[near])), LEAST_DETAIL)
    own = known & ~_close_to(outline | (known & (detail > BUSY * usual)), CLOSE)
    return Wall(np.where(hole[..., None], light, rgb).astype(np.float32), own, "upright")


def _outline(smooth: np.ndarray, hole: np.ndarray, known: np.ndarray, ends: np.ndarray) -> NDArray[np.bool_]:
    """HxW: slivers of what stood there, between a hole and an edge of the wall that is seen above or below it."""
    both = known[:, 1:] & known[:, :-1]
    steep = both & (np.abs(np.diff(smooth, axis=1)).max(axis=2) > STEEP)
    edges = _beside(np.pad(steep, ((0, 0), (0, 1))), 1)
    free, wide = (
        cv2.morphologyEx(marks.view(np.uint8), cv2.MORPH_OPEN, _square(SLIVER // 2)) > 0
        for marks in (~hole, ~hole & ~edges)
    )
    found = known & free & ~wide & _beside(ends, SLIVER) & _close_to(hole, SLIVER)
    return found if (known & ~found).any() else np.zeros_like(found)


def _beside(marks: np.ndarray, reach: int) -> NDArray[np.bool_]:
    return cv2.dilate(marks.view(np.uint8), np.ones((1, 2 * reach + 1), np.uint8)) > 0


def _close_to(marks: np.ndarray, reach: int) -> NDArray[np.bool_]:
    return cv2.dilate(marks.view(np.uint8), _square(reach)) > 0


def _edges(smooth: np.ndarray, known: np.ndarray) -> NDArray[np.float32]:
    """HxW: by how much each pixel differs from the one on its right, drawn on up and down where that is not known."""
    height, width = known.shape
    both = np.pad(known[:, 1:] & known[:, :-1], ((0, 0), (0, 1)))
    steps = np.pad(np.diff(smooth, axis=1), ((0, 0), (0, 1), (0, 0))) * both[..., None]
    size = width, max(height // LENGTH, 1)
    share, total = (
        cv2.resize(part.astype(np.float32), size, interpolation=cv2.INTER_AREA) for part in (both, steps)
    )
    found = _along_columns(total / np.maximum(share, 1e-6)[..., None], share > SEEN)
    return np.abs(cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR)).max(axis=2)


def _along_columns(values: np.ndarray, known: np.ndarray) -> NDArray[np.float32]:
    """HxWxC: known values, and between them in each column those above and below by their nearness; else 0."""
    height, width = known.shape
    rows, columns = np.arange(height)[:, None], np.arange(width)
    above = np.maximum.accumulate(np.where(known, rows, -1), axis=0)
    below = np.minimum.accumulate(np.where(known, rows, height)[::-1], axis=0)[::-1]
    near = (
        np.where(above < 0, 0, 1 / np.maximum(rows - above, 0.5)),
        np.where(below == height, 0, 1 / np.maximum(below - rows, 0.5)),
    )
    upper, lower = values[np.maximum(above, 0), columns], values[np.minimum(below, height - 1), columns]
    total = upper * near[0][..., None] + lower * near[1][..., None]
    return (total / np.maximum(near[0] + near[1], 1e-6)[..., None]).astype(np.float32)


def _unevenness(smooth: np.ndarray, known: np.ndarray) -> NDArray[np.float32]:
    """HxW: by how much colours differ from those above and below."""
    weight = known.astype(np.float32)
    mean = _down(smooth * weight[..., None]) / np.maximum(_down(weight), 1e-4)[..., None]
    return np.abs(smooth - mean).max(axis=2)


def _down(plane: np.ndarray) -> np.ndarray:
    """Means along columns."""
    return cv2.blur(plane, (1, 2 * ALONG + 1), borderType=cv2.BORDER_REPLICATE)


def _square(reach: int) -> NDArray[np.uint8]:
    return np.ones((2 * reach + 1,) * 2, np.uint8)


def _smooth(rgb: np.ndarray, known: np.ndarray, sigma: float) -> NDArray[np.float32]:
    """HxWx3: the picture without what is finer than a blur of `sigma`; what is not known has no say."""
    weight = known.astype(np.float32)
    total = cv2.GaussianBlur(rgb * weight[..., None], (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    share = cv2.GaussianBlur(weight, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return (total / np.maximum(share, 1e-4)[..., None]).astype(np.float32)


def _fitted(
    smooth: np.ndarray, hole: np.ndarray, known: np.ndarray
) -> tuple[NDArray[np.float32], float] | None:
    """HxW distance of each colour from the fit, and its usual size round the hole."""
    step = max(max(hole.shape) // SMALL, 1)
    rows, columns = np.nonzero(known[::step, ::step])
    if len(rows) < 32:
        return None
    distance = cv2.distanceTransform((~hole).view(np.uint8), cv2.DIST_L2, 5)[::step, ::step]
    reach = max(NEAR * float(np.sqrt(hole.sum())), NEAR_MIN)
    say = np.exp(-distance[rows, columns] / reach).astype(np.float64)
    size = max(hole.shape)
    terms = _terms(rows * step / size, columns * step / size)
    colours = smooth[::step, ::step][rows, columns].astype(np.float64)
    away = np.abs(colours - _commonest(colours, say)).max(axis=1)
    scale = MOST_SCALE
    slopes = np.zeros((terms.shape[1], 3))
    for _ in range(ROUNDS):
        scale = min(max(scale, LEAST_SCALE), 2 * MOST_SCALE)
        weight = say * np.square(np.clip(1 - np.square(away / (TUKEY * scale)), 0, None))
        if weight.sum() <= 1e-9:
            return None
        system = terms.T @ (terms * weight[:, None]) + 1e-3 * weight.sum() * np.diag([0, 1, 1])
        slopes = np.linalg.solve(system, terms.T @ (colours * weight[:, None]))
        away = np.abs(colours - terms @ slopes).max(axis=1)
        near = away < TUKEY * scale
        scale = 1.5 * _weighted_median(away[near], say[near]) if near.any() else scale
    scale = max(scale, LEAST_SCALE)
    height, width = hole.shape
    across, down = np.arange(width) / size, np.arange(height)[:, None] / size
    off = [
        np.abs(smooth[..., c] - (slopes[0, c] + slopes[1, c] * down + slopes[2, c] * across))
        for c in range(3)
    ]
    return np.maximum.reduce(off).astype(np.float32), scale


def _terms(down: np.ndarray, across: np.ndarray) -> NDArray[np.float64]:
    """Nx3: a constant and the two coordinates."""
    return np.stack([np.ones_like(down), down, across], axis=1)


def _commonest(colours: np.ndarray, say: np.ndarray) -> NDArray[np.float64]:
    """The mean of the colours (Nx3) in the fullest cell of a coarse grid, which two walls' colours do not share."""
    best = colours[:1].mean(axis=0)
    most = 0.0
    for shift in (0.0, 0.5):  # a colour between two cells of one grid lies within one of the other
        cells = np.floor(colours / CELL + shift).astype(np.int64) @ np.array([1, 64, 4096])
        _, which = np.unique(cells, return_inverse=True)
        total = np.bincount(which, weights=say)
        if total.max() > most:
            most, own = float(total.max()), which == int(total.argmax())
            best = (colours[own] * say[own, None]).sum(axis=0) / say[own].sum()
    return best


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return float(values[order][min(np.searchsorted(total, total[-1] / 2), len(values) - 1)])
