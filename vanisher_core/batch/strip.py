"""The contact sheet's picture of one result: before and after, the whole above and the changed place below."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from vanisher_core.mask import Mask
from vanisher_core.photo import Photo
from vanisher_core.vanish import eight_bit
from vanisher_core.window import Box, bounding_box

SIDE = 360
"""Pixels of each of the pictures, at most, across and down."""
GAP = 4
"""Pixels between them."""
MARGIN = 0.35
"""Shown round the changed place, as a share of its longer side."""
CLOSE = 0.6
"""A place that takes more of the picture than this, across and down, needs no closer look."""
GROUND = 128
"""Grey between pictures and below transparent pixels."""
QUALITY = 82


def strip(before: Photo, after: Photo, changed: Mask) -> bytes:
    """Draws it.

    Args:
        before: the photograph.
        after: the result, of the same size.
        changed: above 0 where it may differ.

    Returns:
        A JPEG of two or four pictures: before | after, below them the changed place if it is small.
    """
    whole = Box(0, 0, *before.size)
    places = [whole]
    box = bounding_box((changed.array > 0).view(np.uint8))
    if box.area:
        near = box.expanded(round(MARGIN * max(box.width, box.height)) + 8).clipped(before.size)
        if near.width < CLOSE * whole.width or near.height < CLOSE * whole.height:
            places.append(near)
    rows = []
    for place in places:
        pair = [_small(photo.array[place.slices]) for photo in (before, after)]
        gap = np.full((pair[0].shape[0], GAP, 3), GROUND, np.uint8)
        rows.append(np.hstack([pair[0], gap, pair[1]]))
    width = max(row.shape[1] for row in rows)
    sheet = [_padded(row, width, last=row is rows[-1]) for row in rows]
    sink = io.BytesIO()
    Image.fromarray(np.vstack(sheet)).save(sink, "JPEG", quality=QUALITY)
    return sink.getvalue()


def _small(array: np.ndarray) -> np.ndarray:
    """HxWx3 uint8 that fits into the square of SIDE; small pictures grow by whole factors."""
    colours = eight_bit(array)
    if array.ndim == 3 and array.shape[2] in (2, 4):
        alpha = array[..., -1:].astype(np.float32)
        alpha /= 1.0 if array.dtype == np.float32 else np.iinfo(array.dtype).max
        colours = np.rint(colours * np.clip(alpha, 0, 1) + GROUND * (1 - np.clip(alpha, 0, 1))).astype(
            np.uint8
        )
    longer = max(colours.shape[:2])
    factor = SIDE / longer if longer > SIDE else SIDE // longer
    size = tuple(max(1, round(side * factor)) for side in colours.shape[1::-1])
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_NEAREST
    return cv2.resize(colours, size, interpolation=method)


def _padded(row: np.ndarray, width: int, *, last: bool) -> np.ndarray:
    spare = width - row.shape[1]
    return np.pad(row, ((0, 0 if last else GAP), (0, spare), (0, 0)), constant_values=GROUND)
