"""Which way is up in a panorama, and what a level camera would have shown.

Rooms are looked for, and emptied, in level pictures: walls upright, their feet on one horizon. Photographed panoramas
are seldom quite level (a tripod on a carpet), and a degree of tilt bends corners and feet of walls by as much. Edges
that are upright in the room lie on great circles through its zenith, so the zenith is at right angles to their normals:
it is the direction that most of them agree on (the vertical vanishing point; Kosecka & Zhang, "Video Compass", ECCV
2002). A picture is then turned by resampling it once.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from panorama.light import sees_all
from panorama.sphere import Frame
from panorama.views import View, reduced, render
from vanisher_core.exemplar.workers import run_bands
from vanisher_core.vanish import eight_bit

COLUMNS = 2048
"""Of the panorama at the scale that is looked at."""
SIDE, FIELD = 512, math.radians(75)
"""Pixels and angle of the views that are looked at."""
LOOKS = [(turn * math.pi / 4, pitch) for turn in range(8) for pitch in (-0.35, 0.35)]
"""Yaw and pitch of these."""
LONG = 25.0
"""Pixels of an edge that counts."""
UPRIGHT = math.sin(math.radians(12))
"""Vertical part of its normal from which on an edge is not upright."""
EXACT = math.radians(0.5)
"""Standard deviation of the angle between an edge and the zenith."""
COARSE, FINE = (math.radians(6), math.radians(0.25)), (math.radians(0.25), math.radians(0.05))
"""Reach and step of the search for the zenith, and round what it found."""
LEAST, GAIN = math.radians(0.25), 1.1
"""Tilt that is worth turning the picture for, and by how much more edges must then stand upright."""
ENOUGH, ROUND = 2000.0, 0.1
"""Pixels of edges that must agree, and least ratio of what they say across to what they say along the direction in
which most of them are seen: those of one wall tell only whether it leans to a side."""
WIDEST = 8192
"""Columns of a panorama that is turned; wider ones would not stay within the memory that is promised for them."""
BAND = 256
"""Rows that are turned at a time."""


def uprighting(frame: Frame, picture: np.ndarray) -> NDArray[np.float64] | None:
    """The rotation (3x3) that takes directions of the camera to those of the room; None: level, or it cannot be told.

    Args:
        frame: of the panorama.
        picture: HxW or HxWxC samples.
    """
    if not sees_all(frame):
        return None
    small, less = reduced(frame, picture, COLUMNS)
    grey = eight_bit(less).reshape(small.height, small.width, -1)
    normals, weights = _edges(
        small, cv2.cvtColor(grey, cv2.COLOR_RGB2GRAY) if grey.shape[2] >= 3 else grey[..., 0]
    )
    if not len(normals):
        return None
    tilt = _best(normals, weights, np.zeros(2), *COARSE)
    if np.abs(tilt).max() > COARSE[0] - COARSE[1]:
        return None
    tilt = _best(normals, weights, tilt, *FINE)
    up, level = _zeniths(tilt[None]), _zeniths(np.zeros((1, 2)))
    standing, before = (float(_agreement(normals, weights, way)[0]) for way in (up, level))
    if np.linalg.norm(tilt) < LEAST or standing < max(GAIN * before, ENOUGH):
        return None
    if not _from_all_sides(normals, weights, up[0]):
        return None
    return _onto(up[0], level[0])


def leveled(frame: Frame, picture: np.ndarray, turn: np.ndarray, *, linear: bool = False) -> np.ndarray:
    """A panorama as a camera turned by a rotation would have taken it; the transpose undoes it.

    Args:
        frame: of the panorama, the whole sphere, and of the result.
        picture: HxW or HxWxC, uint8, uint16 or float32.
        turn: 3x3, takes directions of the panorama to those of the result (`uprighting`).
        linear: bilinear sampling, which never overshoots: for masks and gains.
    """
    out = np.empty_like(picture)
    columns = np.arange(frame.width)
    for top in range(0, frame.height, BAND):
        rows = slice(top, min(top + BAND, frame.height))
        out[rows] = like(
            turned(frame, picture, turn, columns, np.arange(rows.start, rows.stop), linear=linear), picture
        )
    return out


def turned(
    frame: Frame, picture: np.ndarray, turn: np.ndarray, columns: np.ndarray, rows: np.ndarray,
    *, linear: bool = False, where: np.ndarray | None = None,
) -> NDArray[np.float32]:  # fmt: skip
    """`leveled` for some columns and rows of the result, as float32 in the picture's units; see `views.render`."""
    at = _sources(frame, turn, columns, rows)
    view = View(np.eye(3), 1.0, 0.0, 0.0, len(columns), len(rows))
    return render(
        frame,
        picture,
        view,
        linear=linear,
        where=where,
        at=(at[0].astype(np.float32), at[1].astype(np.float32)),
    )


