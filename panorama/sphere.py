"""The equirectangular grid: which texel looks where, and distances on the sphere.

Texel (u, v) is centred at (u + 0.5, v + 0.5); the full panorama of W x H texels spans yaw -pi..pi and pitch
pi/2..-pi/2, so that column 0 and column W - 1 are neighbours and every texel of the first (last) row touches
the zenith (nadir). A cropped panorama is a rectangle of the full one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

TINY = 1e-300
"""Stands for 0 below a fraction."""


class Region(NamedTuple):
    """Rows top..bottom-1 and columns left..right-1 of a panorama; columns beyond the width go round."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.bottom - self.top, self.right - self.left


@dataclass(frozen=True)
class Frame:
    """Where the pixels of an equirectangular picture lie on the sphere.

    Attributes:
        width: columns of the picture.
        height: rows of the picture.
        full_width: columns of the full sphere at the same scale.
        full_height: rows of the full sphere.
        left: column of the full sphere where the picture begins.
        top: row of the full sphere where the picture begins.
    """

    width: int
    height: int
    full_width: int
    full_height: int
    left: int = 0
    top: int = 0

    @classmethod
    def full(cls, width: int, height: int) -> Frame:
        """The frame of a picture that shows the whole sphere."""
        return cls(width, height, width, height)

    def scaled(self, columns: int) -> Frame:
        """The frame at a scale where the full sphere has at most so many columns, to whole pixels."""
        scale = min(1.0, columns / self.full_width)
        if scale == 1:
            return self
        width, height = max(round(self.width * scale), 1), max(round(self.height * scale), 1)
        whole = self.has_zenith and self.has_nadir
        wide = width if self.wraps else max(round(self.full_width * scale), width)
        high = height if whole else max(round(self.full_height * scale), height)
        left = min(round(self.left * scale), wide - width)
        top = high - height if self.has_nadir else min(round(self.top * scale), high - height)
        return Frame(width, height, wide, high, left, top)

    @property
    def wraps(self) -> bool:
        """Whether the first and the last column are neighbours."""
        return self.width == self.full_width

    @property
    def has_zenith(self) -> bool:
        """Whether the first row touches the zenith."""
        return self.top == 0

    @property
    def has_nadir(self) -> bool:
        """Whether the last row touches the nadir."""
        return self.top + self.height == self.full_height

    @property
    def step(self) -> float:
        """Radians of a column, which is also the pixel of the horizon: the unit of growth."""
        return 2 * math.pi / self.full_width

    @property
    def row_step(self) -> float:
        """Radians of a row."""
        return math.pi / self.full_height

    def yaw(self, columns: np.ndarray | float) -> np.ndarray:
        """Yaw of the centres of columns (any shape, fractions allowed), float64."""
        return ((np.asarray(columns, np.float64) + 0.5 + self.left) / self.full_width - 0.5) * 2 * math.pi

    def pitch(self, rows: np.ndarray | float) -> np.ndarray:
        """Pitch of the centres of rows, float64."""
        return (0.5 - (np.asarray(rows, np.float64) + 0.5 + self.top) / self.full_height) * math.pi

    def texel(self, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Fractional column and row of directions.

        Args:
            directions: ...x3, of any length above 0.

        Returns:
            Two arrays of the leading shape; a column within half a turn of the middle of the full panorama
            (it may lie outside a cropped picture), whole numbers at texel centres.
        """
        return self.texel_at(*np.moveaxis(directions, -1, 0))

    def texel_at(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`texel` of directions given by their parts (float64)."""
        flat = np.sqrt(x * x + z * z)
        # half angles, and a plain arctan, which takes a third of the time of arctan2
        half = np.arctan(x / np.maximum(flat + np.abs(z), TINY))
        yaw = np.where(z < 0, np.copysign(math.pi, x) - 2 * half, 2 * half)
        pitch = np.arctan(y / np.maximum(flat, TINY))
        columns = (yaw / (2 * math.pi) + 0.5) * self.full_width - 0.5 - self.left
        rows = (0.5 - pitch / math.pi) * self.full_height - 0.5 - self.top
        return columns, rows

    def directions(self, columns: np.ndarray | float, rows: np.ndarray | float) -> np.ndarray:
        """Unit vectors (...x3 float64) of texel centres; the arguments broadcast."""
        yaw, pitch = np.broadcast_arrays(self.yaw(columns), self.pitch(rows))
        flat = np.cos(pitch)
        return np.stack([flat * np.sin(yaw), np.sin(pitch), flat * np.cos(yaw)], axis=-1)

    def runs(self, region: Region) -> Iterator[tuple[slice, slice]]:
        """The region's columns as slices of the picture, gone round where it wraps, each beside that of the region."""
        at = region.left
        while at < region.right:
            start = at % self.width if self.wraps else at
            count = min(region.right - at, self.width - start) if self.wraps else region.right - at
            yield slice(start, start + count), slice(at - region.left, at - region.left + count)
            at += count

    def cut(self, array: np.ndarray, region: Region) -> np.ndarray:
        """A copy of a region of a picture (HxW...)."""
        rows = array[region.top : region.bottom]
        return np.concatenate([rows[:, there] for there, _ in self.runs(region)], axis=1)

    def put(self, array: np.ndarray, region: Region, values: np.ndarray) -> None:
        """Writes a region of a picture in place; the region is no wider than the picture."""
        for there, here in self.runs(region):
            array[region.top : region.bottom, there] = values[:, here]

    def around(self, region: Region, reach: float) -> Region:
        """The region with everything within `reach` radians of it, inside the picture.

        On rows near a pole a distance spans many columns; where it spans the pole itself, all of them.
        """
        rows = math.ceil(reach / self.row_step) + 1
        top, bottom = max(region.top - rows, 0), min(region.bottom + rows, self.height)
        steepest = float(np.abs(self.pitch(np.array([top, bottom - 1]))).max())
        if steepest + reach + self.row_step >= math.pi / 2:
            columns = self.full_width
        else:
            columns = math.ceil(2 * math.asin(math.sin(reach / 2) / math.cos(steepest)) / self.step) + 1
        left, right = region.left - columns, region.right + columns
        if not self.wraps:
            left, right = max(left, 0), min(right, self.width)
        elif right - left >= self.width:
            left, right = 0, self.width
        return Region(left, top, right, bottom)

    def distance(self, marks: np.ndarray, region: Region, reach: float) -> np.ndarray:
        """Angular distance of every texel of a region to the nearest marked one.

        Exact on the sphere: in each row within reach only the nearest marked column counts, since the angle
        grows with the difference of yaw; the haversine formula gives the angle. Seam and poles need no rule
        of their own as long as the region spans all columns there (`around` sees to it).

        Args:
            marks: bool, of the region's shape.
            region: where `marks` lies.
            reach: radians; larger distances may be returned as infinite.

        Returns:
            float32 of the region's shape, radians between texel centres.
        """
        away = np.zeros(marks.shape, np.float32)
        partly = np.flatnonzero(~marks.all(axis=1))
        # A cap round a pole is mostly rows that are marked throughout: only its rim is worked on.
        if len(partly):
            rows = math.ceil(reach / self.row_step)
            top, bottom = max(int(partly[0]) - rows, 0), min(int(partly[-1]) + 1 + rows, len(marks))
            band = region._replace(top=region.top + top, bottom=region.top + bottom)
            away[top:bottom] = self._distance(marks[top:bottom], band, reach)
        return away

    def _distance(self, marks: np.ndarray, region: Region, reach: float) -> np.ndarray:
        """`distance` over every row of a region."""
        cyclic = self.wraps and region.right - region.left == self.width
        across = np.square(
            np.sin(np.minimum(_columns_away(marks, cyclic), self.full_width / 2) * (self.step / 2))
        )
        across = np.where(np.any(marks, axis=1, keepdims=True), across, np.inf).astype(np.float32)
        pitch = self.pitch(np.arange(region.top, region.bottom))
        flat = np.cos(pitch).astype(np.float32)
        best = np.full(marks.shape, np.inf, np.float32)
        rows = len(pitch)
        for offset in range(-min(math.ceil(reach / self.row_step), rows - 1), rows):
            if offset * self.row_step > reach:
                break
            here = slice(max(-offset, 0), min(rows - offset, rows))
            there = slice(here.start + offset, here.stop + offset)
            up = np.float32(math.sin(offset * self.row_step / 2) ** 2)
            np.minimum(best[here], across[there] * (flat[here] * flat[there])[:, None] + up, out=best[here])
        return 2 * np.arcsin(
            np.sqrt(np.minimum(best, 1)), where=np.isfinite(best), out=np.full_like(best, np.inf)
        )


def _columns_away(marks: np.ndarray, cyclic: bool) -> np.ndarray:
    """Columns to the nearest mark in the same row (int32; huge in rows without one)."""
    width = marks.shape[1]
    far = 4 * width
    index = np.arange(width, dtype=np.int32)
    before = np.maximum.accumulate(np.where(marks, index, np.int32(-far)), axis=1)
    after = np.minimum.accumulate(np.where(marks, index, np.int32(far))[:, ::-1], axis=1)[:, ::-1]
    if cyclic:
        before = np.maximum(before, before[:, -1:] - width)
        after = np.minimum(after, after[:, :1] + width)
    return np.minimum(index - before, after - index)


def turned(yaw: float, pitch: float) -> np.ndarray:
    """Rotation (3x3) whose rows are the right, up and ahead vectors of a camera turned to yaw and pitch."""
    sy, cy, sp, cp = math.sin(yaw), math.cos(yaw), math.sin(pitch), math.cos(pitch)
    return np.array([[cy, 0, -sy], [-sy * sp, cp, -cy * sp], [sy * cp, sp, cy * cp]])


def angles(direction: np.ndarray) -> tuple[float, float]:
    """Yaw and pitch in radians of one direction."""
    x, y, z = (float(value) for value in direction)
    return math.atan2(x, z), math.atan2(y, math.hypot(x, z))


def cap(directions: np.ndarray) -> tuple[np.ndarray, float]:
    """A small cap round directions: centre (unit vector) and radius in radians.

    The centre of the smallest ball round the points (Badoiu & Clarkson, "Smaller core-sets for balls",
    SODA 2003) is that of the smallest cap while this is below a right angle.

    Args:
        directions: Nx3 unit vectors, N at least 1.
    """
    centre = np.asarray(directions.mean(axis=0))
    for count in range(1, 65):
        away = np.square(directions - centre).sum(axis=1)
        centre = centre + (directions[int(away.argmax())] - centre) / (count + 1)
    length = float(np.linalg.norm(centre))
    if length < 1e-6:  # points all over the sphere: any centre is as good
        return np.array([0.0, 0.0, 1.0]), math.pi
    centre = centre / length
    nearest = float((directions @ centre).min())
    return centre, math.acos(min(max(nearest, -1.0), 1.0))
