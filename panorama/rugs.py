"""Finds rugs whole: a rug of which a part stays is worse than one that was missed.

Networks find a large rug in patches, above all one sewn of patches. On the floor, seen from above, it is a rectangle or
at least convex; so if nearly all of the smallest rectangle round what was found of it (Freeman and Shapira,
"Determining the Minimum-Area Encasing Rectangle for an Arbitrary Closed Curve", CACM 18, 1975), or of its convex hull,
was found, or has other furniture in front of it, what is left of it belongs to it where it has the rug's colours rather
than the floor's.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from panorama.layout import Layout
from panorama.objects import components
from panorama.sphere import Frame, Region

FARTHEST = 4.0
"""Camera heights up to which a floor is seen clearly enough."""
THIN = math.radians(1)
"""What is narrower is no rug but a stain of its outline."""
SMALLEST = 0.3
"""Square camera heights; smaller ones are found whole or not at all."""
RECTANGLE, HULL = 0.75, 0.85
"""Share of the shape that must be found."""
BINS, RARE, SAMPLES = 32, 1e-5, 500
"""Of each of three Lab planes in which colours are counted; share that no colour falls below; texels that tell a
floor."""
LIKELIER = 0.5
"""Mean logarithm of how much oftener a rug than the floor must show the colours of what belongs to it."""
INSIDE = 0.97
"""Share of the wall's distance up to which a rug may lie."""


def whole(
    frame: Frame, picture: np.ndarray, found: np.ndarray, lying: np.ndarray, layout: Layout | None
) -> NDArray[np.bool_]:
    """What is missing of rugs.

    Args:
        frame: of the picture, the whole sphere.
        picture: HxWx3 uint8.
        found: HxW bool, all furniture.
        lying: HxW bool, that of it which lies on the floor.
        layout: of the room; None: not known.

    Returns:
        HxW bool; nothing of `found`.
    """
    more = np.zeros_like(found)
    top = round(frame.height * (0.5 + math.atan(1 / FARTHEST) / math.pi))
    yaw, pitch = frame.yaw(np.arange(frame.width)), frame.pitch(np.arange(top, frame.height))[:, None]
    away = 1 / np.tan(-pitch)
    floor = np.stack(np.broadcast_arrays(np.sin(yaw) * away, np.cos(yaw) * away), axis=-1).astype(np.float32)
    area = np.broadcast_to(away / np.sin(pitch) ** 2 * frame.step * frame.row_step, floor.shape[:2])
    inside = np.ones(floor.shape[:2], bool) if layout is None else away < INSIDE * layout.away(yaw)
    wide = max(round(THIN / frame.step), 1)
    solid = cv2.morphologyEx(
        lying[top:].view(np.uint8), cv2.MORPH_OPEN, np.ones((max(wide // 2, 1), wide), np.uint8)
    )
    lab = cv2.cvtColor(np.ascontiguousarray(picture[top:]), cv2.COLOR_RGB2LAB)
    rows = Frame(frame.width, frame.height - top, frame.full_width, frame.full_height, 0, top)
    for region, own in components((solid > 0) & inside, rows):
        rug = _placed(own, region, rows)
        if area[rug].sum() < SMALLEST:
            continue
        for within, least in zip(_shapes(floor, floor[rug]), (RECTANGLE, HULL), strict=True):
            shape = within & inside
            if 0 < least * (area * shape).sum() <= (area * (shape & found[top:])).sum():
                more[top:] |= _like(
                    lab, shape & ~found[top:], rug, inside & ~shape & ~found[top:], THIN / frame.step
                )
                break
    return more & ~found


def _like(
    lab: np.ndarray, missing: np.ndarray, rug: np.ndarray, floor: np.ndarray, blur: float
) -> NDArray[np.bool_]:
    """Where round a missing texel colours (HxWx3 uint8) lie that a rug shows more often than the floor."""
    if floor.sum() < SAMPLES:
        return np.zeros_like(missing)
    own, other = (_often(lab, marks) for marks in (rug, floor))
    bins = tuple(np.moveaxis(lab // (256 // BINS), 2, 0).astype(np.intp))
    gain = np.where(missing, np.log(own[bins] / other[bins]), 0).astype(np.float32)
    share = cv2.GaussianBlur(missing.astype(np.float32), (0, 0), blur)
    return missing & (cv2.GaussianBlur(gain, (0, 0), blur) > LIKELIER * share)


def _often(lab: np.ndarray, marks: np.ndarray) -> NDArray[np.float32]:
    """How often each of BINS**3 colours is among marked texels, a little blurred."""
    counts = cv2.calcHist([lab], [0, 1, 2], marks.view(np.uint8), [BINS] * 3, [0, 256] * 3)
    for axis in range(3):
        counts = gaussian_filter1d(counts, 1, axis=axis, mode="nearest")
    return (counts / counts.sum() + RARE).astype(np.float32)


def _placed(own: np.ndarray, region: Region, frame: Frame) -> NDArray[np.bool_]:
    marks = np.zeros((frame.height, frame.width), bool)
    frame.put(marks, region, own)
    return marks


def _shapes(floor: np.ndarray, points: np.ndarray) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which places on the floor (HxWx2) lie in the smallest rectangle, and in the convex hull, of points (Nx2)."""
    hull = cv2.convexHull(points)[:, 0]
    if cv2.contourArea(hull) == 0:
        return np.zeros(floor.shape[:2], bool), np.zeros(floor.shape[:2], bool)
    corners = cv2.boxPoints(cv2.minAreaRect(hull))
    return _within(floor, corners), _within(floor, hull)


def _within(floor: np.ndarray, corners: np.ndarray) -> NDArray[np.bool_]:
    """Which places lie in a convex polygon."""
    ahead = np.roll(corners, -1, axis=0) - corners
    middle = corners.mean(axis=0)
    found = np.ones(floor.shape[:2], bool)
    for corner, (x, z) in zip(corners, ahead, strict=True):
        across = np.array([-z, x], np.float32)
        side = (floor - corner) @ across
        found &= side * float(np.sign((middle - corner) @ across)) >= 0
    return found