def numbered(frame: Frame, numbers: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """`leveled` for numbers of things (HxW), which must not be mixed: each direction gets its nearest texel's."""
    out = np.empty_like(numbers)
    columns = np.arange(frame.width)
    for top in range(0, frame.height, BAND):
        rows = slice(top, min(top + BAND, frame.height))
        at = _sources(frame, turn, columns, np.arange(rows.start, rows.stop))
        across, down = (np.rint(places).astype(int) for places in at)
        out[rows] = numbers[np.clip(down, 0, frame.height - 1), across % frame.width]
    return out


def like(samples: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """float32 samples as those of a picture's type, cut to its range, or to that of its values if it is float32."""
    if picture.dtype == np.float32:
        return np.clip(samples, picture.min(), picture.max())
    return np.rint(np.clip(samples, 0, np.iinfo(picture.dtype).max)).astype(picture.dtype)


def _sources(
    frame: Frame, turn: np.ndarray, columns: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fractional columns and rows of the panorama that are seen at some of the turned one."""
    return frame.texel(frame.directions(columns, rows[:, None]) @ turn)


def _edges(frame: Frame, grey: np.ndarray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Normals (Nx3) of the great circles of edges that are about upright, and the edges' lengths in pixels."""
    found: list[tuple[np.ndarray, np.ndarray]] = [(np.zeros((0, 3)), np.zeros(0))] * len(LOOKS)

    def look(index: int) -> None:
        view = View.square(*LOOKS[index], FIELD, SIDE)
        seen = np.clip(np.rint(render(frame, grey, view, linear=True)), 0, 255).astype(np.uint8)
        lines = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(seen)[0]
        if lines is None:
            return
        ends = lines.reshape(-1, 2, 2).astype(np.float64) + 0.5
        length = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
        rays = np.stack(
            [
                ends[..., 0] / view.focal + view.left,
                -(ends[..., 1] / view.focal + view.top),
                np.ones(ends.shape[:2]),
            ],
            -1,
        )
        normal = np.cross(rays[:, 0], rays[:, 1]) @ view.rotation
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
        kept = (length > LONG) & (np.abs(normal[:, 1]) < UPRIGHT)
        found[index] = normal[kept], length[kept]

    run_bands(look, list(range(len(LOOKS))))
    return np.concatenate([normals for normals, _ in found]), np.concatenate(
        [lengths for _, lengths in found]
    )


def _best(
    normals: np.ndarray, weights: np.ndarray, middle: np.ndarray, reach: float, step: float
) -> NDArray[np.float64]:
    """The tilt (to the right and ahead, in radians) that most edges agree on, of those round a middle one."""
    steps = np.arange(-round(reach / step), round(reach / step) + 1) * step
    tilts = middle + np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    return tilts[int(_agreement(normals, weights, _zeniths(tilts)).argmax())]


def _zeniths(tilts: np.ndarray) -> NDArray[np.float64]:
    """Unit vectors (Nx3) of tilts (Nx2)."""
    up = np.stack([np.tan(tilts[:, 0]), np.ones(len(tilts)), np.tan(tilts[:, 1])], axis=1)
    return up / np.linalg.norm(up, axis=1, keepdims=True)


def _agreement(normals: np.ndarray, weights: np.ndarray, zeniths: np.ndarray) -> NDArray[np.float64]:
    """Length of the edges that are upright, for each of some zeniths (Nx3); the same whatever threads there are."""
    found = np.empty(len(zeniths))
    for first in range(0, len(zeniths), BAND):
        up = zeniths[first : first + BAND]
        off = sum(normals[:, axis, None] * up[:, axis] for axis in range(3)) / EXACT
        found[first : first + BAND] = (weights[:, None] * np.exp(-0.5 * off * off)).sum(axis=0)
    return found


def _from_all_sides(normals: np.ndarray, weights: np.ndarray, up: np.ndarray) -> bool:
    """Whether the edges that agree with a zenith tell both of its tilts."""
    agree = np.abs((normals * up).sum(axis=1)) < 2 * EXACT
    level, weight = normals[agree][:, [0, 2]], weights[agree]
    low, high = np.linalg.eigvalsh((level * weight[:, None]).T @ level)
    return bool(low >= ROUND * high)


def _onto(one: np.ndarray, other: np.ndarray) -> NDArray[np.float64]:
    """The smallest rotation (3x3) that takes one unit vector to another (Rodrigues)."""
    x, y, z = np.cross(one, other)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + cross + cross @ cross / (1 + one @ other)
