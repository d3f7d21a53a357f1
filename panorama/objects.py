"""From a mask in equirectangular pixels to grown objects on the sphere.

An object is a connected component **on the sphere**: components that meet across the seam are one, and so are
those that touch the same pole. Each grows by an angle that follows its own area in steradians, with the rule of
`vanisher_core.mask` (the pixel being that of the horizon), measured on the sphere and not in stretched pixels;
the soft edge lies inside the grown ring. `grow=0` takes the mask's own values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from panorama.sphere import Frame, Region
from vanisher_core.errors import UsageError
from vanisher_core.mask import FEATHER_SHARE, GROW_MAX, SOFT_FLOOR, THRESHOLD, auto_grow

CELLS = 64
"""Specks are gathered by cells of a 64th of the full width."""
SPECK = 1 / 256
"""Side of a speck, as a share of the full width."""
EVEN = 255
"""Alpha of what is wholly erased."""


@dataclass(frozen=True, eq=False)
class Part:
    """One grown object.

    Attributes:
        region: where it lies; at most as wide as the panorama.
        alpha: uint8 of the region's shape: 255 on the object, falling inside the grown ring, 0 outside.
        grow: pixels (of the horizon) that it was grown by.
    """

    region: Region
    alpha: np.ndarray
    grow: int

    @property
    def hole(self) -> np.ndarray:
        """Bool, what is to be filled."""
        return self.alpha > 0


def grown_objects(
    mask: np.ndarray, frame: Frame, grow: int | None = None, feather: float | None = None
) -> list[Part]:
    """Cuts a mask into objects and grows each.

    Args:
        mask: uint8 HxW, 255 = erase; components without a value of 128 or more are dropped unless grow is 0.
        frame: of the panorama.
        grow: pixels of the horizon; None: by each object's size.
        feather: width of the soft edge in the same pixels, at most `grow`; None: 40 % of the growth.

    Returns:
        Parts in the order of the picture; their holes may overlap. None for an empty mask.

    Raises:
        UsageError: a negative, non-finite or too large value, or feather > grow.
    """
    _check(grow, feather)
    exact = grow == 0
    marks = mask > 0 if exact else mask >= SOFT_FLOOR
    if not marks.any():
        return []
    parts = []
    for region, own in components(marks, frame):
        values = np.where(own, frame.cut(mask, region), 0).astype(np.uint8)
        if exact:
            parts.append(Part(region, values, 0))
        elif values.max() >= THRESHOLD:
            parts.append(_grown(own, region, frame, grow, feather))
    return parts


def _check(grow: int | None, feather: float | None) -> None:
    if grow is not None and not 0 <= grow <= GROW_MAX:
        raise UsageError(
            f"grow is {grow}; it must be between 0 and {GROW_MAX} pixels. Leave it out for automatic."
        )
    if feather is not None and not (
        math.isfinite(feather) and 0 <= feather <= (GROW_MAX if grow is None else grow)
    ):
        raise UsageError(
            f"feather is {feather} and grow {'automatic' if grow is None else grow}; the soft edge lies inside the "
            "grown ring, so feather must be at least 0 and not exceed grow. Leave it out for automatic."
        )


def _grown(own: np.ndarray, region: Region, frame: Frame, grow: int | None, feather: float | None) -> Part:
    """One object with its ring."""
    if grow is None:
        wide = auto_grow(solid_angle(own, region, frame) / frame.step**2)
        width = max(wide, math.ceil(feather or 0))
    else:
        width = grow
    soft = FEATHER_SHARE * width if feather is None else feather
    around = frame.around(region, (width + 1) * frame.step)
    marks = _placed(own, region, around, frame)
    away = frame.distance(marks, around, (width + 1) * frame.step) / np.float32(frame.step)
    alpha = np.where(away <= 0, np.uint8(EVEN), np.uint8(0))
    ring = (away > 0) & (away <= width)
    share = np.clip((width + 1 - away[ring]) / (soft + 1), 0, 1)
    alpha[ring] = np.maximum(np.rint(EVEN * share * share * (3 - 2 * share)), 1)
    return Part(around, alpha, width)


def solid_angle(own: np.ndarray, region: Region, frame: Frame) -> float:
    """Steradians covered by the True texels of a region."""
    flat = np.cos(frame.pitch(np.arange(region.top, region.bottom)))
    return float(np.count_nonzero(own, axis=1) @ flat) * frame.step * frame.row_step


def _placed(own: np.ndarray, region: Region, around: Region, frame: Frame) -> np.ndarray:
    """A bool array over `around` that holds `own` at its place."""
    marks = np.zeros(around.shape, bool)
    rows = marks[region.top - around.top : region.bottom - around.top]
    left = region.left - around.left
    if frame.wraps and around.shape[1] == frame.width:
        left %= frame.width
    first = min(region.shape[1], around.shape[1] - left)
    rows[:, left : left + first] = own[:, :first]
    rows[:, : region.shape[1] - first] = own[:, first:]
    return marks


def components(marks: np.ndarray, frame: Frame) -> list[tuple[Region, np.ndarray]]:
    """Connected components on the sphere; specks that share a cell of a grid count as one.

    Args:
        marks: bool HxW.
        frame: of the panorama.

    Returns:
        (region, bool of its shape) for each, from top to bottom, left to right.
    """
    if not marks.any():
        return []
    left, top, width, height = cv2.boundingRect(marks.view(np.uint8))
    crop = np.ascontiguousarray(marks[top : top + height, left : left + width]).view(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(crop, connectivity=8, ltype=cv2.CV_32S)
    stats = stats + np.array([left, top, 0, 0, 0])
    root = _joined(labels, count, (left, top), frame)
    members: dict[int, list[int]] = {}
    for label in range(1, count):
        members.setdefault(root[label], []).append(label)
    found = []
    for group in _gathered(members, stats, frame):
        region = _region(stats[group], frame)
        found.append((region, _own(labels, group, region, (left, top), frame)))
    return sorted(found, key=lambda item: (item[0].top, item[0].left, item[0]))


def _joined(labels: np.ndarray, count: int, corner: tuple[int, int], frame: Frame) -> list[int]:
    """For every label the label that stands for its component: joined across the seam and over the poles."""
    root = list(range(count))

    def find(label: int) -> int:
        while root[label] != label:
            root[label] = root[root[label]]
            label = root[label]
        return label

    def join(one: int, other: int) -> None:
        low, high = sorted((find(one), find(other)))
        root[high] = low

    height, width = labels.shape
    if frame.wraps and corner[0] == 0 and width == frame.width:
        first, last = labels[:, 0], labels[:, -1]
        for shift in (-1, 0, 1):
            a, b = (
                first[max(shift, 0) : height + min(shift, 0)],
                last[max(-shift, 0) : height - max(shift, 0)],
            )
            for pair in np.unique(np.stack([a, b], 1)[(a > 0) & (b > 0)], axis=0).tolist():
                join(*pair)
    for touches, row in (
        (frame.has_zenith and corner[1] == 0, 0),
        (frame.has_nadir and corner[1] + height == frame.height, -1),
    ):
        at_pole = [label for label in np.unique(labels[row]).tolist() if label] if touches else []
        for label in at_pole[1:]:
            join(at_pole[0], label)
    return [find(label) for label in range(count)]


def _gathered(members: dict[int, list[int]], stats: np.ndarray, frame: Frame) -> list[list[int]]:
    """Labels of each object: large components alone, specks by cell."""
    side, cell = SPECK * frame.full_width, max(frame.full_width // CELLS, 1)
    groups: list[list[int]] = []
    cells: dict[tuple[int, int], list[int]] = {}
    for labels in members.values():
        x, y, w, h, _ = stats[labels[0]].tolist()
        if len(labels) == 1 and max(w, h) <= side:
            cells.setdefault((y // cell, x // cell), []).append(labels[0])
        else:
            groups.append(labels)
    return groups + list(cells.values())


def _region(boxes: np.ndarray, frame: Frame) -> Region:
    """The narrowest region round boxes (N x [left, top, width, height, ...]) on a panorama that may wrap."""
    top, bottom = int(boxes[:, 1].min()), int((boxes[:, 1] + boxes[:, 3]).max())
    low, high = int(boxes[:, 0].min()), int((boxes[:, 0] + boxes[:, 2]).max())
    if not frame.wraps:
        return Region(low, top, high, bottom)
    spans = sorted((int(box[0]), int(box[0] + box[2])) for box in boxes)
    widest, left, reach = spans[0][0] + frame.width - high, spans[0][0], spans[0][1]
    for start, end in spans[1:]:  # the widest gap between spans lies outside the region
        if start - reach > widest:
            widest, left = start - reach, start
        reach = max(reach, end)
    return Region(left, top, left + frame.width - max(widest, 0), bottom)


def _own(
    labels: np.ndarray, group: list[int], region: Region, corner: tuple[int, int], frame: Frame
) -> np.ndarray:
    """Bool over a region: the texels of some labels."""
    chosen = np.zeros(int(labels.max()) + 1, bool)
    chosen[group] = True
    rows = labels[region.top - corner[1] : region.bottom - corner[1]]
    own = np.zeros(region.shape, bool)
    for there, here in frame.runs(region):
        low, high = max(there.start, corner[0]), min(there.stop, corner[0] + labels.shape[1])
        if low < high:
            left = here.start + low - there.start
            own[:, left : left + high - low] = chosen[rows[:, low - corner[0] : high - corner[0]]]
    return own


def covered(frame: Frame, parts: list[Part]) -> np.ndarray:
    """HxW uint8, 255 where any part is to be filled."""
    hole = np.zeros((frame.height, frame.width), np.uint8)
    for part in parts:
        frame.put(hole, part.region, np.where(part.hole, np.uint8(255), frame.cut(hole, part.region)))
    return hole
