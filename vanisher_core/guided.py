"""Edge-aware upsampling: a coarse probability map takes its outlines from the photograph's luminance.

Fast guided filter (He & Sun, "Fast Guided Filter", arXiv 1505.00996, algorithm 2; He, Sun & Tang, "Guided
Image Filtering", ECCV 2010): in every small neighbourhood of the coarse level the map is fitted as a x
luminance + b; the coefficients are enlarged and applied to the full luminance. Only uncertain pixels are
changed: inside a person and far from one, texture would shine through. The photograph is worked block by
block, so a 24-megapixel picture needs its own result and a few small planes, never several full float
copies.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

RADIUS = 3
"""Neighbourhood of the fit, in pixels of the coarse level."""

EPSILON = 4e-4
"""Luminance variance below which a neighbourhood counts as flat (2 % contrast)."""

BLOCK = 1024
"""Side of the full-resolution blocks, in pixels (memory, and OpenCV's limit of 32767)."""

CERTAIN = 0.02
"""Probabilities this near to 0 or 1 are left as they are."""


def upsample(probability: np.ndarray, coarse: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    """Enlarges a probability map to a photograph's size along the photograph's edges.

    Args:
        probability: hxw float32 in [0, 1].
        coarse: hxwx3 uint8, the photograph at the map's size.
        rgb: HxWx3 uint8, the photograph.

    Returns:
        HxW float32 in [0, 1].
    """
    height, width = rgb.shape[:2]
    result = np.empty((height, width), np.float32)
    planes = np.dstack([probability, *_coefficients(_luminance(coarse), probability)])
    for top, left in _blocks(height, width):
        view = (slice(top, min(top + BLOCK, height)), slice(left, min(left + BLOCK, width)))
        result[view] = _block(planes, rgb[view], (left, top), (width, height))
    return result


def _blocks(height: int, width: int) -> Iterator[tuple[int, int]]:
    """Top left corners (y, x) of the blocks of a picture."""
    for top in range(0, height, BLOCK):
        for left in range(0, width, BLOCK):
            yield top, left


def _luminance(rgb: np.ndarray) -> np.ndarray:
    """HxWx3 uint8 -> HxW float32 in [0, 1]."""
    return cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY).astype(np.float32) / 255


def _coefficients(guide: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The guided filter's a and b: values ~ a x guide + b near every pixel."""

    def mean(plane: np.ndarray) -> np.ndarray:
        return cv2.blur(plane, (2 * RADIUS + 1, 2 * RADIUS + 1), borderType=cv2.BORDER_REPLICATE)

    guide_mean, value_mean = mean(guide), mean(values)
    variance = np.maximum(mean(guide * guide) - guide_mean * guide_mean, 0)
    covariance = mean(guide * values) - guide_mean * value_mean
    slope = covariance / (variance + EPSILON)
    return mean(slope), mean(value_mean - slope * guide_mean)


def _block(planes: np.ndarray, rgb: np.ndarray, corner: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """One block: `planes` (probability, a, b) enlarged, then a x luminance + b where uncertain."""
    height, width = rgb.shape[:2]
    scale_x, scale_y = planes.shape[1] / size[0], planes.shape[0] / size[1]
    # Centres at +0.5: full-resolution pixel x lies at (x + 0.5) * scale - 0.5 of the coarse level.
    matrix = np.array(
        [
            [scale_x, 0, (corner[0] + 0.5) * scale_x - 0.5],
            [0, scale_y, (corner[1] + 0.5) * scale_y - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    big = cv2.warpAffine(planes, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    plain = np.clip(big[..., 0], 0, 1)
    unsure = (plain > CERTAIN) & (plain < 1 - CERTAIN)
    if not unsure.any():
        return plain
    edged = np.clip(big[..., 1] * _luminance(rgb) + big[..., 2], 0, 1)
    return np.where(unsure, edged, plain)
