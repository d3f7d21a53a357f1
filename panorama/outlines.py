"""Answers that are coarser than the picture, drawn along the picture's edges, all round the sphere.

The guided filter with a colour guide: near every texel the answer is taken to be a linear function of red, green and
blue (He, Sun and Tang, "Guided Image Filtering", IEEE PAMI 35, 2013, section 3.5). The function is fitted on a small
panorama and applied to the large one (He and Sun, "Fast Guided Filter", arXiv 1505.00996, 2015).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from panorama import cells
from panorama.sphere import Frame

COLUMNS = 640
"""Of the panorama on which the functions are fitted."""
RADIUS = math.radians(5)
"""Half the side of a neighbourhood: two texels and more of a coarse answer."""
EVEN = 1e-4
"""Variance of colours, of full scale 1, below which a neighbourhood counts as plain."""


def along_edges(frame: Frame, picture: np.ndarray, grid: np.ndarray) -> NDArray[np.float32]:
    """A coarse grid of the whole sphere at the size of a picture, its steps moved to the picture's edges.

    Args:
        frame: of the picture, the whole sphere.
        picture: HxWx3 uint8.
        grid: hxw values, all round the sphere.

    Returns:
        HxW.
    """
    size = min(COLUMNS, frame.width), min(COLUMNS // 2, frame.height)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    slopes, level = _fitted(small, cells.enlarged(grid, Frame.full(*size)))
    out = cells.enlarged(level, frame)
    for channel in range(3):
        out += cells.enlarged(slopes[..., channel], frame) * (picture[..., channel] / np.float32(255))
    return out


def _fitted(colours: np.ndarray, values: np.ndarray) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Slopes (HxWx3) and levels (HxW) of the linear functions of HxWx3 colours that are nearest to HxW values."""
    radius = max(1, round(RADIUS / (2 * math.pi) * values.shape[1]))

    def mean(plane: np.ndarray) -> NDArray[np.float32]:
        wide = np.pad(plane, ((0, 0), (radius, radius)), mode="wrap")
        side = 2 * radius + 1
        return cv2.blur(wide, (side, side), borderType=cv2.BORDER_REPLICATE)[:, radius:-radius].astype(
            np.float32
        )

    planes = [np.ascontiguousarray(colours[..., channel]) for channel in range(3)]
    means, middle = [mean(plane) for plane in planes], mean(values)
    spread = np.empty((*values.shape, 3, 3), np.float64)
    for i in range(3):
        for j in range(i, 3):
            spread[..., i, j] = spread[..., j, i] = mean(planes[i] * planes[j]) - means[i] * means[j]
    spread += EVEN * np.eye(3)
    common = np.stack(
        [mean(plane * values) - own * middle for plane, own in zip(planes, means, strict=True)], -1
    )
    slopes = np.linalg.solve(spread, common[..., None].astype(np.float64))[..., 0]
    level = middle - (slopes * np.stack(means, -1)).sum(-1)
    return np.stack([mean(slopes[..., c].astype(np.float32)) for c in range(3)], -1), mean(
        level.astype(np.float32)
    )
