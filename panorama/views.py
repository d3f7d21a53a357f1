"""Perspective views of a panorama, and the way back for the texels that a fill may change.

A view is a window on the plane z = 1 of a turned camera. Its focal length, in pixels, sets its resolution:
`frame.full_width / (2 pi)` gives the panorama's own in the middle of the view, more towards its edges.

Both ways are inverse maps on pixel centres (a round trip has no shift), sampled with an 8x8 Lanczos window:
film grain survives it far better than with a bicubic one (docs/log.md). Views are made tile by tile from small
regions of the panorama, so that the memory follows the view, not the sphere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from panorama.lanczos import sampled
from panorama.sphere import Frame, Region, angles, turned
from vanisher_core.exemplar.workers import run_bands

TILE = 384
"""Pixels, side of the tiles that a view is made of."""
PAD = 5
"""Texels that the sampling window reaches beyond a position."""
ROWS = 64
"""Rows of a view whose positions are found at a time."""
MINIFIED, HALVED = 1.4, 2.0
"""View pixels per texel from which on, and at which fully, the way back averages four samples."""


@dataclass(frozen=True, eq=False)
class View:
    """A perspective view.

    Attributes:
        rotation: 3x3, rows are the camera's right, up and ahead vectors in the world.
        focal: pixels per unit of the plane z = 1.
        left: x of the window's left edge on that plane (to the right).
        top: y of its top edge (downwards).
        width: pixels.
        height: pixels.
    """

    rotation: np.ndarray
    focal: float
    left: float
    top: float
    width: int
    height: int

    @classmethod
    def square(cls, yaw: float, pitch: float, field: float, side: int) -> View:
        """A view of `side` x `side` pixels that looks at yaw and pitch and spans `field` radians."""
        half = math.tan(field / 2)
        return cls(turned(yaw, pitch), side / (2 * half), -half, -half, side, side)

    @property
    def centre(self) -> tuple[float, float]:
        """Yaw and pitch of the window's middle, in radians."""
        x, y = self.left + self.width / self.focal / 2, self.top + self.height / self.focal / 2
        return angles(np.array([x, -y, 1.0]) @ self.rotation)

    @property
    def field(self) -> tuple[float, float]:
        """Angles in radians that the window spans across and down."""
        right, bottom = self.left + self.width / self.focal, self.top + self.height / self.focal
        return math.atan(right) - math.atan(self.left), math.atan(bottom) - math.atan(self.top)

    def parts(
        self, left: int, top: int, width: int, height: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, y and z (height x width float64) of the directions, not normalised, of a rectangle of its pixels."""
        across = (np.arange(left, left + width) + 0.5) / self.focal + self.left
        down = (np.arange(top, top + height) + 0.5)[:, None] / self.focal + self.top
        right, up, ahead = self.rotation
        x, y, z = (across * right[axis] + (ahead[axis] - down * up[axis]) for axis in range(3))
        return x, y, z

    def directions(self, left: int, top: int, width: int, height: int) -> np.ndarray:
        """`parts` as one array, height x width x 3."""
        return np.stack(self.parts(left, top, width, height), axis=-1)

    def pixel(self, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Fractional column and row of directions (...x3); far outside behind the camera."""
        x, y, z = np.moveaxis(directions @ self.rotation.T, -1, 0)
        return self._on_plane(x, y, z)

    def _on_plane(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from panorama.rays import BEHIND, FAR

        ahead = z > BEHIND
        across = np.divide(x, z, out=np.full(z.shape, FAR), where=ahead)
        down = np.divide(-y, z, out=np.full(z.shape, FAR), where=ahead)
        return (across - self.left) * self.focal - 0.5, (down - self.top) * self.focal - 0.5

    def _pixels_of(
        self, frame: Frame, region: Region, shift: tuple[float, float]
    ) -> tuple[np.ndarray, np.ndarray]:
        """`pixel` for the texels of a region, moved by parts of a texel; built from rows and columns alone."""
        from panorama.rays import pixels

        yaw = frame.yaw(np.arange(region.left, region.right) + shift[0])
        pitch = frame.pitch(np.arange(region.top, region.bottom) + shift[1])
        columns, rows = np.empty(region.shape), np.empty(region.shape)
        pixels(
            np.sin(yaw), np.cos(yaw), np.cos(pitch), np.sin(pitch), np.asarray(self.rotation, np.float64),
            (float(self.focal), float(self.left), float(self.top)), columns, rows,
        )  # fmt: skip
        return columns, rows


def positions(frame: Frame, view: View) -> tuple[np.ndarray, np.ndarray]:
    """Fractional column and row in the panorama of every pixel of a view (float32), for several `render`s."""
    from panorama.rays import texels  # late: numba, and the command line's help imports this module

    columns = np.empty((view.height, view.width), np.float32)
    rows = np.empty_like(columns)
    across = (np.arange(view.width) + 0.5) / view.focal + view.left
    down = (np.arange(view.height) + 0.5) / view.focal + view.top
    rotation = np.asarray(view.rotation, np.float64)
    size, corner = (frame.full_width, frame.full_height), (frame.left, frame.top)

    def locate(top: int) -> None:
        band = slice(top, top + ROWS)
        texels(across, down[band], rotation, size, corner, columns[band], rows[band])

    run_bands(locate, list(range(0, view.height, ROWS)))
    return columns, rows


def render(
    frame: Frame,
    picture: np.ndarray,
    view: View,
    *,
    linear: bool = False,
    sixteen: bool = False,
    at: tuple[np.ndarray, np.ndarray] | None = None,
    where: np.ndarray | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Looks at a panorama.

    Args:
        frame: of the panorama.
        picture: HxW or HxWxC, uint8, uint16 or float32; its channels are sampled alike.
        view: what to look at.
        linear: bilinear sampling, which never overshoots: for masks.
        sixteen: give an integer picture as uint16, its whole range being 0..65535, instead of float32.
        at: of `positions`, if they are known.
        where: bool of the view's size, pixels that are wanted; others may be the nearest texel. None: all.
        out: of the result's type and shape, for it to be written to.

    Returns:
        float32 of the view's size and the picture's channels, in the picture's own units (or see `sixteen`). What a
        cropped panorama does not show repeats its border; see `seen`.
    """
    columns, rows = at or positions(frame, view)
    if out is None:
        out = np.empty((view.height, view.width, *picture.shape[2:]), np.uint16 if sixteen else np.float32)
    result = out
    scale = np.float32(65535 // np.iinfo(picture.dtype).max if sixteen else 1)

    def look(tile: Tile) -> None:
        wanted = None if where is None else where[tile.slices]
        part, x, y = _neighbourhood(frame, picture, columns[tile.slices], rows[tile.slices])
        samples = _sample(part, x, y, linear, wanted)
        if sixteen:
            np.multiply(samples, scale, out=samples)
            np.rint(np.clip(samples, 0, 65535, out=samples), out=samples)
        result[tile.slices] = samples

    run_bands(look, _tiles(view))
    return result


def marked(
    frame: Frame, marks: np.ndarray, view: View, at: tuple[np.ndarray, np.ndarray] | None = None
) -> np.ndarray:
    """Where a view shows marks: those of which a bilinear sample would take anything.

    Args:
        frame: of the panorama.
        marks: uint8 HxWxC, 0 where there are none.
        view: what to look at.
        at: of `positions`, if they are known.

    Returns:
        bool of the view's size and C channels.
    """
    from panorama.rays import touched

    columns, rows = at or positions(frame, view)
    out = np.zeros((view.height, view.width, marks.shape[2]), bool)

    def look(tile: Tile) -> None:
        part, x, y = _neighbourhood(frame, marks, columns[tile.slices], rows[tile.slices])
        if part.any():  # there are none in most tiles
            touched(part, x, y, out[tile.slices])

    run_bands(look, _tiles(view))
    return out


def seen(frame: Frame, view: View, at: tuple[np.ndarray, np.ndarray] | None = None) -> np.ndarray:
    """Bool, of the view's size: which pixels the panorama shows (all of a full one)."""
    if frame.wraps and frame.has_zenith and frame.has_nadir:
        return np.ones((view.height, view.width), bool)
    columns, rows = at or positions(frame, view)
    inside = (rows >= -0.5) & (rows <= frame.height - 0.5)
    if not frame.wraps:
        columns = _unwrapped(frame, columns)
        inside &= (columns >= -0.5) & (columns <= frame.width - 0.5)
    return inside


def reduced(frame: Frame, picture: np.ndarray, columns: int) -> tuple[Frame, np.ndarray]:
    """A panorama scaled down, by area means, to at most so many columns of the full sphere."""
    small = frame.scaled(columns)
    if small == frame:
        return frame, picture
    return small, cv2.resize(picture, (small.width, small.height), interpolation=cv2.INTER_AREA)


def unproject(
    frame: Frame,
    region: Region,
    view: View,
    picture: np.ndarray,
    *,
    linear: bool = False,
    where: np.ndarray | None = None,
) -> np.ndarray:
    """The texels of a region as a view shows them.

    Where the view has more pixels than the panorama (its edges), four samples of each texel are averaged.

    Args:
        frame: of the panorama.
        region: texels wanted; those outside the view come back as its border or 0.
        view: that was worked on.
        picture: of the view's size, HxW or HxWxC.
        linear: one bilinear sample of each texel.
        where: bool of the region's shape, texels that are wanted; others may be the nearest pixel. None: all.

    Returns:
        float32 of the region's shape and the picture's channels.
    """
    columns, rows = view._pixels_of(frame, region, (0.0, 0.0))
    out = _sample(picture, columns, rows, linear, where)
    share = None if linear else _minified(columns, rows)
    if share is None:
        return out
    dense = share > 0 if where is None else (share > 0) & where
    four = [
        sampled(picture, *(side[dense] for side in view._pixels_of(frame, region, (x, y))))
        for x in (-0.25, 0.25)
        for y in (-0.25, 0.25)
    ]
    mean = np.mean(four, axis=0, dtype=np.float32)
    out[dense] += share[dense].reshape(-1, *(1,) * (out.ndim - 2)) * (mean - out[dense])
    return out


class Tile(NamedTuple):
    """A rectangle of a view: left and top, width and height."""

    corner: tuple[int, int]
    size: tuple[int, int]

    @property
    def slices(self) -> tuple[slice, slice]:
        """Of an array of the view's size."""
        (left, top), (width, height) = self
        return slice(top, top + height), slice(left, left + width)


def _tiles(view: View) -> list[Tile]:
    """The tiles of a view."""
    return [
        Tile((left, top), (min(TILE, view.width - left), min(TILE, view.height - top)))
        for top in range(0, view.height, TILE)
        for left in range(0, view.width, TILE)
    ]


def _unwrapped(frame: Frame, columns: np.ndarray) -> np.ndarray:
    """Columns moved by whole turns so that they lie near the picture's middle."""
    return (columns - frame.width / 2 + frame.full_width / 2) % frame.full_width + (
        frame.width / 2 - frame.full_width / 2
    )


def _neighbourhood(
    frame: Frame, picture: np.ndarray, columns: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The texels that positions need, and the positions inside it."""
    if frame.wraps:
        if columns.max() - columns.min() >= frame.width / 2:  # across the seam, or round a pole
            middle = columns[columns.shape[0] // 2, columns.shape[1] // 2]
            columns = columns - frame.width * np.rint((columns - middle) / np.float32(frame.width))
    else:
        columns = np.clip(_unwrapped(frame, columns), 0, frame.width - 1)
    left, right = math.floor(columns.min()) - PAD, math.ceil(columns.max()) + PAD + 1
    top, bottom = math.floor(rows.min()) - PAD, math.ceil(rows.max()) + PAD + 1
    part = _cut(frame, picture, Region(left, top, right, bottom))
    return part, columns - left, rows - top


def _cut(frame: Frame, picture: np.ndarray, region: Region) -> np.ndarray:
    """Texels of a region that may reach beyond the picture: round, over a pole to the other side, or repeated."""
    inner = region._replace(top=max(region.top, 0), bottom=min(region.bottom, frame.height))
    if frame.wraps:
        part = frame.cut(picture, inner)
    else:
        columns = np.clip(np.arange(region.left, region.right), 0, frame.width - 1)
        part = np.take(picture[inner.top : inner.bottom], columns, axis=1)
    above, below = inner.top - region.top, region.bottom - inner.bottom
    if above == below == 0:
        return part
    caps = (
        _beyond(frame, picture, region, np.arange(above)[::-1], 0, frame.has_zenith),
        _beyond(frame, picture, region, frame.height - 1 - np.arange(below), -1, frame.has_nadir),
    )
    return np.concatenate([caps[0], part, caps[1]])


def _beyond(
    frame: Frame, picture: np.ndarray, region: Region, rows: np.ndarray, edge: int, pole: bool
) -> np.ndarray:
    """What lies beyond the first or last row: `rows` on the other side of the pole, or the edge again."""
    columns = np.arange(region.left, region.right)
    if not frame.wraps:
        columns = np.clip(columns, 0, frame.width - 1)
    else:
        columns = (columns + (frame.width // 2 if pole else 0)) % frame.width
    rows = np.clip(rows, 0, frame.height - 1) if pole else np.full(len(rows), edge)
    return picture[rows[:, None], columns[None, :]]


def _sample(
    picture: np.ndarray, columns: np.ndarray, rows: np.ndarray, linear: bool, where: np.ndarray | None
) -> np.ndarray:
    """Picture at fractional positions, float32; its border is repeated."""
    if not linear:
        return sampled(picture, columns, rows, where)
    whole, x, y = (side.astype(np.float32, copy=False) for side in (picture, columns, rows))
    out = cv2.remap(whole, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return out.reshape(*columns.shape, *picture.shape[2:])


def _minified(columns: np.ndarray, rows: np.ndarray) -> np.ndarray | None:
    """Weight in [0, 1] of the averaged sample: by view pixels per texel, from the steps between neighbours; None: 0."""
    if min(columns.shape) < 2:
        return None
    squares = (
        np.square(np.gradient(columns, axis=axis)) + np.square(np.gradient(rows, axis=axis))
        for axis in (0, 1)
    )
    steps = np.maximum(*squares)
    if steps.max() <= MINIFIED**2:
        return None
    return np.clip((np.sqrt(steps) - MINIFIED) / (HALVED - MINIFIED), 0, 1).astype(np.float32)


def warm_up() -> None:
    """Compiles every kernel of views (and fills numba's cache) on a tiny panorama; called at installation."""
    from panorama.layout import Layout, Wall

    frame, view = Frame.full(64, 32), View.square(0.0, -0.5, 1.2, 32)
    picture = np.random.default_rng(0).integers(0, 256, (32, 64, 3), np.uint8)
    where = np.ones((32, 32), bool)
    found = render(frame, picture, view, sixteen=True, where=where)
    marked(frame, np.ones((32, 64, 2), np.uint8), view)
    unproject(frame, Region(16, 8, 48, 24), view, found, where=np.ones((16, 32), bool))
    Layout((Wall(0.0, 0.0, 1.0),), 1.0, 1.0).shown(np.zeros(8), np.zeros(8), view.rotation)
