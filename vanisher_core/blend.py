"""Make a fill meet its surroundings, and paste it back without touching anything else.

`match` corrects what the eye finds first in a good fill: a colour or brightness that is slightly off, a
slow drift of it along the rim, and missing grain. In the spirit of Perez, Gangnet & Blake, "Poisson Image
Editing" (SIGGRAPH 2003, section 3: the membrane that carries the mismatch of the rim inwards), but robust:
the mismatch is taken from the low band on both sides of the rim, extrapolated to the rim so that natural
gradients cancel, and compared with what the same measurement gives on an outline where nothing was filled.
What does not exceed that is left alone, and large local mismatches (an edge that crosses the rim) are
outliers, never smeared.

Grain is measured in the calmest parts of the known ring (after Immerkaer's and Liu's habit of taking low
quantiles of local variances) and added, with the ring's own spectrum, only where the fill lacks it.

`paste` blends at the source's own depth; where alpha is 0 the source's samples are returned bit for bit.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

from vanisher_core.membrane import membrane
from vanisher_core.window import bounding_box

SIGMA_SHARE, SIGMA_RANGE = 0.03, (1.5, 6.0)
"""Low band: Gaussian sigma as a share of the hole's side, and its limits in pixels."""
CERTAIN, CERTAIN_LOCAL = 2.3, 4.0
"""A mismatch counts when it exceeds this many standard errors; a local one, this many usual deviations."""
OUTLIER = 0.12
"""Local mismatches of this size (of the full range) are edges, not colour errors."""
TINY = 0.5 / 255
"""Mismatches below half an 8-bit code are never corrected."""
GRAIN_BLOCK = 8
"""Pixels, side of the blocks whose variance is looked at."""
GRAIN_QUANTILE = 0.2
"""The calmest fifth of the ring shows grain without texture."""
GRAIN_MIN, GRAIN_MAX = 0.4 / 255, 0.08
"""Grain below is invisible; above it is texture."""
LACKING = 0.6
"""A fill with less than this share of the ring's grain gets more."""
GRAIN_SIGMA = 1.5
"""Pixels, Gaussian sigma that separates grain (the high band) from the rest."""


