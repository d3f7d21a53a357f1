"""What lies by itself on a surface, and would be seen again wherever it is copied to.

A cable that nobody erased, the dark foot of a shadow, a stain: one of it is an accident, three alike are a fault that
anybody sees. No texture repeats them, so they stand out from what the surface usually shows: the deviation from its
light, averaged over a few pixels, is far beyond nearly all that is known of it. A high quantile is the measure, not the
spread, so that boards of many colours and dark joints are texture; where much stands out nothing does.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vanisher_core.shifts.surface import LIGHT, parted, reduced, scale_of

FINE = 3.0
"""Pixels, sigma of the Gaussian that deviations are averaged with, at the scale where offsets are looked for."""
NEARLY, BEYOND, RIM = 0.9, 2.6, 1.6
"""The quantile of deviations, how many times as large those of lone things are, and where their outline runs."""
PRESENT = 0.2
"""Share of a pixel's surroundings that must be known."""
MOST = 0.006
"""Largest lone thing, as a share of all pixels."""
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
    if not known.any():
        return np.zeros(known.shape, bool)
    scale = scale_of(known.shape)
    _, detail = parted(rgb, known, LIGHT / scale)
    small, _, clear = reduced(detail, np.zeros(known.shape, bool), known, scale)
    if not clear.any():
        return np.zeros(known.shape, bool)
    seen, total = (
        cv2.GaussianBlur(plane, (0, 0), FINE, borderType=cv2.BORDER_CONSTANT)
        for plane in (clear.astype(np.float32), small)
    )
    # by the root of what is seen: the mean of fewer pixels strays farther, and that is not strange
    apart = np.where(clear, np.sqrt((total * total).sum(axis=2) / np.maximum(seen, PRESENT)), 0)
    usual = float(np.quantile(apart[clear], NEARLY))
    marks, count = _strong(apart > RIM * usual, apart > BEYOND * usual)
    if count > FEW or marks.sum() > LITTLE * clear.sum():
        return np.zeros(known.shape, bool)
    wide = cv2.resize(marks.view(np.uint8), known.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    return wide & known


def _strong(weak: NDArray[np.bool_], strong: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], int]:
    """Small connected parts of `weak` with something strong in them (hysteresis), and how many there are."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(weak.view(np.uint8), connectivity=8)
    kept = np.bincount(labels.ravel(), strong.ravel(), count) > 0
    kept &= stats[:, cv2.CC_STAT_AREA] <= MOST * weak.size
    kept[0] = False
    return kept[labels], int(kept.sum())
