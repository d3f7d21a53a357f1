"""Lifts the shadows that what was erased has left on the walls round it.

A bed keeps light from the wall it stands at, most of all along its edge, so its outline stays on the wall when it is
gone. The light network (`panorama/light.py`) knows how bright a room is, not where on a wall a shadow ends. But on a
plain wall that is easily told: between what the wall shows farther away and what was filled in, its light runs on
evenly (a harmonic interpolation, as in Perez, Gangnet and Blake, "Poisson Image Editing", SIGGRAPH 2003), and what is
darker than that near the rim is shadow. Whatever stands out of the wall (frames, doors) bounds it, unless it is as
narrow as a sharp shadow's outline, with wall on both sides. A grey thing as dark as the shadow it stands in, or so
narrow, cannot be told from it and gets lighter as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from panorama.layout import CEILING, FIRST_WALL, Layout
from panorama.objects import Part
from panorama.rims import averaged, coarse, logarithms, shares
from panorama.sphere import Frame
from vanisher_core.membrane import membrane
from vanisher_core.window import bounding_box

OUTSIDE, INSIDE = math.radians(7), math.radians(3.5)
"""Angles from a rim within which shadows are looked for; less than `light.REACH`."""
BEYOND = math.radians(8)
"""How much more of the wall is looked at."""
LEAST_COLUMNS = 512
"""Of the sphere, with which a shadow can be told from a thing."""
EVEN, ROUNDS = 1.0, 4
"""Cells, standard deviation of the blur that takes texture away; how often what it has left of a shadow is lifted."""
RIM = 1
"""Cells on both sides of a rim where a step is no end of the wall: there the shadow ends."""
STEP, TINT = 0.09, 0.035
"""Change from one cell to the next (of logarithms) where the wall ends: its light, its hue. Most shadows are softer."""
MOST, HUE = 0.9, 0.24
"""Largest lift, and how far its channels may be from their mean: what differs more is another thing, no shadow. Half of
either counts in full."""
SHARP = 5
"""Cells, side of the square that closes sharp outlines."""
FAINT, ANOTHER = 0.03, 0.05
"""What is darker than its wall by so much, connected, is one thing; no shadow near what is none by itself, if that is
so large a share of it."""
WAY = 14
"""Cells round what is none within which it is not lifted either; over as many more it gives way."""
SOFT = 2.0
"""Cells, standard deviation over which a shadow gives way to what is none."""
STEEPEST = math.radians(70)
"""Pitch beyond which cells are too narrow to be compared."""


def found(
    frame: Frame,
    work: np.ndarray,
    parts: list[Part],
    layout: Layout,
    turned: Callable[[np.ndarray], np.ndarray] = lambda grid: grid,
) -> NDArray[np.float32] | None:
    """What lifts the shadows of a picture, for `light.apply`; nothing farther from all holes than OUTSIDE and a cell.

    Args:
        frame: of the picture, the whole sphere.
        work: HxW or HxWxC samples, the holes filled.
        parts: what was filled.
        layout: of the room.
        turned: turns a grid (hxw or hxwxC float32) upright, if the picture was taken askew.

    Returns:
        hxwx3 float32, logarithms, upright; None: the picture is too small for shadows to be told.
    """
    small = coarse(frame)
    if small.width < LEAST_COLUMNS:
        return None
    gains = lifts(turned(logarithms(work, small)), turned(shares(frame, parts, small)), layout, small)
    return np.repeat(gains, 3 // gains.shape[2], axis=2)


def lifts(colours: np.ndarray, share: np.ndarray, layout: Layout, frame: Frame) -> NDArray[np.float32]:
    """What has to be added to the logarithms of colours to take shadows off the walls.

    Args:
        colours: HxWxC float32, logarithms; the holes filled.
        share: HxW float32, how much of each cell was filled.
        layout: of the room.
        frame: of both, the whole sphere.

    Returns:
        HxWxC float32, at least 0; 0 where nothing is to be lifted.
    """
    pitch = frame.pitch(np.arange(frame.height))[:, None]
    planes = layout.planes(frame.yaw(np.arange(frame.width)), pitch)
    planes = np.where(np.abs(pitch) < STEEPEST, planes, CEILING)
    found = np.zeros_like(colours)
    reach = min(math.ceil((OUTSIDE + BEYOND) / frame.step), frame.width)
    wide = [
        np.pad(array, ((0, 0), (reach, reach), *[(0, 0)] * (array.ndim - 2)), mode="wrap")
        for array in (colours, planes, share)
    ]
    for plane in np.unique(planes[(share > 0) & (planes >= FIRST_WALL)]).tolist():
        marks = wide[1] == plane
        box = bounding_box((marks & (wide[2] > 0)).view(np.uint8))
        area = box.expanded(reach).clipped((wide[1].shape[1], frame.height)).slices
        own = np.zeros_like(wide[0])
        own[area] = _lifted(wide[0][area], marks[area], wide[2][area], frame.step)
        np.copyto(found, own[:, reach:-reach], where=(planes == plane)[..., None])
    return found


def _lifted(colours: np.ndarray, marks: np.ndarray, share: np.ndarray, step: float) -> NDArray[np.float32]:
    """`lifts` of one wall: its cells (bool), how much of each was filled, and the angle between two."""
    hole = (share > 0.5) & marks
    even = _even(colours, marks, hole)
    square = np.ones((2 * RIM + 1,) * 2, np.uint8)
    rim = cv2.morphologyEx(hole.view(np.uint8), cv2.MORPH_GRADIENT, square) > 0
    # what was filled may differ from what was kept, but a door that ends beside the hole ends there all the same
    kept = averaged(colours, marks & ~hole, EVEN)[0]
    ends = np.where(rim, _edges(kept, marks), _edges(even, marks))
    wall = _reached(marks & ~ends, share > 0)
    outside, inside = (
        cv2.distanceTransform(beside.view(np.uint8), cv2.DIST_L2, 5) * step
        for beside in (~hole, hole | ~marks)
    )
    near = (outside <= OUTSIDE) & (inside <= INSIDE)
    known = wall & ~near
    if not known.any():
        return np.zeros_like(colours)
    expected = membrane(np.where(known[..., None], even, 0).astype(np.float32), ~known)
    darker = expected - even
    # the outline of a sharp shadow, wall on both of its sides, is one of those edges
    wall |= marks & (
        cv2.morphologyEx(wall.view(np.uint8), cv2.MORPH_CLOSE, np.ones((SHARP, SHARP), np.uint8)) > 0
    )
    tint = np.abs(darker - darker.mean(axis=2, keepdims=True)).max(axis=2)
    light_alone = _falling(tint, HUE) * _falling(darker.max(axis=2), MOST)
    shadow = averaged((light_alone * near)[..., None], wall, SOFT)[0][..., 0] * (wall & near)
    shadow *= _apart_from_things(wall & near & (darker.max(axis=2) > FAINT), light_alone)
    lift = np.zeros_like(colours)
    for _ in range(ROUNDS):  # where a shadow is sharpest the blurs make each lift too gentle
        missing = np.clip(expected - _even(colours + lift, marks, hole), 0, MOST) * shadow[..., None]
        lift += _even(missing, marks, hole)
    return lift.clip(0, MOST) * (marks & near)[..., None]


def _apart_from_things(dark: np.ndarray, light_alone: np.ndarray) -> NDArray[np.float32]:
    """0 to 1: 0 where connected dark parts of a wall get too dark or brown for a shadow, and on the way to it."""
    count, marked = cv2.connectedComponents(dark.view(np.uint8), connectivity=4)
    labels, none = marked.astype(np.intp), dark & (light_alone <= 0)
    sizes, others = (np.bincount(labels[marks], minlength=count) for marks in (dark, none))
    thing = dark & (others > ANOTHER * sizes)[labels]
    if not thing.any():
        return np.ones(dark.shape, np.float32)
    away = cv2.distanceTransform((~(none & thing)).view(np.uint8), cv2.DIST_L2, 5)
    return np.where(thing, np.clip(away / WAY - 1, 0, 1), 1).astype(np.float32)


def _falling(values: np.ndarray, end: float) -> NDArray[np.float32]:
    """1 up to half of the end, 0 from there on: nothing shows where it ends."""
    return np.clip(2 - 2 * values / end, 0, 1).astype(np.float32)


def _even(colours: np.ndarray, marks: np.ndarray, hole: np.ndarray) -> NDArray[np.float32]:
    """HxWxC without texture: the fill and what was kept each by itself, and without what lies on other planes."""
    filled, kept = (averaged(colours, marks & side, EVEN)[0] for side in (hole, ~hole))
    return np.where(hole[..., None], filled, kept).astype(np.float32)


def _reached(wall: np.ndarray, hole: np.ndarray) -> NDArray[np.bool_]:
    """Those connected parts of a wall that a hole lies in."""
    _, labels = cv2.connectedComponents(wall.view(np.uint8), connectivity=4)
    return wall & np.isin(labels, np.unique(labels[wall & hole]))


def _edges(even: np.ndarray, marks: np.ndarray) -> NDArray[np.bool_]:
    """Where the wall ends: cells beside a step of light or of hue."""
    lightness = even.mean(axis=2, keepdims=True)
    edges = np.zeros(marks.shape, bool)
    for planes, most in ((lightness, STEP), (even - lightness, TINT)):
        for plane in np.moveaxis(planes, 2, 0):
            # each is twice the difference from one cell to the next
            across, down = (cv2.Sobel(plane, cv2.CV_32F, *axis, ksize=1) for axis in ((1, 0), (0, 1)))
            edges |= np.hypot(across, down) > 2 * most
    return edges & (cv2.erode(marks.view(np.uint8), np.ones((3, 3), np.uint8)) > 0)