def match(rgb: np.ndarray, fill: np.ndarray, hole: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Correct the colour, slow drift and grain of a fill so that it continues its surroundings.

    Args:
        rgb: HxWx3 float32 in [0, 1]; only its known pixels are looked at.
        fill: HxWx3 float32 in [0, 1]; only its pixels in the hole are looked at.
        hole: bool HxW, True = filled.
        seed: Of the added grain; same seed, same bytes.

    Returns: A copy of `fill`, corrected inside the hole, in [0, 1]. A fill that already continues its
        surroundings comes back unchanged; so does everything when nothing or everything is hole.
    """
    out = fill.astype(np.float32, copy=True)
    box = bounding_box(np.ascontiguousarray(hole).view(np.uint8))
    if box.area == 0 or hole.all():
        return out
    sigma = float(np.clip(SIGMA_SHARE * math.sqrt(box.area), *SIGMA_RANGE))
    crop = (
        box.expanded(math.ceil(10 * sigma) + 2 * GRAIN_BLOCK).clipped((hole.shape[1], hole.shape[0])).slices
    )
    known, inside = rgb[crop], np.ascontiguousarray(hole[crop])
    part = np.where(inside[..., None], out[crop], known)
    drift = _colour_correction(part, inside, sigma)
    if drift is not None:
        part += drift
    grain = _grain(part, inside, seed)
    if grain is not None:
        part += grain
    np.copyto(out[crop], np.clip(part, 0, 1, out=part), where=inside[..., None])
    return out


def paste(source: np.ndarray, fill: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Blend a fill over the source at the source's own depth.

    Args:
        source: HxW or HxWxC, uint8, uint16 or float32.
        fill: Same shape and type.
        alpha: uint8 HxW; 255 = fill, 0 = source.

    Returns: A new array: exactly the source where alpha is 0 (or where both agree), exactly the fill where
        it is 255, between them the weighted mean, rounded to the nearest code for integers.

    Raises:
        ValueError: shapes or types do not fit.
    """
    if source.shape != fill.shape or source.dtype != fill.dtype:
        raise ValueError(
            f"source is {source.dtype} {source.shape}, fill {fill.dtype} {fill.shape}; they must agree"
        )
    if alpha.shape != source.shape[:2] or alpha.dtype != np.uint8:
        raise ValueError(f"alpha is {alpha.dtype} {alpha.shape}; it must be uint8 {source.shape[:2]}")
    out = source.copy()
    box = bounding_box(alpha)
    if box.area == 0:
        return out
    weight, new, part = alpha[box.slices], fill[box.slices], out[box.slices]
    whole = (weight == 255).reshape(weight.shape + (1,) * (source.ndim - 2))
    np.copyto(part, new, where=whole)
    edge = (weight > 0) & (weight < 255)
    if edge.any():
        share = weight[edge].reshape((-1,) + (1,) * (source.ndim - 2))
        part[edge] = _mixed(part[edge], new[edge], share)
    return out


def _mixed(old: np.ndarray, new: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Weighted mean of samples, `share` of 255 from `new`."""
    if np.issubdtype(old.dtype, np.integer):
        wide = share.astype(np.uint32)
        return ((old * (255 - wide) + new * wide + 127) // 255).astype(old.dtype)
    part = share.astype(np.float64) / 255
    mixed = (old * (1 - part) + new * part).astype(old.dtype)
    return np.where((share == 255) | (old == new), new, mixed)


# --- colour


class _Side(NamedTuple):
    """Pixels of one side of a rim: `total` HxWx3 float32 (value x weight) and `weight` HxW."""

    total: np.ndarray
    weight: np.ndarray

    def only(self, where: np.ndarray) -> _Side:
        """The part inside `where` (bool HxW)."""
        return _Side(self.total * where[..., None], self.weight * where)

    def mean(self, sigma: float) -> np.ndarray:
        """Gaussian mean of these pixels alone, HxWx3."""
        total = cv2.GaussianBlur(self.total, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
        weight = cv2.GaussianBlur(self.weight, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
        return total / np.maximum(weight, 1e-4)[..., None]


def _colour_correction(part: np.ndarray, inside: np.ndarray, sigma: float) -> np.ndarray | None:
    """What to add to the fill, HxWx3: a robust plane plus a membrane of certain leftovers; None: nothing.

    Low bands need no full resolution: everything is measured on a grid as coarse as `sigma` allows.
    """
    shrink = max(int(sigma / SIGMA_RANGE[0]), 1)
    filled, known = _side(part, inside, shrink), _side(part, ~inside, shrink)
    hole = filled.weight > 0
    rim = _rim(hole) & (known.weight > 0)
    rows, columns = np.nonzero(rim)
    if len(rows) == 0:
        return None
    sigma = sigma / shrink
    step = _difference(known, filled, sigma)[rim]
    usual = _usual_difference(known, hole, sigma)
    at = _coordinates(rows, columns, hole.shape)
    count = max(len(rows) / (4 * sigma), 1.0)
    planes = np.stack([_robust_plane(at, step[:, c], count, usual[c]) for c in range(3)], axis=1)
    left = _certain(step - at @ planes, usual)
    out = None
    if planes.any():
        down, across = np.ogrid[: inside.shape[0], : inside.shape[1]]
        out = _coordinates(down, across, inside.shape) @ planes
    if np.abs(left).max() > TINY:
        local = _enlarged(_carried(left, rim, hole, sigma), inside.shape)
        out = local if out is None else out + local
    return out


def _side(part: np.ndarray, where: np.ndarray, shrink: int) -> _Side:
    """One side of the rim on a grid `shrink` times coarser (area means)."""
    weight = where.astype(np.float32)
    total = part * weight[..., None]
    if shrink == 1:
        return _Side(total, weight)
    size = (math.ceil(where.shape[1] / shrink), math.ceil(where.shape[0] / shrink))
    return _Side(*(cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (total, weight)))


def _enlarged(field: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if field.shape[:2] == shape[:2]:
        return field
    return cv2.resize(field, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)


def _rim(inside: np.ndarray) -> np.ndarray:
    """Known pixels that touch the hole."""
    return (cv2.dilate(inside.view(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~inside


def _difference(outer: _Side, inner: _Side, sigma: float) -> np.ndarray:
    """Low band of `outer` minus that of `inner`, both extrapolated to the rim: natural gradients cancel."""
    known = 2 * outer.mean(sigma) - outer.mean(2 * sigma)
    filled = 2 * inner.mean(sigma) - inner.mean(2 * sigma)
    return known - filled


def _usual_difference(known: _Side, hole: np.ndarray, sigma: float) -> np.ndarray:
    """Per channel, the same measurement on an outline in the ring, where nothing was filled."""
    reach = 2 * math.ceil(3 * sigma) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    wider = cv2.dilate(hole.view(np.uint8), kernel) > 0
    line = _rim(wider) & (known.weight > 0)
    if not line.any():
        return np.full(3, TINY)
    found = _difference(known.only(~wider), known.only(wider), sigma)[line]
    return np.maximum(1.4826 * np.median(np.abs(found), axis=0), TINY)


def _coordinates(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(1, x, y) with x and y in [-1, 1] over the crop."""
    y, x = np.broadcast_arrays((2 * rows + 1) / shape[0] - 1, (2 * columns + 1) / shape[1] - 1)
    return np.stack([np.ones_like(x), x, y], axis=-1).astype(np.float32)


def _robust_plane(at: np.ndarray, step: np.ndarray, count: float, usual: float) -> np.ndarray:
    """Tukey-weighted plane through the mismatch, each coefficient shrunk by its uncertainty (James-Stein)."""
    weight = np.ones_like(step)
    plane = np.array([np.median(step), 0, 0], np.float32)
    scale = usual
    spread = np.diag([1e-6, 0.05, 0.05]) * len(step)
    for _ in range(8):
        left = step - at @ plane
        scale = max(float(1.4826 * np.median(np.abs(left))), usual, TINY)
        weight = np.square(np.clip(1 - np.square(left / (4 * scale)), 0, 1))
        weighted = at * weight[:, None]
        plane = np.linalg.solve(weighted.T @ at + spread, weighted.T @ step).astype(np.float32)
    if count < 6:
        plane[1:] = 0
    share = float(weight.mean())
    error = scale / math.sqrt(max(count * share, 1.0)) * np.array([1, 1.7, 1.7], np.float32)
    return _shrunk(plane, np.maximum(CERTAIN * error, TINY)).astype(np.float32)


def _shrunk(values: np.ndarray, limit: np.ndarray | float) -> np.ndarray:
    """0 below the limit, nearly unchanged far above it."""
    return values * np.maximum(0, 1 - np.square(limit / np.maximum(np.abs(values), 1e-9)))


def _certain(left: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """The part of local mismatches (Nx3) that is neither within the usual nor as large as an edge."""
    limit = CERTAIN_LOCAL * np.maximum(usual, TINY)
    return (_shrunk(left, limit) * np.exp(-((np.abs(left) / OUTLIER) ** 4))).astype(np.float32)


def _carried(left: np.ndarray, rim: np.ndarray, hole: np.ndarray, sigma: float) -> np.ndarray:
    """Carry rim values into the hole, harmonically."""
    values = np.zeros((*rim.shape, 3), np.float32)
    values[rim] = left
    return membrane(_Side(values, rim.astype(np.float32)).mean(sigma), hole)


# --- grain


def _grain(part: np.ndarray, inside: np.ndarray, seed: int) -> np.ndarray | None:
    """Noise that a grainless fill in a grainy ring lacks, zeros where it has grain or texture; None: no noise."""
    high = part - cv2.GaussianBlur(part, (0, 0), GRAIN_SIGMA)
    ring, own = _calm(high, ~inside), _calm(high, inside)
    if ring is None or own is None:
        return None
    wanted, blocks = ring
    if not GRAIN_MIN < wanted < GRAIN_MAX or own[0] > LACKING * wanted:
        return None
    noise = _noise_like(blocks, part.shape, seed)
    local = cv2.GaussianBlur(np.square(high).mean(axis=2), (0, 0), 3)
    lack = np.clip(1 - local / wanted**2, 0, 1)
    gate = np.clip((lack - 0.35) / 0.4, 0, 1)
    luma = part.mean(axis=2)
    headroom = np.clip(np.minimum(luma, 1 - luma) / 0.04, 0, 1)
    return noise * (np.sqrt(lack) * gate * headroom)[..., None].astype(np.float32)


def _calm(high: np.ndarray, where: np.ndarray) -> tuple[float, np.ndarray] | None:
    """The high band in the calmest blocks inside `where`: its deviation, and the blocks (NxBxBx3)."""
    size = GRAIN_BLOCK
    rows, columns = where.shape[0] // size, where.shape[1] // size
    if rows == 0 or columns == 0:
        return None
    tiles = high[: rows * size, : columns * size].reshape(rows, size, columns, size, 3).swapaxes(1, 2)
    whole = where[: rows * size, : columns * size].reshape(rows, size, columns, size).all(axis=(1, 3))
    tiles = tiles[whole]
    if len(tiles) < 4:
        return None
    energy = np.square(tiles).mean(axis=(1, 2, 3))
    calm = energy <= np.quantile(energy, GRAIN_QUANTILE)
    return float(np.sqrt(energy[calm].mean())), tiles[calm]


def _noise_like(blocks: np.ndarray, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Gaussian noise whose high band has the mean spectrum, channel covariance and strength of the blocks."""
    size = blocks.shape[1]
    power = np.square(np.abs(np.fft.fft2(blocks.mean(axis=3)))).mean(axis=0)
    frequency = 2 * np.pi * np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None, :])
    passed = 1 - np.exp(-np.square(GRAIN_SIGMA * frequency) / 2)  # what the high band lets through
    passed[0, 0] = passed[0, 1]  # a constant carries no grain
    amplitude = np.sqrt(power) / passed
    amplitude[0, 0] = 0
    amplitude /= max(float(np.sqrt(np.square(amplitude * passed).mean())), 1e-12)
    kernel = np.fft.fftshift(np.fft.ifft2(amplitude).real)
    flat = blocks.reshape(-1, 3).astype(np.float64)
    values, vectors = np.linalg.eigh(flat.T @ flat / len(flat))
    mix = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    white = np.random.default_rng(seed).standard_normal((shape[0], shape[1], 3), dtype=np.float32)
    shaped = cv2.filter2D(white, -1, kernel.astype(np.float32), borderType=cv2.BORDER_REFLECT)
    return shaped.reshape(shape) @ mix.astype(np.float32)
