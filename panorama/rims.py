"""Takes the step of tone away that is left where fills meet what was kept.

Each piece is fitted to what its own view shows of the rim (`vanisher_core.blend`), but a view leaves out what it sees
too flatly or takes for another plane, and several pieces meet in one hole. So at the end the whole outline is looked at
on the sphere: how much lighter is what was kept than what was filled, plane by plane; and that is carried into the hole
(Perez, Gangnet and Blake, "Poisson Image Editing", SIGGRAPH 2003).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from panorama import cells
from panorama.layout import Layout
from panorama.objects import Part, covered
from panorama.sphere import Frame
from panorama.trim import colours_of, full_scale
from vanisher_core.exemplar.workers import run_bands
from vanisher_core.membrane import membrane
from vanisher_core.window import bounding_box

COLUMNS = 1024
"""Of the sphere on which tones are compared."""
SIDE, ALONG = 2.0, 5.0
"""Cells, standard deviations within which the colours of one side are averaged, and the steps along a rim."""
FADING = 15.0
"""Cells from a rim where a third of its step is left. A shadow that the rim lies in is carried in as well; where there
is new light it is lifted afterwards."""
SEEN = 0.15
"""Share of a cell's surroundings that must lie on a side to speak for it."""
EDGE = 0.8
"""Steps (differences of logarithms) beyond which something ends at the rim: no error of tone, and left alone."""
STEEPEST = math.radians(75)
"""Pitch beyond which cells are too narrow to be compared."""
NEAR = 64
"""Cells round a hole that are looked at, across the seam as well: what is carried in from beyond has faded."""
DARKEST = 0.02
BAND = 64
"""Rows that are corrected at a time."""


def even_out(frame: Frame, work: np.ndarray, parts: list[Part], layout: Layout) -> None:
    """Corrects the tone of all that was filled, in place.

    Args:
        frame: of the picture, the whole sphere.
        work: HxW or HxWxC samples, the holes filled.
        parts: what was filled.
        layout: of the room.
    """
    small = coarse(frame)
    gains = steps(logarithms(work, small), shares(frame, parts, small), layout, small)
    wide = cells.surrounded(gains)
    across, down = cells.places(small.width, frame.width), cells.places(small.height, frame.height)
    colours = gains.shape[2]

    def correct(band: tuple[Part, int]) -> None:
        part, top = band
        rows = slice(top, min(top + BAND, part.region.bottom))
        region = part.region._replace(top=rows.start, bottom=rows.stop)
        alpha = part.alpha[rows.start - part.region.top : rows.stop - part.region.top]
        columns = np.arange(region.left, region.right) % frame.width
        logarithm = cells.looked_up(wide, across[columns], down[rows]) * (alpha[..., None] / np.float32(255))
        source = frame.cut(work, region)
        own = source.reshape(*alpha.shape, -1)
        lit = np.clip(
            own[..., :colours] * np.exp(logarithm), 0, full_scale(work) if work.dtype != np.float32 else None
        )
        own[..., :colours] = lit if work.dtype == np.float32 else np.rint(lit)
        frame.put(work, region, own.reshape(source.shape))

    for part in parts:  # parts may overlap, the bands of one do not
        run_bands(correct, [(part, top) for top in range(part.region.top, part.region.bottom, BAND)])


def steps(colours: np.ndarray, share: np.ndarray, layout: Layout, frame: Frame) -> NDArray[np.float32]:
    """What has to be added to the logarithms of colours in the holes, so that they meet what was kept.

    Args:
        colours: HxWxC float32, logarithms.
        share: HxW float32, how much of each cell was filled.
        layout: of the room.
        frame: of both, the whole sphere.

    Returns:
        HxWxC float32, 0 where nothing is to be corrected.
    """
    planes = layout.planes(frame.yaw(np.arange(frame.width)), frame.pitch(np.arange(frame.height))[:, None])
    gently = np.abs(frame.pitch(np.arange(frame.height)))[:, None] < STEEPEST
    found = np.zeros_like(colours)
    filled, kept = share > 0.99, share < 0.01
    near = min(NEAR, frame.width)
    wide = [
        np.pad(array, ((0, 0), (near, near), *[(0, 0)] * (array.ndim - 2)), mode="wrap")
        for array in (colours, planes, filled, kept, share > 0, np.broadcast_to(gently, share.shape))
    ]
    for plane in np.unique(planes[share > 0]).tolist():
        marks = (wide[1] == plane) & wide[5]
        box = bounding_box((marks & wide[4]).view(np.uint8))
        area = box.expanded(near).clipped((wide[1].shape[1], frame.height)).slices
        step = _steps(wide[0][area], *(one[area] & marks[area] for one in wide[2:5]))
        if step is not None:
            carried = np.zeros_like(wide[0])
            carried[area] = step
            inside = (planes == plane) & (share > 0)
            found[inside] = carried[:, near:-near][inside]
    return found


def _steps(
    colours: np.ndarray, filled: np.ndarray, kept: np.ndarray, hole: np.ndarray
) -> NDArray[np.float32] | None:
    """`steps` of one plane, carried from the rims where they are measured, and fading."""
    sides = [averaged(colours, side, SIDE) for side in (filled, kept)]
    step = sides[1][0] - sides[0][0]
    near = cv2.dilate(kept.view(np.uint8), np.ones((5, 5), np.uint8)) > 0
    rim = hole & near & (sides[0][1] > SEEN) & (sides[1][1] > SEEN) & _below(np.abs(step), EDGE)
    if not rim.any():
        return None
    along = averaged(step, rim, ALONG)[0]
    away = cv2.distanceTransform((~rim).view(np.uint8), cv2.DIST_L2, 5)
    carried = membrane(np.where(rim[..., None], along, 0).astype(np.float32), ~rim)
    return (carried * np.exp(-away / FADING)[..., None]).astype(np.float32)


def _below(values: np.ndarray, most: float) -> NDArray[np.bool_]:
    """HxW: where all channels are below; plane by plane, as numpy is slow along so short an axis."""
    return np.logical_and.reduce([plane < most for plane in np.moveaxis(values, 2, 0)])


def averaged(
    values: np.ndarray, where: np.ndarray, sigma: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """HxWxC mean of the values near each cell where marked, and HxW how much of its surroundings is."""
    weight = where.astype(np.float32)
    share = cv2.GaussianBlur(weight, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    total = cv2.GaussianBlur(values * weight[..., None], (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    mean = total.reshape(values.shape) / np.maximum(share, np.float32(1e-4))[..., None]
    return mean.astype(np.float32), share.astype(np.float32)


def coarse(frame: Frame) -> Frame:
    """The sphere on which the tones of a picture are compared."""
    return Frame.full(min(COLUMNS, frame.width), min(COLUMNS // 2, frame.height))


def logarithms(work: np.ndarray, small: Frame) -> NDArray[np.float32]:
    """Of the colours of a picture of the whole sphere, made smaller."""
    size = small.width, small.height
    colours = cv2.resize(work, size, interpolation=cv2.INTER_AREA).reshape(small.height, small.width, -1)
    colours = colours[..., : colours_of(work)]
    return np.log(np.maximum(colours.astype(np.float32) / full_scale(work), 0) + np.float32(DARKEST))


def shares(frame: Frame, parts: list[Part], small: Frame) -> NDArray[np.float32]:
    """How much of each cell was filled."""
    size = small.width, small.height
    return np.float32(1 / 255) * cv2.resize(covered(frame, parts), size, interpolation=cv2.INTER_AREA).astype(
        np.float32
    )
