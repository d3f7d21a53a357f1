"""Simpler ways to erase from a panorama, to measure the sphere's against: the same fills, other geometry.

Each is a function (rgb uint8 HxWx3, hole bool HxW) -> uint8 HxWx3 that changes nothing outside the hole, as
`training.methods` has them; the hole is filled exactly as given (grow 0).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np

from panorama.erase import erase_panorama
from panorama.files import Panorama
from panorama.plan import FINER
from panorama.sphere import Frame, Region
from panorama.views import View, render, unproject
from vanisher_core.mask import Mask
from vanisher_core.photo import Photo
from vanisher_core.vanish import Vanisher

Fill = Callable[[np.ndarray, np.ndarray], np.ndarray]

FACES = ((0, 0), (1, 0), (2, 0), (3, 0), (0, 1), (0, -1))
"""Quarter turns of yaw and pitch of a cube's faces."""


def on_sphere(vanisher: Vanisher, *, relight: bool = False) -> Fill:
    """The product: `erase_panorama`; relit, it also changes what lies round the hole."""

    def fill(rgb: np.ndarray, hole: np.ndarray) -> np.ndarray:
        return erase_panorama(
            Panorama.from_array(rgb), Mask.from_array(hole), vanisher=vanisher, grow=0, relight=relight
        ).photo.array

    return fill


def on_flat_picture(vanisher: Vanisher) -> Fill:
    """The panorama taken for an ordinary photograph: a seam at +-180 degrees, stretched poles."""

    def fill(rgb: np.ndarray, hole: np.ndarray) -> np.ndarray:
        mask = Mask.from_array(hole)
        return vanisher.erase(Photo.from_array(rgb), mask, grow=0, feather=0).photo.array

    return fill


def on_cube_faces(vanisher: Vanisher) -> Fill:
    """Six faces of 90 degrees, turned to nothing, each filled on its own: edges wherever an object crosses one."""

    def fill(rgb: np.ndarray, hole: np.ndarray) -> np.ndarray:
        frame = Frame.full(rgb.shape[1], rgb.shape[0])
        side = round(FINER * frame.full_width / math.pi)
        out = rgb.copy()
        nearest = _face_of(frame)
        for index, (yaw, pitch) in enumerate(FACES):
            own = hole & (nearest == index)
            if own.any():
                view = View.square(yaw * math.pi / 2, pitch * math.pi / 2, math.pi / 2, side)
                _fill_face(frame, rgb, hole, own, out, view, vanisher)
        return out

    return fill


def _face_of(frame: Frame) -> np.ndarray:
    """HxW index of the face that shows each texel."""
    directions = frame.directions(np.arange(frame.width)[None], np.arange(frame.height)[:, None])
    aims = [View.square(yaw * math.pi / 2, pitch * math.pi / 2, 1.0, 2).rotation[2] for yaw, pitch in FACES]
    return np.argmax(directions @ np.array(aims).T, axis=-1)


def _fill_face(
    frame: Frame,
    rgb: np.ndarray,
    hole: np.ndarray,
    own: np.ndarray,
    out: np.ndarray,
    view: View,
    vanisher: Vanisher,
) -> None:
    """Fills one face and puts its own texels into `out`."""
    marks = render(frame, hole.astype(np.uint8), view, linear=True) > 0
    marks = cv2.dilate(marks.view(np.uint8), np.ones((5, 5), np.uint8)) > 0
    picture = np.rint(np.clip(render(frame, rgb, view) * 257, 0, 65535)).astype(np.uint16)
    done = vanisher.erase(Photo.from_array(picture), Mask.from_array(marks), grow=0, feather=0).photo.array
    rows = np.flatnonzero(own.any(axis=1))
    region = Region(0, int(rows[0]), frame.width, int(rows[-1]) + 1)
    values = np.clip(np.rint(unproject(frame, region, view, done.astype(np.float32)) / 257), 0, 255)
    part = own[region.top : region.bottom]
    out[region.top : region.bottom][part] = values.astype(np.uint8)[part]
