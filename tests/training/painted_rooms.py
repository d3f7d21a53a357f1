"""Rooms painted in plain colours, saved as the renderer saves its own; made in milliseconds, with a known truth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from panorama.rooms import CLASSES, Layout, Room
from panorama.rooms.__main__ import save

FLOOR, WALL, CEILING, THING = (45, 45, 45), (130, 130, 130), (215, 215, 215), (20, 160, 20)
"""Colours."""
Box = tuple[float, float, float, float]
"""Left, right, back and front of the camera, metres: two of them are negative in the box that it stands in."""


class Shape(NamedTuple):
    """A room: its outline (x right, z forward), and boxes that together are the same."""

    corners: np.ndarray
    boxes: tuple[Box, ...]
    floor: float = -1.5
    ceiling: float = 1.2

    def distances(self, yaw: np.ndarray) -> np.ndarray:
        """How far the wall is in each direction: on from box to box, without the outline."""
        side = np.stack([np.sin(yaw), np.cos(yaw)])[:, None]  # 2 x 1 x columns
        side = np.where(np.abs(side) < 1e-12, 1e-12, side)
        low, high = np.array(self.boxes)[:, [0, 2]], np.array(self.boxes)[:, [1, 3]]
        bounds = np.stack([low.T[..., None] / side, high.T[..., None] / side])  # 2 x axes x boxes x columns
        enter, leave = bounds.min(axis=0).max(axis=0), bounds.max(axis=0).min(axis=0)
        away = np.zeros_like(yaw)
        for _ in self.boxes:
            for first, last in zip(enter, leave, strict=True):
                away = np.where((first <= away + 1e-9) & (last > away), last, away)
        return away


def box(left: float, right: float, back: float, front: float) -> Shape:
    """A rectangular room that reaches so far to each side of the camera."""
    corners = np.array([(-left, -back), (right, -back), (right, front), (-left, front)], float)
    return Shape(corners, ((-left, right, -back, front),))


def notched(left: float, right: float, back: float, front: float, x: float, z: float) -> Shape:
    """The same without what lies to the right of x and in front of z > 0: an L."""
    start, end = [(-left, -back), (right, -back)], [(x, front), (-left, front)]
    corners = np.array([*start, (right, z), (x, z), *end], float)
    return Shape(corners, ((-left, right, -back, z), (-left, x, -back, front)))


def marks_of(width: int) -> np.ndarray:
    """Where two things stand, one of them across the seam: int32 HxW, their numbers."""
    marks, unit = np.zeros((width // 2, width), np.int32), width // 64
    marks[17 * unit : 23 * unit, np.arange(-4 * unit, 3 * unit)] = 1
    marks[18 * unit : 22 * unit, 20 * unit : 30 * unit] = 2
    return marks


def painted(shape: Shape, seed: int, width: int) -> Room:
    """The room as the renderer would return it; `normals` are left out."""
    height = width // 2
    yaw = ((np.arange(width) + 0.5) / width - 0.5) * 2 * math.pi
    rise = np.tan((0.5 - (np.arange(height) + 0.5) / height) * math.pi)[:, None] * shape.distances(yaw)
    kind = 1 + (rise > shape.ceiling).astype(int) - (rise < shape.floor)
    empty = np.array([FLOOR, WALL, CEILING], np.uint8)[kind]
    marks = marks_of(width)
    furnished = np.where(marks[..., None] > 0, np.array(THING, np.uint8), empty)
    sofa = CLASSES.index("sofa")
    flat, nowhere = np.ones((height, width), np.float32), np.zeros((height, width, 3), np.float32)
    layout = Layout(shape.corners, shape.floor, shape.ceiling)
    classes = np.where(marks > 0, sofa, 0).astype(np.uint8)
    beyond = np.zeros(marks.shape, bool)
    return Room(
        furnished, empty, classes, marks, beyond, nowhere, flat, layout, ("sofa", "sofa"), (sofa, sofa), seed
    )


def write_rooms(folder: Path, shapes: Sequence[Shape], first: int, width: int) -> Path:
    """One room a shape, numbered from `first`; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, shape in enumerate(shapes, first):
        save(painted(shape, seed, width), folder)
    return folder
