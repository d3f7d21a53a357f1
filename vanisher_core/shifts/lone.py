"""What lies by itself on a surface, and would be seen again wherever it is copied to.

A cable that nobody erased, the dark foot of a shadow, a stain: one of it is an accident, three alike are a fault that
anybody sees. No texture repeats them, so they stand out from what the surface usually shows: the deviation from its
light, averaged over a few pixels, is far beyond nearly all that is known of it. A high quantile is the measure, not the
spread, so that boards of many colours and dark joints are texture; and where much stands out, nothing lies by itself.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vanisher_core.shifts.surface import LIGHT, blown, parted, reduced, scale_of
from vanisher_core.window import bounding_box

FINE = 3.0
"""Pixels, sigma of the Gaussian that deviations are averaged with, where the known part is `surface.LONGEST` across."""
NEARLY, BEYOND, RIM = 0.9, 2.6, 1.6
"""The quantile of deviations, how many times as large those of lone things are, and where their outline runs."""
FAINT = 0.01
"""Least of that quantile, as a difference of logarithms: on a plain surface nobody sees what deviates by less."""
PRESENT = 0.2
"""Share of its surroundings that counts as known of a pixel at least."""
MOST = 0.02
"""Largest lone thing, as a share of what is known."""
FEW, LITTLE = 12, 0.05
"""How many there are at most, and the share of the known surface that they cover: what is not rare is texture."""


def lone(rgb: np.ndarray, known: np.ndarray) -> NDArray[np.bool_]:
    """Marks what lies by itself on a surface.

    Args:
        rgb: HxWx3 float32 in [0, 1].
        known: HxW bool, where the surface is seen.

    Returns:
        HxW bool, True only where known.
    """
    found, known = np.zeros(known.shape, bool), known & ~blown(rgb)
    area = bounding_box(known.view(np.uint8)).slices
    if not known.any():
        return found
    scale = scale_of(known[area].shape)
    _, detail = parted(rgb[area], known[area], LIGHT / scale)
    small, _, clear = reduced(detail, np.zeros(detail.shape[:2], bool), known[area], scale)
    if not clear.any():
        return found
    seen, total = (
        cv2.GaussianBlur(plane, (0, 0), FINE, borderType=cv2.BORDER_CONSTANT)
        for plane in (clear.astype(np.float32), small)
    )
    # by the root of what is seen: the mean of fewer pixels strays farther, and that is not strange
    apart = np.where(clear, np.sqrt((total * total).sum(axis=2) / np.maximum(seen, PRESENT)), 0)
    usual = max(float(np.quantile(apart[clear], NEARLY)), FAINT)
    marks, count = _strong(apart > RIM * usual, apart > BEYOND * usual, MOST * clear.sum())
    if count <= FEW and marks.sum() <= LITTLE * clear.sum():
        size = detail.shape[1::-1]
        found[area] = cv2.resize(marks.view(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return found & known


def _strong(weak: NDArray[np.bool_], strong: NDArray[np.bool_], most: float) -> tuple[NDArray[np.bool_], int]:
    """Connected parts of `weak` of so many pixels at most, with something strong in them (hysteresis); their number."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(weak.view(np.uint8), connectivity=8)
    kept = np.bincount(labels.ravel(), strong.ravel(), count) > 0
    kept &= stats[:, cv2.CC_STAT_AREA] <= most
    kept[0] = False
    return kept[np.asarray(labels, np.intp)], int(kept.sum())
