"""Where to work: native-scale windows round the holes; no photograph is ever shrunk to a network's size.

Shrinking the whole photograph is the commonest complaint about erasers (blur, 1024 px results); cropping
round the mask and pasting back at full resolution is worth more than a better model. A `Window` has:

- ``box``: what is looked at, with context on every side (at least 64 px, about three quarters of the hole's
  size, and slid inwards where the photograph ends, so that a hole at the border gets as much context);
- ``core``: the tight box of the pixels this window is responsible for;
- ``own``: those pixels, a boolean array over ``core``. **Every hole pixel is in the ``own`` of exactly one
  window**; other holes may lie in ``box`` or even in ``core``: unknown there, and filled by other windows.

Boxes overlap freely; the ``own`` sets never do. Fill the windows in the order given: pixels of earlier
windows may be taken as known, pixels of later ones are still holes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

MARGIN_MIN = 64
"""Pixels, smallest context on a side (unless the photograph ends there)."""
MARGIN_SHARE = 0.75
"""Context on a side as a share of the square root of the pixels of the window's largest hole."""
SPECK_SIDE = 192
"""Pixels; holes up to this size are grouped by a grid, larger ones get windows of their own."""
CELL = 512
"""Pixels, side of the grid cells that group specks and cut up long thin holes."""
THIN_AREA = 4_000_000
"""Pixels; a hole whose box is larger than this and nearly empty (a wire) is cut along the grid."""
THIN_SHARE = 0.1
"""A box filled less than this counts as nearly empty."""
MERGE_WASTE = 1.15
"""Holes in each other's context share a window that is at most 1.15 times as large as two would be."""


class Box(NamedTuple):
    """Half-open pixel rectangle: columns left..right-1, rows top..bottom-1."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def area(self) -> int:
        """Pixels, 0 for an empty box."""
        return max(self.width, 0) * max(self.height, 0)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the box in an HxW... array."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def expanded(self, margin: int) -> Box:
        """The box with `margin` pixels more on each side (not clipped)."""
        return Box(self.left - margin, self.top - margin, self.right + margin, self.bottom + margin)

    def clipped(self, size: tuple[int, int]) -> Box:
        """The part inside a photograph of `size` (width, height)."""
        width, height = size
        return Box(max(self.left, 0), max(self.top, 0), min(self.right, width), min(self.bottom, height))

    def union(self, other: Box) -> Box:
        """The smallest box round both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def common(self, other: Box) -> Box:
        """The shared part; its `area` is 0 when there is none."""
        return Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    def shifted(self, x: int, y: int) -> Box:
        """The box moved right by `x` and down by `y`."""
        return Box(self.left + x, self.top + y, self.right + x, self.bottom + y)

    def overlaps(self, other: Box) -> bool:
        """Whether the two share a pixel."""
        return self.common(other).area > 0

    def contains(self, other: Box) -> bool:
        """Whether `other` lies wholly inside."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and self.right >= other.right
            and self.bottom >= other.bottom
        )

    def within(self, outer: Box) -> Box:
        """The same box in the coordinates of `outer`, whose corner becomes (0, 0)."""
        return self.shifted(-outer.left, -outer.top)


@dataclass(frozen=True, eq=False)
class Window:
    """One native-scale piece of work; see the module docstring.

    Attributes:
        box: What is looked at, inside the photograph.
        core: Tight box of the pixels to fill, inside `box`.
        own: bool, HxW of `core`: the pixels this window, and no other, fills.
        holes: How many connected holes (or pieces of long thin holes) it fills.
    """

    box: Box
    core: Box
    own: np.ndarray
    holes: int

    @classmethod
    def whole(cls, hole: np.ndarray) -> Window:
        """All of a picture as one window.

        Args:
            hole: HxW bool, with a pixel to fill at least.
        """
        height, width = hole.shape
        core = bounding_box(hole.view(np.uint8))
        return cls(Box(0, 0, width, height), core, hole[core.slices].copy(), 1)

    def own_in_box(self) -> np.ndarray:
        """`own` as a bool array over `box`."""
        full = np.zeros((self.box.height, self.box.width), bool)
        full[self.core.within(self.box).slices] = self.own
        return full


def plan(hole: np.ndarray, size: tuple[int, int] | None = None) -> list[Window]:
    """Cut the work into windows.

    Args:
        hole: bool (or 0 / non-zero) HxW over the whole photograph, True = fill.
        size: (width, height) of the photograph, checked against `hole` when given.

    Returns:
        Windows from top to bottom, left to right; empty when nothing is to be filled. Deterministic.

    Raises:
        ValueError: `hole` is not two-dimensional or not of `size`.
    """
    if hole.ndim != 2:
        raise ValueError(f"hole has shape {hole.shape}; it must be height x width")
    height, width = hole.shape
    if size is not None and tuple(size) != (width, height):
        raise ValueError(f"hole is {width}x{height}, the photograph {size[0]}x{size[1]}; they must be equal")
    marks = hole.view(np.uint8) if hole.dtype == bool else (hole != 0).view(np.uint8)
    around = bounding_box(marks)
    if around.area == 0:
        return []
    labels, boxes, areas = components(marks, around)
    _cut_thin(labels, boxes, areas, around)
    groups = _merged(_grouped(boxes), boxes, areas)
    group_of = np.zeros(len(boxes) + 1, np.int32)
    for number, group in enumerate(groups, start=1):
        group_of[[index + 1 for index in group]] = number
    windows = [
        _window(number, group, boxes, _margin(group, areas), group_of, labels, around, (width, height))
        for number, group in enumerate(groups, start=1)
    ]
    return sorted(windows, key=lambda window: (window.core.top, window.core.left, window.core))


def bounding_box(marks: np.ndarray) -> Box:
    """Tight box of the non-zero pixels of a uint8 HxW array; Box(0, 0, 0, 0) when there is none."""
    if marks.size == 0:
        return Box(0, 0, 0, 0)
    left, top, width, height = cv2.boundingRect(np.ascontiguousarray(marks))
    return Box(left, top, left + width, top + height)


def components(marks: np.ndarray, around: Box) -> tuple[np.ndarray, list[Box], list[int]]:
    """8-connected components inside `around`.

    Returns:
        Labels (int32, HxW of `around`, 0 = none), the box of label i + 1 at place i in the coordinates of the
        photograph, and the pixel count of each.
    """
    crop = np.ascontiguousarray(marks[around.slices])
    _, labels, stats, _ = cv2.connectedComponentsWithStats(crop, connectivity=8, ltype=cv2.CV_32S)
    boxes = [
        Box(around.left + x, around.top + y, around.left + x + w, around.top + y + h)
        for x, y, w, h in stats[1:, :4].tolist()
    ]
    return labels, boxes, stats[1:, cv2.CC_STAT_AREA].tolist()


def _cut_thin(labels: np.ndarray, boxes: list[Box], areas: list[int], around: Box) -> None:
    """Cut nearly empty large boxes (wires, outlines) along the grid, in place: memory follows the hole."""
    for index, box in enumerate(list(boxes)):
        if box.area <= THIN_AREA or areas[index] >= THIN_SHARE * box.area:
            continue
        pieces = []
        for cell in _cells(box):
            piece = labels[cell.within(around).slices] == index + 1
            tight = bounding_box(piece.view(np.uint8))
            if tight.area:
                pieces.append((cell, piece, tight.shifted(cell.left, cell.top)))
        for place, (cell, piece, tight) in enumerate(pieces):
            if place == 0:
                boxes[index], areas[index] = tight, int(piece.sum())
                continue
            boxes.append(tight)
            areas.append(int(piece.sum()))
            labels[cell.within(around).slices][piece] = len(boxes)


def _cells(box: Box) -> list[Box]:
    """The grid cells of a box, cut to it."""
    return [
        Box(max(x, box.left), max(y, box.top), min(x + CELL, box.right), min(y + CELL, box.bottom))
        for y in range(box.top // CELL * CELL, box.bottom, CELL)
        for x in range(box.left // CELL * CELL, box.right, CELL)
    ]


def _grouped(boxes: list[Box]) -> list[list[int]]:
    """Indices of holes that share a window: specks by grid cell of their centre, large holes alone."""
    cells: dict[tuple[int, int], list[int]] = {}
    alone: list[list[int]] = []
    for index, box in enumerate(boxes):
        if max(box.width, box.height) > SPECK_SIDE:
            alone.append([index])
            continue
        place = ((box.top + box.bottom) // 2 // CELL, (box.left + box.right) // 2 // CELL)
        cells.setdefault(place, []).append(index)
    return alone + [cells[place] for place in sorted(cells)]


def _merged(groups: list[list[int]], boxes: list[Box], areas: list[int]) -> list[list[int]]:
    """Merge groups in each other's context while that costs little; specks only with what they overlap."""
    items = [(_around(group, boxes), _margin(group, areas), group) for group in groups]
    changed = True
    while changed:
        changed = False
        kept: list[tuple[Box, int, list[int]]] = []
        for core, margin, group in items:
            for place, (other_core, other_margin, other) in enumerate(kept):
                if _worth_merging(core, margin, other_core, other_margin):
                    kept[place] = (core.union(other_core), max(margin, other_margin), other + group)
                    changed = True
                    break
            else:
                kept.append((core, margin, group))
        items = kept
    return [group for _, _, group in items]


