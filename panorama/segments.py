"""Lets what looks alike share one answer: half of a lampshade is not furniture.

Networks see a panorama small, and their odds fade across the border of a thing or stop in the middle of it. The picture
knows better where things end. It is cut into segments of even colour by greedy merging of a graph (Felzenszwalb and
Huttenlocher, "Efficient Graph-Based Image Segmentation", IJCV 59, 2004), coarsely and finely, and the odds of every
texel are drawn towards the means of the segments it lies in.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from panorama import cells
from panorama.sphere import Frame

COLUMNS = 1024
"""Of the panorama that is cut."""
SAYS = {100.0: 0.25, 300.0: 0.25}
"""Say of the segments at each scale of observation (the paper's k, by which segments grow); texels keep the rest."""
EVEN, LEAST = 0.7, 20
"""Cells: standard deviation of the blur before, and the least that a segment covers."""
BESIDE = 8
"""Part of a turn that is repeated on either side, so that segments go on across the seam."""


def shared(frame: Frame, picture: np.ndarray, odds: np.ndarray) -> NDArray[np.float32]:
    """Log odds drawn towards those of the segments.

    Args:
        frame: of the picture, the whole sphere.
        picture: HxWx3 uint8.
        odds: HxW.

    Returns:
        HxW.
    """
    size = min(COLUMNS, frame.width), min(COLUMNS // 2, frame.height)
    margin = size[0] // BESIDE
    around = ((0, 0), (margin, margin))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    wide = cv2.cvtColor(np.pad(small, (*around, (0, 0)), mode="wrap"), cv2.COLOR_RGB2LAB)
    little = cv2.resize(odds.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    area = np.cos(Frame.full(*size).pitch(np.arange(size[1])))[:, None] * np.ones(size[0])
    total, weight = (np.pad(part, around, mode="wrap").ravel() for part in (little * area, area))
    found = odds.astype(np.float32) * np.float32(1 - sum(SAYS.values()))
    for scale, say in SAYS.items():
        labels = _segments(wide, scale)
        means = np.bincount(labels.ravel(), total) / np.maximum(np.bincount(labels.ravel(), weight), 1e-9)
        found += np.float32(say) * cells.enlarged(means[labels[:, margin : margin + size[0]]], frame)
    return found


def _segments(lab: np.ndarray, scale: float) -> NDArray[np.intp]:
    """The number of the segment that each cell (HxWx3) lies in."""
    from skimage.segmentation import felzenszwalb

    return felzenszwalb(lab, scale=scale, sigma=EVEN, min_size=LEAST, channel_axis=2).astype(np.intp)
