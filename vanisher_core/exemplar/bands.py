"""Low bands of a picture, and how much it varies round them: what patches are compared by beside their pixels."""

import numpy as np

from vanisher_core.exemplar.pyramid import halve, halve_any
from vanisher_core.membrane import membrane

WIDE_BLUR = 6.0
"""Pixels of sigma; see `blur`."""


def blur(plane: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur with replicated borders; a wide one at half size, where it costs a quarter."""
    import cv2

    if sigma >= WIDE_BLUR and min(plane.shape[:2]) > 4 * sigma:
        height, width = plane.shape[:2]
        small = cv2.resize(plane, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        return cv2.resize(blur(small, sigma / 2), (width, height), interpolation=cv2.INTER_LINEAR)
    return cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)


def rim_contrast(luma: np.ndarray, hole: np.ndarray, sigma: float) -> np.ndarray:
    """Local contrast, in the hole that of its rim spread inwards; for a very wide band at half size."""
    import cv2

    if sigma < 2 * WIDE_BLUR or halve_any(hole).all():
        return membrane(local_contrast(luma, hole, sigma), hole)
    half = halve_any(hole)
    small = membrane(local_contrast(halve(luma), half, sigma / 2), half)
    return cv2.resize(small, hole.shape[::-1], interpolation=cv2.INTER_LINEAR)


def local_contrast(luma: np.ndarray, hole: np.ndarray, sigma: float) -> np.ndarray:
    """Mean |Y - lowpass Y| near each pixel, from known pixels alone (0 far inside the hole)."""
    known = (~hole).astype(np.float32)
    low = blur(luma * known, sigma) / np.maximum(blur(known, sigma), 1e-6)
    spread = blur(known, 4.0)
    return blur(np.abs(luma - low) * known, 4.0) / np.maximum(spread, 1e-6)