def _worth_merging(core: Box, margin: int, other_core: Box, other_margin: int) -> bool:
    larger = max(margin, other_margin)
    near = other_core if larger < MARGIN_SHARE * SPECK_SIDE else other_core.expanded(larger)
    if not core.overlaps(near):
        return False
    apart = core.expanded(margin).area + other_core.expanded(other_margin).area
    return core.union(other_core).expanded(larger).area <= MERGE_WASTE * apart


def _around(group: list[int], boxes: list[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*(boxes[index] for index in group), strict=True)
    return Box(min(lefts), min(tops), max(rights), max(bottoms))


def _margin(group: list[int], areas: list[int]) -> int:
    """Context of a group: by its largest hole."""
    largest = math.sqrt(max(areas[index] for index in group))
    return max(MARGIN_MIN, math.ceil(MARGIN_SHARE * largest))


def _window(
    number: int,
    group: list[int],
    boxes: list[Box],
    margin: int,
    group_of: np.ndarray,
    labels: np.ndarray,
    around: Box,
    size: tuple[int, int],
) -> Window:
    """Build one window from the components of a group."""
    core = _around(group, boxes)
    own = group_of[labels[core.within(around).slices]] == number
    return Window(box=_slid(core, margin, size), core=core, own=own, holes=len(group))


def _slid(core: Box, margin: int, size: tuple[int, int]) -> Box:
    """The core with its margin, slid into the photograph so that the border costs no context."""
    left, right = _slid_axis(core.left - margin, core.right + margin, size[0])
    top, bottom = _slid_axis(core.top - margin, core.bottom + margin, size[1])
    return Box(left, top, right, bottom)


def _slid_axis(low: int, high: int, length: int) -> tuple[int, int]:
    if low < 0:
        low, high = 0, high - low
    if high > length:
        low, high = low - (high - length), length
    return max(low, 0), min(high, length)
